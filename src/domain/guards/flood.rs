//! Nobody floods.

use super::{Asking, Case, OfRequest};
use crate::domain::refusal::{Objection, Reason};

/// Requests that a requestor made before one, counted up to the bounds; only while that one is Submitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// Not ended.
    pub open: usize,
    /// Within a day before.
    pub recent: usize,
}

/// How many requests one requestor may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Open at the same time.
    pub open: usize,
    /// Within a day.
    pub recent: usize,
}

/// So many requests of one requestor may be open, and so many are judged in a day. Whoever may assign the package in person is bound by
/// neither.
pub(super) fn is_within_bounds(case: &Case<'_, Asking>) -> Result<(), Objection> {
    let OfRequest { people, before, bounds, .. } = &case.application;
    let who = &people.requestor.username;
    let text = if people.may_assign {
        return Ok(());
    } else if before.open >= bounds.open {
        format!("{who} has {} requests open already: wait for them, or cancel some", bounds.open)
    } else if before.recent >= bounds.recent {
        format!("{who} made {} requests within a day already: ask again tomorrow", bounds.recent)
    } else {
        return Ok(());
    };
    Err(Objection::refuse(Reason::TooManyRequests, text))
}
