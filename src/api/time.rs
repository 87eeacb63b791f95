//! Conversions between the time types of chrono (ours) and jiff (Kubernetes' metadata).
//!
//! All instants are UTC with whole seconds, as `metav1.Time` has them: a fraction would not survive a round trip
//! through the API server, and a status that never equals itself is written again and again.

use chrono::{DateTime, Utc};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

/// How an instant is written, as the schemas state it beside `format: date-time`, which the API server reads more generously than RFC 3339:
/// it takes `2027-06-01T08:00:00,5Z`, offsets such as `+99:99` and lower case letters, which nobody else can read. The years leave room for
/// the longest duration that can be written: no sum passes the year 9999.
pub const PATTERN: &str = r"^(19[7-9][0-9]|[2-8][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$";

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::span;

    #[test]
    fn the_pattern_refuses_what_only_the_api_server_reads() -> Result<(), regex::Error> {
        let pattern = regex::Regex::new(PATTERN)?;
        for text in [
            "2027-06-01T08:00:00,5Z",
            "2027-06-01T08:00:00+24:00",
            "2027-06-01T08:00:00+99:99",
            "2027-06-01t08:00:00Z",
            "2027-06-01T08:00:00z",
            "2027-06-01 08:00:00Z",
            "2027-06-01T08:00:60Z",
            "2027-06-01T08:00:00",
            "1969-12-31T23:59:59Z",
            "9999-12-31T23:59:59Z",
            "20270-06-01T08:00:00Z",
        ] {
            assert!(!pattern.is_match(text), "{text}");
        }
        Ok(())
    }

    proptest! {
        /// What the pattern admits and a calendar has (the API server looks at that, too) can be read, and the longest duration added.
        #[test]
        fn whatever_the_pattern_admits_can_be_read_and_added_up(
            text in "(19[7-9][0-9]|[2-8][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
        ) {
            prop_assert!(regex::Regex::new(PATTERN)?.is_match(&text));
            let at: DateTime<Utc> = serde_json::from_value(serde_json::Value::String(text))?;
            let longest: span::Span = "99y9999w99999d999999h999999m999999s".parse()?;
            let sum = at.checked_add_signed(longest.delta());
            prop_assert!(sum.is_some_and(|sum| sum.to_rfc3339().starts_with(|c: char| c.is_ascii_digit())), "{:?}", sum);
        }
    }
}
