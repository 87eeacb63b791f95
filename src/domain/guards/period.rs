//! The period that a request asks for.

use super::{Asking, Case};
use crate::api::access_request::Schedule;
use crate::api::time::created;
use crate::domain::refusal::Objection;
use crate::domain::schedule;

/// It was not over when it was asked for.
pub(super) fn was_not_over(case: &Case<'_, Asking>) -> Result<(), Objection> {
    let request = case.application.request;
    Ok(schedule::not_past(request.spec.schedule.as_ref(), created(request))?)
}

/// The policy allows it.
pub(super) fn is_allowed(case: &Case<'_, Asking>) -> Result<(), Objection> {
    effective(case).map(|_| ())
}

/// The period that the request would get if it were approved now.
pub(super) fn effective(case: &Case<'_, Asking>) -> Result<Schedule, Objection> {
    let (terms, requested) = (&case.policy.clone()?.spec, case.application.request.spec.schedule.as_ref());
    Ok(schedule::effective(&terms.expiration, terms.custom_schedule, requested, case.now)?)
}
