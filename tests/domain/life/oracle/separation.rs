//! What excludes each other is not held together, nor asked for at the same time.

use entitlement_operator::api::access_request::{RequestPhase as R, RequestType};
use entitlement_operator::api::{AccessRequest, AccessRequestStatus, Assignment, Policy, Subject};
use entitlement_operator::domain::Key;
use entitlement_operator::domain::holdings::{package_of, package_of_request};
use entitlement_operator::domain::separation::Foe;

use super::is_held;
use crate::life::honest;
use crate::life::store::Store;

/// Requests of a subject that were accepted and have not ended.
pub(super) fn accepted<'a>(store: &'a Store, subject: &'a Subject) -> impl Iterator<Item = (&'a Key, &'a AccessRequest)> {
    let accepted = |r: &AccessRequest| r.phase() != R::Submitted && !r.phase().is_terminal();
    store.api.requests.iter().filter(move |(_, r)| accepted(r) && r.subject().as_ref() == Some(subject))
}

/// Whether a package must not be held beside others; `for_oneself`: its holder asked for it in person.
pub(super) fn bars(foes: &[Foe], package: &Key, for_oneself: bool) -> bool {
    foes.iter().any(|foe| foe.package == *package && (for_oneself || !foe.in_person))
}

pub(super) fn asks_for_oneself(request: &AccessRequest) -> bool {
    let (requestor, subject) = honest::parties(request);
    requestor == subject
}

impl Store {
    /// Whether the subject of an assignment asked for it in person.
    pub fn was_asked_for_oneself(&self, assignment: &Assignment) -> bool {
        self.origin(&Key::of(assignment), assignment).is_some_and(asks_for_oneself)
    }
}

/// No request that excludes this one was accepted before it, not even at the same moment.
pub(super) fn check_first(store: &Store, key: &Key, request: &AccessRequest) {
    let (package, subject, kind) = (package_of_request(request), request.subject().unwrap(), request.spec.kind);
    let foes = if kind == RequestType::Remove { Vec::new() } else { store.incompatible(&package) };
    for (other, rival) in accepted(store, &subject).filter(|(other, _)| *other != key) {
        assert!(rival.spec.kind != kind || package_of_request(rival) != package, "{key} asks for the same as {other}");
        let barred = rival.spec.kind == RequestType::Add && bars(&foes, &package_of_request(rival), asks_for_oneself(rival));
        assert!(!barred, "{key} is accepted beside {other}");
    }
}

/// Nobody switched off what a request stands on.
pub(super) fn check_offered(store: &Store, key: &Key, request: &AccessRequest, after: &AccessRequestStatus) {
    if request.spec.kind != RequestType::Remove {
        let pinned = after.policy.as_ref().map(|p| &p.uid);
        let disabled = |p: &&Policy| p.metadata.uid.as_ref() == pinned && !p.spec.enabled;
        assert!(!store.api.policies.values().any(|p| disabled(&p)), "its policy is disabled");
        assert!(
            store.api.catalogs.values().any(|c| c.namespace() == Some(&key.namespace) && c.spec.enabled),
            "its catalog is disabled"
        );
        assert!(store.api.packages.contains_key(&package_of_request(request)), "its package is gone");
    }
}

/// Nothing that excludes a request is held, or certain to be held, when it goes on.
pub(super) fn check_alone(store: &Store, key: &Key, request: &AccessRequest) {
    let (package, subject) = (package_of_request(request), request.subject().unwrap());
    let foes = store.incompatible(&package);
    let own = |a: &&Assignment| {
        a.spec.subject == subject && is_held(a, store.now) && store.origin(&Key::of(*a), a).is_none_or(|r| Key::of(r) != *key)
    };
    let held: Vec<&Assignment> = store.api.assignments.values().filter(own).collect();
    if request.spec.kind == RequestType::Add {
        assert!(!held.iter().any(|a| package_of(a) == package), "{subject} holds {package} already");
    }
    if request.spec.kind != RequestType::Remove {
        let barred = held.iter().any(|a| bars(&foes, &package_of(a), store.was_asked_for_oneself(a)));
        assert!(!barred, "{subject} holds one of {foes:?}");
        let certain = |r: &&AccessRequest| {
            matches!(r.phase(), R::Provisioning | R::PartiallyDelivered)
                && r.spec.kind == RequestType::Add
                && r.subject().as_ref() == Some(&subject)
        };
        let barred = |r: &AccessRequest| bars(&foes, &package_of_request(r), asks_for_oneself(r));
        let rival = store.api.requests.iter().find(|(other, r)| *other != key && certain(r) && barred(r));
        assert!(rival.is_none(), "{subject} is given an incompatible package by {:?}", rival.map(|(key, _)| key));
    }
}

/// A direct assignment is accepted beside nothing that excludes it.
pub(super) fn check_beside(store: &Store, key: &Key, assignment: &Assignment) {
    let package = package_of(assignment);
    let foes = store.incompatible(&package);
    let own =
        |(other, a): &(&Key, &Assignment)| *other != key && a.spec.subject == assignment.spec.subject && is_held(a, store.now);
    let held: Vec<&Assignment> = store.api.assignments.iter().filter(own).map(|(_, a)| a).collect();
    // A parked assignment that waited again meanwhile keeps its place.
    let excluded = |a: &&&Assignment| package_of(a) == package || bars(&foes, &package_of(a), store.was_asked_for_oneself(a));
    assert!(!held.iter().any(|a| excluded(&a)), "{key} beside {held:?}");
    let asks = |(_, r): &(&Key, &AccessRequest)| {
        r.spec.kind == RequestType::Add && bars(&foes, &package_of_request(r), asks_for_oneself(r))
    };
    let rival = accepted(store, &assignment.spec.subject).find(asks);
    assert!(rival.is_none(), "{key} beside {rival:?}");
}
