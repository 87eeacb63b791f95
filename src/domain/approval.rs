//! One stage of approval, as a fold over the decisions in the order in which the API server stored them.
//!
//! A decision is judged at the moment it was made: by its creation time and by the groups that the API server stamped on it. So the
//! verdict does not depend on the order in which decisions are seen, or on when the operator reconciles.
//!
//! | decision | counts? |
//! |---|---|
//! | older than the request, or of the same second without its uid, or names another uid | no, `OtherRequest` |
//! | made before the roles of the package changed | no, `ContentChanged` |
//! | older than the admission policies as they are now | no, `IdentityNotEnforced` |
//! | by requestor, subject, or a member of the subject | no, `SelfApproval` |
//! | for another stage, or made before the stage opened or at its deadline or later | no, `StageClosed` |
//! | by nobody whom the stage named at that moment | no, `NotAnApprover` |
//! | without a reason where the stage requires one | no, `ReasonRequired` |
//! | a second approval by the same person, or anything after their denial | no, `Duplicate` |
//! | a denial by somebody who approved before, while the stage is open | yes: people must be able to stop what they let pass |
//! | anything else | yes |

use chrono::{DateTime, Utc};

use crate::api::access_request::{CountedDecision, StageState, StageStatus};
use crate::api::approval_decision::{
    CONTENT_CHANGED, DUPLICATE, IDENTITY_NOT_ENFORCED, NOT_AN_APPROVER, OTHER_REQUEST, REASON_REQUIRED, SELF_APPROVAL,
    STAGE_CLOSED, Verdict,
};
use crate::api::catalog::NotedOwner;
use crate::api::policy::{Approver, ApproverKind, Justification, Stage};
use crate::api::subject::{Identity, Subject};
use crate::api::time::created;
use crate::api::{AccessRequest, ApprovalDecision, Word};

use super::meta::{name, uid};
use super::schedule::sum;
use super::text::clip;
use super::trust::Trust;

/// What judging needs to know besides the stage.
pub struct Bench<'a> {
    /// The request.
    pub request: &'a AccessRequest,
    /// Who asks.
    pub requestor: &'a Identity,
    /// Who gets the access.
    pub subject: &'a Subject,
    /// Owners of the catalog, for approvers of kind CatalogOwners, and since when they decide.
    pub owners: Vec<NotedOwner>,
    /// Since when the content stands that is to be approved, if it changed.
    pub content_since: Option<DateTime<Utc>>,
    /// Whether the API server vouches for who decides.
    pub trust: &'a Trust,
}

/// Whether a decision counts, and if not why.
pub type Judgement = Result<(), Word>;

/// Opens a stage at `opened_at`; its time runs from `now`, when people can see it.
pub fn open(stage: &Stage, bench: &Bench<'_>, opened_at: DateTime<Utc>, now: DateTime<Utc>) -> StageStatus {
    let after = |span: crate::api::Span| sum(now, span);
    let mut status = StageStatus {
        name: stage.name.clone(),
        state: StageState::Open,
        opened_at,
        deadline: after(stage.timeout),
        escalates_at: stage.escalation.as_ref().map(|e| after(e.after)),
        approvers: Vec::new(),
        decisions: Vec::new(),
    };
    status.approvers = approvers_at(stage, &status, bench, now);
    status
}

/// Everybody who may decide a stage at an instant, without those who never may.
pub fn approvers_at(stage: &Stage, status: &StageStatus, bench: &Bench<'_>, at: DateTime<Utc>) -> Vec<Approver> {
    let usable = |list: &[Approver]| -> Vec<Approver> { list.iter().filter(|a| bench.can_be_somebody(a)).cloned().collect() };
    let mut all = usable(&stage.approvers);
    if all.is_empty() {
        all = usable(&stage.fallback_approvers);
    }
    if let Some(escalation) = stage.escalation.as_ref().filter(|_| status.escalates_at.is_some_and(|e| at >= e)) {
        all.extend(usable(&escalation.approvers));
    }
    all.dedup();
    all
}

/// Judges the decisions that are not judged yet, in order, until the stage is decided. Returns the judgements, in the order of judging.
pub fn judge<'d>(
    stage: &Stage,
    status: &mut StageStatus,
    bench: &Bench<'_>,
    decisions: &[&'d ApprovalDecision],
) -> Vec<(&'d ApprovalDecision, Judgement)> {
    let mut judged = Vec::new();
    for decision in decisions {
        if status.state != StageState::Open {
            break;
        }
        let judgement = one(stage, status, bench, decision);
        if let Ok(counted) = &judgement {
            status.decisions.push(counted.clone());
            settle(stage, status);
        }
        judged.push((*decision, judgement.map(|_| ())));
    }
    judged
}

/// The order in which decisions are judged: as the API server stored them; of the same second, denials first.
pub fn order(decisions: &mut [&ApprovalDecision]) {
    decisions.sort_by(|one, other| {
        (created(*one), one.spec.decision, uid(*one)).cmp(&(created(*other), other.spec.decision, uid(*other)))
    });
}

/// Most characters of a decision's reason that its request repeats.
pub const LONGEST_REASON: usize = 512;

/// How many approvals a stage needs: one at least, which the schema says, too.
pub fn required(stage: &Stage) -> usize {
    usize::try_from(stage.approvals_required).unwrap_or_default().max(1)
}

/// Closes the stage when it is decided.
fn settle(stage: &Stage, status: &mut StageStatus) {
    let required = required(stage);
    if status.decisions.iter().any(|d| d.decision == Verdict::Deny) {
        status.state = StageState::Denied;
    } else if status.decisions.len() >= required {
        status.state = StageState::Approved;
    }
}

fn one(stage: &Stage, status: &StageStatus, bench: &Bench<'_>, decision: &ApprovalDecision) -> Result<CountedDecision, Word> {
    let at = created(decision);
    let spec = &decision.spec;
    let other_uid = spec.access_request_uid.as_ref().is_some_and(|uid| Some(uid) != bench.request.metadata.uid.as_ref());
    // Instants are whole seconds: of the request's own second only the uid tells what came first.
    let asked = created(bench.request);
    if other_uid || at < asked || (at == asked && spec.access_request_uid.is_none()) {
        return Err(OTHER_REQUEST);
    }
    if bench.trust.doubts(at) {
        return Err(IDENTITY_NOT_ENFORCED);
    }
    let who = spec.approver.as_ref().ok_or(NOT_AN_APPROVER)?;
    if bench.is_party(who) {
        return Err(SELF_APPROVAL);
    }
    if bench.content_since.is_some_and(|since| at < since) {
        return Err(CONTENT_CHANGED);
    }
    let other_stage = spec.stage.as_ref().is_some_and(|name| *name != status.name);
    if other_stage || at < status.opened_at || at >= status.deadline {
        return Err(STAGE_CLOSED);
    }
    let named = approvers_at(stage, status, bench, at);
    let entry = named.iter().find(|a| bench.names(a, who, at)).ok_or(NOT_AN_APPROVER)?;
    if stage.approver_justification == Justification::Required && spec.reason.trim().is_empty() {
        return Err(REASON_REQUIRED);
    }
    // Who approved may still deny; a denial has closed the stage.
    if spec.decision == Verdict::Approve && status.decisions.iter().any(|d| d.approver == who.username) {
        return Err(DUPLICATE);
    }
    Ok(CountedDecision {
        approver: who.username.clone(),
        decision: spec.decision,
        // The whole of it stands in the decision itself; a request repeats up to 48 of them.
        reason: clip(&spec.reason, LONGEST_REASON),
        r#as: show(entry),
        at,
        decision_ref: name(decision).to_owned(),
    })
}

impl Bench<'_> {
    /// Requestor and subject never decide; nor do members of a group that would get the access.
    fn is_party(&self, who: &Identity) -> bool {
        who.username == self.requestor.username || self.subject.covers(who)
    }

    /// Whether an entry of a stage can stand for anybody but the requestor and the subject. Groups always can.
    fn can_be_somebody(&self, approver: &Approver) -> bool {
        let other = |s: &Subject| match s.username() {
            Some(name) => name != self.requestor.username && Some(name) != self.subject.username(),
            None => s != self.subject,
        };
        match approver.subject() {
            Some(subject) => other(&subject),
            None => approver.kind == ApproverKind::CatalogOwners && self.owners.iter().any(|owner| other(&owner.subject)),
        }
    }

    fn names(&self, approver: &Approver, who: &Identity, at: DateTime<Utc>) -> bool {
        let owns = |owner: &NotedOwner| owner.since <= at && owner.subject.covers(who);
        match approver.subject() {
            Some(subject) => subject.covers(who),
            None => approver.kind == ApproverKind::CatalogOwners && self.owners.iter().any(owns),
        }
    }
}

/// An approver as people read it.
pub fn show(approver: &Approver) -> String {
    match approver.subject() {
        Some(subject) => subject.to_string(),
        None => "an owner of the catalog".to_owned(),
    }
}
