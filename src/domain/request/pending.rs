//! PendingApproval: decisions are counted, stages open and close, time runs out.

use chrono::TimeDelta;

use crate::api::access_request::reason::{AWAITING_APPROVAL, NO_APPROVER};
use crate::api::access_request::{RequestPhase, StageState, StageStatus, events};
use crate::api::approval_decision::Verdict;
use crate::api::policy::Stage;
use crate::api::{ApprovalDecision, Catalog};
use crate::domain::approval::{self, Bench};
use crate::domain::decision::is_judged;
use crate::domain::eligibility::People;
use crate::domain::meta::name;
use crate::domain::refusal::{Reason, Refusal};
use crate::domain::schedule::show;

use super::Input;
use super::draft::Draft;

/// What the status of a request in this phase says.
const OPEN_STAGE: &str = "an open stage of its policy";

/// The people that a judgement is about.
pub(super) fn bench<'b>(input: &'b Input<'_>, people: &'b People<'b>) -> Bench<'b> {
    // Without its catalog nobody is an owner; a stage that waits for one says that it has no approver.
    let owners = input.catalog.map(Catalog::deciding_owners).unwrap_or_default();
    let (request, trust, requestor) = (input.request, input.trust, people.requestor);
    Bench { request, trust, requestor, subject: &people.subject, owners, content_since: None }
}

/// The stage that is open.
struct OpenStage {
    /// Its place among the stages.
    index: usize,
    /// Its pinned terms.
    terms: Stage,
    /// Those of the stage after it.
    next: Option<Stage>,
}

pub(super) fn step(draft: &mut Draft<'_, '_>) {
    if draft.cancelled() {
        return;
    }
    let Some(people) = draft.input.people() else { return draft.incomplete("who asked") };
    follow_content(draft, &people);
    let Some(stage) = open_stage(draft) else { return draft.incomplete(OPEN_STAGE) };
    let Some(status) = count(draft, &people, &stage) else { return draft.incomplete(OPEN_STAGE) };
    match status.state {
        StageState::Open if draft.now >= status.deadline => {
            let text = format!("stage {:?} was not decided until {}", status.name, show(status.deadline));
            draft.close_stage(StageState::TimedOut);
            draft.deny(&Refusal::new(Reason::ApprovalTimedOut, text), None);
        }
        StageState::Open => still_open(draft, &people, &stage, status),
        StageState::Denied => denied(draft, &status),
        StageState::Approved => approved(draft, &people, stage.next.as_ref(), &status),
        StageState::TimedOut | StageState::Cancelled => draft.incomplete(OPEN_STAGE),
    }
}

/// Approvers approve content, not a name: when the roles of the package change, approval begins anew.
fn follow_content(draft: &mut Draft<'_, '_>, people: &People<'_>) {
    let (input, now) = (draft.input, draft.now);
    let (known, found) = (draft.plan.status.content_digest.clone(), &input.content);
    if input.package.is_none() || known == found.digest {
        return;
    }
    pin_content(draft);
    // Without one there is no stage to open, which the step says.
    let Some(first) = draft.pinned().and_then(|pinned| pinned.stages.into_iter().next()) else { return };
    if known.is_empty() {
        return; // a request that is older than this field
    }
    // What was decided in this very second was decided on what was shown before.
    let since = now + TimeDelta::seconds(1);
    draft.plan.status.content_changed_at = Some(since);
    let opened = approval::open(&first, &bench(input, people), since, now);
    draft.plan.status.stages = vec![opened.clone()];
    let roles: Vec<String> = found.roles.iter().map(|role| format!("{}/{}", role.resource, role.role)).collect();
    let text = format!(
        "the roles of the package have changed, or what they are bound to; approval begins anew, for {}",
        if roles.is_empty() { "no role".to_owned() } else { roles.join(", ") }
    );
    draft.publish(events::CONTENT_CHANGED, None, &text);
    stage_opened(draft, &opened);
}

/// Shows approvers what they approve.
pub(super) fn pin_content(draft: &mut Draft<'_, '_>) {
    draft.plan.status.content.clone_from(&draft.input.content.roles);
    draft.plan.status.content_digest.clone_from(&draft.input.content.digest);
}

fn open_stage(draft: &Draft<'_, '_>) -> Option<OpenStage> {
    let index = draft.plan.status.stages.len().checked_sub(1)?;
    let pinned = &draft.plan.status.policy.as_ref()?.stages;
    Some(OpenStage { index, terms: pinned.get(index)?.clone(), next: pinned.get(index + 1).cloned() })
}

/// Counts the decisions that are not judged yet, and returns how the stage stands then.
fn count(draft: &mut Draft<'_, '_>, people: &People<'_>, stage: &OpenStage) -> Option<StageStatus> {
    let input = draft.input;
    let known: Vec<String> =
        draft.plan.status.stages.iter().flat_map(|s| s.decisions.iter().map(|d| d.decision_ref.clone())).collect();
    let fresh = |d: &&&ApprovalDecision| !is_judged(d) && !known.iter().any(|known| known == name(**d)) && !draft.was_judged(d);
    let mut decisions: Vec<_> = input.decisions.iter().filter(fresh).copied().collect();
    approval::order(&mut decisions);
    let content_since = draft.plan.status.content_changed_at;
    let status = draft.plan.status.stages.get_mut(stage.index)?;
    let before = status.decisions.len();
    let bench = Bench { content_since, ..bench(input, people) };
    let judged = approval::judge(&stage.terms, status, &bench, &decisions);
    let status = status.clone();
    // What decides a stage is told with its end.
    let decisive = usize::from(status.state != StageState::Open);
    for (number, counted) in
        status.decisions.iter().enumerate().take(status.decisions.len().saturating_sub(decisive)).skip(before)
    {
        let text = format!("stage {:?}, {} of {}: {}", status.name, number + 1, stage.terms.approvals_required, counted.reason);
        draft.publish(events::APPROVAL_COUNTED, Some(&counted.approver), &text);
    }
    judged.into_iter().for_each(|(decision, judgement)| draft.judge(decision, judgement));
    Some(status)
}

/// So many approvals.
fn approvals(count: usize) -> String {
    if count == 1 { "1 approval".to_owned() } else { format!("{count} approvals") }
}

/// Shows who may decide now, and until when.
fn still_open(draft: &mut Draft<'_, '_>, people: &People<'_>, stage: &OpenStage, mut status: StageStatus) {
    let (input, now) = (draft.input, draft.now);
    status.approvers = approval::approvers_at(&stage.terms, &status, &bench(input, people), now);
    draft.plan.status.stages.pop(); // it is the last
    draft.plan.status.stages.push(status.clone());
    let text = format!("stage {:?}: the escalation approvers may decide too", status.name);
    let told = draft.plan.status.timeline.iter().any(|entry| entry.event == events::ESCALATED && entry.message == text);
    if status.escalates_at.is_some_and(|at| now >= at) && !told {
        draft.publish(events::ESCALATED, None, &text);
    }
    let names: Vec<String> = status.approvers.iter().map(approval::show).collect();
    let missing = approvals(approval::required(&stage.terms).saturating_sub(status.decisions.len()));
    if names.is_empty() {
        let text = format!("nobody may decide stage {:?}: its approvers are the requestor or the subject", status.name);
        draft.say(Some(NO_APPROVER), &text);
        let next =
            status.escalates_at.filter(|at| *at > now).map(|at| format!("escalation at {}, or ", show(at))).unwrap_or_default();
        draft.wait_for(format!("{next}time-out at {}", show(status.deadline)));
    } else {
        let text = format!("stage {:?} waits for {missing}", status.name);
        draft.say(Some(AWAITING_APPROVAL), &text);
        draft.wait_for(format!("{} (stage {}, {missing}, until {})", names.join(", "), status.name, show(status.deadline)));
    }
    draft.plan.requeue(Some(status.deadline));
    draft.plan.requeue(status.escalates_at.filter(|at| *at > now));
}

fn denied(draft: &mut Draft<'_, '_>, stage: &StageStatus) {
    let Some(decision) = stage.decisions.iter().find(|d| d.decision == Verdict::Deny) else {
        return draft.incomplete("who denied its last stage");
    };
    let (by, why) = (&decision.approver, Some(decision.reason.as_str()).filter(|why| !why.is_empty()));
    let text = format!("denied in stage {:?} by {by}: {}", stage.name, why.unwrap_or("no reason was given"));
    draft.deny(&Refusal::new(Reason::DeniedByApprover, text), Some(by));
}

/// The stage has its approvals: the next one opens, or the request is approved.
fn approved(draft: &mut Draft<'_, '_>, people: &People<'_>, next: Option<&Stage>, status: &StageStatus) {
    let Some(last) = status.decisions.last() else { return draft.incomplete("who approved its last stage") };
    draft.publish(events::STAGE_APPROVED, Some(&last.approver), &format!("stage {:?}: {}", status.name, last.reason));
    let Some(next) = next else {
        return draft.enter(RequestPhase::Approved, None, Some(&last.approver), "every stage has its approvals");
    };
    // Decisions for the next stage count from the moment this one was decided, by the API server's clock.
    let opened = approval::open(next, &bench(draft.input, people), last.at, draft.now);
    draft.plan.status.stages.push(opened.clone());
    stage_opened(draft, &opened);
    step(draft);
}

/// Records that a stage opened.
pub(super) fn stage_opened(draft: &mut Draft<'_, '_>, stage: &StageStatus) {
    let names: Vec<String> = stage.approvers.iter().map(approval::show).collect();
    let text = format!("stage {:?} is open to {} until {}", stage.name, names.join(", "), show(stage.deadline));
    draft.publish(events::STAGE_OPENED, None, &text);
}
