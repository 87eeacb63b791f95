//! What is seen of the bindings of one role of one resource.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use kube::Resource;

use crate::api::Assignment;
use crate::api::access_package::PackageRole;
use crate::api::assignment::GrantObject;
use crate::api::condition;
use crate::api::condition::shared::MASS_REVOCATION_HELD;
use crate::api::labels::CONFIRM_MASS_REVOCATION;
use crate::api::subject::Subject;
use crate::domain::catalog::RBAC;
use crate::domain::resource::{Cluster, Grantable, Scope, Standing, Target, grantable};
use crate::domain::{Key, holdings};
use crate::grants::decide::GrantInput;
use crate::grants::plan::Observed;
use crate::grants::{GrantKey, name};
use crate::observe::store::IndexKey;
use crate::observe::stores::Stores;

impl Stores {
    /// For [`crate::grants::decide`].
    pub fn grant_input(&self, key: &GrantKey, now: DateTime<Utc>) -> GrantInput {
        let role = PackageRole { resource: key.resource.clone(), role: key.role.clone() };
        let resource = Key::new(&key.namespace, &key.resource);
        let packages =
            self.packages.find(&IndexKey::Resource(resource.clone())).filter(|p| p.spec.resource_roles.contains(&role));
        let (mut wanted, mut next_end, mut overdue) = (BTreeSet::new(), None, Vec::new());
        for assignment in packages.flat_map(|p| self.assignments.find(&IndexKey::Package(Key::of(&**p)))) {
            if holdings::gives(assignment, now) {
                wanted.insert(assignment.spec.subject.clone());
                next_end = [next_end, assignment.end()].into_iter().flatten().min();
            } else if assignment.phase().is_granting() {
                overdue.extend(assignment.end().filter(|end| *end <= now));
            }
        }
        let grantable = grantable(&role, self.offer(&resource));
        let observed: Vec<Arc<Observed>> = self.members.all(key).cloned().collect();
        let places = self.places(&grantable, &observed);
        let uid = |target: &Target| {
            let name = target.scope.namespace()?;
            Some((name.to_owned(), self.namespace_uid(name)?))
        };
        let namespace_uids = places.keys().filter_map(uid).collect();
        let scopes = grantable.targets().into_iter().map(|target| target.scope).collect();
        let present = self.members.subjects(key);
        let losers = self.losers(key, &wanted, &places, &observed, now);
        let open = places.values().any(|standing| *standing == Standing::Open);
        let drifted = if open { self.drifted(key, &wanted, &observed, now) } else { Vec::new() };
        let status = self.resources.get(&resource).and_then(|r| r.status.as_ref());
        let held = status.is_some_and(|s| condition::holds(&s.conditions, MASS_REVOCATION_HELD));
        GrantInput { wanted, places, namespace_uids, scopes, observed, present, losers, held, next_end, overdue, drifted }
    }

    /// How a role stands wherever it should be, and wherever it is.
    fn places(&self, grantable: &Grantable<'_>, observed: &[Arc<Observed>]) -> BTreeMap<Target, Standing> {
        let found = observed.iter().map(|binding| binding.target.clone());
        let all: BTreeSet<Target> = grantable.targets().into_iter().chain(found).collect();
        all.into_iter().map(|target| (target.clone(), grantable.in_place(&target, self))).collect()
    }

    fn losers(
        &self,
        key: &GrantKey,
        wanted: &BTreeSet<Subject>,
        places: &BTreeMap<Target, Standing>,
        observed: &[Arc<Observed>],
        now: DateTime<Utc>,
    ) -> BTreeMap<Subject, Key> {
        let resource = self.resources.get(&Key::new(&key.namespace, &key.resource));
        if resource.is_some_and(|r| confirmed(&**r)) {
            return BTreeMap::new();
        }
        let mut losers = BTreeMap::new();
        for binding in observed {
            let stray = matches!(places.get(&binding.target), Some(Standing::Leaving) | None);
            if matches!(places.get(&binding.target), Some(Standing::Void(_))) {
                continue; // what is made anew is nobody's edit
            }
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
        let package = holdings::package_of(self.assignments.find(&IndexKey::Subject(subject.clone())).find(gave)?);
        let sure = self.packages.get(&package).is_some_and(|p| confirmed(&**p));
        (!sure).then_some(package)
    }
}

/// Whether somebody confirmed the mass revocation that the present generation of an object brings.
fn confirmed<K: Resource>(object: &K) -> bool {
    let annotation = object.meta().annotations.as_ref().and_then(|a| a.get(CONFIRM_MASS_REVOCATION));
    annotation.is_some_and(|text| text.parse().ok() == object.meta().generation)
}

/// A binding as a status names it.
pub fn object(observed: &Observed) -> GrantObject {
    let (kind, namespace) = match &observed.target.scope {
        Scope::Cluster => ("ClusterRoleBinding", None),
        Scope::Namespace(namespace) => ("RoleBinding", Some(namespace.clone())),
    };
    GrantObject { api_version: format!("{RBAC}/v1"), kind: kind.to_owned(), namespace, name: observed.name.clone() }
}
