//! What has ended while nobody led, and so goes first when somebody does.

use std::sync::Arc;

use entitlement_operator::api::Assignment;
use entitlement_operator::api::assignment::AssignmentPhase;
use entitlement_operator::clock::ManualClock;
use entitlement_operator::grants::GrantKey;
use entitlement_operator::observe::Cache;
use entitlement_operator::queue::Queue;

use crate::builders::*;

/// Grants of the role `viewer` of `prod`, which the package `oncall` has.
fn known(assignments: Vec<Assignment>, seconds: i64) -> Vec<GrantKey> {
    let cache = Cache::new(Queue::new(Arc::new(ManualClock::new(at(0))), 4));
    cache.put(package("oncall").with_role("prod", "viewer"));
    assignments.into_iter().for_each(|assignment| cache.put(assignment));
    let ending = cache.read().grants_that_end(at(seconds));
    ending.into_iter().collect()
}

#[test]
fn what_ended_while_nobody_led_is_known_at_once() {
    let held = || assignment("a1").of("oncall").to(user("alice")).until(at(100)).accepted().in_phase(AssignmentPhase::Delivered);
    let viewer = || vec![GrantKey { namespace: PAYMENTS.to_owned(), resource: "prod".to_owned(), role: "viewer".to_owned() }];
    assert_eq!(known(vec![held()], 99), []);
    assert_eq!(known(vec![held()], 100), viewer());
    assert_eq!(known(vec![held().revoked_by("carol")], 5), viewer());
    assert_eq!(known(vec![held().in_phase(AssignmentPhase::Revoking)], 100), viewer(), "its status came first");
    for over in [AssignmentPhase::Expired, AssignmentPhase::Revoked, AssignmentPhase::Pending] {
        assert_eq!(known(vec![held().in_phase(over)], 100), [], "nothing of it can be there: {over:?}");
    }
}
