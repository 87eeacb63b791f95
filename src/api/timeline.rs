//! The history of an object, written by the operator into its status.

use chrono::{DateTime, Utc};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::assignment::events;
use super::word::EventReason;

/// One thing that happened, recorded once.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimelineEntry {
    /// When the operator recorded it, or when the API server stored the cause (UTC, whole seconds).
    pub at: DateTime<Utc>,
    /// What happened: the phase that was entered, or another word in CamelCase such as `StageOpened`.
    #[schemars(length(max = 64))]
    pub event: String,
    /// Who caused it; absent when it was time or the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub by: Option<String>,
    /// The same for a person to read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 2048))]
    pub message: String,
}

/// Most entries that a timeline keeps.
pub const MOST: usize = 64;

/// Events that may come and go many times while access is repaired; any other is decisive.
const PASSING: [EventReason; 4] = [events::PENDING, events::PROVISIONING, events::PARTIALLY_DELIVERED, events::DELIVERED];
/// The first entries tell how it began, and stay.
const BEGINNING: usize = 8;

/// Adds an entry, which is the one way to make one. When the timeline is full, the oldest entry goes that only tells of coming and going.
pub fn record(timeline: &mut Vec<TimelineEntry>, at: DateTime<Utc>, event: EventReason, by: Option<String>, message: String) {
    if timeline.len() >= MOST {
        let is_passing = |entry: &TimelineEntry| PASSING.iter().any(|event| entry.event == *event);
        let passing = timeline.iter().skip(BEGINNING).position(is_passing);
        timeline.remove(BEGINNING + passing.unwrap_or_default()); // where all are decisive, the oldest after the beginning
    }
    timeline.push(TimelineEntry { at, event: event.as_str().to_owned(), by, message });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_beginning_end_and_what_was_decided() {
        let mut timeline = Vec::new();
        let mut record = |event| record(&mut timeline, DateTime::UNIX_EPOCH, event, None, String::new());
        record(events::SCHEDULED);
        for round in 0..100 {
            record(events::PROVISIONING);
            record(events::DELIVERED);
            if round == 10 {
                record(events::END_MOVED);
            }
        }
        record(events::REVOKED);
        let told: Vec<&str> = timeline.iter().map(|e| e.event.as_str()).collect();
        assert_eq!((told.len(), told.first(), told.last()), (MOST, Some(&"Scheduled"), Some(&"Revoked")));
        assert!(told.contains(&"EndMoved"));
    }
}
