//! The history of an object, written by the operator into its status.

use chrono::{DateTime, Utc};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

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
const PASSING: [&str; 4] = ["Pending", "Provisioning", "PartiallyDelivered", "Delivered"];
/// The first entries tell how it began, and stay.
const BEGINNING: usize = 8;

/// Adds an entry. When the timeline is full, the oldest entry goes that only tells of coming and going.
pub fn record(timeline: &mut Vec<TimelineEntry>, entry: TimelineEntry) {
    if timeline.len() >= MOST {
        let passing = timeline.iter().skip(BEGINNING).position(|entry| PASSING.contains(&entry.event.as_str()));
        timeline.remove(BEGINNING + passing.unwrap_or_default());
    }
    timeline.push(entry);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(event: &str) -> TimelineEntry {
        TimelineEntry { at: DateTime::UNIX_EPOCH, event: event.to_owned(), by: None, message: String::new() }
    }

    #[test]
    fn keeps_beginning_end_and_what_was_decided() {
        let mut timeline = Vec::new();
        record(&mut timeline, entry("Submitted"));
        for round in 0..100 {
            record(&mut timeline, entry("Provisioning"));
            record(&mut timeline, entry("Delivered"));
            if round == 10 {
                record(&mut timeline, entry("EndMoved"));
            }
        }
        record(&mut timeline, entry("Revoked"));
        let events: Vec<&str> = timeline.iter().map(|e| e.event.as_str()).collect();
        assert_eq!((events.len(), events.first(), events.last()), (MOST, Some(&"Submitted"), Some(&"Revoked")));
        assert!(events.contains(&"EndMoved"));
    }
}
