//! The conditions of a request, derived from its phase and what stands in its status.

use chrono::{DateTime, Utc};

use crate::api::access_request::reason::{APPROVED_BY_APPROVERS, GUARDS_PASSED, NO_APPROVAL_REQUIRED};
use crate::api::access_request::{ACCEPTED, APPROVED, DELIVERED, RequestPhase};
use crate::api::condition::{self, READY, State};
use crate::api::{AccessRequest, AccessRequestStatus};
use crate::domain::meta::generation;

/// What holds, what does not any more, what is not known yet.
fn three(holds: bool, over: bool) -> State {
    match (holds, over) {
        (true, _) => State::True,
        (false, true) => State::False,
        (false, false) => State::Unknown,
    }
}

/// Sets all four conditions; each is always there.
pub(super) fn set_all(status: &mut AccessRequestStatus, request: &AccessRequest, now: DateTime<Utc>) {
    use RequestPhase as P;
    let (phase, message) = (status.phase, status.message.clone());
    let on_the_way = matches!(phase, P::Approved | P::Scheduled | P::Provisioning | P::PartiallyDelivered | P::Delivered);
    let over = matches!(phase, P::Denied | P::Cancelled);
    let accepted = on_the_way || status.policy.is_some();
    // Approval is not taken back: what was approved and then could not start was approved all the same.
    let approved = on_the_way || condition::holds(&status.conditions, APPROVED);
    let ready = !matches!(phase, P::Submitted | P::Approved | P::Provisioning | P::PartiallyDelivered);
    let reason = if status.reason.is_empty() { format!("{phase:?}") } else { status.reason.clone() };
    let entries = [
        (ACCEPTED, three(accepted, over), accepted.then(|| accepted_under(status))),
        (APPROVED, three(approved, over), approved.then(|| approved_by(status))),
        (DELIVERED, three(phase == P::Delivered, over), None),
        (READY, State::from(ready), None),
    ];
    for (kind, state, own) in entries {
        let (reason, message) = own.unwrap_or_else(|| (reason.clone(), message.clone()));
        condition::set(&mut status.conditions, kind, state, &reason, message, generation(request), now);
    }
}

fn accepted_under(status: &AccessRequestStatus) -> (String, String) {
    let message = match &status.policy {
        Some(policy) => format!("accepted under policy {:?}, with its terms of then", policy.name),
        None => String::new(), // giving access back needs none
    };
    (GUARDS_PASSED.to_string(), message)
}

fn approved_by(status: &AccessRequestStatus) -> (String, String) {
    let decisions = status.stages.iter().flat_map(|stage| stage.decisions.iter().map(move |decision| (stage, decision)));
    let by: Vec<String> = decisions.map(|(s, d)| format!("{} in stage {:?} as {}", d.approver, s.name, d.r#as)).collect();
    match by.is_empty() {
        true => (NO_APPROVAL_REQUIRED.to_string(), "no approval was needed".to_owned()),
        false => (APPROVED_BY_APPROVERS.to_string(), format!("by {}", by.join("; "))),
    }
}
