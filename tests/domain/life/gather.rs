//! What an object is reconciled from.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entitlement_operator::api::access_package::PackageRole;
use entitlement_operator::api::access_request::RequestPhase;
use entitlement_operator::api::assignment::Source;
use entitlement_operator::api::condition;
use entitlement_operator::api::{AccessPackage, AccessRequest, Assignment, Catalog, Identity, Subject};
use entitlement_operator::domain::assignment::{self, Origin, Role};
use entitlement_operator::domain::grant::GrantKey;
use entitlement_operator::domain::grant::diff::Access;
use entitlement_operator::domain::holdings::{self, Holdings, Rival, gives};
use entitlement_operator::domain::resource::{Grantable, Standing, Target, grantable};
use entitlement_operator::domain::separation::{Foe, foes};
use entitlement_operator::domain::{Key, content, request};

use crate::builders::RETENTION;

use super::operator::Thing;
use super::store::Store;

/// The one who holds the verb `assign` on every package.
pub const MANAGER: &str = "dave";

impl Store {
    fn catalog_of(&self, namespace: &str) -> Option<&Catalog> {
        self.catalogs.values().find(|c| c.namespace() == Some(namespace))
    }

    /// Packages that must not be held together with one, whichever of the two says so.
    pub fn incompatible(&self, package: &Key) -> Vec<Foe> {
        let names = |key: &Key, found: &AccessPackage| -> Vec<Key> {
            let references = found.spec.incompatible_with.iter().flat_map(|rule| &rule.access_packages);
            let namespace = |catalog: &Option<String>| match catalog {
                Some(catalog) => format!("catalog-{catalog}"),
                None => key.namespace.clone(),
            };
            references.map(|r| Key::new(namespace(&r.catalog), &r.name)).collect()
        };
        let own = self.packages.get(package).map(|found| names(package, found)).unwrap_or_default();
        let others = self.packages.iter().filter(|(key, found)| names(key, found).contains(package)).map(|(key, _)| key.clone());
        foes(own, others.map(|other| (other.clone(), other.namespace == package.namespace)))
    }

    fn holdings(&self, subject: &Subject, package: Key, assumed: Option<&Thing>) -> Holdings<'_> {
        let own = self.assignments.values().filter(|a| a.spec.subject == *subject && !a.phase().is_terminal());
        let asks = self.requests.iter().filter(|(_, r)| r.subject().as_ref() == Some(subject) && !r.phase().is_terminal());
        let is_assumed = |key: &Key| assumed.is_some_and(|thing| *thing == Thing::Request(key.clone()));
        let own: Vec<&Assignment> = own.collect();
        Holdings {
            package,
            in_person: own.iter().filter(|a| self.was_asked_for_oneself(a)).map(|a| Key::of(*a)).collect(),
            assignments: own,
            assumed: assumed.and_then(Thing::assignment).cloned().into_iter().collect(),
            rivals: asks.map(|(key, request)| Rival { request, assumed: is_assumed(key) }).collect(),
            of_groups: Vec::new(),
        }
    }

    /// What a request is reconciled from; something else may have been judged a moment ago.
    pub fn request_input<'a>(&'a self, key: &Key, request: &'a AccessRequest, assumed: Option<&Thing>) -> request::Input<'a> {
        let package = holdings::package_of_request(request);
        let mut held = request.subject().map(|s| self.holdings(&s, package.clone(), assumed)).unwrap_or_default();
        held.rivals.retain(|rival| Key::of(rival.request) != *key);
        let in_person = request.spec.requestor.as_ref().filter(|who| Some(who.subject()) == request.subject());
        let groups = |who: &Identity| who.groups.iter().map(Subject::group).collect::<BTreeSet<Subject>>();
        let groups = in_person.map(groups).unwrap_or_default();
        held.of_groups = self.assignments.values().filter(|a| groups.contains(&a.spec.subject)).collect();
        let named = request.status.as_ref().and_then(|s| s.assignment.as_ref());
        request::Input {
            trust: &self.trust,
            request,
            catalog: self.catalog_of(&key.namespace),
            package: self.packages.get(&package),
            policies: self.policies.values().filter(|p| policy_package(p) == package).collect(),
            decisions: self.decisions.values().filter(|d| asks_about(d, key)).collect(),
            holdings: held,
            incompatible: self.incompatible(&package),
            content: self
                .packages
                .get(&package)
                .map(|p| content::of(p, |name| self.offers.get(&Key::new(&key.namespace, name))))
                .unwrap_or_default(),
            may_assign: request.spec.requestor.as_ref().is_some_and(|who| who.username == MANAGER),
            assignment: named.and_then(|name| self.assignments.get(&Key::new(&key.namespace, name))),
            retention: RETENTION,
            before: request::Before::default(),
            bounds: crate::builders::BOUNDS,
        }
    }

    /// What an assignment is reconciled from; the cache may lag behind and not show its request.
    pub fn assignment_input<'a>(
        &'a self,
        key: &Key,
        assignment: &'a Assignment,
        now: DateTime<Utc>,
        lagging: bool,
        assumed: Option<&Thing>,
    ) -> assignment::Input<'a> {
        let package = holdings::package_of(assignment);
        let mut held = self.holdings(&assignment.spec.subject, package.clone(), assumed);
        held.assignments.retain(|a| Key::of(*a) != *key);
        let request = self.origin(key, assignment);
        held.rivals.retain(|rival| request.is_none_or(|own| Key::of(own) != Key::of(rival.request)));
        let from_request = assignment.spec.source == Some(Source::Request);
        assignment::Input {
            assignment,
            catalog: self.catalog_of(&key.namespace),
            package: self.packages.get(&package),
            policy: self.policies.get(&Key::new(&key.namespace, &assignment.spec.policy)),
            origin: match request {
                Some(request) if !lagging => Origin::Found(request),
                None if from_request && !lagging => Origin::Gone,
                _ => Origin::Unseen,
            },
            granted_ends: self.granted_ends(key),
            holdings: held,
            incompatible: self.incompatible(&package),
            roles: self.roles_of(key, assignment, now),
            trust: &self.trust,
            retention: RETENTION,
        }
    }

    /// The request that an assignment came from, when it still exists.
    pub fn origin(&self, key: &Key, assignment: &Assignment) -> Option<&AccessRequest> {
        let name = assignment.spec.access_request.as_deref()?;
        self.requests.get(&Key::new(&key.namespace, name)).filter(|r| r.metadata.uid == assignment.spec.access_request_uid)
    }

    fn granted_ends(&self, key: &Key) -> Vec<Option<DateTime<Utc>>> {
        let naming = self.requests.iter().filter(|(request, _)| request.namespace == key.namespace);
        let statuses = naming.filter_map(|(_, r)| r.status.as_ref()).filter(|s| s.assignment.as_deref() == Some(&key.name));
        let approved = statuses.filter(|s| condition::holds(&s.conditions, "Approved") && s.phase != RequestPhase::Cancelled);
        approved.filter_map(|s| s.schedule.as_ref().map(|period| period.end_time)).collect()
    }

    fn content(&self, package: &Key) -> Vec<PackageRole> {
        self.packages.get(package).map(|p| p.spec.resource_roles.clone()).unwrap_or_default()
    }

    fn roles_of(&self, key: &Key, assignment: &Assignment, now: DateTime<Utc>) -> Vec<Role> {
        let content = self.content(&holdings::package_of(assignment));
        let recorded = assignment.status.iter().flat_map(|s| &s.grants);
        let recorded = recorded.map(|g| PackageRole { resource: g.resource.clone(), role: g.role.clone() });
        let all: BTreeSet<PackageRole> = content.iter().cloned().chain(recorded).collect();
        all.into_iter().map(|role| self.role_of(key, assignment, &role, content.contains(&role), now)).collect()
    }

    fn role_of(&self, key: &Key, assignment: &Assignment, role: &PackageRole, wanted: bool, now: DateTime<Utc>) -> Role {
        let subject = &assignment.spec.subject;
        let grant = GrantKey { namespace: key.namespace.clone(), resource: role.resource.clone(), role: role.role.clone() };
        let carries =
            |b: &&entitlement_operator::targets::rbac::plan::Observed| b.subjects.iter().flatten().any(|s| s == subject);
        let observed = self.observed(&grant);
        let here: Vec<&Target> = observed.iter().filter(carries).map(|b| &b.target).collect();
        let grantable = self.grantable(&grant);
        let targets = grantable.targets();
        let missing: Vec<&Target> = targets.iter().filter(|t| !here.contains(t)).collect();
        let held = |target: &&Target| match grantable.in_place(*target, self) {
            Standing::Held(why) | Standing::Void(why) => Some(why).filter(|why| !why.is_empty()),
            Standing::Open | Standing::Leaving => None,
        };
        let unknown = grantable.problem(role);
        let nowhere = usize::from(unknown.is_some() && here.is_empty());
        let problem = unknown.or_else(|| missing.iter().find_map(held));
        let twin = |(other, a): (&Key, &Assignment)| {
            other != key
                && other.namespace == key.namespace
                && a.spec.subject == *subject
                && gives(a, now)
                && self.content(&holdings::package_of(a)).contains(role)
        };
        Role {
            resource: grant.resource,
            role: grant.role,
            wanted,
            present: here.iter().map(|_| Default::default()).collect(),
            missing: missing.len() + nowhere,
            problem,
            refused: None,
            shared: self.assignments.iter().any(twin),
        }
    }

    fn grantable(&self, grant: &GrantKey) -> Grantable<'_> {
        let role = PackageRole { resource: grant.resource.clone(), role: grant.role.clone() };
        grantable(&role, self.offers.get(&Key::new(&grant.namespace, &grant.resource)))
    }

    /// What may be done with a grant in each place.
    pub fn standings(&self, grant: &GrantKey) -> BTreeMap<Target, Access> {
        let grantable = self.grantable(grant);
        let found = self.observed(grant).into_iter().map(|binding| binding.target);
        let all: BTreeSet<Target> = grantable.targets().into_iter().chain(found).collect();
        let place = |target: Target| match grantable.in_place(&target, self) {
            Standing::Open => Some((target, Access::Open)),
            Standing::Held(_) => Some((target, Access::Closed)),
            Standing::Void(_) => Some((target, Access::Void)),
            Standing::Leaving => None,
        };
        all.into_iter().filter_map(place).collect()
    }

    /// Assignments whose package has a role.
    pub fn givers<'a>(&'a self, grant: &'a GrantKey) -> impl Iterator<Item = &'a Assignment> {
        let role = PackageRole { resource: grant.resource.clone(), role: grant.role.clone() };
        let has = move |a: &&Assignment| {
            a.metadata.namespace.as_deref() == Some(&grant.namespace) && self.content(&holdings::package_of(a)).contains(&role)
        };
        self.assignments.values().filter(has)
    }

    /// Who should have a grant, as the operator computes it.
    pub fn wanted(&self, grant: &GrantKey, now: DateTime<Utc>) -> BTreeSet<Subject> {
        self.givers(grant).filter(|a| gives(a, now)).map(|a| a.spec.subject.clone()).collect()
    }

    /// Pending requests and live assignments of a package.
    pub fn counts(&self, package: &Key) -> (usize, usize) {
        let pending =
            self.requests.values().filter(|r| holdings::package_of_request(r) == *package && !r.phase().is_terminal()).count();
        let accepted = |a: &&Assignment| a.status.as_ref().is_some_and(|s| condition::holds(&s.conditions, "Accepted"));
        let live = self.assignments.values().filter(|a| holdings::package_of(a) == *package && !a.phase().is_terminal());
        (pending, live.filter(accepted).count())
    }
}

fn policy_package(policy: &entitlement_operator::api::Policy) -> Key {
    Key::new(policy.metadata.namespace.clone().unwrap_or_default(), &policy.spec.access_package)
}

/// Whether a decision names a request.
pub fn asks_about(decision: &entitlement_operator::api::ApprovalDecision, request: &Key) -> bool {
    decision.metadata.namespace.as_deref() == Some(&request.namespace) && decision.spec.access_request == request.name
}
