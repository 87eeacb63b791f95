//! Gathers from the caches what a machine has to see.

mod catalog;
mod drift;
mod grants;
mod separation;

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::access_package::PackageRole;
use crate::api::access_request::{APPROVED, RequestPhase};
use crate::api::catalog_resource::ResourceRole;
use crate::api::condition;
use crate::api::subject::{Identity, Subject};
use crate::api::time::created;
use crate::api::{AccessPackage, AccessRequest, Assignment, CatalogResource};
use crate::domain::assignment::{self, Origin, Role};
use crate::domain::content::{self, Content};
use crate::domain::eligibility::People;
use crate::domain::holdings::{self, Holdings, Rival};
use crate::domain::request::{Before, Bounds};
use crate::domain::resource::{Standing, Target, grantable};
use crate::domain::{Key, Trust, request};
use crate::grants::GrantKey;
use crate::grants::report::GrantReports;

use super::store::IndexKey;
use super::stores::Stores;
use super::triggers::Watched;

impl Stores {
    /// For [`request::decide`].
    pub fn request_input<'a>(
        &'a self,
        request: &'a AccessRequest,
        may_assign: bool,
        trust: &'a Trust,
        retention: TimeDelta,
        bounds: Bounds,
    ) -> request::Input<'a> {
        let key = Key::of(request);
        let package = holdings::package_of_request(request);
        let subject = request.subject();
        let people = request.spec.requestor.as_ref().zip(subject.clone()).map(|(requestor, subject)| People {
            requestor,
            subject,
            may_assign,
        });
        let identity = people.as_ref().and_then(People::identity);
        let holdings = subject.map(|s| self.holdings(&s, identity, &package, &key, None)).unwrap_or_default();
        let status = request.status.as_ref();
        let assignment =
            status.and_then(|s| s.assignment.as_ref()).and_then(|name| self.assignments.get(&Key::new(&key.namespace, name)));
        request::Input {
            request,
            catalog: self.catalog_of(&key.namespace),
            package: self.package(&package),
            policies: self.policies.find(&IndexKey::Package(package.clone())).map(|p| &**p).collect(),
            decisions: self.decisions.find(&IndexKey::Request(key)).map(|d| &**d).collect(),
            holdings,
            incompatible: self.incompatible(&package),
            content: self
                .packages
                .get(&package)
                .filter(|_| request.phase().is_undecided())
                .map(|p| self.content(p))
                .unwrap_or_default(),
            may_assign,
            trust,
            assignment: assignment.map(|a| &**a),
            retention,
            before: self.made_before(request, bounds),
            bounds,
        }
    }

    /// What the requestor of a Submitted request asked for before; counting stops at the bounds.
    fn made_before(&self, request: &AccessRequest, bounds: Bounds) -> Before {
        let who = request.spec.requestor.as_ref().filter(|_| request.phase() == RequestPhase::Submitted);
        let Some(who) = who else { return Before::default() };
        let age = |r: &AccessRequest| (created(r), r.metadata.uid.clone());
        let (own, since) = (age(request), created(request) - TimeDelta::days(1));
        // Of one second it is not known which came first: what is judged already did.
        let is_judged = |r: &AccessRequest| r.phase() != RequestPhase::Submitted || self.is_assumed::<AccessRequest>(&Key::of(r));
        let mut before = Before::default();
        for other in self.requests.find(&IndexKey::Requestor(who.username.clone())).filter(|r| is_judged(r) || age(r) < own) {
            before.open += usize::from(!other.phase().is_terminal());
            before.recent += usize::from(created(&**other) > since);
            if before.open >= bounds.open || before.recent >= bounds.recent {
                break;
            }
        }
        before
    }

    /// The roles of a package, as approvers are asked about them.
    fn content(&self, package: &AccessPackage) -> Content {
        let namespace = package.metadata.namespace.clone().unwrap_or_default();
        content::of(package, |name| self.offer(&Key::new(&namespace, name)))
    }

    /// What a subject holds and asks for, apart from one request and one assignment.
    fn holdings<'a>(
        &'a self,
        subject: &Subject,
        identity: Option<&Identity>,
        package: &Key,
        request: &Key,
        assignment: Option<&Key>,
    ) -> Holdings<'a> {
        let own = IndexKey::Subject(subject.clone());
        let rivals = self.requests.find(&own).filter(|r| !r.phase().is_terminal() && Key::of(&***r) != *request);
        let others = self.assignments.find(&own).filter(|a| Some(&Key::of(&***a)) != assignment && !a.phase().is_terminal());
        let groups = identity.into_iter().flat_map(|who| &who.groups);
        let others: Vec<&Assignment> = others.map(|a| &**a).collect();
        Holdings {
            package: package.clone(),
            assumed: self.assumed.iter().filter(|(kind, _)| *kind == Assignment::NAME).map(|(_, key)| key.clone()).collect(),
            in_person: others.iter().filter(|a| self.is_in_person(a)).map(|a| Key::of(*a)).collect(),
            assignments: others,
            rivals: rivals.map(|r| Rival { request: r, assumed: self.is_assumed::<AccessRequest>(&Key::of(&**r)) }).collect(),
            of_groups: groups.flat_map(|g| self.assignments.find(&IndexKey::Subject(Subject::group(g)))).map(|a| &**a).collect(),
        }
    }

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
        let namespace = assignment.metadata.namespace.clone().unwrap_or_default();
        let subject = &assignment.spec.subject;
        let key = GrantKey::new(namespace, &role.resource, &role.role);
        let grantable = grantable(role, self.offer(&Key::new(&key.namespace, &key.resource)));
        let here = self.members.of(&key, subject);
        let is_here = |target: &Target| here.iter().any(|binding| binding.target == *target);
        let refused = reports.failure(&key).map(str::to_owned);
        let mut problem = grantable.problem(role).or_else(|| reports.failure_told(&key, assignment));
        let mut missing_in = usize::from(problem.is_some() && here.is_empty());
        for target in grantable.targets().iter().filter(|target| !is_here(target)) {
            // Whoever has the role as it was before an edit that is not judged yet, or not authorised, keeps that.
            missing_in += 1;
            if let Standing::Held(why) | Standing::Void(why) = grantable.in_place(target, self)
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
        let present = here.iter().map(|o| grants::object(o)).collect();
        Role { resource: key.resource, role: key.role, wanted, present, missing: missing_in, problem, refused, shared }
    }

    /// Packages that use a resource, and bindings that carry its grants.
    pub fn resource_users(&self, resource: &CatalogResource) -> (usize, usize) {
        let key = Key::of(resource);
        let carry = |role: &ResourceRole| self.members.all(&GrantKey::new(&key.namespace, &key.name, &role.name)).count();
        (self.packages.find(&IndexKey::Resource(key.clone())).count(), resource.spec.roles.iter().map(carry).sum())
    }

    /// Pending requests and live assignments of a package.
    pub fn package_counts(&self, package: &Key) -> (usize, usize) {
        let index_key = IndexKey::Package(package.clone());
        let pending = self.requests.find(&index_key).filter(|r| !r.phase().is_terminal()).count();
        let live = |a: &&Arc<Assignment>| {
            let phase = a.phase();
            !phase.is_terminal()
                && a.status.as_ref().is_some_and(|s| condition::holds(&s.conditions, crate::api::assignment::ACCEPTED))
        };
        (pending, self.assignments.find(&index_key).filter(live).count())
    }
}
