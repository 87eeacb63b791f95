//! What goes first: what has ended while nobody led, and what ends sooner than before.

use entitlement_operator::api::Assignment;
use entitlement_operator::api::assignment::AssignmentPhase;
use entitlement_operator::domain::grant::GrantKey;
use entitlement_operator::observe::WorkItem;
use entitlement_operator::runtime::queue::Lane;
use futures::FutureExt as _;

use crate::builders::*;

use super::caches::{empty, version};

/// Grants of the role `viewer` of `prod`, which the package `oncall` has.
fn known(assignments: Vec<Assignment>, seconds: i64) -> Vec<GrantKey> {
    let cache = empty();
    cache.put(package("oncall").with_role("prod", "viewer"));
    assignments.into_iter().for_each(|assignment| cache.put(assignment));
    let ending = cache.read().grants_that_end(at(seconds));
    ending.into_iter().collect()
}

#[test]
fn what_ended_while_nobody_led_is_known_at_once() {
    let held = || assignment("a1").of("oncall").to(user("alice")).until(at(100)).accepted().in_phase(AssignmentPhase::Delivered);
    let viewer = || vec![GrantKey::new(PAYMENTS, "prod", "viewer")];
    assert_eq!(known(vec![held()], 99), []);
    assert_eq!(known(vec![held()], 100), viewer());
    assert_eq!(known(vec![held().revoked_by("carol")], 5), viewer());
    assert_eq!(known(vec![held().in_phase(AssignmentPhase::Revoking)], 100), viewer(), "its status came first");
    for over in [AssignmentPhase::Expired, AssignmentPhase::Revoked, AssignmentPhase::Pending] {
        assert_eq!(known(vec![held().in_phase(over)], 100), [], "nothing of it can be there: {over:?}");
    }
}

#[test]
fn what_ends_sooner_than_before_goes_first() {
    let held = |end: i64| assignment("a1").of("oncall").until(at(end)).accepted().in_phase(AssignmentPhase::Delivered);
    let urgent = |changed: Assignment| {
        let cache = empty();
        cache.put(package("oncall").with_role("prod", "viewer"));
        cache.put(version(held(100), 1));
        cache.put(version(changed, 2));
        cache.queue.next(Lane::Urgent..=Lane::Urgent).now_or_never().flatten()
    };
    let viewer = WorkItem::Grant(GrantKey::new(PAYMENTS, "prod", "viewer"));
    assert_eq!(urgent(held(50)), Some(viewer.clone()));
    assert_eq!(urgent(held(100).revoked_by("carol")), Some(viewer.clone()));
    assert_eq!(urgent(held(100).being_deleted(at(5))), Some(viewer));
    assert_eq!(urgent(held(200)), None, "who stays waits for their turn");
}
