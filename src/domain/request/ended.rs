//! Ended: what became of the access is told, and the record goes after its time.

use chrono::TimeDelta;

use crate::api::Assignment;
use crate::api::access_request::reason::DONE;
use crate::api::access_request::{RequestPhase, RequestType, events};
use crate::api::timeline::TimelineEntry;
use crate::domain::plan::Effect;
use crate::domain::refusal::Reason;
use crate::domain::schedule::show;

use super::deliver::target;
use super::draft::Draft;

/// Ended: the record is kept for its retention, and as long as the access that came from it.
pub(super) fn ended(draft: &mut Draft<'_, '_>) {
    access_ended(draft);
    let own = |a: &&Assignment| {
        draft.input.request.spec.kind == RequestType::Add && a.spec.access_request_uid == draft.input.request.metadata.uid
    };
    let assignment = draft.input.assignment.filter(own);
    if assignment.is_some_and(|a| !a.phase().is_terminal()) {
        return;
    }
    let since = assignment.and_then(|a| a.status.as_ref()?.ended_at);
    let last = draft.plan.status.timeline.last().map(|entry: &TimelineEntry| entry.at);
    // Each draft begins with an entry, so that there is none only where the sum cannot be written: such a record is kept.
    let Some(due) = since.max(last).and_then(|at| at.checked_add_signed(kept(draft))) else { return };
    if draft.now >= due {
        draft.plan.effects.push(Effect::DeleteSelf);
    } else {
        draft.plan.requeue(Some(due));
    }
}

/// How long an ended request is kept. What no policy ever let in is no record of access, and anybody can make a great deal of it.
fn kept(draft: &Draft<'_, '_>) -> TimeDelta {
    let status = &draft.plan.status;
    let refused = status.phase == RequestPhase::Denied && status.policy.is_none();
    let most = match status.reason == Reason::TooManyRequests.word() {
        true => TimeDelta::minutes(10),
        false => TimeDelta::days(7),
    };
    if refused { draft.input.retention.min(most) } else { draft.input.retention }
}

/// Tells once that the access which was delivered is over, and why: requestors read their requests, and mostly no assignments.
fn access_ended(draft: &mut Draft<'_, '_>) {
    let told = draft.plan.status.timeline.iter().any(|entry| entry.event == events::ACCESS_ENDED);
    let gave = draft.phase() == RequestPhase::Delivered && draft.input.request.spec.kind != RequestType::Remove;
    if told || !gave {
        return;
    }
    let (at, why) = match target(draft) {
        None => (draft.now, "its Assignment was deleted"),
        Some(assignment) => match &assignment.status {
            // A record that does not say when it ended has ended by now.
            Some(status) if status.phase.is_terminal() => (status.ended_at.unwrap_or(draft.now), status.message.as_str()),
            _ => return,
        },
    };
    let message = format!("access ended at {}: {why}", show(at));
    draft.publish(events::ACCESS_ENDED, None, &message);
    draft.say(Some(DONE), &message);
    if let Some(period) = &mut draft.plan.status.schedule {
        period.end_time = Some(period.end_time.map_or(at, |end| end.min(at)));
    }
}
