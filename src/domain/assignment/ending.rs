//! Why and how an assignment ends. It asks nobody: what is over is over, whatever became of package, policy and request.

use chrono::TimeDelta;

use crate::api::Word;
use crate::api::assignment::reason::{DELETED, EXPIRED, REQUEST_DELETED, REVOKED};
use crate::api::assignment::{AssignmentPhase, Source};
use crate::api::labels::REVOKE;
use crate::domain::meta::is_being_deleted;
use crate::domain::plan::Effect;
use crate::domain::schedule::show;

use super::{Draft, Origin, Role, grants};

/// After its end an assignment is left as it is for this long, so that the common case takes one write: most often its access is gone
/// by then, and Revoking need not be told.
const GRACE: TimeDelta = TimeDelta::seconds(2);

impl Draft<'_, '_> {
    /// Why access must end now, if it must.
    pub(super) fn ending(&self) -> Option<(Word, String)> {
        let (assignment, now) = (self.input.assignment, self.now);
        if is_being_deleted(assignment) {
            return Some((DELETED, "the Assignment is being deleted".to_owned()));
        }
        if let Some(revoked) = &assignment.spec.revoked {
            let by = if revoked.by.is_empty() { "somebody" } else { &revoked.by };
            return Some((REVOKED, format!("revoked by {by}: {}", revoked.reason)));
        }
        if let Some(end) = self.effective_end().filter(|end| now >= *end) {
            return Some((EXPIRED, format!("its end {} was reached", show(end))));
        }
        if let (Some(Source::Request), Origin::Gone) = (assignment.spec.source, self.input.origin) {
            return Some((REQUEST_DELETED, "its AccessRequest was deleted".to_owned()));
        }
        // What is being taken away is taken away, whatever the spec says by now, and even if its status does not say why any more.
        let reason = [EXPIRED, REVOKED, DELETED, REQUEST_DELETED].into_iter().find(|r| self.plan.status.reason == *r);
        (self.phase() == AssignmentPhase::Revoking)
            .then(|| (reason.unwrap_or(REVOKED), "its access was being taken away".to_owned()))
    }

    /// Ends the access; `Expired` or `Revoked` is said only when it is gone.
    pub(super) fn end(&mut self, reason: Word, message: String) {
        let never_given = matches!(self.phase(), AssignmentPhase::Pending | AssignmentPhase::Scheduled);
        let left: Vec<&Role> = self.input.roles.iter().filter(|role| !role.shared && !role.present.is_empty()).collect();
        if !left.is_empty() && !never_given {
            let names: Vec<String> = left.iter().map(|role| format!("{}/{}", role.resource, role.role)).collect();
            let failed = left.iter().find_map(|role| role.refused.as_ref());
            let failed = failed.map(|why| format!("; the last attempt failed: {why}")).unwrap_or_default();
            return self.revoking(reason, &format!("{message}; still there: {}{failed}", names.join(", ")));
        }
        let phase = if reason == EXPIRED { AssignmentPhase::Expired } else { AssignmentPhase::Revoked };
        let by = self.input.assignment.spec.revoked.as_ref().map(|r| r.by.clone()).filter(|by| !by.is_empty());
        self.plan.status.grants.clear();
        self.plan.status.ended_at = Some(self.now);
        self.enter(phase, Some(reason), by.as_deref(), &message);
        self.over();
    }

    fn revoking(&mut self, reason: Word, message: &str) {
        let request_timeout =
            self.input.assignment.end().map(|end| end + GRACE).filter(|until| reason == EXPIRED && self.now < *until);
        if self.phase() != AssignmentPhase::Revoking {
            if request_timeout.is_some() {
                return self.plan.requeue(request_timeout);
            }
            self.enter(AssignmentPhase::Revoking, Some(reason), None, message);
        }
        self.say(Some(reason), message);
        self.plan.status.grants = grants::statuses(&self.input.roles, true);
    }

    /// Ended: releases an object that is being deleted, and deletes one of the operator's that was kept for its retention.
    pub(super) fn over(&mut self) {
        if is_being_deleted(self.input.assignment) {
            let waits = matches!(self.input.origin, Origin::Found(request) if !request.phase().is_terminal());
            // A request under way would make the assignment anew; it hears of the end first.
            if self.is_guarded() && !waits {
                self.plan.effects.push(Effect::RemoveFinalizer(REVOKE));
            }
            return;
        }
        // What people wrote is theirs to delete: a pipeline that found it gone would make it anew, and the access would come back.
        if self.input.assignment.spec.source != Some(Source::Request) {
            return;
        }
        let status = &self.plan.status;
        let ended = status.ended_at.or_else(|| status.timeline.last().map(|entry| entry.at));
        // It says when it ended, or at least what was the last thing to happen; a time that cannot be written keeps it.
        let Some(due) = ended.and_then(|at| at.checked_add_signed(self.input.retention)) else { return };
        if self.now >= due {
            self.plan.effects.push(Effect::DeleteSelf);
        } else {
            self.plan.requeue(Some(due));
        }
    }
}
