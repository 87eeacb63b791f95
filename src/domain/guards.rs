//! The guards of a request: a chain of pure checks in a fixed order; the first that fails gives the reason.
//!
//! They run at submit, again when the last stage has approved, and again at a start that lay ahead. What the pinned terms settle (scope,
//! justification, answers) is judged at submit only; what can change meanwhile (catalog, package, policy switched off, who is excepted,
//! period, holdings) is judged every time.

pub mod answers;

use chrono::{DateTime, Utc};

pub use crate::api::access_request::Reason;
use crate::api::access_request::{RequestType, Schedule};
use crate::api::policy::Justification;
use crate::api::time::created;
use crate::api::{AccessPackage, Policy};

use super::eligibility::{People, choose, is_excepted, may_ask};
use super::holdings::{Holdings, Rank};
use super::request::Input;
use super::{readiness, schedule, separation};

/// A reason and its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For machines.
    pub reason: Reason,
    /// For people: names the object, the field, the value, and what to do.
    pub message: String,
}

impl Refusal {
    /// A reason and its message.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// A guard that does not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objection {
    /// Something is missing that may still come.
    Wait(Refusal),
    /// No.
    Refuse(Refusal),
}

impl From<Refusal> for Objection {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}

/// What a request passed with.
pub struct Passed<'a> {
    /// The policy that fits best.
    pub policy: &'a Policy,
    /// The period it would get if it were approved now.
    pub schedule: Schedule,
}

/// All guards, at submit.
pub fn at_submit<'a>(input: &Input<'a>, people: &People<'_>, now: DateTime<Utc>) -> Result<Passed<'a>, Objection> {
    let request = input.request;
    catalog_enabled(input)?;
    may_ask(&input.policies, people)?;
    not_too_many(input, people)?;
    let package = package_there(input)?;
    let policy = choose(request, package, &input.policies, people)?;
    if request.spec.kind == RequestType::Extend && !policy.spec.extension.allowed {
        let text = format!("policy {:?} allows no extension", policy.metadata.name.as_deref().unwrap_or_default());
        return Err(Refusal::new(Reason::ExtensionNotAllowed, text).into());
    }
    if policy.spec.justification == Justification::Required && request.spec.justification.trim().is_empty() {
        return Err(Refusal::new(
            Reason::JustificationRequired,
            "the policy requires spec.justification: say why you need the access",
        )
        .into());
    }
    answers::check(&policy.spec.questions, &request.spec.answers)?;
    schedule::not_past(request.spec.schedule.as_ref(), created(request))?;
    let schedule =
        schedule::effective(&policy.spec.expiration, policy.spec.custom_schedule, request.spec.schedule.as_ref(), now)?;
    holdings(input, people, Rank::Submitted, now)?;
    Ok(Passed { policy, schedule })
}

/// Nobody floods: so many requests of one requestor may be open, and so many are judged in a day. Whoever may assign the package in person is
/// bound by neither.
fn not_too_many(input: &Input<'_>, people: &People<'_>) -> Result<(), Refusal> {
    let (before, bounds) = (&input.before, &input.bounds);
    let text = if people.may_assign {
        return Ok(());
    } else if before.open >= bounds.open {
        format!("{} has {} requests open already: wait for them, or cancel some", people.requestor.username, bounds.open)
    } else if before.recent >= bounds.recent {
        format!("{} made {} requests within a day already: ask again tomorrow", people.requestor.username, bounds.recent)
    } else {
        return Ok(());
    };
    Err(Refusal::new(Reason::TooManyRequests, text))
}

/// What can have changed since the request was accepted.
pub fn again(input: &Input<'_>, people: &People<'_>, rank: Rank, now: DateTime<Utc>) -> Result<(), Refusal> {
    catalog_enabled(input)?;
    match input.package {
        None => return Err(package_missing(input)),
        Some(package) if package.metadata.deletion_timestamp.is_some() => return Err(package_going(input)),
        Some(_) => {}
    }
    if let Some(policy) = input.pinned_policy() {
        still_offered(policy, people)?;
    }
    holdings(input, people, rank, now)
}

/// Terms are pinned, but never keep in who is now out.
fn still_offered(policy: &Policy, people: &People<'_>) -> Result<(), Refusal> {
    let name = policy.metadata.name.as_deref().unwrap_or_default();
    if !policy.spec.enabled {
        return Err(Refusal::new(Reason::PolicyDisabled, format!("policy {name:?} was disabled")));
    }
    if is_excepted(&policy.spec.requestors, people) {
        let text = format!("policy {name:?} excepts {} now (requestors.except)", people.subject);
        return Err(Refusal::new(Reason::NotEligible, text));
    }
    Ok(())
}

fn catalog_enabled(input: &Input<'_>) -> Result<(), Refusal> {
    match input.catalog {
        Some(catalog) if !catalog.spec.enabled => {
            let text = format!(
                "catalog {:?} is disabled: nothing in it can be requested now",
                catalog.metadata.name.as_deref().unwrap_or_default()
            );
            Err(Refusal::new(Reason::CatalogDisabled, text))
        }
        _ => Ok(()),
    }
}

fn package_missing(input: &Input<'_>) -> Refusal {
    let text = format!("access package {:?} does not exist in this namespace", input.request.spec.access_package);
    Refusal::new(Reason::PackageNotFound, text)
}

fn package_going(input: &Input<'_>) -> Refusal {
    let text = format!("access package {:?} is being deleted", input.request.spec.access_package);
    Refusal::new(Reason::PackageNotFound, text)
}

fn package_there<'a>(input: &Input<'a>) -> Result<&'a AccessPackage, Objection> {
    if input.catalog.is_none() {
        return Err(Objection::Wait(Refusal::new(Reason::PackageNotFound, "this namespace belongs to no Catalog that is Ready")));
    }
    let package = input.package.ok_or_else(|| Objection::Wait(package_missing(input)))?;
    if package.metadata.deletion_timestamp.is_some() {
        return Err(package_going(input).into());
    }
    if !readiness::package_is_ready(package) {
        let text = format!("access package {:?} is not Ready; its conditions say why", input.request.spec.access_package);
        return Err(Objection::Wait(Refusal::new(Reason::PackageNotReady, text)));
    }
    Ok(package)
}

/// Guards about what the subject holds or asks for elsewhere.
fn holdings(input: &Input<'_>, people: &People<'_>, rank: Rank, now: DateTime<Utc>) -> Result<(), Refusal> {
    let held: &Holdings<'_> = &input.holdings;
    let live = held.live(now);
    match (input.request.spec.kind, live) {
        (RequestType::Add, Some(assignment)) => {
            let name = assignment.metadata.name.as_deref().unwrap_or_default();
            return Err(Refusal::new(
                Reason::AlreadyAssigned,
                format!("{} holds the package by assignment {name:?}: use type Extend", people.subject),
            ));
        }
        (RequestType::Extend | RequestType::Remove, None) => {
            return Err(Refusal::new(Reason::NotAssigned, format!("{} has no live assignment of the package", people.subject)));
        }
        _ => {}
    }
    if let Some(rival) = held.duplicate(input.request, rank) {
        let name = rival.metadata.name.as_deref().unwrap_or_default();
        let text =
            format!("request {name:?} of the same subject for the package is older or further on: wait for it, or cancel it");
        return Err(Refusal::new(Reason::DuplicateRequest, text));
    }
    match input.request.spec.kind {
        RequestType::Remove => Ok(()),
        _ => separation::check(input, people, rank, now),
    }
}

/// The guards of a request to give access back: only that there is something to give, and that it is one's own to give.
pub fn at_removal(input: &Input<'_>, people: &People<'_>, now: DateTime<Utc>) -> Result<(), Refusal> {
    if people.identity().is_none() && !people.may_assign {
        let text = format!("{} may not give back the access of {}", people.requestor.username, people.subject);
        return Err(Refusal::new(Reason::NotAllowedForOthers, text));
    }
    holdings(input, people, Rank::Submitted, now)
}
