//! The rows of the table of a request that waits for approval.

use entitlement_operator::api::access_request::{RequestPhase as Phase, StageState};
use entitlement_operator::api::policy::Stage;
use entitlement_operator::api::{ApprovalDecision, Policy};
use entitlement_operator::domain::Effect;

use crate::builders::*;

fn engineers() -> Policy {
    policy("engineers").for_subject(group("engineering"))
}

/// A request of alice, accepted at 5, that waits for the first of these stages.
fn waiting(stages: &[Stage]) -> Asked {
    let policy = stages.iter().cloned().fold(engineers(), PolicyWords::stage);
    let mut scene = asked(request("r1").by("alice", &["engineering"]), &[policy]);
    scene.step(at(5));
    assert_eq!(scene.outcome().0, Phase::PendingApproval);
    scene
}

fn two_stages() -> Asked {
    waiting(&[stage("lead", &[by_user("carol")]), stage("security", &[by_user("dave")]).within("1h")])
}

fn carol(name: &str) -> ApprovalDecision {
    decision(name, "r1").by("carol", &[])
}

fn dave(name: &str) -> ApprovalDecision {
    decision(name, "r1").by("dave", &[])
}

fn states(scene: &Asked) -> Vec<StageState> {
    scene.status().stages.iter().map(|s| s.state).collect()
}

#[test]
fn a_stage_with_its_approvals_opens_the_next_whose_time_runs_from_then() {
    let mut scene = two_stages();
    scene.decided(carol("d1").because("fine").created(at(100)));
    let plan = scene.step(at(200));
    assert_eq!(scene.outcome(), (Phase::PendingApproval, "AwaitingApproval"));
    assert_eq!(states(&scene), [StageState::Approved, StageState::Open]);
    let second = &scene.status().stages[1];
    assert_eq!((second.opened_at, second.deadline), (at(100), at(200 + HOUR)));
    assert_eq!(plan.requeue_at, Some(at(200 + HOUR)));
    assert_eq!(events(&scene.status().timeline)[3..], ["StageApproved", "StageOpened"]);
    assert!(scene.status().waits_for.contains("User dave"), "{}", scene.status().waits_for);
    assert_eq!(scene.judgement("d1"), Some("Decided"));
}

#[test]
fn after_the_last_stage_the_request_is_approved_by_whoever_came_last() {
    let mut scene = two_stages();
    scene.decided(carol("d1").created(at(100)));
    scene.step(at(100));
    scene.decided(dave("d2").created(at(110)));
    scene.step(at(110));
    assert_eq!(scene.outcome().0, Phase::Provisioning);
    let approved = scene.status().timeline.iter().find(|e| e.event == "Approved").unwrap();
    assert_eq!(approved.by.as_deref(), Some("dave"));
    assert_eq!(states(&scene), [StageState::Approved, StageState::Approved]);
}

#[test]
fn decisions_that_were_made_while_no_operator_ran_are_counted_stage_by_stage() {
    let mut scene = two_stages();
    scene.decided(dave("early").created(at(90))).decided(carol("d1").created(at(100))).decided(dave("d2").created(at(110)));
    scene.step(at(120));
    assert_eq!(scene.outcome().0, Phase::Provisioning);
    assert_eq!(scene.judgement("early"), Some("NotAnApprover"), "the second stage was not open yet");
    assert_eq!((scene.judgement("d1"), scene.judgement("d2")), (Some("Decided"), Some("Decided")));
}

#[test]
fn one_denial_in_any_stage_denies_the_request_and_names_who_said_so() {
    let mut scene = two_stages();
    scene.decided(carol("d1").created(at(100))).decided(dave("d2").denying().created(at(110)));
    let plan = scene.step(at(120));
    assert_eq!(scene.outcome(), (Phase::Denied, "DeniedByApprover"));
    assert_eq!(states(&scene), [StageState::Approved, StageState::Denied]);
    assert_eq!(plan.status.timeline.last().unwrap().by.as_deref(), Some("dave"));
    assert!(plan.status.message.contains("no reason was given"), "{}", plan.status.message);
}

#[test]
fn decisions_after_the_end_of_a_request_do_not_count() {
    let mut scene = two_stages();
    scene.decided(carol("d1").denying().created(at(100)));
    scene.step(at(110));
    scene.decided(dave("d2").created(at(120)));
    scene.step(at(130));
    assert_eq!(scene.judgement("d2"), Some("RequestNotPending"));
    assert_eq!(scene.outcome(), (Phase::Denied, "DeniedByApprover"));
}

#[test]
fn whoever_decided_is_told_before_the_record_of_an_ended_request_goes() {
    let mut scene = two_stages();
    scene.decided(carol("d1").denying().created(at(100)));
    scene.step(at(110));
    scene.decided(dave("d2").created(at(120)));
    let plan = scene.step(at(110 + 90 * DAY));
    assert!(matches!(plan.effects.as_slice(), [Effect::RecordDecision { .. }, Effect::DeleteSelf]), "{:?}", plan.effects);
}

#[test]
fn decisions_about_a_request_that_needs_none_are_told_so() {
    let mut scene = asked(request("r1").by("alice", &["engineering"]), &[engineers()]);
    scene.decided(carol("d1").created(at(1)));
    scene.step(at(5));
    assert_eq!(scene.judgement("d1"), Some("RequestNotPending"));
}

#[test]
fn a_stage_that_is_not_decided_in_time_denies_the_request() {
    let mut scene = waiting(&[stage("lead", &[by_user("carol")]).within("1h")]);
    scene.step(at(4 + HOUR));
    assert_eq!(scene.outcome().0, Phase::PendingApproval);
    scene.step(at(5 + HOUR));
    assert_eq!(scene.outcome(), (Phase::Denied, "ApprovalTimedOut"));
    assert_eq!(states(&scene), [StageState::TimedOut]);
}

#[test]
fn an_approval_in_time_counts_though_it_is_reconciled_later() {
    let mut scene = waiting(&[stage("lead", &[by_user("carol")]).within("1h")]);
    let mut late = scene.clone();
    scene.decided(carol("d1").created(at(4 + HOUR)));
    scene.step(at(9 * HOUR));
    assert_eq!(scene.outcome().0, Phase::Provisioning);
    late.decided(carol("d1").created(at(5 + HOUR)));
    late.step(at(9 * HOUR));
    assert_eq!((late.outcome(), late.judgement("d1")), ((Phase::Denied, "ApprovalTimedOut"), Some("StageClosed")));
}

#[test]
fn escalation_is_told_once_and_wakes_the_request() {
    let mut scene = waiting(&[stage("lead", &[by_user("carol")]).within("2h").escalating("1h", &[by_user("erin")])]);
    assert_eq!(scene.step(at(6)).requeue_at, Some(at(5 + HOUR)));
    let plan = scene.step(at(5 + HOUR));
    assert_eq!(plan.requeue_at, Some(at(5 + 2 * HOUR)));
    assert!(plan.status.waits_for.contains("User carol, User erin"), "{}", plan.status.waits_for);
    scene.step(at(6 + HOUR));
    let told = events(&scene.status().timeline).iter().filter(|e| **e == "Escalated").count();
    assert_eq!(told, 1);
    scene.decided(decision("d1", "r1").by("erin", &[]).created(at(7 + HOUR)));
    scene.step(at(8 + HOUR));
    assert_eq!(scene.outcome().0, Phase::Provisioning);
}

#[test]
fn escalation_is_told_once_though_the_owners_of_the_catalog_change() {
    let mut scene = waiting(&[stage("lead", &[by_owners(), by_user("carol")]).within("2h").escalating("1h", &[by_user("erin")])]);
    for (second, owners) in
        [(HOUR, vec![]), (HOUR + 60, vec![user("olga")]), (HOUR + 120, vec![]), (HOUR + 180, vec![user("olga")])]
    {
        scene.catalog = Some(catalog("payments").owned_by(&owners));
        scene.step(at(5 + second));
    }
    let told = events(&scene.status().timeline).iter().filter(|e| **e == "Escalated").count();
    assert_eq!(told, 1, "{:?}", events(&scene.status().timeline));
}

#[test]
fn a_stage_that_nobody_may_decide_says_so_and_until_when_it_waits() {
    let mut scene = waiting(&[stage("lead", &[by_user("alice")]).within("2h").escalating("1h", &[by_user("erin")])]);
    assert_eq!(scene.outcome(), (Phase::PendingApproval, "NoApprover"));
    assert!(scene.status().message.contains("\"lead\""), "{}", scene.status().message);
    assert!(scene.status().waits_for.contains("escalation at 2026-01-01T01:00:05Z"), "{}", scene.status().waits_for);
    scene.decided(decision("d1", "r1").by("alice", &[]).created(at(10)));
    scene.step(at(11));
    assert_eq!((scene.outcome().0, scene.judgement("d1")), (Phase::PendingApproval, Some("SelfApproval")));
    scene.step(at(5 + HOUR));
    assert_eq!(scene.outcome(), (Phase::PendingApproval, "AwaitingApproval"));
}

#[test]
fn the_stage_tells_how_many_approvals_are_missing() {
    let mut scene = waiting(&[stage("lead", &[by_group("leads")]).needing(2)]);
    assert!(scene.status().waits_for.contains("2 approvals"), "{}", scene.status().waits_for);
    scene.decided(decision("d1", "r1").by("carol", &["leads"]).created(at(10)));
    scene.step(at(11));
    assert!(scene.status().waits_for.contains("1 approval,"), "{}", scene.status().waits_for);
    let told = scene.status().timeline.last().unwrap();
    assert_eq!((told.event.as_str(), told.by.as_deref()), ("ApprovalCounted", Some("carol")));
    assert!(told.message.contains("1 of 2"), "{}", told.message);
    assert_eq!(scene.status().stages[0].decisions.len(), 1);
}

#[test]
fn the_record_of_a_decision_that_counted_is_mended_when_it_got_lost() {
    let mut scene = waiting(&[stage("lead", &[by_group("leads")]).needing(2)]);
    scene.decided(decision("d1", "r1").by("carol", &["leads"]).created(at(10)));
    scene.step(at(11));
    scene.decisions[0].status = None; // the operator stopped before it wrote to the decision
    let plan = scene.step(at(12));
    assert_eq!((scene.judgement("d1"), plan.effects.len()), (Some("Decided"), 1));
    assert_eq!(scene.status().stages[0].decisions.len(), 1, "it counts once");
}

#[test]
fn a_stage_closes_as_cancelled_with_its_request() {
    let mut scene = two_stages();
    scene.request.spec.cancelled = true;
    scene.decided(carol("d1").created(at(100)));
    scene.step(at(110));
    assert_eq!((scene.outcome().0, states(&scene)), (Phase::Cancelled, vec![StageState::Cancelled]));
    assert_eq!(scene.judgement("d1"), Some("RequestNotPending"));
}

#[test]
fn the_same_person_may_approve_two_stages_but_needs_two_decisions() {
    let mut scene = waiting(&[stage("lead", &[by_user("carol")]), stage("security", &[by_user("carol")])]);
    scene.decided(carol("d1").created(at(100)));
    scene.step(at(110));
    assert_eq!(states(&scene), [StageState::Approved, StageState::Open]);
    scene.decided(carol("d2").created(at(120)));
    scene.step(at(130));
    assert_eq!(scene.outcome().0, Phase::Provisioning);
}
