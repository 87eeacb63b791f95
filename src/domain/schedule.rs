//! The period that a policy allows and a person requests.

use chrono::{DateTime, Utc};

use crate::api::Span;
use crate::api::access_request::{RequestedSchedule, Schedule};
use crate::api::policy::Expiration;
use crate::api::time::whole;

use super::refusal::{Reason, Refusal};

/// The last instant that can be written with four digits for the year; no sum passes it.
const LAST: DateTime<Utc> = match DateTime::from_timestamp(253_402_300_799, 0) {
    Some(last) => last,
    None => DateTime::UNIX_EPOCH,
};

/// An instant and a duration added up; the last instant that can be written where the sum lies beyond it.
pub fn sum(at: DateTime<Utc>, span: Span) -> DateTime<Utc> {
    at.checked_add_signed(span.delta()).map_or(LAST, |sum| sum.min(LAST))
}

/// The latest end that a policy allows for a period that starts at `start`; `None`: no limit.
pub fn limit(expiration: &Expiration, start: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match (expiration.after, expiration.at) {
        (Some(after), _) => Some(sum(start, after)),
        (None, Some(at)) => Some(at),
        (None, None) => None,
    }
}

/// The effective period of a request that is approved at `now`: it starts at the requested start or now, whichever is later, and ends at the
/// requested end, or at the policy's limit.
///
/// The limit counts from the effective start, so that a late approval does not shorten what was asked for. A request is refused, never
/// trimmed: people must know what they get.
pub fn effective(
    expiration: &Expiration,
    custom: bool,
    requested: Option<&RequestedSchedule>,
    now: DateTime<Utc>,
) -> Result<Schedule, Refusal> {
    if requested.is_some() && !custom {
        return Err(Refusal::new(
            Reason::ScheduleNotAllowed,
            "the policy does not allow to choose a period (customSchedule): leave spec.schedule out",
        ));
    }
    let start = requested.and_then(|w| w.start_time).map_or(now, |start| whole(start).max(now));
    let limit = limit(expiration, start);
    let requested_end = requested.and_then(|w| w.end_time.map(whole).or_else(|| w.duration.map(|d| sum(start, d))));
    let end = requested_end.or(limit);
    if let Some(end) = end.filter(|end| *end <= start) {
        let text = format!("the period would end at {} and not start before {}", show(end), show(start));
        return Err(Refusal::new(Reason::SchedulePast, text));
    }
    match (end, limit) {
        (Some(end), _) if end >= LAST => Err(Refusal::new(
            Reason::ScheduleTooLong,
            format!("the period would end at {} or later, which is no time to plan for: name an earlier end", show(end)),
        )),
        (Some(end), Some(limit)) if end > limit => Err(Refusal::new(
            Reason::ScheduleTooLong,
            format!("the period would end at {}, the policy allows at most until {}", show(end), show(limit)),
        )),
        _ => Ok(Schedule { start_time: start, end_time: end }),
    }
}

/// A request for what lay wholly in the past when it was made is none: the start and the length contradict what anybody would mean.
pub fn not_past(requested: Option<&RequestedSchedule>, made: DateTime<Utc>) -> Result<(), Refusal> {
    let period = requested.and_then(|w| w.start_time.zip(w.duration));
    match period.map(|(start, duration)| sum(start, duration)).filter(|end| *end <= made) {
        Some(end) => {
            let text = format!(
                "the period (schedule.startTime and duration) ended at {}, before the request was made at {}: leave startTime out to start now",
                show(end),
                show(made)
            );
            Err(Refusal::new(Reason::SchedulePast, text))
        }
        None => Ok(()),
    }
}

/// The later of two ends, where `None` is no end: an extension never shortens.
pub fn later(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    one.zip(other).map(|(one, other)| one.max(other))
}

/// An instant as messages show it.
pub fn show(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
