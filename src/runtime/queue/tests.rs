//! The schedule step by step, the schedule against a model, and the queue around it under paused time.

mod model;
mod schedule;
mod waiting;

use chrono::{DateTime, Utc};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_000_000 + seconds, 0).unwrap()
}

/// How many keys of one flow may run at the same time.
const SHARE: usize = 4;

/// Whatever there is.
const ALL: std::ops::RangeInclusive<super::Lane> = super::Lane::Urgent..=super::Lane::Asking;

impl super::Job for &'static str {
    /// What stands before a slash.
    fn flow(&self) -> &str {
        self.split_once('/').map_or("", |(flow, _)| flow)
    }
}

impl super::Job for u8 {
    fn flow(&self) -> &str {
        ["even", "odd"].get(usize::from(*self % 2)).copied().unwrap_or_default()
    }
}

impl super::Job for u32 {
    fn flow(&self) -> &str {
        ""
    }
}
