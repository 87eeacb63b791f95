//! What became of an ApprovalDecision. Its request's machine judges it; here is what is left.
//!
//! | its request | the decision | Counted | kept |
//! |---|---|---|---|
//! | does not exist | not judged | `Unknown`, `RequestNotFound` | a day |
//! | Submitted | not judged | `Unknown`, `RequestNotPending` | as long as the request is |
//! | further on | not judged | its request judges it | as long as the request is |
//! | any | judged, did not count | stays | a day |
//! | exists | counted | stays | as long as the request is |
//! | does not exist | counted | stays | the retention |

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::access_request::RequestPhase;
use crate::api::approval_decision::{
    CONTENT_CHANGED, COUNTED, DECIDED, DUPLICATE, IDENTITY_NOT_ENFORCED, NOT_AN_APPROVER, OTHER_REQUEST, REASON_REQUIRED,
    REQUEST_NOT_FOUND, REQUEST_NOT_PENDING, SELF_APPROVAL, STAGE_CLOSED,
};
use crate::api::condition::{self, READY, State};
use crate::api::time::created;
use crate::api::{ApprovalDecision, ApprovalDecisionStatus, Word};

use super::approval::Judgement;
use super::meta::generation;
use super::plan::{Effect, Plan};

/// Whether a decision has been judged for good.
pub fn is_judged(decision: &ApprovalDecision) -> bool {
    let counted = decision.status.as_ref().and_then(|s| condition::get(&s.conditions, COUNTED));
    counted.is_some_and(|c| c.status != State::Unknown.as_str())
}

/// Whether a decision was told that it counted.
pub fn is_counted(decision: &ApprovalDecision) -> bool {
    decision.status.as_ref().is_some_and(|s| condition::holds(&s.conditions, COUNTED))
}

/// What a reason means, for the person who decided.
fn explain(reason: Word) -> &'static str {
    match reason {
        NOT_AN_APPROVER => "you were no approver of the open stage when you decided; the request's status.stages lists who is",
        SELF_APPROVAL => "requestor and subject of a request cannot decide it",
        STAGE_CLOSED => "the stage was not open when you decided",
        REQUEST_NOT_PENDING => "the request was not waiting for approval when you decided",
        DUPLICATE => "you have decided this stage before",
        REASON_REQUIRED => "this stage requires spec.reason: decide again with a reason",
        OTHER_REQUEST => {
            "the decision is older than the request, or names the uid of another one; of the second in which the request was created it counts only with spec.accessRequestUID: decide again"
        }
        CONTENT_CHANGED => {
            "the roles of the package have changed since you decided: look at the request's status.content and decide again"
        }
        IDENTITY_NOT_ENFORCED => {
            "the decision was made before the admission policies were in force, so that the identity of who decided was not verified: decide again"
        }
        other => other.meaning(),
    }
}

/// The status of a judged decision.
pub fn judged(decision: &ApprovalDecision, judgement: Judgement, now: DateTime<Utc>) -> ApprovalDecisionStatus {
    match judgement {
        Ok(()) => status(decision, State::True, DECIDED, "the decision counted", now),
        Err(reason) => status(decision, State::False, reason, explain(reason), now),
    }
}

fn status(
    decision: &ApprovalDecision,
    counted: State,
    reason: Word,
    message: &str,
    now: DateTime<Utc>,
) -> ApprovalDecisionStatus {
    let mut status = Plan::unchanged(&decision.status).status;
    status.observed_generation = Some(generation(decision));
    let ready = State::from(counted != State::Unknown);
    for (kind, state) in [(COUNTED, counted), (READY, ready)] {
        condition::set(&mut status.conditions, kind, state, reason, message, generation(decision), now);
    }
    status
}

/// How long a decision is kept that did not count, or that names no request: long enough to be read by whoever made it.
const KEPT: TimeDelta = TimeDelta::days(1);

/// Whether a decision was judged, and did not count: it is not judged again.
pub fn is_settled(decision: &ApprovalDecision) -> bool {
    is_judged(decision) && !is_counted(decision)
}

/// What a decision is reconciled from.
pub struct Input<'a> {
    /// The decision.
    pub decision: &'a ApprovalDecision,
    /// How far the request is that it names; none when there is no such request.
    pub request: Option<RequestPhase>,
    /// How long ended requests, and what counted for them, are kept.
    pub retention: TimeDelta,
}

/// Decides what becomes of a decision, apart from its judgement.
pub fn decide(input: &Input<'_>, now: DateTime<Utc>) -> Plan<ApprovalDecisionStatus> {
    let decision = input.decision;
    let mut plan = Plan::unchanged(&decision.status);
    let why = match input.request {
        _ if is_judged(decision) => None,
        None => {
            let text = format!("access request {:?} does not exist in this namespace", decision.spec.access_request);
            Some((REQUEST_NOT_FOUND, text))
        }
        Some(RequestPhase::Submitted) => {
            Some((REQUEST_NOT_PENDING, "the request is not accepted yet: its status says what it waits for".to_owned()))
        }
        Some(_) => None,
    };
    if let Some((reason, text)) = why {
        plan.status = status(decision, State::Unknown, reason, &text, now);
    }
    let kept = match input.request {
        _ if is_settled(decision) => Some(input.retention.min(KEPT)),
        Some(_) => None,
        None if is_counted(decision) => Some(input.retention),
        None => Some(input.retention.min(KEPT)),
    };
    if let Some(kept) = kept {
        retire(&mut plan, decision, kept, now);
    }
    plan
}

/// A decision whose time cannot be written is kept.
fn retire(plan: &mut Plan<ApprovalDecisionStatus>, decision: &ApprovalDecision, kept: TimeDelta, now: DateTime<Utc>) {
    match created(decision).checked_add_signed(kept) {
        Some(due) if now >= due => plan.effects.push(Effect::DeleteSelf),
        due => plan.requeue(due),
    }
}
