//! Whether an assignment may give access: one that the operator made needs its approved request, a direct one is checked against
//! policy and separation of duties.

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::access_request::{RequestPhase, Schedule};
use crate::api::assignment::Source;
use crate::api::assignment::reason::{
    ALREADY_ASSIGNED, IDENTITY_NOT_ENFORCED, INCOMPATIBLE, NOT_ELIGIBLE, PACKAGE_NOT_FOUND, PACKAGE_NOT_READY, POLICY_NOT_FOUND,
    POLICY_NOT_READY, REQUEST_NOT_APPROVED, SCHEDULE_PAST, SCHEDULE_TOO_LONG, SELF_ASSIGNMENT, SOURCE_UNKNOWN,
};
use crate::api::labels;
use crate::api::subject::SubjectKind;
use crate::api::{AccessRequest, Assignment, Policy, Word};
use crate::domain::plan::{Effect, Key};
use crate::domain::request::assignment_name;
use crate::domain::schedule::{later, limit, show};
use crate::domain::{holdings, readiness};

use super::{Input, Origin};

/// Why an assignment gives nothing yet.
pub(super) struct Refused {
    pub reason: Word,
    pub message: String,
    pub requeue_at: Option<DateTime<Utc>>,
}

fn refused(reason: Word, message: impl Into<String>) -> Refused {
    Refused { reason, message: message.into(), requeue_at: None }
}

/// How soon to ask again for a request that the cache does not show.
const UNSEEN_REQUEST_INTERVAL: TimeDelta = TimeDelta::seconds(2);

/// `Ok(Some)`: something must be entered into the spec first.
pub(super) fn check(input: &Input<'_>, now: DateTime<Utc>) -> Result<Option<Effect>, Refused> {
    if let Some(objection) = input.trust.objection() {
        return Err(refused(IDENTITY_NOT_ENFORCED, objection));
    }
    match input.assignment.spec.source {
        Some(Source::Request) => from_request(input, now).map(|()| None),
        Some(Source::Direct) => direct(input, now),
        None => {
            Err(refused(SOURCE_UNKNOWN, "spec.source is empty: the admission policies were not in force when it was written"))
        }
    }
}

/// The record itself must show the approval: an object that merely names a request is not enough.
fn from_request(input: &Input<'_>, now: DateTime<Utc>) -> Result<(), Refused> {
    match input.origin {
        Origin::Found(request) if vouches(request, input.assignment) => Ok(()),
        Origin::Found(_) => Err(refused(REQUEST_NOT_APPROVED, "its AccessRequest is not approved for this Assignment")),
        Origin::Unseen | Origin::Gone => Err(Refused {
            requeue_at: Some(now + UNSEEN_REQUEST_INTERVAL),
            ..refused(REQUEST_NOT_APPROVED, "its AccessRequest is not to be seen yet")
        }),
    }
}

/// Whether an approved request stands behind exactly this assignment.
fn vouches(request: &AccessRequest, assignment: &Assignment) -> bool {
    let (status, spec) = (request.status.clone().unwrap_or_default(), &assignment.spec);
    let approved =
        matches!(status.phase, RequestPhase::Provisioning | RequestPhase::PartiallyDelivered | RequestPhase::Delivered);
    let name = assignment.metadata.name.as_deref();
    approved
        && name == Some(assignment_name(request).as_str())
        && status.assignment.as_deref() == name
        && spec.access_request_uid == request.metadata.uid
        && spec.access_package == request.spec.access_package
        && Some(&spec.subject) == request.subject().as_ref()
}

fn direct(input: &Input<'_>, now: DateTime<Utc>) -> Result<Option<Effect>, Refused> {
    let spec = &input.assignment.spec;
    if input.catalog.is_none() {
        return Err(refused(PACKAGE_NOT_FOUND, "this namespace belongs to no Catalog that is Ready"));
    }
    let Some(package) = input.package else {
        return Err(refused(
            PACKAGE_NOT_FOUND,
            format!("access package {:?} does not exist in this namespace", spec.access_package),
        ));
    };
    if !readiness::package_is_ready(package) {
        return Err(refused(PACKAGE_NOT_READY, format!("access package {:?} is not Ready", spec.access_package)));
    }
    let policy = input.policy.filter(|policy| policy.spec.access_package == spec.access_package);
    let Some(policy) = policy else {
        let text = format!("policy {:?} of access package {:?} does not exist", spec.policy, spec.access_package);
        return Err(refused(POLICY_NOT_FOUND, text));
    };
    if let Err(wrong) = readiness::policy_terms(policy, Some(package)) {
        return Err(refused(POLICY_NOT_READY, format!("policy {:?} is not Ready: {}", spec.policy, wrong.message)));
    }
    possible_subject(input, policy)?;
    if let Some(held) = input.holdings.live(now) {
        let name = held.metadata.name.as_deref().unwrap_or_default();
        return Err(refused(ALREADY_ASSIGNED, format!("{} holds the package by assignment {name:?}", spec.subject)));
    }
    compatible(input, now)?;
    period(input, &policy.spec.expiration)
}

/// Whether the subject is one to whom the package can be assigned, by whoever wrote the assignment.
fn possible_subject(input: &Input<'_>, policy: &Policy) -> Result<(), Refused> {
    let (spec, name) = (&input.assignment.spec, policy.metadata.name.as_deref().unwrap_or_default());
    let listed = spec.subject.kind == SubjectKind::Group && policy.spec.requestors.subjects.contains(&spec.subject);
    if spec.subject.is_system() && !listed {
        let text = format!(
            "{} belongs to Kubernetes itself and can have the package only as a group that requestors.subjects of policy {name:?} names",
            spec.subject
        );
        return Err(refused(NOT_ELIGIBLE, text));
    }
    if !policy.spec.self_assignment && spec.assigned_by.as_ref().is_some_and(|who| spec.subject.covers(who)) {
        let text = format!(
            "{} would be assigned by themselves, which policy {name:?} does not allow (selfAssignment): ask for the package, or let somebody else assign it",
            spec.subject
        );
        return Err(refused(SELF_ASSIGNMENT, text));
    }
    Ok(())
}

fn compatible(input: &Input<'_>, now: DateTime<Utc>) -> Result<(), Refused> {
    let held = input.holdings.holds(&input.incompatible, now).map(|a| (labels::key_text(a), a.spec.access_package.clone()));
    let asked = || {
        let counts = |rival: &holdings::Rival<'_>| rival.assumed || rival.request.phase() != RequestPhase::Submitted;
        let request = input.holdings.asks(&input.incompatible, counts)?;
        Some((labels::key_text(request), request.spec.access_package.clone()))
    };
    match held.or_else(asked) {
        Some((object, package)) => {
            let text = format!(
                "{} holds or asks for the incompatible access package {package:?}: {object}",
                input.assignment.spec.subject
            );
            Err(refused(INCOMPATIBLE, text))
        }
        None => Ok(()),
    }
}

/// The period that is accepted at first: what the request was granted, whatever somebody wrote into the spec since, except for an
/// earlier end or one that an approved extension granted; for a direct assignment what was checked.
pub(super) fn first_period(input: &Input<'_>) -> Schedule {
    let (start, requested) = (input.assignment.start(), input.assignment.requested_end());
    let granted = match (input.assignment.spec.source, input.origin) {
        (Some(Source::Request), Origin::Found(request)) => request.status.as_ref().and_then(|s| s.schedule.clone()),
        _ => None,
    };
    match granted {
        Some(granted) => {
            let sooner = later(granted.end_time, requested) == granted.end_time;
            let end_time = if sooner || input.granted_ends.contains(&requested) { requested } else { granted.end_time };
            Schedule { start_time: granted.start_time, end_time }
        }
        None => Schedule { start_time: start, end_time: requested },
    }
}

/// Whether access may go on until an instant (`None`: without an end) that is later than the accepted end.
pub(super) fn may_end_at(input: &Input<'_>, end: Option<DateTime<Utc>>) -> bool {
    let direct = input.assignment.spec.source == Some(Source::Direct);
    let by_policy = input.policy.filter(|_| direct).is_some_and(|policy| {
        let limit = limit(&policy.spec.expiration, input.assignment.start());
        later(limit, end) == limit
    });
    by_policy || input.granted_ends.contains(&end)
}

/// The period must lie within the policy's limit; one without an end gets the policy's.
fn period(input: &Input<'_>, expiration: &crate::api::policy::Expiration) -> Result<Option<Effect>, Refused> {
    let start = input.assignment.start();
    let limit = limit(expiration, start);
    match (input.assignment.end(), limit) {
        (Some(end), _) if end <= start => {
            Err(refused(SCHEDULE_PAST, format!("the end {} is not after the start {}", show(end), show(start))))
        }
        (Some(end), Some(limit)) if end > limit => {
            let text = format!("the end {} is later than the policy allows, {}", show(end), show(limit));
            Err(refused(SCHEDULE_TOO_LONG, text))
        }
        (None, Some(limit)) if limit <= start => {
            Err(refused(SCHEDULE_PAST, format!("the policy allows access until {} only", show(limit))))
        }
        (None, Some(limit)) => Ok(Some(Effect::EnterEnd { assignment: Key::of(input.assignment), end: limit })),
        _ => Ok(None),
    }
}
