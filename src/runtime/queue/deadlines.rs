//! The deadline book: at most one instant per key, in the order in which they fall due.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use chrono::{DateTime, Utc};

use super::Lane;

/// Deadlines by key and by time. Setting, clearing and taking one costs O(log n), looking at the first O(log n).
#[derive(Debug)]
pub(super) struct Deadlines<W> {
    by_key: HashMap<W, (DateTime<Utc>, Lane)>,
    by_time: BTreeSet<(DateTime<Utc>, W)>,
}

impl<W: Clone + Eq + Hash + Ord> Deadlines<W> {
    pub fn new() -> Self {
        Self { by_key: HashMap::new(), by_time: BTreeSet::new() }
    }

    /// Holds `at` for a key in place of what was held for it.
    pub fn set(&mut self, work: W, at: DateTime<Utc>, lane: Lane) {
        if let Some((old, _)) = self.by_key.insert(work.clone(), (at, lane)) {
            if old == at {
                return;
            }
            // One of the two copies of the key moves over: no allocation for keys that are cheap to clone.
            let stale = (old, work);
            self.by_time.remove(&stale);
            self.by_time.insert((at, stale.1));
        } else {
            self.by_time.insert((at, work));
        }
    }

    /// Forgets the deadline of a key.
    pub fn clear(&mut self, work: &W) {
        if let Some((at, _)) = self.by_key.remove(work) {
            self.by_time.remove(&(at, work.clone()));
        }
    }

    /// Takes the earliest deadline that `now` has reached.
    pub fn take_due(&mut self, now: DateTime<Utc>) -> Option<(W, Lane)> {
        if self.next()? > now {
            return None;
        }
        let (_, work) = self.by_time.pop_first()?;
        let (_, lane) = self.by_key.remove(&work)?;
        Some((work, lane))
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<DateTime<Utc>> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// How many keys have one.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }
}
