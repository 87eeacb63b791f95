//! The conditions of an assignment, derived from its phase and what stands in its status.

use chrono::{DateTime, Utc};

use crate::api::assignment::reason::{REQUEST_NOT_APPROVED, SCHEDULE_TOO_LONG, WAS_ACCEPTED};
use crate::api::assignment::{ACCEPTED, AssignmentPhase, DELIVERED};
use crate::api::condition::{self, READY, State};
use crate::api::{Assignment, AssignmentStatus};
use crate::domain::meta::generation;
use crate::domain::schedule::show;

/// Sets all three conditions; each is always there.
pub(super) fn set_all(status: &mut AssignmentStatus, assignment: &Assignment, now: DateTime<Utc>) {
    use AssignmentPhase as P;
    let phase = status.phase;
    let reason = if status.reason.is_empty() { format!("{phase:?}") } else { status.reason.clone() };
    let plain = (reason, status.message.clone());
    let ready = matches!(phase, P::Scheduled | P::Delivered | P::Expired | P::Revoked);
    let (ready, ready_why) = match overlong(status, assignment) {
        Some(text) => (false, (SCHEDULE_TOO_LONG.to_string(), text)),
        None => (ready, plain.clone()),
    };
    let accepted = accepted(status);
    // Once it is accepted there is nothing more to say about that, whatever becomes of it.
    let accepted_why = if accepted == State::True { (WAS_ACCEPTED.to_string(), String::new()) } else { plain.clone() };
    let entries = [
        (ACCEPTED, accepted, accepted_why),
        (DELIVERED, State::from(phase == P::Delivered), plain),
        (READY, State::from(ready), ready_why),
    ];
    for (kind, state, (reason, message)) in entries {
        condition::set(&mut status.conditions, kind, state, &reason, message, generation(assignment), now);
    }
}

fn accepted(status: &AssignmentStatus) -> State {
    use AssignmentPhase as P;
    let unknown = status.reason.is_empty() || status.reason == REQUEST_NOT_APPROVED;
    match status.phase {
        P::Pending if unknown => State::Unknown,
        P::Pending => State::False,
        // What it was before it ended.
        P::Expired | P::Revoked | P::Revoking => State::from(condition::holds(&status.conditions, ACCEPTED)),
        _ => State::True,
    }
}

/// What to say of an end that was asked for after acceptance and does not count.
fn overlong(status: &AssignmentStatus, assignment: &Assignment) -> Option<String> {
    let accepted =
        status.schedule.as_ref().filter(|_| status.phase.is_granting() || status.phase == AssignmentPhase::Scheduled)?;
    let end = accepted.end_time?;
    let requested = assignment.requested_end();
    let text = requested.map_or_else(|| "no end".to_owned(), |end| format!("the end {}", show(end)));
    (requested != Some(end))
        .then(|| format!("{text} in spec.schedule is more than the policy allows: access ends at {}", show(end)))
}
