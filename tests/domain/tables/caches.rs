//! What the caches tell the rules, and whom they wake, in constellations that random lives seldom come to.

use std::collections::BTreeSet;
use std::sync::Arc;

use entitlement_operator::api::access_request::RequestPhase;
use entitlement_operator::api::{AccessRequest, Assignment};
use entitlement_operator::domain::{Key, Trust};
use entitlement_operator::kinds;
use entitlement_operator::observe::{Cache, WorkItem};
use entitlement_operator::runtime::clock::ManualClock;
use entitlement_operator::runtime::queue::{Action, Lane, Queue};
use futures::FutureExt as _;

use crate::builders::*;

/// Empty caches in front of a queue.
pub fn empty() -> Arc<Cache> {
    Cache::new(Queue::new(Arc::new(ManualClock::new(at(0))), usize::MAX), kinds::dependents)
}

/// Takes out what waits.
fn waiting(cache: &Cache) -> BTreeSet<WorkItem> {
    let mut all = BTreeSet::new();
    while let Some(work) = cache.queue.next(Lane::Urgent..=Lane::Asking).now_or_never().flatten() {
        cache.queue.done(&work, Action::AwaitChange);
        all.insert(work);
    }
    all
}

/// An object in a version of this number.
pub fn version<K: kube::Resource>(mut object: K, number: u32) -> K {
    object.meta_mut().resource_version = Some(number.to_string());
    object
}

/// Whether a request of the same subject counts as accepted for another one.
fn counts(cache: &Cache, other: &AccessRequest) -> bool {
    let stores = cache.read();
    let input = stores.request_input(other, false, &Trust::Waived, RETENTION, BOUNDS);
    assert_eq!(input.holdings.rivals.len(), 1);
    input.holdings.rivals[0].assumed
}

#[test]
fn a_request_that_is_being_accepted_counts_for_others_of_its_subject_until_its_status_is_written() {
    let cache = empty();
    let (one, other) = (request("r1").by("alice", &[]), request("r2").by("alice", &[]).to_get("payer"));
    cache.put(one.clone());
    cache.put(other.clone());
    assert!(!counts(&cache, &other));
    let assumption = cache.assume::<AccessRequest>(&Key::of(&one));
    assert!(counts(&cache, &other));
    drop(assumption);
    assert!(!counts(&cache, &other));
}

#[test]
fn an_assignment_that_is_being_accepted_counts_for_requests_of_its_subject() {
    let cache = empty();
    let (held, asked) = (assignment("a1").to(user("alice")), request("r1").by("alice", &[]));
    cache.put(held.clone());
    cache.put(asked.clone());
    let assumed = || {
        let stores = cache.read();
        stores.request_input(&asked, false, &Trust::Waived, RETENTION, BOUNDS).holdings.assumed.len()
    };
    assert_eq!(assumed(), 0);
    let _assumption = cache.assume::<Assignment>(&Key::of(&held));
    assert_eq!(assumed(), 1);
}

#[test]
fn assignments_of_the_same_subject_may_have_waited_for_a_request_to_end() {
    let cache = empty();
    let (alice, bob) = (assignment("a1").of("payer").to(user("alice")), assignment("a2").of("payer").to(user("bob")));
    cache.put(alice.clone());
    cache.put(bob);
    cache.put(version(request("r1").by("alice", &[]).in_phase(RequestPhase::PendingApproval), 1));
    waiting(&cache);
    cache.put(version(request("r1").by("alice", &[]).in_phase(RequestPhase::Denied), 2));
    let woken = waiting(&cache);
    let assignments: Vec<_> = woken.iter().filter(|work| matches!(work, WorkItem::Assignment(_))).collect();
    assert_eq!(assignments, [&WorkItem::Assignment(Key::of(&alice))]);
}
