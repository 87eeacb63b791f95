//! The guards: whether somebody may get a package, keep it for longer, or give it back.
//!
//! A guard is a pure function from a [`Case`] to nothing or an [`Objection`]. The lists below say which are asked when; the first that
//! objects gives the reason. An objection either refuses, or waits for what may still come (\*).
//!
//! | guard, in the order of the lists | reason | [`at_submit`] | [`again`] | [`at_removal`] | [`direct`] |
//! |---|---|---|---|---|---|
//! | `catalog::is_enabled` | `CatalogDisabled` | 1 | 1 | | |
//! | `on_behalf::may_ask` | `NotAllowedForOthers` | 2 | | | |
//! | `on_behalf::may_give_back` | `NotAllowedForOthers` | | | 1 | |
//! | `flood::is_within_bounds` | `TooManyRequests` | 3 | | | |
//! | `catalog::is_there` | `PackageNotFound`\* | 4 | | | 1 |
//! | `package::is_there` | `PackageNotFound`\* | 5 | 2 | | 2 |
//! | `package::stays` | `PackageNotFound` | 6 | 3 | | |
//! | `package::is_ready` | `PackageNotReady`\* | 7 | | | 3 |
//! | `policy::is_there` | see [`choice`]; of a direct assignment `PolicyNotFound`\*, `PolicyNotReady`\* | 8 | | | 4 |
//! | `policy::is_still_enabled` | `PolicyDisabled` | | 4 | | |
//! | `policy::still_admits` | `NotEligible` | | 5 | | |
//! | `policy::allows_the_type` | `ExtensionNotAllowed` | 9 | | | |
//! | `justification::is_given` | `JustificationRequired` | 10 | | | |
//! | `answers::are_valid` | `AnswerInvalid` | 11 | | | |
//! | `period::was_not_over` | `SchedulePast` | 12 | | | |
//! | `period::is_allowed` | `ScheduleNotAllowed`, `SchedulePast`, `ScheduleTooLong` | 13 | | | |
//! | `assigning::subject_is_possible` | `NotEligible` | | | | 5 |
//! | `assigning::subject_is_somebody_else` | `SelfAssignment` | | | | 6 |
//! | `possession::fits_the_type` | `AlreadyAssigned`, `NotAssigned` | 14 | 6 | 2 | |
//! | `possession::is_not_held` | `AlreadyAssigned` | | | | 7 |
//! | `possession::goes_first` | `DuplicateRequest` | 15 | 7 | 3 | |
//! | `separation::excludes_no_group` | `Incompatible` | 16 | 8 | | |
//! | `separation::holds_nothing_incompatible` | `Incompatible` | 17 | 9 | | 8 |
//! | `separation::asks_for_nothing_incompatible` | `Incompatible` | 18 | 10 | | 9 |
//! | `assigning::period_is_allowed` | `SchedulePast`, `ScheduleTooLong` | | | | 10 |
//!
//! What the pinned terms settle (scope, justification, answers) is judged at submit only; what can change meanwhile (catalog, package, a
//! policy switched off, who is excepted, what is held) is judged every time. Whether the API server vouches for who asks is asked before any
//! guard: [`super::trust`].

pub mod answers;
mod assigning;
mod catalog;
pub mod choice;
mod flood;
mod justification;
mod on_behalf;
mod package;
mod period;
mod policy;
mod possession;
mod separation;

use chrono::{DateTime, Utc};

pub use self::flood::{Before, Bounds};

use crate::api::access_request::{RequestType, Schedule};
use crate::api::{AccessPackage, AccessRequest, Assignment, Catalog, Policy, Subject};

use super::eligibility::People;
use super::holdings::{Holdings, Rank, Rival, goes_before};
use super::refusal::{Objection, Refusal};
use super::separation::Foe;

/// What guards judge: an application for a package, and all that may stand in its way.
pub struct Case<'a, A: Application> {
    /// The catalog that owns the namespace.
    pub catalog: Option<&'a Catalog>,
    /// Name of the package.
    pub package_name: &'a str,
    /// The package.
    pub package: Option<&'a AccessPackage>,
    /// The policy under which it is judged, or why there is none: of a request the one that fits best, and once it is accepted the pinned
    /// one as it is now; of a direct assignment the one that it names.
    pub policy: Result<&'a Policy, Objection>,
    /// Who is to get the access.
    pub subject: &'a Subject,
    /// What the subject holds and asks for otherwise.
    pub holdings: &'a Holdings<'a>,
    /// Packages that must not be held with this one.
    pub incompatible: &'a [Foe],
    /// The time.
    pub now: DateTime<Utc>,
    /// What is particular to a request, or to a direct assignment.
    pub application: A::Own<'a>,
}

/// What leads to access. Guards that are the same for all take any; the type of the lists keeps the others apart.
pub trait Application {
    /// What is particular to it.
    type Own<'a>;
    /// Whether a request of the same subject goes before.
    fn yields_to(own: &Self::Own<'_>, rival: &Rival<'_>) -> bool;
}

/// Somebody asks: a request.
pub struct Asking;

/// A request as guards see it.
pub struct OfRequest<'a> {
    /// The request.
    pub request: &'a AccessRequest,
    /// Who asks, and for whom.
    pub people: &'a People<'a>,
    /// All policies of the package.
    pub policies: &'a [&'a Policy],
    /// How many requests the requestor made before this one.
    pub before: Before,
    /// How many of them may be.
    pub bounds: Bounds,
    /// How far the request has come.
    pub rank: Rank,
}

impl Application for Asking {
    type Own<'a> = OfRequest<'a>;

    fn yields_to(own: &OfRequest<'_>, rival: &Rival<'_>) -> bool {
        goes_before(rival, own.request, own.rank)
    }
}

/// Somebody assigns: a direct assignment.
pub struct Assigning;

/// A direct assignment as guards see it.
pub struct OfAssignment<'a> {
    /// The assignment.
    pub assignment: &'a Assignment,
}

impl Application for Assigning {
    type Own<'a> = OfAssignment<'a>;

    /// What a manager assigns goes before what nobody judged yet.
    fn yields_to(_: &OfAssignment<'_>, rival: &Rival<'_>) -> bool {
        rival.rank() > Rank::Submitted
    }
}

/// A guard for one sort of application.
type Guard<A> = fn(&Case<'_, A>) -> Result<(), Objection>;

/// When a request to get or to extend access is submitted.
const AT_SUBMIT: [Guard<Asking>; 18] = [
    catalog::is_enabled,
    on_behalf::may_ask,
    flood::is_within_bounds,
    catalog::is_there,
    package::is_there,
    package::stays,
    package::is_ready,
    policy::is_there,
    policy::allows_the_type,
    justification::is_given,
    answers::are_valid,
    period::was_not_over,
    period::is_allowed,
    possession::fits_the_type,
    possession::goes_first,
    separation::excludes_no_group,
    separation::holds_nothing_incompatible,
    separation::asks_for_nothing_incompatible,
];

/// When the last stage has approved, and at a start that lay ahead: what can have changed since the request was accepted.
const AGAIN: [Guard<Asking>; 10] = [
    catalog::is_enabled,
    package::is_there,
    package::stays,
    policy::is_still_enabled,
    policy::still_admits,
    possession::fits_the_type,
    possession::goes_first,
    separation::excludes_no_group,
    separation::holds_nothing_incompatible,
    separation::asks_for_nothing_incompatible,
];

/// When access is given back: only that there is something to give, and that it is one's own to give.
const AT_REMOVAL: [Guard<Asking>; 3] = [on_behalf::may_give_back, possession::fits_the_type, possession::goes_first];

/// While a direct assignment is not accepted. A rule of the package against groups is left out: to which groups a subject belongs is known
/// only of who asks in person.
const DIRECT: [Guard<Assigning>; 10] = [
    catalog::is_there,
    package::is_there,
    package::is_ready,
    policy::is_there,
    assigning::subject_is_possible,
    assigning::subject_is_somebody_else,
    possession::is_not_held,
    separation::holds_nothing_incompatible,
    separation::asks_for_nothing_incompatible,
    assigning::period_is_allowed,
];

/// Asks guards in order, until one objects.
fn ask<A: Application>(guards: &[Guard<A>], case: &Case<'_, A>) -> Result<(), Objection> {
    guards.iter().try_for_each(|guard| guard(case))
}

/// What a request passed with.
pub struct Passed<'a> {
    /// The policy that fits best.
    pub policy: &'a Policy,
    /// The period it would get if it were approved now.
    pub schedule: Schedule,
}

/// Asks the guards of a request to get or to extend access that was submitted.
pub fn at_submit<'a>(case: &Case<'a, Asking>) -> Result<Passed<'a>, Objection> {
    ask(&AT_SUBMIT, case)?;
    Ok(Passed { policy: case.policy.clone()?, schedule: period::effective(case)? })
}

/// Asks the guards of an accepted request before access begins. Nothing is waited for any more. Giving back is under way as soon as it is
/// accepted.
pub fn again(case: &Case<'_, Asking>) -> Result<(), Refusal> {
    match case.application.request.spec.kind {
        RequestType::Add | RequestType::Extend => ask(&AGAIN, case).map_err(Objection::refusal),
        RequestType::Remove => Ok(()),
    }
}

/// Asks the guards of a request to give access back.
pub fn at_removal(case: &Case<'_, Asking>) -> Result<(), Refusal> {
    ask(&AT_REMOVAL, case).map_err(Objection::refusal)
}

/// Asks the guards of a direct assignment; it passes with the policy under which it is assigned. It is asked again until it passes, so that
/// waiting and refusing are the same.
pub fn direct<'a>(case: &Case<'a, Assigning>) -> Result<&'a Policy, Refusal> {
    ask(&DIRECT, case).and_then(|()| case.policy.clone()).map_err(Objection::refusal)
}
