//! What is seen of the bindings of one role of one resource.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use kube::Resource;

use crate::api::Assignment;
use crate::api::access_package::PackageRole;
use crate::api::assignment::GrantObject;
use crate::api::condition;
use crate::api::labels::CONFIRM_REVOCATION;
use crate::api::subject::Subject;
use crate::domain::catalog::RBAC;
use crate::domain::readiness::REVOCATION_HELD;
use crate::domain::resource::{Cluster, Grantable, Scope, Target, grantable, missing};
use crate::domain::{Key, holdings};
use crate::grants::plan::Observed;
use crate::grants::{GrantKey, name};
use crate::observe::table::Term;
use crate::observe::world::World;

/// What a look at the bindings of a grant sees.
pub struct GrantSeen {
    /// Who should have it.
    pub wanted: BTreeSet<Subject>,
    /// Where it may be granted.
    pub grantable: Grantable,
    /// Places where nothing can be added now, and why.
    pub closed: BTreeMap<Target, String>,
    /// Bindings that are there.
    pub observed: Vec<Arc<Observed>>,
    /// How many subjects these have.
    pub present: usize,
    /// Those who hold a live assignment that gave them the role, and lose it, here or somewhere, because of an edit that nobody
    /// confirmed; with the package that gave it.
    pub losers: BTreeMap<Subject, Key>,
    /// The resource says that a mass revocation waits.
    pub held: bool,
    /// The next instant at which somebody's access ends.
    pub next_end: Option<DateTime<Utc>>,
}

impl World {
    /// For [`crate::grants::plan::plan`].
    pub fn grant_seen(&self, key: &GrantKey, now: DateTime<Utc>) -> GrantSeen {
        let role = PackageRole { resource: key.resource.clone(), role: key.role.clone() };
        let resource = Key::new(&key.namespace, &key.resource);
        let packages = self.packages.find(&Term::Resource(resource.clone())).filter(|p| p.spec.resource_roles.contains(&role));
        let (mut wanted, mut next_end) = (BTreeSet::new(), None);
        for package in packages {
            for assignment in self.assignments.find(&Term::Package(Key::of(&**package))).filter(|a| holdings::gives(a, now)) {
                wanted.insert(assignment.spec.subject.clone());
                next_end = [next_end, assignment.end()].into_iter().flatten().min();
            }
        }
        let grantable = grantable(&role, self.resources.get(&resource).map(|r| &**r));
        let targets = if let Grantable::In(targets) = &grantable { targets.clone() } else { Vec::new() };
        let observed: Vec<Arc<Observed>> = self.carriers.all(key).cloned().collect();
        let present = self.carriers.subjects(key);
        let losers = self.losers(key, &wanted, &targets, &observed, now);
        let closed = targets.into_iter().filter_map(|target| Some((target.clone(), self.closed(&target)?))).collect();
        let status = self.resources.get(&resource).and_then(|r| r.status.as_ref());
        let held = status.is_some_and(|s| condition::holds(&s.conditions, REVOCATION_HELD));
        GrantSeen { wanted, grantable, closed, observed, present, losers, held, next_end }
    }

    fn losers(
        &self,
        key: &GrantKey,
        wanted: &BTreeSet<Subject>,
        targets: &[Target],
        observed: &[Arc<Observed>],
        now: DateTime<Utc>,
    ) -> BTreeMap<Subject, Key> {
        let resource = self.resources.get(&Key::new(&key.namespace, &key.resource));
        if resource.is_some_and(|r| confirmed(&**r)) {
            return BTreeMap::new();
        }
        let mut losers = BTreeMap::new();
        for binding in observed {
            let stray = !targets.contains(&binding.target);
            if stray && !name::is_genuine(key, &binding.target, &binding.name) {
                continue; // drift, which nobody can confirm
            }
            for subject in binding.subjects.iter().flatten().filter(|s| stray || !wanted.contains(*s)) {
                losers.extend(self.giver(key, subject, now).map(|package| (subject.clone(), package)));
            }
        }
        losers
    }

    /// The package of a live assignment through which a subject got a role, unless its change is confirmed.
    fn giver(&self, key: &GrantKey, subject: &Subject, now: DateTime<Utc>) -> Option<Key> {
        let gave = |a: &&Arc<Assignment>| {
            let mut grants = a.status.iter().flat_map(|s| &s.grants);
            a.metadata.namespace.as_deref() == Some(key.namespace.as_str())
                && holdings::gives(a, now)
                && grants.any(|g| g.resource == key.resource && g.role == key.role)
        };
        let package = holdings::package_of(self.assignments.find(&Term::Subject(subject.clone())).find(gave)?);
        let sure = self.packages.get(&package).is_some_and(|p| confirmed(&**p));
        (!sure).then_some(package)
    }

    /// Why nothing can be added in a place, if nothing can.
    pub(super) fn closed(&self, target: &Target) -> Option<String> {
        match &target.scope {
            Scope::Namespace(name) if !self.namespace(name) => Some(format!("namespace {name:?} does not exist")),
            _ if !self.role(target) => Some(missing(target)),
            _ => None,
        }
    }
}

/// Whether somebody confirmed the mass revocation that the present generation of an object brings.
fn confirmed<K: Resource>(object: &K) -> bool {
    let annotation = object.meta().annotations.as_ref().and_then(|a| a.get(CONFIRM_REVOCATION));
    annotation.is_some_and(|text| text.parse().ok() == object.meta().generation)
}

/// A binding as a status names it.
pub(super) fn object(observed: &Observed) -> GrantObject {
    let (kind, namespace) = match &observed.target.scope {
        Scope::Cluster => ("ClusterRoleBinding", None),
        Scope::Namespace(namespace) => ("RoleBinding", Some(namespace.clone())),
    };
    GrantObject { api_version: format!("{RBAC}/v1"), kind: kind.to_owned(), namespace, name: observed.name.clone() }
}
