//! What must hold of every status that is written.

mod assignments;
mod requests;
mod separation;
mod timeline;

use std::any::Any;

use chrono::{DateTime, Utc};
use entitlement_operator::api::assignment::AssignmentPhase as A;
use entitlement_operator::api::{AccessRequestStatus, Assignment, AssignmentStatus};
use entitlement_operator::domain::Key;

use super::rules::Reconciled;
use super::store::Store;

/// A status is about to be written.
pub fn status_changes<K: Reconciled>(store: &Store, key: &Key, after: &K::Status) {
    let after: &dyn Any = after;
    if let Some(after) = after.downcast_ref::<AccessRequestStatus>() {
        requests::request_changes(store, key, &store.api.requests[key], after);
    }
    if let Some(after) = after.downcast_ref::<AssignmentStatus>() {
        assignments::assignment_changes(store, key, &store.api.assignments[key], after);
    }
}

/// Whether an assignment gives access, told without the operator's words.
pub fn covers(a: &Assignment, now: DateTime<Utc>) -> bool {
    let Some(status) = &a.status else { return false };
    let Some(period) = &status.schedule else { return false };
    let wished = a.spec.schedule.as_ref().and_then(|s| s.end_time);
    matches!(status.phase, A::Provisioning | A::Delivered | A::PartiallyDelivered)
        && a.spec.revoked.is_none()
        && a.metadata.deletion_timestamp.is_none()
        && period.start_time <= now
        && period.end_time.is_none_or(|end| now < end)
        && wished.is_none_or(|end| now < end)
}

/// Whether an assignment gives access now or will.
pub fn is_held(a: &Assignment, now: DateTime<Utc>) -> bool {
    let parked = a.phase() == A::Scheduled && a.spec.revoked.is_none() && a.metadata.deletion_timestamp.is_none();
    covers(a, now) || (parked && a.end().is_none_or(|end| now < end))
}
