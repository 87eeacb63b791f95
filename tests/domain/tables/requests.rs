//! The rows of the table of a request, apart from approval.

use entitlement_operator::api::access_request::RequestPhase as Phase;
use entitlement_operator::api::assignment::AssignmentPhase;
use entitlement_operator::api::condition;
use entitlement_operator::api::{AccessRequest, Policy};
use entitlement_operator::domain::Effect;
use entitlement_operator::domain::Trust;
use entitlement_operator::domain::request::{Before, assignment_name};

use crate::builders::*;

fn engineers() -> Policy {
    policy("engineers").for_subject(group("engineering"))
}

fn alice(name: &str) -> AccessRequest {
    request(name).by("alice", &["engineering"])
}

fn state<'a>(scene: &'a Asked, kind: &str) -> &'a str {
    &condition::get(&scene.status().conditions, kind).unwrap().status
}

#[test]
fn a_request_whose_package_is_missing_waits_an_hour_and_says_until_when() {
    let mut scene = asked(alice("r1"), &[engineers()]);
    scene.package = None;
    let plan = scene.step(at(5));
    assert_eq!(scene.outcome(), (Phase::Submitted, "PackageNotFound"));
    assert!(plan.status.message.contains("\"oncall\""), "{}", plan.status.message);
    assert!(plan.status.waits_for.contains("2026-01-01T01:00:00Z"), "{}", plan.status.waits_for);
    assert_eq!(plan.requeue_at, Some(at(HOUR)));
    assert_eq!((state(&scene, "Accepted"), state(&scene, "Ready")), ("Unknown", "False"));
}

#[test]
fn a_request_whose_package_comes_in_time_goes_on() {
    let mut scene = asked(alice("r1"), &[engineers()]);
    let package = scene.package.take();
    scene.step(at(5));
    scene.package = package;
    scene.step(at(HOUR - 1));
    assert_eq!(scene.outcome().0, Phase::Provisioning);
    assert_eq!(events(&scene.status().timeline), ["Submitted", "Approved", "Provisioning"]);
    assert!(scene.status().waits_for.is_empty());
}

#[test]
fn a_request_whose_package_does_not_come_is_denied_after_an_hour() {
    let mut scene = asked(alice("r1"), &[engineers()]);
    scene.package = None;
    scene.step(at(HOUR));
    assert_eq!(scene.outcome(), (Phase::Denied, "PackageNotFound"));
    assert_eq!((state(&scene, "Accepted"), state(&scene, "Approved"), state(&scene, "Ready")), ("False", "False", "True"));
}

#[test]
fn a_request_waits_for_a_package_that_is_not_ready_and_for_a_catalog() {
    let mut scene = asked(alice("r1"), &[engineers()]);
    scene.package = scene.package.map(|p| p.ready(false));
    scene.step(at(1));
    assert_eq!(scene.outcome(), (Phase::Submitted, "PackageNotReady"));
    scene.package = scene.package.map(|p| p.ready(true));
    scene.catalog = None;
    scene.step(at(2));
    assert_eq!(scene.outcome(), (Phase::Submitted, "PackageNotFound"));
    assert!(scene.status().message.contains("Catalog"), "{}", scene.status().message);
}

#[test]
fn a_package_that_was_ready_in_an_older_generation_is_not_ready() {
    let mut scene = asked(alice("r1"), &[engineers()]);
    scene.package.as_mut().unwrap().metadata.generation = Some(2);
    scene.step(at(1));
    assert_eq!(scene.outcome(), (Phase::Submitted, "PackageNotReady"));
}

#[test]
fn a_request_under_a_policy_with_stages_waits_for_the_first_of_them() {
    let staged = engineers().stage(stage("lead", &[by_group("leads")])).stage(stage("owner", &[by_owners()]));
    let mut scene = asked(alice("r1"), &[staged]);
    let plan = scene.step(at(5));
    assert_eq!(scene.outcome(), (Phase::PendingApproval, "AwaitingApproval"));
    let stages = &scene.status().stages;
    assert_eq!(stages.len(), 1);
    assert_eq!((stages[0].name.as_str(), stages[0].deadline), ("lead", at(5 + 14 * DAY)));
    assert_eq!(plan.requeue_at, Some(at(5 + 14 * DAY)));
    assert_eq!(events(&scene.status().timeline), ["Submitted", "PendingApproval", "StageOpened"]);
    assert!(scene.status().waits_for.contains("Group leads"), "{}", scene.status().waits_for);
    assert_eq!((state(&scene, "Accepted"), state(&scene, "Approved"), state(&scene, "Ready")), ("True", "Unknown", "True"));
}

#[test]
fn a_request_pins_the_terms_it_was_accepted_under() {
    let mut scene = asked(alice("r1"), &[engineers().stage(stage("lead", &[by_group("leads")]))]);
    scene.step(at(5));
    let edited = engineers().stage(stage("nobody", &[by_user("nobody")])).expiring(after("1h"));
    scene.policies = vec![edited];
    scene.decided(decision("d1", "r1").by("carol", &["leads"]).created(at(9)));
    scene.step(at(10));
    assert_eq!(scene.outcome().0, Phase::Provisioning);
    assert_eq!(scene.status().schedule.as_ref().unwrap().end_time, Some(at(10 + 30 * DAY)));
}

#[test]
fn a_request_under_a_policy_without_stages_gets_its_assignment_at_once() {
    let mut scene = asked(alice("r1"), &[engineers()]);
    let plan = scene.step(at(5));
    assert_eq!(scene.outcome().0, Phase::Provisioning);
    let [Effect::CreateAssignment(made)] = plan.effects.as_slice() else { panic!("{:?}", plan.effects) };
    let schedule = made.spec.schedule.clone().unwrap();
    assert_eq!((schedule.start_time, schedule.end_time), (Some(at(5)), Some(at(5 + 30 * DAY))));
    assert_eq!((made.spec.subject.clone(), made.spec.access_request.as_deref()), (user("alice"), Some("r1")));
    assert_eq!(made.spec.access_request_uid.as_deref(), Some("uid-r1"));
    assert_eq!(made.metadata.name, scene.status().assignment);
    assert_eq!(made.metadata.finalizers.as_deref(), Some(["entitlement.dev/revoke".to_owned()].as_slice()));
}

#[test]
fn an_assignment_that_was_not_made_is_made_at_the_next_look_with_the_same_name_and_end() {
    let mut scene = asked(alice("r1"), &[engineers()]);
    let first = scene.step(at(5));
    scene.held.clear(); // the operator stopped before it made the assignment
    let second = scene.step(at(5 + 40 * DAY));
    assert_eq!(first.effects, second.effects);
    assert_eq!(first.status.timeline, second.status.timeline);
}

#[test]
fn the_name_of_an_assignment_belongs_to_one_request_for_ever() {
    let name = |uid: &str| assignment_name(&alice("r1").with_uid(uid));
    assert_eq!(name("a"), name("a"));
    assert_ne!(name("a"), name("b"), "another request of the same name");
    let long = assignment_name(&alice(&"r".repeat(253)));
    assert!(long.len() <= 253 && long.starts_with("rrr"), "{long}");
}

#[test]
fn a_request_for_later_is_parked_and_asks_the_guards_again_at_its_start() {
    let later = alice("r1").starting(at(DAY)).lasting("8h");
    let mut scene = asked(later, &[engineers().with_custom_schedule()]);
    let plan = scene.step(at(5));
    assert_eq!(scene.outcome().0, Phase::Scheduled);
    assert_eq!((plan.requeue_at, plan.effects.len()), (Some(at(DAY)), 0));
    assert_eq!(scene.step(at(DAY - 1)).requeue_at, Some(at(DAY)));
    let mut refused = scene.clone();
    scene.step(at(DAY));
    assert_eq!(scene.outcome().0, Phase::Provisioning);
    assert_eq!(scene.status().schedule.as_ref().unwrap().end_time, Some(at(DAY + 8 * HOUR)));
    refused.catalog = Some(catalog("payments").disabled());
    refused.step(at(DAY));
    assert_eq!(refused.outcome(), (Phase::Denied, "CatalogDisabled"));
}

#[test]
fn a_scheduled_request_whose_whole_period_passed_is_denied() {
    let mut scene = asked(alice("r1").starting(at(DAY)).lasting("8h"), &[engineers().with_custom_schedule()]);
    scene.step(at(5));
    scene.step(at(DAY + 8 * HOUR));
    assert_eq!(scene.outcome(), (Phase::Denied, "SchedulePast"));
    assert!(scene.held.is_empty());
}

#[test]
fn guards_are_asked_again_when_the_last_stage_has_approved() {
    let mut scene = asked(alice("r1"), &[engineers().stage(stage("lead", &[by_group("leads")]))]);
    scene.step(at(5));
    scene.held.push(assignment("other").in_phase(AssignmentPhase::Delivered));
    scene.decided(decision("d1", "r1").by("carol", &["leads"]).created(at(9)));
    let plan = scene.step(at(10));
    assert_eq!(scene.outcome(), (Phase::Denied, "AlreadyAssigned"));
    assert_eq!(events(&scene.status().timeline)[3..], ["StageApproved", "Approved", "Denied"]);
    assert!(!plan.effects.iter().any(|e| matches!(e, Effect::CreateAssignment(_))));
}

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
fn a_request_that_is_older_than_the_admission_policies_is_denied_unless_it_was_accepted_before() {
    let asking = || asked(alice("r1").created(at(5)), &[engineers().stage(stage("lead", &[by_user("carol")]))]);
    let mut scene = Asked { trust: Trust::Enforced { since: at(6) }, ..asking() };
    scene.step(at(7));
    assert_eq!(scene.outcome(), (Phase::Denied, "IdentityNotEnforced"));
    assert!(scene.status().message.ends_with("ask again"), "{}", scene.status().message);

    let mut scene = Asked { trust: Trust::Enforced { since: at(5) }, ..asking() };
    scene.step(at(7));
    assert_eq!(scene.outcome().0, Phase::PendingApproval);
    scene.trust = Trust::Enforced { since: at(20) };
    scene.decided(decision("d1", "r1").by("carol", &[]).created(at(19)));
    scene.step(at(21));
    assert_eq!((scene.outcome().0, scene.judgement("d1")), (Phase::PendingApproval, Some("IdentityNotEnforced")));
    scene.decided(decision("d2", "r1").by("carol", &[]).created(at(20)));
    scene.step(at(22));
    assert_eq!((scene.outcome().0, scene.judgement("d2")), (Phase::Provisioning, Some("Decided")));
}

#[test]
fn a_request_that_nobody_vouches_for_is_denied() {
    let mut scene = asked(request("r1"), &[engineers()]);
    scene.step(at(5));
    assert_eq!(scene.outcome(), (Phase::Denied, "NotEligible"));
    assert!(scene.status().message.contains("spec.requestor"), "{}", scene.status().message);
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
    let quiet: Vec<_> = denied.notices.iter().map(|note| (note.reason, note.quiet)).collect();
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
fn while_identities_cannot_be_trusted_a_request_stands_still_and_says_so() {
    let broken = || Trust::Broken("the policy \"x\" is not bound".to_owned());
    let plan = Asked { trust: broken(), ..asked(alice("r1"), &[engineers()]) }.look(at(5));
    crate::words::are_listed("AccessRequest", &plan.status);
    assert_eq!((plan.status.phase, plan.effects.len(), plan.status.timeline.len()), (Phase::Submitted, 0, 0));
    let ready = condition::get(&plan.status.conditions, "Ready").unwrap();
    assert_eq!((ready.status.as_str(), ready.reason.as_str()), ("False", "IdentityNotEnforced"));
    assert!(ready.message.contains("the policy \"x\" is not bound"));

    let mut waits = asked(alice("r1"), &[engineers().stage(stage("lead", &[by_user("carol")]))]);
    waits.step(at(5));
    waits.decided(decision("d1", "r1").by("carol", &[]).created(at(6)));
    for trust in [broken(), Trust::Undecided] {
        let plan = Asked { trust, ..waits.clone() }.look(at(7));
        assert_eq!((plan.status.phase, plan.effects.len()), (Phase::PendingApproval, 0), "nobody knows who decided");
    }
    waits.step(at(7));
    assert_eq!(waits.outcome().0, Phase::Provisioning);
}
