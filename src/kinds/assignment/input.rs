//! What the rules see of an assignment.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::access_package::PackageRole;
use crate::api::access_request::{APPROVED, RequestPhase};
use crate::api::{Assignment, condition};
use crate::domain::assignment::{self, Origin, Role};
use crate::domain::grant::GrantKey;
use crate::domain::grant::report::GrantReports;
use crate::domain::meta::namespace;
use crate::domain::resource::{Place, Standing, grantable};
use crate::domain::{Key, Trust, holdings};
use crate::observe::Stores;
use crate::observe::store::IndexKey;
use crate::targets;

impl Stores {
    /// For [`assignment::decide`].
    pub fn assignment_input<'a>(
        &'a self,
        assignment: &'a Assignment,
        gone: bool,
        trust: &'a Trust,
        reports: &GrantReports,
        retention: TimeDelta,
        now: DateTime<Utc>,
    ) -> assignment::Input<'a> {
        let key = Key::of(assignment);
        let package = holdings::package_of(assignment);
        let spec = &assignment.spec;
        let request = Key::new(&key.namespace, spec.access_request.as_deref().unwrap_or_default());
        let found = self
            .requests
            .get(&request)
            .filter(|r| spec.access_request_uid.is_none() || r.metadata.uid == spec.access_request_uid);
        let origin = match found {
            Some(request) => Origin::Found(request),
            None if gone => Origin::Gone,
            None => Origin::Unseen,
        };
        let holdings = self.holdings(&spec.subject, None, &package, &request, Some(&key));
        assignment::Input {
            assignment,
            catalog: self.catalog_of(&key.namespace),
            package: self.package(&package),
            policy: self.policies.get(&Key::new(&key.namespace, &spec.policy)).map(|p| &**p),
            origin,
            granted_ends: self.granted_ends(&key),
            roles: self.roles_of(assignment, &package, reports, now),
            holdings,
            incompatible: self.incompatible(&package),
            trust,
            retention,
        }
    }

    /// Ends that approved requests granted to an assignment.
    fn granted_ends(&self, assignment: &Key) -> Vec<Option<DateTime<Utc>>> {
        let naming = self.requests.find(&IndexKey::Assignment(assignment.clone()));
        let approved = naming.filter_map(|r| r.status.as_ref()).filter(|s| condition::holds(&s.conditions, APPROVED));
        approved.filter(|s| s.phase != RequestPhase::Cancelled).filter_map(|s| s.schedule.as_ref().map(|p| p.end_time)).collect()
    }

    /// The roles of an assignment: those of its package, and those that its status still names.
    fn roles_of(&self, assignment: &Assignment, package: &Key, reports: &GrantReports, now: DateTime<Utc>) -> Vec<Role> {
        let content = self.packages.get(package).map(|p| p.spec.resource_roles.clone()).unwrap_or_default();
        let recorded = assignment.status.iter().flat_map(|s| &s.grants);
        let recorded = recorded.map(|g| PackageRole { resource: g.resource.clone(), role: g.role.clone() });
        let all: BTreeSet<PackageRole> = content.iter().cloned().chain(recorded).collect();
        all.into_iter().map(|role| self.role_of(assignment, &role, content.contains(&role), reports, now)).collect()
    }

    fn role_of(
        &self,
        assignment: &Assignment,
        role: &PackageRole,
        wanted: bool,
        reports: &GrantReports,
        now: DateTime<Utc>,
    ) -> Role {
        let subject = &assignment.spec.subject;
        let key = GrantKey::new(namespace(assignment), &role.resource, &role.role);
        let grantable = grantable(role, self.offer(&Key::new(&key.namespace, &key.resource)));
        let here = targets::found(self, &key, subject);
        let is_here = |place: &Place| here.iter().any(|(found, _)| found == place);
        let refused = reports.failure(&key).map(str::to_owned);
        let mut problem = grantable.problem(role).or_else(|| reports.failure_told(&key, assignment));
        let mut missing_in = usize::from(problem.is_some() && here.is_empty());
        for place in grantable.places().iter().filter(|place| !is_here(place)) {
            // Whoever has the role as it was before an edit that is not judged yet, or not authorised, keeps that.
            missing_in += 1;
            if let Standing::Held(why) | Standing::Void(why) = grantable.in_place(place, self)
                && !why.is_empty()
            {
                problem = problem.or(Some(why));
            }
        }
        let twin = |a: &&Arc<Assignment>| {
            Key::of(&***a) != Key::of(assignment)
                && holdings::gives(a, now)
                && a.metadata.namespace == assignment.metadata.namespace
        };
        let mut twins = self.assignments.find(&IndexKey::Subject(subject.clone())).filter(twin);
        let shared =
            twins.any(|a| self.packages.get(&holdings::package_of(a)).is_some_and(|p| p.spec.resource_roles.contains(role)));
        let present = here.into_iter().map(|(_, object)| object).collect();
        Role { resource: key.resource, role: key.role, wanted, present, missing: missing_in, problem, refused, shared }
    }
}
