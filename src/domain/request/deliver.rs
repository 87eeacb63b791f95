//! From Approved to Delivered: the period is fixed, the assignment is made, extended or ended.

use crate::api::access_request::reason::{ASSIGNMENT_ENDED, ASSIGNMENT_IN_THE_WAY, DONE};
use crate::api::access_request::{RequestPhase, RequestType, Schedule};
use crate::api::assignment::{AssignmentPhase, AssignmentSchedule, Source};
use crate::api::labels::{MANAGED_BY, OPERATOR, REVOKE};
use crate::api::{Assignment, AssignmentSpec};
use crate::domain::assignment::name::assignment_name;
use crate::domain::guards;
use crate::domain::holdings::Rank;
use crate::domain::meta::{Key, is_being_deleted, name};
use crate::domain::plan::Effect;
use crate::domain::refusal::{Reason, Refusal};
use crate::domain::schedule::{self, later, show};
use crate::domain::text::clip;

use super::draft::Draft;
use super::{case, said_of};

/// Approved, a passing phase: guards again, then the period is fixed for good.
pub(super) fn approved(draft: &mut Draft<'_, '_>) {
    if !draft.just_passed && !passes(draft, Rank::Pending) {
        return;
    }
    match draft.input.request.spec.kind {
        RequestType::Add => fix_period(draft),
        RequestType::Extend => extend(draft),
        RequestType::Remove => {
            draft.plan.status.assignment = live_name(draft);
            draft.enter(RequestPhase::Provisioning, None, None, "the access is being taken away");
        }
    }
}

/// Asks the guards again; denies when one fails.
fn passes(draft: &mut Draft<'_, '_>, rank: Rank) -> bool {
    let Some(people) = draft.input.people() else {
        draft.incomplete("who asked");
        return false;
    };
    match guards::again(&case(draft.input, &people, rank, draft.now)) {
        Ok(()) => true,
        Err(refusal) => {
            draft.deny(&refusal, None);
            false
        }
    }
}

fn live_name(draft: &Draft<'_, '_>) -> Option<String> {
    draft.input.holdings.live(draft.now)?.metadata.name.clone()
}

/// The period counted from now, under the pinned terms.
fn period(draft: &Draft<'_, '_>) -> Result<Schedule, Refusal> {
    let Some(pinned) = &draft.plan.status.policy else {
        return Err(Refusal::new(Reason::PolicyNotFound, "no policy is pinned"));
    };
    schedule::effective(&pinned.expiration, pinned.custom_schedule, draft.input.request.spec.schedule.as_ref(), draft.now)
}

fn fix_period(draft: &mut Draft<'_, '_>) {
    match period(draft) {
        Err(refusal) => draft.deny(&refusal, None),
        Ok(period) => {
            let start = period.start_time;
            draft.plan.status.schedule = Some(period);
            if start > draft.now {
                draft.enter(RequestPhase::Scheduled, None, None, format!("approved; access starts at {}", show(start)));
            } else {
                provision(draft);
            }
        }
    }
}

/// The end moves, never to an earlier instant; the start stays.
fn extend(draft: &mut Draft<'_, '_>) {
    let Some(held) = draft.input.holdings.live(draft.now) else {
        let text = "the subject has no live assignment of the package";
        return draft.deny(&Refusal::new(Reason::NotAssigned, text), None);
    };
    let (start, old_end, name) = (held.start(), held.end(), held.metadata.name.clone());
    match period(draft) {
        Err(refusal) => draft.deny(&refusal, None),
        Ok(period) => {
            let end = later(old_end, period.end_time);
            draft.plan.status.schedule = Some(Schedule { start_time: start, end_time: end });
            draft.plan.status.assignment = name;
            draft.enter(RequestPhase::Provisioning, None, None, format!("access is extended {}", Draft::period(end)));
        }
    }
}

/// Scheduled: waits for the start, then asks the guards again.
pub(super) fn scheduled(draft: &mut Draft<'_, '_>) {
    if draft.cancelled() {
        return;
    }
    let Some(period) = draft.plan.status.schedule.clone() else { return draft.incomplete(PERIOD) };
    if draft.now < period.start_time {
        draft.wait_for(format!("the start at {}", show(period.start_time)));
        draft.plan.requeue(Some(period.start_time));
    } else if period.end_time.is_some_and(|end| draft.now >= end) {
        draft.deny(&Refusal::new(Reason::SchedulePast, "the whole period passed before the access could start"), None);
    } else if passes(draft, Rank::Approved) {
        provision(draft);
    }
}

fn provision(draft: &mut Draft<'_, '_>) {
    draft.plan.status.assignment = Some(assignment_name(draft.input.request));
    let granted = granted(draft);
    draft.enter(RequestPhase::Provisioning, None, None, granted);
}

fn granted(draft: &Draft<'_, '_>) -> String {
    let end = draft.plan.status.schedule.as_ref().and_then(|s| s.end_time);
    format!("access is granted {}", Draft::period(end))
}

/// Provisioning, PartiallyDelivered: repeats what is not done yet, and says how far it is.
pub(super) fn under_way(draft: &mut Draft<'_, '_>) {
    match draft.input.request.spec.kind {
        RequestType::Add => adding(draft),
        RequestType::Extend => extending(draft),
        RequestType::Remove => removing(draft),
    }
}

fn adding(draft: &mut Draft<'_, '_>) {
    let Some(assignment) = draft.input.assignment else {
        return match new_assignment(draft) {
            Ok(assignment) => draft.plan.effects.push(Effect::CreateAssignment(Box::new(assignment))),
            Err(missing) => draft.incomplete(missing),
        };
    };
    if assignment.spec.access_request_uid != draft.input.request.metadata.uid {
        return name_taken(draft, assignment);
    }
    let delivered = assignment.status.as_ref().is_some_and(|s| s.delivered_at.is_some());
    if is_over(assignment) && delivered {
        // It was delivered while no operator ran, and has ended since.
        return draft.enter(RequestPhase::Delivered, Some(DONE), None, "every role was delivered");
    }
    if is_over(assignment) {
        return cancel_ended(draft, assignment);
    }
    let message = said_of(assignment);
    match assignment.phase() {
        AssignmentPhase::Delivered => {
            let end = assignment.end();
            draft.enter(RequestPhase::Delivered, Some(DONE), None, format!("every role was delivered, {}", Draft::period(end)));
        }
        AssignmentPhase::PartiallyDelivered if draft.phase() == RequestPhase::Provisioning => {
            draft.enter(RequestPhase::PartiallyDelivered, None, None, message);
        }
        // All goes well: nothing that would be worth another write.
        AssignmentPhase::Provisioning if draft.phase() == RequestPhase::Provisioning => draft.say(None, &granted(draft)),
        _ if message.is_empty() => {}
        _ => draft.say(None, message),
    }
}

/// Somebody else's assignment has the name of the one that the request makes.
fn name_taken(draft: &mut Draft<'_, '_>, other: &Assignment) {
    let text = format!(
        "Assignment {:?} is in the way: it was not made for this request; a manager of the catalog must delete it",
        name(other)
    );
    draft.say(Some(ASSIGNMENT_IN_THE_WAY), &text);
    draft.wait_for(text);
}

/// The assignment that the request extends or ends. When it was chosen just now, it is found among what the subject holds.
pub(super) fn target<'a>(draft: &Draft<'_, 'a>) -> Option<&'a Assignment> {
    let input = draft.input;
    let named = |wanted: &String| {
        let same = |a: &&Assignment| a.metadata.namespace == input.request.metadata.namespace && name(*a) == wanted;
        input.holdings.assignments.iter().copied().find(same)
    };
    input.assignment.or_else(|| draft.plan.status.assignment.as_ref().and_then(named))
}

fn extending(draft: &mut Draft<'_, '_>) {
    // Without it the end would be none at all.
    let Some(wanted) = draft.plan.status.schedule.as_ref().map(|period| period.end_time) else {
        return draft.incomplete(PERIOD);
    };
    match target(draft) {
        None => cancel(draft, "the assignment is gone".to_owned()),
        Some(assignment) if later(assignment.end(), wanted) == assignment.end() => {
            draft.enter(RequestPhase::Delivered, Some(DONE), None, format!("access goes on {}", Draft::period(assignment.end())));
        }
        Some(assignment) if is_over(assignment) || assignment.end().is_some_and(|end| draft.now >= end) => {
            cancel_ended(draft, assignment);
        }
        Some(assignment) => draft.plan.effects.push(Effect::MoveEnd { assignment: Key::of(assignment), end: wanted }),
    }
}

fn removing(draft: &mut Draft<'_, '_>) {
    let request = draft.input.request;
    match target(draft) {
        Some(assignment) if !assignment.phase().is_terminal() => {
            if assignment.spec.revoked.is_none() {
                // What was accepted goes on, also if it does not say any more who asked: without a name it is told as somebody's.
                let by = request.spec.requestor.as_ref().map(|r| r.username.clone()).unwrap_or_default();
                let reason = format!("given back by request {}: {}", name(request), request.spec.justification);
                let reason = clip(&reason, LONGEST_REASON);
                draft.plan.effects.push(Effect::Revoke { assignment: Key::of(assignment), by, reason });
            }
        }
        _ => draft.enter(RequestPhase::Delivered, Some(DONE), None, "the access is gone"),
    }
}

fn is_over(assignment: &Assignment) -> bool {
    assignment.phase().is_terminal() || assignment.phase() == AssignmentPhase::Revoking || is_being_deleted(assignment)
}

fn cancel_ended(draft: &mut Draft<'_, '_>, assignment: &Assignment) {
    cancel(draft, format!("the assignment ended before every role was there: {}", said_of(assignment)));
}

fn cancel(draft: &mut Draft<'_, '_>, message: String) {
    draft.enter(RequestPhase::Cancelled, Some(ASSIGNMENT_ENDED), None, message);
}

/// Longest reason of a revocation that the schema of an Assignment takes.
const LONGEST_REASON: usize = 4_096;

/// What the status of a request that was approved says.
const PERIOD: &str = "its period";

/// The assignment that an approved request makes, or what of its record is missing. The deadline is in it from the first write.
fn new_assignment(draft: &Draft<'_, '_>) -> Result<Assignment, &'static str> {
    let (request, status) = (draft.input.request, &draft.plan.status);
    let period = status.schedule.clone().ok_or(PERIOD)?;
    let name = status.assignment.as_deref().ok_or("the name of its assignment")?;
    let spec = AssignmentSpec {
        access_package: request.spec.access_package.clone(),
        policy: status.policy.as_ref().ok_or("its policy")?.name.clone(),
        subject: request.subject().ok_or("who asked")?,
        schedule: Some(AssignmentSchedule { start_time: Some(period.start_time), end_time: period.end_time }),
        source: Some(Source::Request),
        access_request: request.metadata.name.clone(),
        access_request_uid: request.metadata.uid.clone(),
        revoked: None,
        assigned_by: None,
    };
    let mut assignment = Assignment::new(name, spec);
    assignment.metadata.namespace = request.metadata.namespace.clone();
    assignment.metadata.finalizers = Some(vec![REVOKE.to_owned()]);
    assignment.metadata.labels = Some([(MANAGED_BY.to_owned(), OPERATOR.to_owned())].into());
    Ok(assignment)
}
