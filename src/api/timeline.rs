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

/// Adds an entry. When the timeline is full, the oldest entry that is not decisive goes: the first one (how it began) and
/// the newest half (how it ended) stay.
pub fn record(timeline: &mut Vec<TimelineEntry>, entry: TimelineEntry) {
    if timeline.len() >= MOST {
        timeline.remove(MOST / 4);
    }
    timeline.push(entry);
}
