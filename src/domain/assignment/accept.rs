//! Whether an assignment may give access: one that the operator made needs its approved request, a direct one passes the guards.

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::access_request::{RequestPhase, Schedule};
use crate::api::assignment::Source;
use crate::api::assignment::reason::{IDENTITY_NOT_ENFORCED, REQUEST_NOT_APPROVED, SOURCE_UNKNOWN};
use crate::api::{AccessRequest, Assignment};
use crate::domain::guards::{self, Case, OfAssignment, choice};
use crate::domain::meta;
use crate::domain::refusal::Refusal;
use crate::domain::schedule::{later, limit};

use super::name::assignment_name;
use super::{Input, Origin};

/// What is found of an assignment that was not accepted yet.
pub(super) enum Acceptance {
    /// It may give access.
    Accepted,
    /// It may, once the end of its policy is entered into its spec.
    LacksEnd(DateTime<Utc>),
    /// It gives nothing yet.
    Refused(Refused),
}

/// Why an assignment gives nothing yet.
pub(super) struct Refused {
    /// The reason, with its message.
    pub why: Refusal,
    /// When to ask again, where no change would tell.
    pub requeue_at: Option<DateTime<Utc>>,
}

impl From<Refusal> for Acceptance {
    fn from(why: Refusal) -> Self {
        Self::Refused(Refused { why, requeue_at: None })
    }
}

/// How soon to ask again for a request that the cache does not show.
const UNSEEN_REQUEST_INTERVAL: TimeDelta = TimeDelta::seconds(2);

/// Judges an assignment that was not accepted yet, or whose start lies ahead.
pub(super) fn judge(input: &Input<'_>, now: DateTime<Utc>) -> Acceptance {
    if let Some(objection) = input.trust.objection() {
        return Refusal::new(IDENTITY_NOT_ENFORCED, objection).into();
    }
    match input.assignment.spec.source {
        Some(Source::Request) => from_request(input, now),
        Some(Source::Direct) => direct(input, now),
        None => {
            let text = "spec.source is empty: the admission policies were not in force when it was written";
            Refusal::new(SOURCE_UNKNOWN, text).into()
        }
    }
}

/// The record itself must show the approval: an object that merely names a request is not enough.
fn from_request(input: &Input<'_>, now: DateTime<Utc>) -> Acceptance {
    let refused = |text: &str| Refusal::new(REQUEST_NOT_APPROVED, text);
    match input.origin {
        Origin::Found(request) if vouches(request, input.assignment) => Acceptance::Accepted,
        Origin::Found(_) => refused("its AccessRequest is not approved for this Assignment").into(),
        Origin::Unseen | Origin::Gone => Acceptance::Refused(Refused {
            why: refused("its AccessRequest is not to be seen yet"),
            requeue_at: Some(now + UNSEEN_REQUEST_INTERVAL),
        }),
    }
}

/// Whether an approved request stands behind exactly this assignment.
fn vouches(request: &AccessRequest, assignment: &Assignment) -> bool {
    let (spec, name) = (&assignment.spec, meta::name(assignment));
    let approved =
        matches!(request.phase(), RequestPhase::Provisioning | RequestPhase::PartiallyDelivered | RequestPhase::Delivered);
    let named = request.status.as_ref().and_then(|status| status.assignment.as_deref());
    approved
        && name == assignment_name(request)
        && named == Some(name)
        && spec.access_request_uid == request.metadata.uid
        && spec.access_package == request.spec.access_package
        && Some(&spec.subject) == request.subject().as_ref()
}

fn direct(input: &Input<'_>, now: DateTime<Utc>) -> Acceptance {
    let assignment = input.assignment;
    let case = Case {
        catalog: input.catalog,
        package_name: &assignment.spec.access_package,
        package: input.package,
        policy: choice::of_assignment(&assignment.spec, input.policy),
        subject: &assignment.spec.subject,
        holdings: &input.holdings,
        incompatible: &input.incompatible,
        now,
        application: OfAssignment { assignment },
    };
    match guards::direct(&case) {
        Err(refusal) => refusal.into(),
        // Without an end it gets that of its policy, if that has one.
        Ok(policy) if assignment.end().is_none() => {
            limit(&policy.spec.expiration, assignment.start()).map_or(Acceptance::Accepted, Acceptance::LacksEnd)
        }
        Ok(_) => Acceptance::Accepted,
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
