//! Requests of type Extend and Remove.

use entitlement_operator::api::access_request::RequestPhase as Phase;
use entitlement_operator::api::assignment::AssignmentPhase;
use entitlement_operator::api::{AccessRequest, Assignment, Policy};
use entitlement_operator::domain::Effect;

use crate::builders::*;

fn engineers() -> Policy {
    policy("engineers").for_subject(group("engineering")).extendable()
}

fn alice(name: &str) -> AccessRequest {
    request(name).by("alice", &["engineering"])
}

/// Access of alice from the beginning until an end.
fn held(end: i64) -> Assignment {
    assignment("a1").with_finalizer().beginning(at(0)).until(at(end)).accepted().in_phase(AssignmentPhase::Delivered)
}

fn move_end(end: i64) -> Effect {
    Effect::MoveEnd { assignment: key("a1"), end: Some(at(end)) }
}

/// The assignment after its end was moved and accepted.
fn moved(scene: &mut Asked, end: i64) {
    scene.held[0] = held(end);
}

#[test]
fn an_extension_that_needs_no_approval_moves_the_end_at_once() {
    let at_once = engineers().stage(stage("lead", &[by_group("leads")])).extending_at_once();
    let mut scene = asked(alice("r1").extending(), &[at_once]);
    scene.held.push(held(10 * DAY));
    let plan = scene.step(at(DAY));
    assert_eq!((scene.outcome().0, plan.effects), (Phase::Provisioning, vec![move_end(31 * DAY)]));
    assert_eq!(scene.status().assignment.as_deref(), Some("a1"));
    assert_eq!(scene.status().schedule.as_ref().unwrap().start_time, at(0));
    assert_eq!(scene.step(at(DAY + 1)).effects, [move_end(31 * DAY)], "it is repeated until it is done");
    moved(&mut scene, 31 * DAY);
    scene.step(at(DAY + 2));
    assert_eq!(scene.outcome(), (Phase::Delivered, "Delivered"));
}

#[test]
fn an_extension_that_needs_approval_counts_its_period_from_the_approval() {
    let staged = engineers().stage(stage("lead", &[by_group("leads")]));
    let mut scene = asked(alice("r1").extending(), &[staged]);
    scene.held.push(held(10 * DAY));
    scene.step(at(DAY));
    assert_eq!(scene.outcome().0, Phase::PendingApproval);
    scene.decided(decision("d1", "r1").by("carol", &["leads"]).created(at(5 * DAY)));
    let plan = scene.step(at(6 * DAY));
    assert!(plan.effects.contains(&move_end(36 * DAY)), "{:?}", plan.effects);
}

#[test]
fn an_extension_never_shortens() {
    let mut scene = asked(alice("r1").extending(), &[engineers()]);
    scene.held.push(held(100 * DAY));
    let plan = scene.step(at(DAY));
    assert_eq!((scene.outcome(), plan.effects.len()), ((Phase::Delivered, "Delivered"), 0));
    assert_eq!(scene.status().schedule.as_ref().unwrap().end_time, Some(at(100 * DAY)));
}

#[test]
fn an_extension_of_access_without_an_end_changes_nothing() {
    let mut scene = asked(alice("r1").extending(), &[engineers()]);
    scene.held.push(assignment("a1").with_finalizer().beginning(at(0)).accepted().in_phase(AssignmentPhase::Delivered));
    assert_eq!(scene.step(at(DAY)).effects, []);
    assert_eq!(scene.status().schedule.as_ref().unwrap().end_time, None);
}

#[test]
fn an_extension_under_a_policy_without_an_end_takes_the_end_away() {
    let mut scene = asked(alice("r1").extending(), &[engineers().expiring(never())]);
    scene.held.push(held(10 * DAY));
    let plan = scene.step(at(DAY));
    assert_eq!(plan.effects, [Effect::MoveEnd { assignment: key("a1"), end: None }]);
}

#[test]
fn an_extension_that_comes_too_late_is_refused() {
    let mut scene = asked(alice("r1").extending(), &[engineers()]);
    scene.held.push(held(10 * DAY));
    scene.step(at(10 * DAY));
    assert_eq!(scene.outcome(), (Phase::Denied, "NotAssigned"));
}

#[test]
fn an_extension_whose_assignment_ends_first_is_cancelled_and_revives_nothing() {
    let mut scene = asked(alice("r1").extending(), &[engineers()]);
    scene.held.push(held(10 * DAY));
    scene.step(at(DAY));
    let mut late = scene.clone();
    let plan = late.step(at(10 * DAY));
    assert_eq!((late.outcome(), plan.effects.len()), ((Phase::Cancelled, "AssignmentEnded"), 0));
    for over in [AssignmentPhase::Revoking, AssignmentPhase::Revoked] {
        let mut revoked = scene.clone();
        revoked.held[0] = held(10 * DAY).revoked_by("carol").in_phase(over);
        revoked.step(at(2 * DAY));
        assert_eq!(revoked.outcome(), (Phase::Cancelled, "AssignmentEnded"), "{over:?}");
    }
    scene.held.clear();
    scene.step(at(2 * DAY));
    assert_eq!(scene.outcome(), (Phase::Cancelled, "AssignmentEnded"));
}

#[test]
fn giving_back_needs_no_approval_and_no_open_catalog() {
    let staged = engineers().disabled().stage(stage("lead", &[by_group("leads")]));
    let mut scene = asked(alice("r1").removing().saying("moved on"), &[staged]);
    scene.catalog = Some(catalog("payments").disabled());
    scene.package = None;
    scene.held.push(held(10 * DAY));
    let plan = scene.step(at(DAY));
    let [Effect::Revoke { assignment, by, reason }] = plan.effects.as_slice() else { panic!("{:?}", plan.effects) };
    assert_eq!((assignment, by.as_str()), (&key("a1"), "alice"));
    assert!(reason.contains("r1") && reason.contains("moved on"), "{reason}");
    assert_eq!(scene.outcome().0, Phase::Provisioning);
}

#[test]
fn giving_back_is_delivered_only_when_the_access_is_gone() {
    let mut scene = asked(alice("r1").removing(), &[engineers()]);
    scene.held.push(held(10 * DAY));
    scene.step(at(DAY));
    scene.held[0] = held(10 * DAY).revoked_by("alice").in_phase(AssignmentPhase::Revoking);
    assert_eq!(scene.step(at(DAY + 1)).effects, [], "revoked once");
    assert_eq!(scene.outcome().0, Phase::Provisioning);
    scene.held[0] = held(10 * DAY).revoked_by("alice").in_phase(AssignmentPhase::Revoked);
    scene.step(at(DAY + 2));
    assert_eq!(scene.outcome(), (Phase::Delivered, "Delivered"));
}

#[test]
fn giving_back_the_access_of_somebody_else_is_for_those_who_may_assign() {
    let theirs = || request("r1").by("bob", &["engineering"]).for_subject(user("alice")).removing();
    let mut scene = asked(theirs(), &[engineers().on_behalf_by(user("bob"))]);
    scene.held.push(held(10 * DAY));
    scene.step(at(DAY));
    assert_eq!(scene.outcome(), (Phase::Denied, "NotAllowedForOthers"));
    assert!(scene.status().message.contains("bob") && scene.status().message.contains("User alice"));

    let mut scene = asked(theirs(), &[engineers()]);
    scene.may_assign = true;
    scene.held.push(held(10 * DAY));
    assert!(matches!(scene.step(at(DAY)).effects.as_slice(), [Effect::Revoke { .. }]));
}

#[test]
fn giving_back_what_one_does_not_hold_is_refused() {
    let mut scene = asked(alice("r1").removing(), &[engineers()]);
    scene.step(at(DAY));
    assert_eq!(scene.outcome(), (Phase::Denied, "NotAssigned"));
    assert!(scene.status().message.contains("User alice"), "{}", scene.status().message);
}
