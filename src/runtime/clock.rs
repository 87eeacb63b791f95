//! The one place where the time of day is read.
//!
//! Kubernetes keeps instants in whole seconds. A clock that handed out fractions would make a status that never equals itself
//! after a round trip through the API server, so every instant is cut to the second here and nowhere else.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, DurationRound, SubsecRound, TimeDelta, Utc};

/// The time of day, as the operator sees it; injected so that tests can live years in milliseconds.
pub trait Clock: Send + Sync {
    /// The current instant, cut to the whole second.
    fn now(&self) -> DateTime<Utc>;

    /// Precise time left until [`Clock::now`] reaches `at`, zero when it has: what a timer has to sleep in order to fire just
    /// after the whole second and never before it.
    fn until(&self, at: DateTime<Utc>) -> Duration;

    /// Precise time passed since `at`, zero when it lies ahead: for measuring lateness, never for writing into an object.
    fn since(&self, at: DateTime<Utc>) -> Duration;
}

/// The wall clock of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl SystemClock {
    /// The instant with its fraction, which must not leave this file.
    #[allow(clippy::disallowed_methods, reason = "this file is where the clock is read")]
    fn precise() -> DateTime<Utc> {
        Utc::now()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Self::precise().trunc_subsecs(0)
    }

    fn until(&self, at: DateTime<Utc>) -> Duration {
        span(Self::precise(), next_second(at))
    }

    fn since(&self, at: DateTime<Utc>) -> Duration {
        span(at, Self::precise())
    }
}

/// A clock that stands still until it is told to move.
#[derive(Debug)]
pub struct ManualClock {
    /// Milliseconds since the epoch.
    millis: AtomicI64,
}

impl ManualClock {
    /// A clock that shows `at`.
    pub fn new(at: DateTime<Utc>) -> Self {
        Self { millis: AtomicI64::new(at.timestamp_millis()) }
    }

    /// Moves the clock to `at`, which may lie in its past: wall clocks do step back.
    pub fn set(&self, at: DateTime<Utc>) {
        self.millis.store(at.timestamp_millis(), Ordering::SeqCst);
    }

    /// Moves the clock by `delta`.
    pub fn advance(&self, delta: TimeDelta) {
        self.millis.fetch_add(delta.num_milliseconds(), Ordering::SeqCst);
    }

    fn precise(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.millis.load(Ordering::SeqCst)).unwrap_or(DateTime::UNIX_EPOCH)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        self.precise().trunc_subsecs(0)
    }

    fn until(&self, at: DateTime<Utc>) -> Duration {
        span(self.precise(), next_second(at))
    }

    fn since(&self, at: DateTime<Utc>) -> Duration {
        span(at, self.precise())
    }
}

/// Time from one instant to a later one; zero when it is not later.
fn span(from: DateTime<Utc>, to: DateTime<Utc>) -> Duration {
    (to - from).to_std().unwrap_or_default()
}

/// The first whole second at or after an instant: a clock of whole seconds reaches no instant between two of them.
fn next_second(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_round_up(TimeDelta::seconds(1)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(millis).unwrap()
    }

    #[test]
    fn hands_out_whole_seconds() {
        assert_eq!(SystemClock.now().timestamp_subsec_nanos(), 0);
        assert_eq!(ManualClock::new(millis(5_999)).now(), millis(5_000));
    }

    #[test]
    fn a_timer_that_sleeps_until_an_instant_finds_it_reached() {
        for (now, at, left) in
            [(5_250, 6_000, 750), (6_000, 6_000, 0), (5_250, 6_500, 1_750), (7_000, 6_000, 0), (6_001, 6_000, 0)]
        {
            let clock = ManualClock::new(millis(now));
            assert_eq!(clock.until(millis(at)), Duration::from_millis(left), "{now} -> {at}");
            clock.advance(TimeDelta::milliseconds(left as i64));
            assert!(clock.now() >= millis(at), "{now} -> {at}");
        }
    }

    #[test]
    fn lateness_has_its_fraction() {
        let clock = ManualClock::new(millis(6_040));
        assert_eq!(clock.since(millis(6_000)), Duration::from_millis(40));
        assert_eq!(clock.since(millis(7_000)), Duration::ZERO);
    }

    #[test]
    fn follows_steps_in_both_directions() {
        let clock = ManualClock::new(millis(10_000));
        clock.advance(TimeDelta::hours(1));
        assert_eq!(clock.now(), millis(3_610_000));
        clock.set(millis(10_000));
        assert_eq!(clock.until(millis(11_000)), Duration::from_secs(1));
    }
}
