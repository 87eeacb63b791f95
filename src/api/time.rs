//! Conversions between the time types of chrono (ours) and jiff (Kubernetes' metadata).
//!
//! All instants are UTC with whole seconds, as `metav1.Time` has them: a fraction would not survive a round trip
//! through the API server, and a status that never equals itself is written for ever.

use chrono::{DateTime, Utc};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

/// `metav1.Time` of an instant; the fraction of a second is dropped.
pub fn to_meta(at: DateTime<Utc>) -> Time {
    Time(Timestamp::from_second(at.timestamp()).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Instant of a `metav1.Time`, in whole seconds.
pub fn from_meta(time: &Time) -> DateTime<Utc> {
    DateTime::from_timestamp(time.0.as_second(), 0).unwrap_or(DateTime::UNIX_EPOCH)
}

/// An instant without its fraction of a second.
pub fn whole(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(at.timestamp(), 0).unwrap_or(at)
}

/// When the API server created an object; the epoch for one that was never stored.
pub fn created<K: kube::Resource>(object: &K) -> DateTime<Utc> {
    object.meta().creation_timestamp.as_ref().map(from_meta).unwrap_or(DateTime::UNIX_EPOCH)
}
