//! The rows of the table of a request, apart from approval.

mod ended;

use entitlement_operator::api::access_request::RequestPhase as Phase;
use entitlement_operator::api::assignment::AssignmentPhase;
use entitlement_operator::api::condition;
use entitlement_operator::api::{AccessRequest, Policy};
use entitlement_operator::domain::Effect;
use entitlement_operator::domain::Trust;
use entitlement_operator::domain::request::assignment_name;

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
fn an_assignment_that_was_not_made_is_made_by_the_next_reconciliation_with_the_same_name_and_end() {
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
fn while_identities_cannot_be_trusted_a_request_stands_still_and_says_so() {
    let broken = || Trust::Broken("the policy \"x\" is not bound".to_owned());
    let plan = Asked { trust: broken(), ..asked(alice("r1"), &[engineers()]) }.decide(at(5));
    crate::words::are_listed("AccessRequest", &plan.status);
    assert_eq!((plan.status.phase, plan.effects.len(), plan.status.timeline.len()), (Phase::Submitted, 0, 0));
    let ready = condition::get(&plan.status.conditions, "Ready").unwrap();
    assert_eq!((ready.status.as_str(), ready.reason.as_str()), ("False", "IdentityNotEnforced"));
    assert!(ready.message.contains("the policy \"x\" is not bound"));

    let mut waits = asked(alice("r1"), &[engineers().stage(stage("lead", &[by_user("carol")]))]);
    waits.step(at(5));
    waits.decided(decision("d1", "r1").by("carol", &[]).created(at(6)));
    for trust in [broken(), Trust::Undecided] {
        let plan = Asked { trust, ..waits.clone() }.decide(at(7));
        assert_eq!((plan.status.phase, plan.effects.len()), (Phase::PendingApproval, 0), "nobody knows who decided");
    }
    waits.step(at(7));
    assert_eq!(waits.outcome().0, Phase::Provisioning);
}
