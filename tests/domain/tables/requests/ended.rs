//! How a request ends: cancelled or delivered, what it says then, and how long it is kept.

use entitlement_operator::api::access_request::{RequestPhase as Phase, StageState};
use entitlement_operator::api::assignment::AssignmentPhase;
use entitlement_operator::api::{AccessRequest, AccessRequestStatus, Policy};
use entitlement_operator::domain::Effect;
use entitlement_operator::domain::request::Before;

use super::{alice, engineers, state};
use crate::builders::*;

#[test]
fn a_request_can_be_cancelled_while_it_waits() {
    let staged = || engineers().stage(stage("lead", &[by_group("leads")]));
    let waiting = |package: bool, policy: Policy, request: AccessRequest| {
        let mut scene = asked(request, &[policy]);
        scene.package = scene.package.filter(|_| package);
        scene.step(at(5));
        scene
    };
    for (mut scene, from) in [
        (waiting(false, engineers(), alice("r1")), Phase::Submitted),
        (waiting(true, staged(), alice("r1")), Phase::PendingApproval),
        (waiting(true, engineers().with_custom_schedule(), alice("r1").starting(at(DAY))), Phase::Scheduled),
    ] {
        assert_eq!(scene.outcome().0, from);
        scene.request.spec.cancelled = true;
        scene.step(at(10));
        assert_eq!(scene.outcome(), (Phase::Cancelled, "Cancelled"), "from {from:?}");
        assert!(!scene.status().stages.iter().any(|s| format!("{:?}", s.state) == "Open"));
    }
}

#[test]
fn a_request_that_is_being_delivered_cannot_be_cancelled() {
    let mut scene = asked(alice("r1"), &[engineers()]);
    scene.step(at(5));
    scene.request.spec.cancelled = true;
    scene.step(at(6));
    assert_eq!(scene.outcome().0, Phase::Provisioning);
}

#[test]
fn a_request_is_delivered_when_its_assignment_is_and_says_while_some_roles_fail() {
    let mut scene = asked(alice("r1"), &[engineers()]);
    scene.step(at(5));
    scene.held[0] = scene.held[0].clone().in_phase(AssignmentPhase::PartiallyDelivered);
    scene.step(at(6));
    assert_eq!(scene.outcome().0, Phase::PartiallyDelivered);
    scene.held[0] = scene.held[0].clone().in_phase(AssignmentPhase::Delivered);
    let plan = scene.step(at(7));
    assert_eq!(scene.outcome(), (Phase::Delivered, "Delivered"));
    assert_eq!(state(&scene, "Delivered"), "True");
    assert!(plan.status.message.contains("until 2026-01-31T00:00:05Z"), "{}", plan.status.message);
    let told = ["Submitted", "Approved", "Provisioning", "PartiallyDelivered", "Delivered"];
    assert_eq!(events(&scene.status().timeline), told);
}

#[test]
fn a_request_whose_assignment_ended_before_delivery_is_cancelled() {
    let mut scene = asked(alice("r1"), &[engineers()]);
    scene.step(at(5));
    for over in [AssignmentPhase::Revoking, AssignmentPhase::Revoked, AssignmentPhase::Expired] {
        let mut scene = scene.clone();
        scene.held[0] = scene.held[0].clone().in_phase(over);
        scene.step(at(6));
        assert_eq!(scene.outcome(), (Phase::Cancelled, "AssignmentEnded"), "{over:?}");
    }
    scene.held[0] = scene.held[0].clone().being_deleted(at(6));
    scene.step(at(6));
    assert_eq!(scene.outcome(), (Phase::Cancelled, "AssignmentEnded"));
}

#[test]
fn a_request_whose_assignment_was_delivered_is_delivered_though_the_access_has_ended_since() {
    let mut scene = asked(alice("r1"), &[engineers()]);
    scene.step(at(5));
    let mut ended = scene.held[0].clone().in_phase(AssignmentPhase::Expired);
    ended.status.as_mut().unwrap().delivered_at = Some(at(6));
    scene.held[0] = ended;
    scene.step(at(40 * DAY));
    assert_eq!(scene.outcome(), (Phase::Delivered, "Delivered"));
}

#[test]
fn an_ended_request_is_kept_for_its_retention_and_as_long_as_its_assignment_lives() {
    let mut scene = asked(alice("r1"), &[engineers()]);
    scene.policies = vec![engineers().stage(stage("lead", &[by_user("carol")]))];
    scene.step(at(4));
    scene.request.spec.cancelled = true;
    assert_eq!(scene.step(at(5)).requeue_at, Some(at(5 + 90 * DAY)));
    assert_eq!(scene.step(at(4 + 90 * DAY)).effects, []);
    assert_eq!(scene.step(at(5 + 90 * DAY)).effects, [Effect::DeleteSelf]);

    let mut scene = asked(alice("r1"), &[engineers()]);
    scene.step(at(5));
    scene.held[0] = scene.held[0].clone().in_phase(AssignmentPhase::Delivered);
    scene.step(at(7));
    let plan = scene.step(at(400 * DAY));
    assert_eq!((plan.effects, plan.requeue_at), (vec![], None));
    scene.held[0] = scene.held[0].clone().in_phase(AssignmentPhase::Expired);
    scene.held[0].status.as_mut().unwrap().ended_at = Some(at(400 * DAY));
    assert_eq!(scene.step(at(401 * DAY)).requeue_at, Some(at(491 * DAY)), "from when it was told");
    assert_eq!(scene.step(at(491 * DAY)).effects, [Effect::DeleteSelf]);
}

#[test]
fn a_request_that_no_policy_let_in_is_kept_for_a_week_and_one_too_many_for_some_minutes() {
    let mut scene = asked(alice("r1"), &[engineers()]);
    scene.catalog = Some(catalog("payments").disabled());
    assert_eq!(scene.step(at(5)).requeue_at, Some(at(5 + 7 * DAY)));
    assert_eq!(scene.step(at(5 + 7 * DAY)).effects, [Effect::DeleteSelf]);
    let mut scene = asked(alice("r1"), &[engineers()]);
    scene.before = Before { open: BOUNDS.open, recent: 0 };
    let denied = scene.step(at(5));
    assert_eq!(denied.requeue_at, Some(at(605)));
    let quiet: Vec<_> = denied.notices.iter().map(|note| (note.reason.as_str(), note.quiet)).collect();
    assert_eq!(quiet, [("Submitted", true), ("Denied", true)], "no Event for what a flood is made of");
    assert_eq!(scene.step(at(605)).effects, [Effect::DeleteSelf]);
}

#[test]
fn a_delivered_request_tells_once_when_and_why_its_access_ended() {
    let mut scene = asked(alice("r1"), &[engineers()]);
    scene.step(at(5));
    scene.held[0] = scene.held[0].clone().in_phase(AssignmentPhase::Delivered);
    scene.step(at(7));
    let given = scene.clone();
    scene.held[0] = scene.held[0].clone().in_phase(AssignmentPhase::Revoking);
    assert_eq!(scene.step(at(DAY)).notices, [], "not while it is there");
    scene.held[0] = scene.held[0].clone().in_phase(AssignmentPhase::Revoked);
    let status = scene.held[0].status.as_mut().unwrap();
    (status.ended_at, status.message) = (Some(at(DAY)), "revoked by carol: off the rota".to_owned());
    assert_eq!(scene.step(at(DAY + 1)).notices.len(), 1);
    let said = scene.status();
    assert!(said.message.contains("revoked by carol: off the rota"), "{}", said.message);
    assert_eq!(said.schedule.as_ref().and_then(|period| period.end_time), Some(at(DAY)), "the end is that which came");
    assert_eq!(scene.step(at(2 * DAY)).notices, [], "once");
    assert_eq!(scene.outcome(), (Phase::Delivered, "Delivered"));

    let mut deleted = given;
    deleted.held.clear();
    deleted.step(at(DAY));
    assert!(deleted.status().message.contains("its Assignment was deleted"), "{}", deleted.status().message);
}

#[test]
fn what_is_denied_or_cancelled_has_no_period() {
    let mut scene = asked(alice("r1"), &[engineers().stage(stage("lead", &[by_user("carol")]))]);
    scene.step(at(5));
    assert!(scene.status().schedule.is_some(), "as if it were approved now");
    scene.request.spec.cancelled = true;
    scene.step(at(6));
    assert_eq!((scene.outcome().0, scene.status().schedule.clone()), (Phase::Cancelled, None));
}

#[test]
fn a_request_whose_record_is_not_whole_is_denied_and_never_approved() {
    let waits = || {
        let mut scene = asked(alice("r1"), &[engineers().stage(stage("lead", &[by_user("carol")]))]);
        scene.step(at(5));
        scene
    };
    type Spoil = fn(&mut AccessRequestStatus);
    let spoils: [Spoil; 7] = [
        |status| status.policy = None,
        |status| status.stages.clear(),
        |status| status.stages.push(status.stages[0].clone()),
        |status| status.stages[0].state = StageState::TimedOut,
        |status| status.stages[0].state = StageState::Cancelled,
        |status| status.stages[0].state = StageState::Approved, // by nobody
        |status| status.stages[0].state = StageState::Denied,
    ];
    for spoil in spoils {
        let mut scene = waits();
        spoil(scene.request.status.as_mut().unwrap());
        let plan = scene.step(at(6));
        assert_eq!((scene.outcome(), plan.effects.as_slice()), ((Phase::Denied, "RecordIncomplete"), [].as_slice()));
    }
    let mut nobody = waits();
    nobody.request.spec.requestor = None;
    nobody.step(at(6));
    assert_eq!(nobody.outcome(), (Phase::Denied, "RecordIncomplete"));

    let mut later = asked(alice("r1").starting(at(100)).lasting("10m"), &[engineers().with_custom_schedule()]);
    later.step(at(5));
    assert_eq!(later.outcome().0, Phase::Scheduled);
    let mut unasked = later.clone();
    unasked.request.spec.requestor = None;
    unasked.step(at(100));
    assert_eq!(unasked.outcome(), (Phase::Denied, "RecordIncomplete"));
    later.request.status.as_mut().unwrap().schedule = None;
    later.step(at(6));
    assert_eq!(later.outcome(), (Phase::Denied, "RecordIncomplete"));
}

#[test]
fn access_that_nobody_knows_the_period_of_is_neither_given_nor_extended() {
    let mut given = asked(alice("r1"), &[engineers()]);
    given.step(at(5));
    given.held.clear(); // the operator stopped before it made the assignment
    type Spoil = fn(&mut AccessRequestStatus);
    let spoils: [Spoil; 3] = [|status| status.schedule = None, |status| status.policy = None, |status| status.assignment = None];
    for spoil in spoils {
        let mut scene = given.clone();
        spoil(scene.request.status.as_mut().unwrap());
        let plan = scene.step(at(6));
        assert_eq!((scene.outcome(), plan.effects.as_slice()), ((Phase::Denied, "RecordIncomplete"), [].as_slice()));
    }
    let mut extended = asked(alice("r1").extending(), &[engineers().extendable()]);
    extended.held.push(assignment("a1").with_finalizer().until(at(DAY)).accepted().in_phase(AssignmentPhase::Delivered));
    extended.step(at(5));
    assert_eq!(extended.outcome().0, Phase::Provisioning);
    extended.request.status.as_mut().unwrap().schedule = None;
    let plan = extended.step(at(6));
    assert_eq!(
        (extended.outcome(), plan.effects),
        ((Phase::Denied, "RecordIncomplete"), vec![]),
        "no end is not what was granted"
    );
}
