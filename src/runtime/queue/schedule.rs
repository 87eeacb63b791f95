//! The queue as a pure, synchronous structure: every method is told the time.
//!
//! A key is in at most one place: waiting in a line, running, or backing off. A key in none of them has no entry, so that memory
//! follows what is going on and not what exists.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::deadlines::Deadlines;
use super::lines::{self, Line, Lines, line};
use super::{Action, Job, Lane};

/// No key that failed runs again sooner, however urgent: two keys that trigger each other would spin.
const SHORTEST_DELAY: Duration = Duration::from_millis(200);

/// Delays of a key that keeps failing. The jitter adds up to the delay itself, so half of the longest wait is the ceiling here and
/// every wait lies between 200 ms and 60 s; see also LONGEST_SHORT_DELAY.
const BACKOFF: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(SHORTEST_DELAY)
    .with_max_delay(Duration::from_secs(30))
    .with_jitter()
    .without_max_times();

/// Longest delay of an urgent key, which takes access away, and of what nobody answered: after an outage nothing waits for the end of a long
/// backoff.
const LONGEST_SHORT_DELAY: Duration = Duration::from_secs(5);

/// Both clocks at one moment: deadlines follow the wall clock, backoff the monotonic one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub wall: DateTime<Utc>,
    pub monotonic: Instant,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Ready(lines::Place),
    Running {
        line: Line,
        /// Pushed since it was given out, so it runs once more.
        again: Option<Lane>,
    },
    BackingOff {
        /// The earliest that an urgent push may bring `until` forward to.
        floor: Instant,
        until: Instant,
        lane: Lane,
    },
}

type Backoff = <ExponentialBuilder as BackoffBuilder>::Backoff;

#[derive(Debug)]
struct Entry {
    place: Place,
    /// Present after a failure, until a success.
    backoff: Option<Box<Backoff>>,
}

/// All keys that are on their way, and all deadlines.
#[derive(Debug)]
pub(super) struct Schedule<W> {
    entries: HashMap<W, Entry>,
    lines: Lines<W>,
    retries: BTreeSet<(Instant, W)>,
    deadlines: Deadlines<W>,
}

impl<W: Job> Schedule<W> {
    /// An empty one, in which one flow may have as many ordinary keys run at the same time.
    pub fn new(share: usize) -> Self {
        Self { entries: HashMap::new(), lines: Lines::new(share), retries: BTreeSet::new(), deadlines: Deadlines::new() }
    }

    /// Asks for a run of a key.
    pub fn push(&mut self, work: W, lane: Lane) {
        let lane = work.lane(lane);
        let Some(entry) = self.entries.get_mut(&work) else {
            return self.line_up(work, lane, None);
        };
        match &mut entry.place {
            Place::Running { again, .. } => *again = Some(again.map_or(lane, |earlier| earlier.min(lane))),
            Place::Ready(place) if lane < place.line.0 => {
                self.lines.remove(*place);
                self.promote(work, lane);
            }
            // What fails is not retried faster because its object changes; a revocation does not wait for a long backoff.
            Place::BackingOff { floor, until, lane: held } if lane == Lane::Urgent => {
                *held = lane;
                let old = std::mem::replace(until, (*floor).min(*until));
                let retry = (old, work);
                self.retries.remove(&retry);
                self.retries.insert((*until, retry.1));
            }
            Place::Ready(_) | Place::BackingOff { .. } => {}
        }
    }

    /// Gives out the key whose turn it is among some lanes; it is then running until [`Schedule::done`].
    pub fn take(&mut self, lanes: &RangeInclusive<Lane>, now: Now) -> Option<W> {
        while let Some((work, lane)) = self.deadlines.take_due(now.wall) {
            self.push(work, lane);
        }
        while self.retries.first().is_some_and(|(at, _)| *at <= now.monotonic) {
            if let Some((_, work)) = self.retries.pop_first() {
                self.retry(work);
            }
        }
        let (work, line) = self.lines.take(lanes)?;
        if let Some(entry) = self.entries.get_mut(&work) {
            entry.place = Place::Running { line, again: None };
        }
        Some(work)
    }

    /// Ends the run of a key; without effect for a key that is not running.
    pub fn done(&mut self, work: &W, outcome: Action, now: Instant) {
        let Some(Entry { place: Place::Running { line, again }, .. }) = self.entries.get(work) else {
            return;
        };
        let (line, lane, again) = (*line, line.0, *again);
        self.lines.returned(line);
        match outcome {
            Action::Retry => return self.back_off(work, lane, again, now, lane == Lane::Urgent),
            Action::RetrySoon => return self.back_off(work, lane, again, now, true),
            Action::RequeueAt(at, lane) => self.deadlines.set(work.clone(), at, lane),
            Action::AwaitChange => self.deadlines.clear(work),
        }
        self.entries.remove(work);
        if let Some(lane) = again {
            self.line_up(work.clone(), lane, None);
        }
    }

    /// When the first key that backs off runs again.
    pub fn next_retry(&self) -> Option<Instant> {
        self.retries.first().map(|(at, _)| *at)
    }

    /// The earliest deadline held.
    pub fn next_deadline(&self) -> Option<DateTime<Utc>> {
        self.deadlines.next()
    }

    /// Whether a key could be taken, deadlines and backoff aside.
    pub fn has_ready(&self) -> bool {
        self.lines.has_ready()
    }

    /// Keys that are ready, running or backing off.
    pub fn depth(&self) -> usize {
        self.entries.len()
    }

    /// Keys with a deadline.
    pub fn deadlines(&self) -> usize {
        self.deadlines.len()
    }

    fn back_off(&mut self, work: &W, lane: Lane, again: Option<Lane>, now: Instant, short: bool) {
        let Some(entry) = self.entries.get_mut(work) else { return };
        let backoff = entry.backoff.get_or_insert_with(|| Box::new(BACKOFF.with_jitter_seed(seed()).build()));
        let floor = now + SHORTEST_DELAY;
        let delay = backoff.next().unwrap_or(SHORTEST_DELAY);
        let until = now + if short { delay.min(LONGEST_SHORT_DELAY) } else { delay };
        entry.place = Place::BackingOff { floor, until, lane };
        self.retries.insert((until, work.clone()));
        if let Some(lane) = again {
            self.push(work.clone(), lane);
        }
    }

    /// Lines a key up again whose backoff is over, in the lane in which it failed.
    fn retry(&mut self, work: W) {
        if let Some(Entry { place: Place::BackingOff { lane, .. }, .. }) = self.entries.get(&work) {
            let lane = *lane;
            self.promote(work, lane);
        }
    }

    /// Lines up a key that has an entry already, with the memory of its failures.
    fn promote(&mut self, work: W, lane: Lane) {
        let backoff = self.entries.get_mut(&work).and_then(|entry| entry.backoff.take());
        self.line_up(work, lane, backoff);
    }

    fn line_up(&mut self, work: W, lane: Lane, backoff: Option<Box<Backoff>>) {
        let place = self.lines.add(line(lane, work.flow()), work.clone());
        self.entries.insert(work, Entry { place: Place::Ready(place), backoff });
    }
}

/// A seed that differs between keys and processes: without one, all keys that fail together would retry together.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}
