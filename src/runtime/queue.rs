//! The work queue: the one place that decides what runs next.
//!
//! Lanes, urgent before ordinary, because revocations go before grants, and what takes long aside; in each, flows take turns, and none has
//! more than its share of the places, so that nobody's flood holds up others. A key waits at most once and never runs twice at the
//! same time; what is pushed while it runs makes it run once more. Each key may hold one deadline in wall-clock time and backs
//! off by itself when it fails. The schedule is a pure structure; this file adds the lock, the sleeping and the waking.

mod deadlines;
mod lines;
mod schedule;
#[cfg(test)]
mod tests;

use std::hash::Hash;
use std::ops::RangeInclusive;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use self::schedule::{Now, Schedule};
use crate::runtime::clock::Clock;

/// Longest sleep while a deadline is held: a wall clock that steps forward is noticed within it.
const LONGEST_NAP: Duration = Duration::from_secs(1);

/// Which line a key waits in. The order is the order of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Served first: what takes access away.
    Urgent,
    /// Everything else.
    Ordinary,
    /// What takes long, because it asks the API server much.
    Asking,
}

/// A key of the queue.
pub trait Job: Clone + Eq + Hash + Ord + Send {
    /// Whose it is: keys of different flows take turns.
    fn flow(&self) -> &str;

    /// The lane it waits in when it is pushed into one.
    fn lane(&self, pushed: Lane) -> Lane {
        pushed
    }
}

/// How a run of a key ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing to wait for: the key's deadline is cleared.
    AwaitChange,
    /// To be run again at this instant, in this lane, whatever was planned before.
    RequeueAt(DateTime<Utc>, Lane),
    /// To be retried after a growing delay, in the lane in which it ran; its deadline stays.
    Retry,
    /// As `Retry`, because nobody answered: the delays stay short, so that an outage is over for it soon after it is over.
    RetrySoon,
}

/// What the queue has to give.
enum Next<W> {
    Item(W),
    Sleep(Option<Duration>),
    Closed,
}

/// Keys to be worked on, shared by whoever asks for work and whoever does it.
pub struct Queue<W> {
    clock: Arc<dyn Clock>,
    state: Mutex<State<W>>,
    wake: Notify,
}

struct State<W> {
    schedule: Schedule<W>,
    closed: bool,
}

impl<W: Job> Queue<W> {
    /// An empty queue whose deadlines follow `clock`, in which one flow may have `share` ordinary keys run at the same time.
    pub fn new(clock: Arc<dyn Clock>, share: usize) -> Self {
        Self { clock, state: Mutex::new(State { schedule: Schedule::new(share), closed: false }), wake: Notify::new() }
    }

    /// Asks for a run of a key: at once, after the run that is going on, or after the backoff that it is in.
    pub fn push(&self, work: W) {
        self.change(|schedule| schedule.push(work, Lane::Ordinary));
    }

    /// Asks for a run of a key before all ordinary ones, and within 200 ms of its last failure if it backs off.
    pub fn push_urgent(&self, work: W) {
        self.change(|schedule| schedule.push(work, Lane::Urgent));
    }

    /// Waits for the next key of some lanes. It counts as running until [`Queue::done`] is called for it, which the caller must do whatever
    /// happens to the run. `None` after [`Queue::close`]. Any number of tasks may wait, and a wait may be dropped.
    pub async fn next(&self, lanes: RangeInclusive<Lane>) -> Option<W> {
        loop {
            let mut woken = pin!(self.wake.notified());
            // Before asking, so that nothing is missed between asking and waiting.
            woken.as_mut().enable();
            match self.try_next(&lanes) {
                Next::Item(work) => return Some(work),
                Next::Closed => return None,
                Next::Sleep(None) => woken.await,
                Next::Sleep(Some(nap)) => drop(timeout(nap, woken).await),
            }
        }
    }

    /// Ends a key's run.
    pub fn done(&self, work: &W, outcome: Action) {
        let now = Instant::now();
        self.change(|schedule| schedule.done(work, outcome, now));
    }

    /// Gives out nothing any more; runs that are going on may still end.
    pub fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_waiters();
    }

    /// Keys that are ready, running or backing off.
    pub fn depth(&self) -> usize {
        self.lock().schedule.depth()
    }

    /// Keys that hold a deadline.
    pub fn deadlines(&self) -> usize {
        self.lock().schedule.deadlines()
    }

    /// The earliest deadline held.
    pub fn next_deadline(&self) -> Option<DateTime<Utc>> {
        self.lock().schedule.next_deadline()
    }

    fn change(&self, change: impl FnOnce(&mut Schedule<W>)) {
        change(&mut self.lock().schedule);
        self.wake.notify_waiters(); // each of them serves other lanes
    }

    fn try_next(&self, lanes: &RangeInclusive<Lane>) -> Next<W> {
        let now = Now { wall: self.clock.now(), monotonic: Instant::now() };
        let mut state = self.lock();
        if state.closed {
            return Next::Closed;
        }
        let work = state.schedule.take(lanes, now);
        let deadline = state.schedule.next_deadline();
        let retry = state.schedule.next_retry();
        let more = state.schedule.has_ready() || deadline.is_some() || retry.is_some();
        drop(state);
        match work {
            Some(work) => {
                // Whoever takes work stops watching the time: another one that waits has to.
                if more {
                    self.wake.notify_waiters();
                }
                Next::Item(work)
            }
            None => Next::Sleep(self.nap(deadline, retry, now.monotonic)),
        }
    }

    fn nap(&self, deadline: Option<DateTime<Utc>>, retry: Option<Instant>, now: Instant) -> Option<Duration> {
        let deadline = deadline.map(|at| self.clock.until(at).min(LONGEST_NAP));
        let retry = retry.map(|at| at.saturating_duration_since(now));
        deadline.into_iter().chain(retry).min()
    }

    fn lock(&self) -> MutexGuard<'_, State<W>> {
        // No code that can panic runs under the lock, so what a poisoned one guards is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
