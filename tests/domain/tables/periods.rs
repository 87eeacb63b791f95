//! The end of an assignment, moved after it was accepted.

use entitlement_operator::api::assignment::AssignmentPhase as Phase;
use entitlement_operator::api::condition;
use entitlement_operator::api::policy::Expiration;
use entitlement_operator::domain::holdings::gives;

use crate::builders::*;

/// A direct assignment for ten days under a policy that allows thirty.
fn ten_days() -> Assigned {
    let mut scene = assigned(assignment("a1").with_finalizer().beginning(at(0)).until(at(10 * DAY)), Some(policy("engineers")));
    scene.roles = vec![role("viewer").there()];
    scene.step(at(5));
    assert_eq!(scene.outcome().0, Phase::Delivered);
    scene
}

fn moved(mut scene: Assigned, end: i64) -> Assigned {
    scene.assignment = scene.assignment.until(at(end));
    scene.step(at(DAY));
    scene
}

fn ends(scene: &Assigned) -> i64 {
    (scene.assignment.end().unwrap() - at(0)).num_seconds()
}

#[test]
fn an_earlier_end_always_counts() {
    let scene = moved(Assigned { policy: None, ..ten_days() }, 5 * DAY);
    assert_eq!(ends(&scene), 5 * DAY);
    assert_eq!(scene.status().timeline.last().unwrap().event, "EndMoved");
    assert!(!gives(&scene.assignment, at(5 * DAY)));
}

#[test]
fn a_later_end_counts_within_the_limit_of_the_policy() {
    assert_eq!(ends(&moved(ten_days(), 30 * DAY)), 30 * DAY);
    let over = moved(ten_days(), 30 * DAY + 1);
    assert_eq!(ends(&over), 10 * DAY);
    let ready = condition::get(&over.status().conditions, "Ready").unwrap();
    assert_eq!((ready.status.as_str(), ready.reason.as_str()), ("False", "ScheduleTooLong"));
    assert!(
        ready.message.contains("2026-01-31T00:00:01Z") && ready.message.contains("2026-01-11T00:00:00Z"),
        "{}",
        ready.message
    );
    assert!(!gives(&over.assignment, at(10 * DAY)));
}

#[test]
fn a_later_end_counts_where_an_approved_request_granted_it() {
    let granted = Assigned { granted_ends: vec![Some(at(90 * DAY))], ..ten_days() };
    assert_eq!(ends(&moved(granted.clone(), 90 * DAY)), 90 * DAY);
    assert_eq!(ends(&moved(granted, 91 * DAY)), 10 * DAY);
}

#[test]
fn the_end_cannot_be_taken_away_unless_that_was_granted() {
    let without = |mut scene: Assigned| {
        scene.assignment.spec.schedule.as_mut().unwrap().end_time = None;
        scene.step(at(DAY));
        scene
    };
    assert_eq!(ends(&without(ten_days())), 10 * DAY);
    let granted = without(Assigned { granted_ends: vec![None], ..ten_days() });
    assert_eq!(granted.assignment.end(), None);
    let endless = Assigned { policy: Some(policy("engineers").expiring(never())), ..ten_days() };
    assert_eq!(without(endless).assignment.end(), None);
}

#[test]
fn the_limit_of_a_policy_does_not_cover_what_a_request_gave() {
    let mut scene = ten_days();
    scene.assignment.spec.source = Some(entitlement_operator::api::assignment::Source::Request);
    assert_eq!(ends(&moved(scene, 20 * DAY)), 10 * DAY, "a longer stay is asked for by a request of type Extend");
}

#[test]
fn the_start_is_settled_with_the_acceptance() {
    let mut scene = ten_days();
    scene.assignment = scene.assignment.beginning(at(9 * DAY));
    scene.step(at(DAY));
    assert_eq!((scene.outcome().0, scene.assignment.start()), (Phase::Delivered, at(0)));
    assert!(gives(&scene.assignment, at(DAY)));
}

#[test]
fn a_reconcile_an_end_that_does_not_count_changes_nothing_at_a_later_second() {
    let mut scene = moved(ten_days(), 40 * DAY);
    let before = scene.status().clone();
    scene.step(at(DAY + 1));
    assert_eq!(*scene.status(), before, "or it would be written again and again");
}

#[test]
fn a_fixed_date_is_a_limit_like_any_other() {
    let fixed = policy("engineers").expiring(Expiration { at: Some(at(20 * DAY)), ..Expiration::default() });
    let scene = Assigned { policy: Some(fixed), ..ten_days() };
    assert_eq!(ends(&moved(scene.clone(), 20 * DAY)), 20 * DAY);
    assert_eq!(ends(&moved(scene, 21 * DAY)), 10 * DAY);
}
