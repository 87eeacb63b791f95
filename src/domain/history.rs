//! Writing down transitions: timeline, event and phase always go together.

use chrono::{DateTime, Utc};

use crate::api::timeline::{TimelineEntry, record};
use crate::api::word::EventReason;

use super::plan::Notice;
use super::text::clip;

/// Longest message in a timeline entry.
const LONGEST: usize = 1_000;

/// Records one entry in a timeline and the same as an Event.
pub fn publish(
    timeline: &mut Vec<TimelineEntry>,
    notices: &mut Vec<Notice>,
    now: DateTime<Utc>,
    event: EventReason,
    by: Option<&str>,
    message: &str,
) {
    let message = clip(message, LONGEST);
    record(timeline, now, event, by.map(|by| clip(by, LONGEST)), message.clone());
    let message = match by {
        Some(by) if !message.is_empty() => format!("{message} (by {by})"),
        Some(by) => format!("by {by}"),
        None => message,
    };
    notices.push(Notice::new(event, message));
}

/// Says of the last entry that it tells of a phase that was entered, for this reason.
pub fn entered(notices: &mut [Notice], reason: &'static str) {
    if let Some(notice) = notices.last_mut() {
        notice.entered = Some(reason);
    }
}
