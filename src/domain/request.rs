//! The life of an AccessRequest. Terminal: Delivered, Denied, Cancelled.
//!
//! | from | when | to | reason |
//! |---|---|---|---|
//! | - | created | Submitted | |
//! | Submitted | catalog, package or policy not there yet | Submitted, `Accepted=Unknown`; Denied after an hour | `PackageNotFound`, `PackageNotReady`, `PolicyNotFound`, `PolicyNotReady` |
//! | Submitted | older than the admission policies | Denied | `IdentityNotEnforced` |
//! | Submitted | a guard fails | Denied | the guard's, see [`super::guards`] |
//! | Submitted | guards pass, stages apply | PendingApproval, first stage opens | |
//! | Submitted | guards pass, no stages (or Remove, or an extension that needs none) | Approved | |
//! | PendingApproval | the open stage has its approvals | next stage opens, or Approved after the last | |
//! | PendingApproval | one counted denial | Denied | `DeniedByApprover` |
//! | PendingApproval | the roles of the package change | PendingApproval, approval begins anew; entry `ContentChanged` | |
//! | PendingApproval | escalation time | PendingApproval, more approvers | |
//! | PendingApproval | deadline of the stage | Denied | `ApprovalTimedOut` |
//! | PendingApproval, Scheduled, Provisioning | what was recorded is not whole | Denied | `RecordIncomplete` |
//! | Submitted, PendingApproval, Scheduled | `cancelled: true` | Cancelled | `Cancelled` |
//! | Approved | a guard fails now | Denied | the guard's |
//! | Approved | start lies ahead | Scheduled | |
//! | Scheduled | start reached, guards pass | Provisioning | |
//! | Scheduled | start reached, a guard fails now | Denied | the guard's |
//! | Approved | start reached | Provisioning | |
//! | Provisioning, PartiallyDelivered | every role there (Extend: end moved; Remove: access gone) | Delivered | `Delivered` |
//! | Provisioning | some roles fail, still retried | PartiallyDelivered | |
//! | Delivered (Add, Extend) | the assignment ends or is gone | Delivered; entry `AccessEnded` with the reason | `Delivered` |
//! | Provisioning, PartiallyDelivered | the assignment ends before it was delivered | Cancelled | `AssignmentEnded` |
//!
//! A transition writes its status first and has its effects afterwards, and every effect can be repeated; so a crash in between is healed by
//! looking again.

mod conditions;
mod deliver;
mod draft;
mod ended;
mod pending;
mod submit;

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::access_request::reason::NOT_JUDGED;
use crate::api::access_request::{RequestPhase, RequestType};
use crate::api::condition::{self, READY, State};
use crate::api::{AccessPackage, AccessRequest, AccessRequestStatus, ApprovalDecision, Assignment, Catalog, Policy};

pub use super::assignment::name::assignment_name;
pub use super::guards::{Before, Bounds};

use super::content::Content;
use super::eligibility::People;
use super::guards::{Asking, Case, OfRequest, choice};
use super::holdings::{Holdings, Rank};
use super::meta::{generation, uid};
use super::plan::Plan;
use super::refusal::{Objection, Reason};
use super::separation::Foe;
use super::trust::Trust;
use draft::Draft;

/// How long a request waits for a package or policy that does not exist yet.
pub const PREREQUISITE_TIMEOUT: TimeDelta = TimeDelta::hours(1);

/// What a request is reconciled from.
pub struct Input<'a> {
    /// The request.
    pub request: &'a AccessRequest,
    /// The catalog that owns the namespace.
    pub catalog: Option<&'a Catalog>,
    /// The package it names.
    pub package: Option<&'a AccessPackage>,
    /// All policies of the package.
    pub policies: Vec<&'a Policy>,
    /// All decisions that name the request.
    pub decisions: Vec<&'a ApprovalDecision>,
    /// What the subject holds and asks for.
    pub holdings: Holdings<'a>,
    /// Packages that the package must not be held with, in either direction.
    pub incompatible: Vec<Foe>,
    /// The roles of the package as they are now; empty once the request is approved or denied.
    pub content: Content,
    /// The requestor holds the verb `assign` on the package.
    pub may_assign: bool,
    /// Whether the API server vouches for who asks and who decides.
    pub trust: &'a Trust,
    /// The assignment that the request made, extends or removes, when it is there.
    pub assignment: Option<&'a Assignment>,
    /// How long ended requests are kept.
    pub retention: TimeDelta,
    /// How many requests the requestor made before this one.
    pub before: Before,
    /// How many of them may be.
    pub bounds: Bounds,
}

impl<'a> Input<'a> {
    /// The policy that the request is pinned to, as it is now, unless it was deleted or made anew.
    pub fn pinned_policy(&self) -> Option<&'a Policy> {
        let pinned = self.request.status.as_ref()?.policy.as_ref()?;
        self.policies.iter().copied().find(|policy| uid(*policy) == pinned.uid)
    }

    /// Requestor and subject; none when the API server vouched for nobody.
    pub fn people(&self) -> Option<People<'_>> {
        let requestor = self.request.spec.requestor.as_ref()?;
        Some(People { requestor, subject: self.request.subject()?, may_assign: self.may_assign })
    }
}

/// The request as guards see it. Under which policy it is judged depends on how far it is.
fn case<'s>(input: &'s Input<'_>, people: &'s People<'s>, rank: Rank, now: DateTime<Utc>) -> Case<'s, Asking> {
    let none = |text: &str| Err(Objection::refuse(Reason::PolicyNotFound, text));
    let policy = match (input.request.spec.kind, rank) {
        (RequestType::Remove, _) => none("giving access back is judged under no policy"),
        (_, Rank::Submitted) => choice::of_request(input.request, &input.policies, people),
        _ => input.pinned_policy().map_or_else(|| none("the pinned policy is not there any more"), Ok),
    };
    Case {
        catalog: input.catalog,
        package_name: &input.request.spec.access_package,
        package: input.package,
        policy,
        subject: &people.subject,
        holdings: &input.holdings,
        incompatible: &input.incompatible,
        now,
        application: OfRequest {
            request: input.request,
            people,
            policies: &input.policies,
            before: input.before,
            bounds: input.bounds,
            rank,
        },
    }
}

/// What an assignment says of itself; nothing, as long as it was not reconciled.
fn said_of(assignment: &Assignment) -> &str {
    assignment.status.as_ref().map(|status| status.message.as_str()).unwrap_or_default()
}

/// While identities cannot be trusted a request stands still, and says so.
fn untrusted(request: &AccessRequest, objection: &str, now: DateTime<Utc>) -> Plan<AccessRequestStatus> {
    let mut plan = Plan::unchanged(&request.status);
    let text = format!("the request is not judged: {objection}");
    condition::set(&mut plan.status.conditions, READY, State::False, NOT_JUDGED, text, generation(request), now);
    plan
}

/// Most steps in one reconciliation; no path through the table is longer.
const STEPS: usize = 8;

/// Decides what becomes of a request.
pub fn decide(input: &Input<'_>, now: DateTime<Utc>) -> Plan<AccessRequestStatus> {
    if let Some(objection) = input.trust.objection().filter(|_| !input.request.phase().is_terminal()) {
        return untrusted(input.request, objection, now);
    }
    let mut draft = Draft::new(input, now);
    for _ in 0..STEPS {
        let before = draft.phase();
        match before {
            RequestPhase::Submitted => submit::step(&mut draft),
            RequestPhase::PendingApproval => pending::step(&mut draft),
            RequestPhase::Approved => deliver::approved(&mut draft),
            RequestPhase::Scheduled => deliver::scheduled(&mut draft),
            RequestPhase::Provisioning | RequestPhase::PartiallyDelivered => deliver::under_way(&mut draft),
            RequestPhase::Delivered | RequestPhase::Denied | RequestPhase::Cancelled => ended::ended(&mut draft),
        }
        if draft.phase() == before {
            break;
        }
    }
    draft.finish()
}
