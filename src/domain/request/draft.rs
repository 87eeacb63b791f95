//! The plan in the making: phase, timeline, conditions and messages that always move together.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::api::access_request::reason::CANCELLED;
use crate::api::access_request::{PinnedPolicy, RequestPhase, StageState, events};
use crate::api::approval_decision::{CONTENT_CHANGED, REQUEST_NOT_PENDING};
use crate::api::time::created;
use crate::api::word::EventReason;
use crate::api::{AccessRequestStatus, ApprovalDecision, Word};
use crate::domain::approval::Judgement;
use crate::domain::meta::{Key, generation, name};
use crate::domain::plan::{Effect, Plan};
use crate::domain::refusal::{Reason, Refusal};
use crate::domain::schedule::show;
use crate::domain::text::clip;
use crate::domain::{decision, history};

use super::{Input, conditions};

/// A plan in the making.
pub(super) struct Draft<'s, 'a> {
    pub input: &'s Input<'a>,
    pub now: DateTime<Utc>,
    pub plan: Plan<AccessRequestStatus>,
    /// The guards were passed just now, so that they need not be asked again.
    pub just_passed: bool,
    /// Names of the decisions that were judged just now.
    judged: BTreeSet<&'a str>,
}

/// Most decisions that are told at once what became of them: each is a write. The rest has its turn the next time, behind others that wait.
const MOST_JUDGED: usize = 100;

impl<'s, 'a> Draft<'s, 'a> {
    pub fn new(input: &'s Input<'a>, now: DateTime<Utc>) -> Self {
        let plan = Plan::unchanged(&input.request.status);
        let mut draft = Self { input, now, plan, just_passed: false, judged: BTreeSet::new() };
        if draft.plan.status.timeline.is_empty() {
            let by = input.request.spec.requestor.as_ref().map(|r| r.username.as_str());
            let (text, at) = (&input.request.spec.justification, created(input.request));
            let timeline = &mut draft.plan.status.timeline;
            history::publish(timeline, &mut draft.plan.notices, at, events::SUBMITTED, by, text);
            history::entered(&mut draft.plan.notices, "");
        }
        draft
    }

    pub fn phase(&self) -> RequestPhase {
        self.plan.status.phase
    }

    pub fn pinned(&self) -> Option<PinnedPolicy> {
        self.plan.status.policy.clone()
    }

    /// Enters a phase, with its entry in the timeline.
    pub fn enter(&mut self, phase: RequestPhase, reason: Option<Word>, by: Option<&str>, message: impl Into<String>) {
        let event = match phase {
            RequestPhase::Submitted => events::SUBMITTED,
            RequestPhase::PendingApproval => events::PENDING_APPROVAL,
            RequestPhase::Approved => events::APPROVED,
            RequestPhase::Scheduled => events::SCHEDULED,
            RequestPhase::Provisioning => events::PROVISIONING,
            RequestPhase::PartiallyDelivered => events::PARTIALLY_DELIVERED,
            RequestPhase::Delivered => events::DELIVERED,
            RequestPhase::Denied => events::DENIED,
            RequestPhase::Cancelled => events::CANCELLED,
        };
        let message = message.into();
        self.plan.status.phase = phase;
        if matches!(phase, RequestPhase::Denied | RequestPhase::Cancelled) && self.plan.status.assignment.is_none() {
            self.plan.status.schedule = None;
        }
        self.say(reason, &message);
        let told = match reason {
            Some(reason) if reason.as_str() != event.as_str() => format!("{reason}: {message}"),
            _ => message,
        };
        self.publish(event, by, &told);
        history::entered(&mut self.plan.notices, reason.map(Word::as_str).unwrap_or_default());
    }

    /// Records something that is no change of phase.
    pub fn publish(&mut self, event: EventReason, by: Option<&str>, message: &str) {
        history::publish(&mut self.plan.status.timeline, &mut self.plan.notices, self.now, event, by, message);
    }

    /// Sets reason and message, without a change of phase.
    pub fn say(&mut self, reason: Option<Word>, message: &str) {
        self.plan.status.reason = reason.map(Word::as_str).unwrap_or_default().to_owned();
        self.plan.status.message = clip(message, 2_000);
        self.plan.status.waits_for = String::new();
    }

    /// Says who or what the request waits for.
    pub fn wait_for(&mut self, whom: String) {
        self.plan.status.waits_for = clip(&whom, 1_000);
    }

    pub fn deny(&mut self, refusal: &Refusal, by: Option<&str>) {
        self.close_stage(StageState::Denied);
        self.enter(RequestPhase::Denied, Some(refusal.reason), by, &refusal.message);
        if refusal.reason == Reason::TooManyRequests.word() {
            self.plan.notices.iter_mut().for_each(|notice| notice.quiet = true);
        }
    }

    /// Denies what cannot be judged, because something that was recorded before is missing.
    pub fn incomplete(&mut self, what: &str) {
        let text = format!("status does not say {what}, as it must in phase {:?}: ask again", self.phase());
        self.deny(&Refusal::new(Reason::RecordIncomplete, text), None);
    }

    /// Withdraws the request when its spec says so.
    pub fn cancelled(&mut self) -> bool {
        let asked = self.input.request.spec.cancelled;
        if asked {
            self.close_stage(StageState::Cancelled);
            self.enter(RequestPhase::Cancelled, Some(CANCELLED), None, "spec.cancelled was set");
        }
        asked
    }

    /// Ends the stage that is open, if one is.
    pub fn close_stage(&mut self, state: StageState) {
        if let Some(stage) = self.plan.status.stages.last_mut().filter(|stage| stage.state == StageState::Open) {
            stage.state = state;
        }
    }

    /// Whether a decision was judged just now.
    pub fn was_judged(&self, decision: &ApprovalDecision) -> bool {
        self.judged.contains(name(decision))
    }

    /// Notes what became of a decision, to be written on it.
    pub fn judge(&mut self, decision: &'a ApprovalDecision, judgement: Judgement) {
        self.judged.insert(name(decision));
        let status = Box::new(decision::judged(decision, judgement, self.now));
        self.plan.effects.push(Effect::RecordDecision { decision: Key::of(decision), status });
    }

    /// Decisions that nobody judged: the request does not wait for them any more. Those whose record of having counted got lost between
    /// two writes get it now.
    fn judge_the_rest(&mut self) {
        if !matches!(self.phase(), RequestPhase::Submitted) {
            let stages = self.plan.status.stages.iter().flat_map(|s| &s.decisions);
            let all_counted: BTreeSet<String> = stages.map(|d| d.decision_ref.clone()).collect();
            for decision in self.input.decisions.iter().copied() {
                let counted = all_counted.contains(name(decision));
                let open = self.phase() == RequestPhase::PendingApproval && !counted;
                if self.was_judged(decision) {
                    continue;
                }
                let changed = self.plan.status.content_changed_at.is_some_and(|since| created(decision) < since);
                if changed && !counted && decision::is_counted(decision) {
                    self.judge(decision, Err(CONTENT_CHANGED));
                } else if !decision::is_judged(decision) && !open {
                    self.judge(decision, if counted { Ok(()) } else { Err(REQUEST_NOT_PENDING) });
                }
            }
        }
    }

    /// Whoever decides ten thousand times holds up nobody: what follows from the request goes first, and one reconciliation tells only so many what became of
    /// their decisions.
    fn judge_some_later(&mut self) {
        let (judges, mut others): (Vec<_>, Vec<_>) =
            self.plan.effects.drain(..).partition(|effect| matches!(effect, Effect::RecordDecision { .. }));
        if judges.len() > MOST_JUDGED {
            others.retain(|effect| *effect != Effect::DeleteSelf);
            self.plan.requeue(Some(self.now));
        }
        others.extend(judges.into_iter().take(MOST_JUDGED));
        self.plan.effects = others;
    }

    pub fn finish(mut self) -> Plan<AccessRequestStatus> {
        self.judge_the_rest();
        self.judge_some_later();
        // Whoever decided is told before the request goes.
        self.plan.effects.sort_by_key(|effect| *effect == Effect::DeleteSelf);
        self.plan.status.observed_generation = Some(generation(self.input.request));
        conditions::set_all(&mut self.plan.status, self.input.request, self.now);
        self.plan
    }

    /// A period as messages show it.
    pub fn period(end: Option<DateTime<Utc>>) -> String {
        end.map_or_else(|| "without an end".to_owned(), |end| format!("until {}", show(end)))
    }
}
