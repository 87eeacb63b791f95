//! The schedule step by step, the schedule against a model, and the queue around it under paused time.

mod model;
mod schedule;
mod waiting;

use chrono::{DateTime, Utc};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_000_000 + seconds, 0).unwrap()
}
