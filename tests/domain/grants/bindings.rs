//! The bindings of one role as the API server has them, and who should be in them: by chance.

use std::collections::{BTreeMap, BTreeSet};

use entitlement_operator::api::Subject;
use entitlement_operator::api::catalog_resource::{RoleKind, RoleRef};
use entitlement_operator::domain::grant::GrantKey;
use entitlement_operator::domain::grant::diff::{Access, Allowed};
use entitlement_operator::domain::resource::{Scope, Target};
use entitlement_operator::targets::rbac::plan::{Observed, Write, plan};
use proptest::prelude::*;

use crate::builders::{group, user};

pub fn key() -> GrantKey {
    GrantKey { namespace: "catalog-payments".to_owned(), resource: "prod".to_owned(), role: "viewer".to_owned() }
}

/// One of four places; the last two bind another role, or in the whole cluster.
pub fn place(number: usize) -> Target {
    let role = |name: &str| RoleRef { kind: RoleKind::ClusterRole, name: name.to_owned() };
    match number {
        0 | 1 => Target { scope: Scope::Namespace(format!("payments-{number}")), role: role("view") },
        2 => Target { scope: Scope::Namespace("payments-0".to_owned()), role: role("edit") },
        _ => Target { scope: Scope::Cluster, role: role("view") },
    }
}

pub fn person(number: u16) -> Subject {
    if number.is_multiple_of(7) { group(&format!("group-{number:04}")) } else { user(&format!("user-{number:04}")) }
}

pub fn people(numbers: impl IntoIterator<Item = u16>) -> BTreeSet<Subject> {
    numbers.into_iter().map(person).collect()
}

pub fn bound(target: Target, name: &str, subjects: impl IntoIterator<Item = Subject>) -> Observed {
    Observed { target, name: name.to_owned(), subjects: subjects.into_iter().map(Some).collect(), labelled: true, closing: false }
}

/// The bindings as the API server has them.
pub type Bindings = BTreeMap<(Target, String), Observed>;

pub fn store(observed: &[Observed]) -> Bindings {
    observed.iter().map(|o| ((o.target.clone(), o.name.clone()), o.clone())).collect()
}

/// One write, as the API server would take it: a create of what exists and a replace of what does not are refused.
pub fn apply(bindings: &mut Bindings, write: &Write) {
    match write {
        Write::Put { target, name, subjects, exists, .. } => {
            let put = bound(target.clone(), name, subjects.iter().cloned());
            let before = bindings.insert((target.clone(), name.clone()), put);
            assert_eq!(before.is_some(), *exists, "{name}");
        }
        Write::Delete { target, name } => {
            assert!(bindings.remove(&(target.clone(), name.clone())).is_some(), "{name}");
        }
    }
}

pub fn has(bindings: &Bindings, target: &Target) -> BTreeSet<Subject> {
    bindings.values().filter(|b| b.target == *target).flat_map(|b| b.subjects.iter().flatten().cloned()).collect()
}

pub fn target_of(write: &Write) -> &Target {
    let (Write::Put { target, .. } | Write::Delete { target, .. }) = write;
    target
}

#[derive(Clone, Debug)]
pub struct Case {
    pub wanted: BTreeSet<Subject>,
    pub places: BTreeMap<Target, Access>,
    pub observed: Vec<Observed>,
}

impl Case {
    /// What may be done, while these are kept where they are.
    pub fn allowed(&self, kept: BTreeSet<Subject>) -> Allowed<Target, Subject> {
        Allowed { places: self.places.clone(), kept }
    }

    pub fn writes(&self) -> Vec<Write> {
        plan(&key(), &self.wanted, &self.allowed(BTreeSet::new()), &self.observed)
    }

    pub fn after(&self) -> Bindings {
        let mut bindings = store(&self.observed);
        self.writes().iter().for_each(|write| apply(&mut bindings, write));
        bindings
    }
}

pub fn binding() -> impl Strategy<Value = Observed> {
    let subject = prop_oneof![20 => (0..30_u16).prop_map(|n| Some(person(n))), 1 => Just(None)];
    (0..4_usize, 0..3_usize, proptest::collection::vec(subject, 0..12), proptest::bool::weighted(0.9)).prop_map(
        |(target, name, subjects, labelled)| Observed {
            target: place(target),
            name: format!("binding-{name}"),
            subjects,
            labelled,
            closing: false,
        },
    )
}

pub fn places() -> impl Strategy<Value = BTreeMap<Target, Access>> {
    let how = prop_oneof![5 => Just(Access::Open), 2 => Just(Access::Closed), 1 => Just(Access::Void)];
    proptest::collection::btree_map((0..4_usize).prop_map(place), how, 0..4)
}

pub fn case() -> impl Strategy<Value = Case> {
    let observed = proptest::collection::vec(binding(), 0..6).prop_map(|all| store(&all).into_values().collect());
    let wanted = proptest::collection::btree_set((0..30_u16).prop_map(person), 0..30);
    (wanted, places(), observed).prop_map(|(wanted, places, observed)| Case { wanted, places, observed })
}
