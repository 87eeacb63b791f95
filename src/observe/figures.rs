//! Figures about everything that is cached, for the metrics; counted now and then, without a request.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::KINDS;
use crate::api::access_request::RequestPhase;
use crate::api::assignment::GrantState;
use crate::api::time::created;
use crate::domain::holdings::stands;
use crate::runtime::clock::Clock;
use crate::runtime::telemetry::Metrics;

use super::stores::Stores;

/// Ages of pending requests, youngest first.
const AGES: [(&str, TimeDelta); 4] = [
    ("under 1h", TimeDelta::hours(1)),
    ("under 1d", TimeDelta::days(1)),
    ("under 7d", TimeDelta::days(7)),
    ("7d and more", TimeDelta::MAX),
];

/// States of grants.
const STATES: [(&str, GrantState); 4] = [
    ("Pending", GrantState::Pending),
    ("Delivered", GrantState::Delivered),
    ("Failed", GrantState::Failed),
    ("Removing", GrantState::Removing),
];

/// Counts, and sets the gauges.
pub fn show(stores: &Stores, metrics: &Metrics, clock: &dyn Clock) {
    let now = clock.now();
    let mut ages: BTreeMap<&str, usize> = AGES.iter().map(|(age, _)| (*age, 0)).collect();
    for request in stores.requests.all().filter(|r| r.phase() == RequestPhase::PendingApproval) {
        let old = now - created(&**request);
        if let Some((age, _)) = AGES.iter().find(|(_, limit)| old < *limit) {
            *ages.entry(age).or_default() += 1;
        }
    }
    ages.into_iter().for_each(|(age, count)| metrics.set_pending_requests(age, count));
    for (word, state) in STATES {
        let grants = stores.assignments.all().filter_map(|a| a.status.as_ref()).flat_map(|s| &s.grants);
        metrics.set_grants("kubernetes", word, grants.filter(|g| g.state == state).count());
    }
    for kind in KINDS {
        metrics.set_unreadable(kind, stores.unreadable.keys().filter(|(known, _)| *known == kind).count());
    }
    metrics.set_oldest_overdue(overdue(stores, now).map_or(0.0, |since| clock.since(since).as_secs_f64()));
}

/// The oldest end of an assignment whose access is still there.
fn overdue(stores: &Stores, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let ended = stores.assignments.all().filter(|a| !a.phase().is_terminal() && !stands(a, now));
    let held = ended.filter(|a| a.status.as_ref().is_some_and(|s| s.grants.iter().any(|g| g.state != GrantState::Pending)));
    held.filter_map(|a| a.end().filter(|end| *end <= now)).min()
}
