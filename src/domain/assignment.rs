//! The life of an Assignment. Terminal: Expired, Revoked.
//!
//! | from | when | to | reason |
//! |---|---|---|---|
//! | - | direct, and not acceptable (yet) | Pending, `Accepted=False` | `PackageNotFound`, `PackageNotReady`, `PolicyNotFound`, `PolicyNotReady`, `NotEligible`, `SelfAssignment`, `AlreadyAssigned`, `Incompatible`, `SchedulePast`, `ScheduleTooLong` |
//! | - | from a request that is not (yet) approved as far as we see | Pending, `Accepted=Unknown` | `RequestNotApproved` |
//! | -, Pending | acceptable, start ahead | Scheduled | |
//! | -, Pending, Scheduled | acceptable, start reached | Provisioning | |
//! | Provisioning, PartiallyDelivered | every role in place | Delivered | |
//! | Provisioning | some roles fail, still retried | PartiallyDelivered | |
//! | Delivered, PartiallyDelivered | the package gains a role, or a grant drifts | Provisioning | |
//! | any live | `spec.schedule.endTime` reached | Revoking, then Expired | `Expired` |
//! | any live | revoked, request gone, object deleted | Revoking, then Revoked | `Revoked`, `RequestDeleted`, `Deleted` |
//!
//! Ending asks nothing: no package, policy or request is consulted, and it is retried until it succeeds. What makes a grant wanted is
//! [`super::holdings::gives`]; this machine only tells how far it is.

mod accept;
mod conditions;
mod ending;
mod grants;
pub mod name;

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::assignment::reason::GRANT_FAILED;
use crate::api::assignment::{AssignmentPhase, GrantObject, GrantState, events};
use crate::api::labels::REVOKE;
use crate::api::{AccessPackage, AccessRequest, Assignment, AssignmentStatus, Catalog, Policy, Word};

use super::history;
use super::holdings::Holdings;
use super::meta::{Key, generation, has_finalizer};
use super::plan::{Effect, Plan};
use super::schedule::{later, show};
use super::separation::Foe;
use super::text::clip;
use super::trust::Trust;
use accept::Acceptance;

/// The request that an assignment names.
#[derive(Clone, Copy)]
pub enum Origin<'a> {
    /// It is there.
    Found(&'a AccessRequest),
    /// Not in our cache, which may lag behind.
    Unseen,
    /// The API server itself said that it does not exist.
    Gone,
}

/// One role that the assignment gives or gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Role {
    /// Name of the CatalogResource.
    pub resource: String,
    /// Name of the role.
    pub role: String,
    /// The package has it.
    pub wanted: bool,
    /// Objects that carry the subject now.
    pub present: Vec<GrantObject>,
    /// Places where the subject is missing.
    pub missing: usize,
    /// Why something cannot be granted, when it cannot.
    pub problem: Option<String>,
    /// What the last attempt to write its bindings was refused with, if it was.
    pub refused: Option<String>,
    /// Another assignment gives the same role to the same subject.
    pub shared: bool,
}

/// What an assignment is reconciled from.
pub struct Input<'a> {
    /// The assignment.
    pub assignment: &'a Assignment,
    /// The catalog that owns the namespace.
    pub catalog: Option<&'a Catalog>,
    /// Its package.
    pub package: Option<&'a AccessPackage>,
    /// Its policy.
    pub policy: Option<&'a Policy>,
    /// Its request, for source Request.
    pub origin: Origin<'a>,
    /// Ends that approved requests granted to it: its own, and those of type Extend. `None`: no end.
    pub granted_ends: Vec<Option<DateTime<Utc>>>,
    /// What the subject holds otherwise.
    pub holdings: Holdings<'a>,
    /// Packages that must not be held with it.
    pub incompatible: Vec<Foe>,
    /// Its roles: those of the package, and those where the subject was found.
    pub roles: Vec<Role>,
    /// Whether the API server vouches for who assigns; without, nothing new is accepted.
    pub trust: &'a Trust,
    /// How long ended assignments are kept.
    pub retention: TimeDelta,
}

/// The plan in the making.
struct Draft<'s, 'a> {
    input: &'s Input<'a>,
    now: DateTime<Utc>,
    plan: Plan<AssignmentStatus>,
}

/// Decides what becomes of an assignment.
pub fn decide(input: &Input<'_>, now: DateTime<Utc>) -> Plan<AssignmentStatus> {
    let mut draft = Draft { input, now, plan: Plan::unchanged(&input.assignment.status) };
    if !draft.phase().is_terminal() {
        draft.reconsider();
    }
    if draft.phase().is_terminal() {
        draft.over();
    } else if let Some((reason, message)) = draft.ending() {
        draft.end(reason, message);
    } else {
        draft.live();
    }
    draft.plan.status.observed_generation = Some(generation(input.assignment));
    conditions::set_all(&mut draft.plan.status, input.assignment, now);
    draft.plan
}

impl Draft<'_, '_> {
    fn phase(&self) -> AssignmentPhase {
        self.plan.status.phase
    }

    fn enter(&mut self, phase: AssignmentPhase, reason: Option<Word>, by: Option<&str>, message: &str) {
        let event = match phase {
            AssignmentPhase::Pending => events::PENDING,
            AssignmentPhase::Scheduled => events::SCHEDULED,
            AssignmentPhase::Provisioning => events::PROVISIONING,
            AssignmentPhase::Delivered => events::DELIVERED,
            AssignmentPhase::PartiallyDelivered => events::PARTIALLY_DELIVERED,
            AssignmentPhase::Revoking => events::REVOKING,
            AssignmentPhase::Expired => events::EXPIRED,
            AssignmentPhase::Revoked => events::REVOKED,
        };
        self.plan.status.phase = phase;
        self.say(reason, message);
        let told = match reason {
            Some(reason) if reason.as_str() != event.as_str() => format!("{reason}: {message}"),
            _ => message.to_owned(),
        };
        history::publish(&mut self.plan.status.timeline, &mut self.plan.notices, self.now, event, by, &told);
        history::entered(&mut self.plan.notices, reason.map(Word::as_str).unwrap_or_default());
    }

    fn say(&mut self, reason: Option<Word>, message: &str) {
        self.plan.status.reason = reason.map(Word::as_str).unwrap_or_default().to_owned();
        self.plan.status.message = clip(message, 2_000);
    }

    /// The end that counts: the accepted one, or an earlier one of the spec.
    fn effective_end(&self) -> Option<DateTime<Utc>> {
        let period = self.plan.status.schedule.clone().unwrap_or_else(|| accept::first_period(self.input));
        [period.end_time, self.input.assignment.requested_end()].into_iter().flatten().min()
    }

    /// Whether the object cannot go before its access is gone.
    fn is_guarded(&self) -> bool {
        has_finalizer(self.input.assignment, REVOKE)
    }

    /// Not ending: accepts, waits for the start, gives.
    fn live(&mut self) {
        self.plan.requeue(self.effective_end());
        let start = self.input.assignment.start();
        if matches!(self.phase(), AssignmentPhase::Pending | AssignmentPhase::Scheduled) {
            match accept::judge(self.input, self.now) {
                Acceptance::Refused(refusal) => return self.refused(&refusal),
                Acceptance::LacksEnd(end) => {
                    let assignment = Key::of(self.input.assignment);
                    return self.plan.effects.push(Effect::EnterEnd { assignment, end });
                }
                Acceptance::Accepted if !self.is_guarded() => return self.plan.effects.push(Effect::AddFinalizer(REVOKE)),
                Acceptance::Accepted => {}
            }
            if self.plan.status.schedule.is_none() {
                self.plan.status.schedule = Some(accept::first_period(self.input));
            }
            let start = self.plan.status.schedule.as_ref().map_or(start, |period| period.start_time);
            if start > self.now {
                if self.phase() == AssignmentPhase::Pending {
                    self.enter(AssignmentPhase::Scheduled, None, None, &format!("access starts at {}", show(start)));
                }
                return self.plan.requeue(Some(start));
            }
            let by = self.input.assignment.spec.assigned_by.as_ref().map(|who| who.username.clone());
            self.enter(AssignmentPhase::Provisioning, None, by.as_deref(), "access is being granted");
        }
        self.giving();
    }

    /// The end of the spec was moved after it was accepted. An earlier one counts; a later one needs the policy's limit or an approved request.
    fn reconsider(&mut self) {
        let requested = self.input.assignment.requested_end();
        let Some(accepted) = &mut self.plan.status.schedule else { return }; // not accepted yet: its first period says which end counts
        let sooner = later(accepted.end_time, requested) == accepted.end_time;
        if requested != accepted.end_time && (sooner || accept::may_end_at(self.input, requested)) {
            accepted.end_time = requested;
            let text =
                requested.map_or_else(|| "access has no end now".to_owned(), |end| format!("access ends at {} now", show(end)));
            history::publish(&mut self.plan.status.timeline, &mut self.plan.notices, self.now, events::END_MOVED, None, &text);
        }
    }

    fn refused(&mut self, refusal: &accept::Refused) {
        let why = &refusal.why;
        let news = self.plan.status.timeline.is_empty()
            || self.plan.status.reason != why.reason
            || self.phase() != AssignmentPhase::Pending;
        if news {
            self.enter(AssignmentPhase::Pending, Some(why.reason), None, &why.message);
        } else {
            self.say(Some(why.reason), &why.message);
        }
        self.plan.requeue(refusal.requeue_at);
    }

    /// Tells how far the grants are.
    fn giving(&mut self) {
        use AssignmentPhase::{Delivered, PartiallyDelivered, Provisioning};
        self.plan.status.grants = grants::statuses(&self.input.roles, false);
        let grants = &self.plan.status.grants;
        let count = |state: GrantState| grants.iter().filter(|g| g.state == state).count();
        let (failed, all) = (count(GrantState::Failed), grants.len());
        let done = count(GrantState::Delivered) == all;
        let failure = grants.iter().find(|g| g.state == GrantState::Failed);
        let failure =
            failure.map(|g| format!("{failed} of {all} roles cannot be granted yet: {}/{}: {}", g.resource, g.role, g.message));
        let phase = self.phase();
        if done && phase != Delivered {
            self.plan.status.delivered_at = self.plan.status.delivered_at.or(Some(self.now));
            self.enter(
                Delivered,
                None,
                None,
                &if all == 1 { "its role is in place".to_owned() } else { format!("all {all} roles are in place") },
            );
        } else if let Some(text) = failure {
            if phase == PartiallyDelivered {
                self.say(Some(GRANT_FAILED), &text)
            } else {
                self.enter(PartiallyDelivered, Some(GRANT_FAILED), None, &text)
            }
        } else if !done && phase != Provisioning {
            self.enter(Provisioning, None, None, "a role of the package is being granted or restored");
        }
    }
}
