//! The rows of the table of a decision, apart from its judgement.

use entitlement_operator::api::access_request::RequestPhase;
use entitlement_operator::api::approval_decision::{DUPLICATE, NOT_AN_APPROVER, REASONS};
use entitlement_operator::api::condition;
use entitlement_operator::api::{ApprovalDecision, ApprovalDecisionStatus};
use entitlement_operator::domain::decision::{self, Input, is_judged, judged};
use entitlement_operator::domain::{Effect, Plan};

use crate::builders::*;

fn carol() -> ApprovalDecision {
    decision("d1", "r1").by("carol", &["leads"]).created(at(10))
}

fn decide(decision: &ApprovalDecision, seconds: i64) -> Plan<ApprovalDecisionStatus> {
    beside(decision, None, seconds)
}

fn beside(decision: &ApprovalDecision, request: Option<RequestPhase>, seconds: i64) -> Plan<ApprovalDecisionStatus> {
    let plan = decision::decide(&Input { decision, request, retention: RETENTION }, at(seconds));
    crate::words::are_told("ApprovalDecision", &plan);
    plan
}

#[test]
fn a_decision_about_no_request_is_told_so_and_is_not_judged_for_good() {
    let mut decision = carol();
    let plan = decide(&decision, 20);
    let counted = condition::get(&plan.status.conditions, "Counted").unwrap();
    assert_eq!((counted.status.as_str(), counted.reason.as_str()), ("Unknown", "RequestNotFound"));
    assert!(counted.message.contains("\"r1\""), "{}", counted.message);
    decision.status = Some(plan.status.clone());
    assert!(!is_judged(&decision), "the request may still come");
    assert_eq!(decide(&decision, 30).status, plan.status, "told once");
}

#[test]
fn a_decision_that_was_judged_keeps_its_judgement_when_its_request_is_gone() {
    for judgement in [Ok(()), Err(DUPLICATE)] {
        let mut decision = carol();
        decision.status = Some(judged(&decision, judgement, at(11)));
        assert!(is_judged(&decision));
        assert_eq!(Some(&decide(&decision, 20).status), decision.status.as_ref());
    }
}

#[test]
fn a_decision_without_a_request_goes_after_a_day_and_one_that_counted_after_its_retention() {
    for judgement in [None, Some(Err(NOT_AN_APPROVER))] {
        let mut idle = carol();
        idle.status = judgement.map(|judgement| judged(&idle, judgement, at(11)));
        assert_eq!(decide(&idle, 20).requeue_at, Some(at(10 + DAY)));
        assert_eq!(decide(&idle, 9 + DAY).effects, []);
        assert_eq!(decide(&idle, 10 + DAY).effects, [Effect::DeleteSelf]);
    }
    let mut counted = carol();
    counted.status = Some(judged(&counted, Ok(()), at(11)));
    assert_eq!(decide(&counted, 20).requeue_at, Some(at(10 + 90 * DAY)));
    assert_eq!(decide(&counted, 10 + 90 * DAY).effects, [Effect::DeleteSelf]);
}

#[test]
fn a_decision_that_did_not_count_goes_before_its_request_and_one_that_counted_never_does() {
    let reconciled = |decision: &ApprovalDecision, now| beside(decision, Some(RequestPhase::PendingApproval), now);
    let mut decision = carol();
    assert_eq!(
        (reconciled(&decision, 20).requeue_at, reconciled(&decision, 20).effects),
        (None, vec![]),
        "the request judges it"
    );
    decision.status = Some(judged(&carol(), Err(NOT_AN_APPROVER), at(11)));
    assert_eq!(reconciled(&decision, 20).requeue_at, Some(at(10 + DAY)));
    assert_eq!(reconciled(&decision, 10 + DAY).effects, [Effect::DeleteSelf]);
    decision.status = Some(judged(&carol(), Ok(()), at(11)));
    assert_eq!((reconciled(&decision, 400 * DAY).requeue_at, reconciled(&decision, 400 * DAY).effects), (None, vec![]));
}

#[test]
fn every_reason_for_which_a_decision_does_not_count_is_explained() {
    for reason in REASONS.iter().copied().filter(|reason| reason.place().contains("`Counted=False`")) {
        let status = judged(&carol(), Err(reason), at(11));
        let counted = condition::get(&status.conditions, "Counted").unwrap();
        assert_eq!((counted.status.as_str(), counted.reason.as_str()), ("False", reason.as_str()));
        assert!(counted.message.len() > 20, "{reason} is not explained");
        assert!(condition::holds(&status.conditions, "Ready"), "a judged decision waits for nothing");
    }
}

#[test]
fn while_its_request_is_not_accepted_a_decision_is_told_so() {
    let mut decision = carol();
    let plan = beside(&decision, Some(RequestPhase::Submitted), 20);
    let counted = condition::get(&plan.status.conditions, "Counted").unwrap();
    assert_eq!((counted.status.as_str(), counted.reason.as_str()), ("Unknown", "RequestNotPending"));
    assert_eq!((plan.effects, plan.requeue_at), (vec![], None), "it stays with its request");
    decision.status = Some(judged(&carol(), Err(NOT_AN_APPROVER), at(11)));
    assert_eq!(
        Some(&beside(&decision, Some(RequestPhase::Submitted), 20).status),
        decision.status.as_ref(),
        "what is judged stays"
    );
}
