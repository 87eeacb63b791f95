//! What is seen of one role of one resource: who should have it, and in a target system, who does.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use kube::Resource;

use crate::api::Assignment;
use crate::api::access_package::PackageRole;
use crate::api::condition;
use crate::api::condition::shared::MASS_REVOCATION_HELD;
use crate::api::labels::CONFIRM_MASS_REVOCATION;
use crate::api::subject::Subject;
use crate::domain::grant::decide::Input;
use crate::domain::grant::drift::drift;
use crate::domain::grant::mass_revocation::losers;
use crate::domain::grant::{Carrier, GrantKey};
use crate::domain::resource::{Standing, grantable};
use crate::domain::{Key, holdings};
use crate::observe::Stores;
use crate::observe::store::IndexKey;
use crate::targets::TargetSystem;

/// Who should have a grant, wherever it is given.
#[derive(Default)]
pub struct Demand {
    /// Whom a live assignment gives it.
    pub wanted: BTreeSet<Subject>,
    /// The next instant at which somebody's access ends.
    pub next_end: Option<DateTime<Utc>>,
    /// Ends of assignments whose access is being taken away now.
    pub overdue: Vec<DateTime<Utc>>,
}

impl Stores {
    /// Who should have a grant.
    pub fn demand(&self, key: &GrantKey, now: DateTime<Utc>) -> Demand {
        let role = PackageRole { resource: key.resource.clone(), role: key.role.clone() };
        let resource = Key::new(&key.namespace, &key.resource);
        let packages = self.packages.find(&IndexKey::Resource(resource)).filter(|p| p.spec.resource_roles.contains(&role));
        let mut demand = Demand::default();
        for assignment in packages.flat_map(|p| self.assignments.find(&IndexKey::Package(Key::of(&**p)))) {
            if holdings::gives(assignment, now) {
                demand.wanted.insert(assignment.spec.subject.clone());
                demand.next_end = [demand.next_end, assignment.end()].into_iter().flatten().min();
            } else if assignment.phase().is_granting() {
                demand.overdue.extend(assignment.end().filter(|end| *end <= now));
            }
        }
        demand
    }

    /// For [`crate::domain::grant::decide`], in one target system; with what was seen there.
    pub fn grant_input<S: TargetSystem>(&self, key: &GrantKey, now: DateTime<Utc>) -> (Input<S::Place>, S::Observed) {
        let role = PackageRole { resource: key.resource.clone(), role: key.role.clone() };
        let resource = Key::new(&key.namespace, &key.resource);
        let grantable = grantable(&role, self.offer(&resource));
        let offered: Vec<S::Place> = grantable.places().into_iter().filter_map(S::own).collect();
        let observed = S::observe(self, key, &offered);
        let carriers = S::carriers(key, &observed);
        // Wherever it should be, and wherever it is.
        let all: BTreeSet<&S::Place> = offered.iter().chain(carriers.iter().map(|carrier| carrier.place)).collect();
        let standing = |place: &S::Place| grantable.in_place(place.clone(), self);
        let places: BTreeMap<S::Place, Standing> = all.into_iter().map(|place| (place.clone(), standing(place))).collect();
        let Demand { wanted, next_end, overdue } = self.demand(key, now);
        let is_confirmed = self.resources.get(&resource).is_some_and(|r| confirmed(&**r));
        let giver = |subject: &Subject| self.giver(key, subject, now).filter(|_| !is_confirmed);
        let assignments = |subject: &Subject| -> Vec<&Assignment> {
            self.assignments.find(&IndexKey::Subject(subject.clone())).map(|a| &**a).collect()
        };
        let open = places.values().any(|standing| *standing == Standing::Open);
        let drifted = if open { drift(key, &wanted, &carriers, assignments, now) } else { Vec::new() };
        let status = self.resources.get(&resource).and_then(|r| r.status.as_ref());
        let input = Input {
            losers: losers(&wanted, &places, &carriers, giver),
            own: carriers.iter().filter(|carrier| carrier.genuine).map(|carrier| carrier.place.clone()).collect(),
            is_offered: !offered.is_empty(),
            present: members(&carriers),
            held: status.is_some_and(|s| condition::holds(&s.conditions, MASS_REVOCATION_HELD)),
            wanted,
            places,
            next_end,
            overdue,
            drifted,
        };
        (input, observed)
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

/// How many subjects have a grant, wherever.
fn members<P>(carriers: &[Carrier<'_, P>]) -> usize {
    carriers.iter().flat_map(|carrier| carrier.members.iter().flatten()).collect::<HashSet<_>>().len()
}
