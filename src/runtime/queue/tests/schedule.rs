//! The schedule, one rule at a time.

use std::time::Duration;

use tokio::time::Instant;

use super::{ALL, SHARE, at};
use crate::runtime::queue::schedule::{Now, Schedule};
use crate::runtime::queue::{Action, Lane};

struct Bench {
    schedule: Schedule<&'static str>,
    now: Now,
}

impl Bench {
    fn new() -> Self {
        Self { schedule: Schedule::new(SHARE), now: Now { wall: at(0), monotonic: Instant::now() } }
    }

    fn pass(&mut self, millis: u64) {
        self.now.monotonic += Duration::from_millis(millis);
    }

    fn take(&mut self) -> Option<&'static str> {
        self.schedule.take(&ALL, self.now)
    }

    fn done(&mut self, work: &'static str, outcome: Action) {
        self.schedule.done(&work, outcome, self.now.monotonic);
    }

    /// Runs a key once, which then waits for an instant.
    fn hold(&mut self, work: &'static str, seconds: i64, lane: Lane) {
        self.schedule.push(work, Lane::Ordinary);
        assert_eq!(self.take(), Some(work));
        self.done(work, Action::RequeueAt(at(seconds), lane));
    }

    fn fail(&mut self, work: &'static str) {
        assert_eq!(self.take(), Some(work));
        self.done(work, Action::Retry);
    }
}

#[test]
fn first_come_first_served_and_each_once() {
    let mut bench = Bench::new();
    for work in ["a", "b", "a", "c"] {
        bench.schedule.push(work, Lane::Ordinary);
    }
    assert_eq!([bench.take(), bench.take(), bench.take(), bench.take()], [Some("a"), Some("b"), Some("c"), None]);
    assert_eq!(bench.schedule.depth(), 3);
}

#[test]
fn urgent_goes_first_and_moves_what_waits() {
    let mut bench = Bench::new();
    for work in ["a", "b", "c"] {
        bench.schedule.push(work, Lane::Ordinary);
    }
    bench.schedule.push("c", Lane::Urgent);
    bench.schedule.push("d", Lane::Urgent);
    bench.schedule.push("d", Lane::Ordinary);
    assert_eq!([bench.take(), bench.take(), bench.take()], [Some("c"), Some("d"), Some("a")]);
}

#[test]
fn flows_take_turns_whatever_one_of_them_lines_up() {
    let mut bench = Bench::new();
    for work in ["flood/1", "flood/2", "flood/3", "flood/4"] {
        bench.schedule.push(work, Lane::Ordinary);
    }
    assert_eq!([bench.take(), bench.take()], [Some("flood/1"), Some("flood/2")]);
    for work in ["one/1", "other/1", "one/2"] {
        bench.schedule.push(work, Lane::Ordinary);
    }
    let rest: Vec<_> = std::iter::from_fn(|| bench.take()).collect();
    assert_eq!(rest, ["flood/3", "one/1", "other/1", "flood/4", "one/2"]);
}

#[test]
fn a_flow_has_its_share_of_the_places_and_others_have_the_rest() {
    let mut bench = Bench::new();
    for work in ["flood/1", "flood/2", "flood/3", "flood/4", "flood/5", "flood/6"] {
        bench.schedule.push(work, Lane::Ordinary);
    }
    for work in ["flood/1", "flood/2", "flood/3", "flood/4"] {
        assert_eq!(bench.take(), Some(work));
    }
    assert_eq!((bench.take(), bench.schedule.has_ready()), (None, false), "whoever waits is not woken for nothing");
    bench.schedule.push("one/1", Lane::Ordinary);
    bench.schedule.push("flood/6", Lane::Urgent);
    assert_eq!([bench.take(), bench.take(), bench.take()], [Some("flood/6"), Some("one/1"), None], "what is urgent has no share");
    bench.done("flood/6", Action::AwaitChange);
    assert_eq!(bench.take(), None);
    bench.done("flood/1", Action::Retry);
    assert_eq!([bench.take(), bench.take()], [Some("flood/5"), None]);
}

#[test]
fn lanes_are_served_by_whoever_serves_them() {
    let mut bench = Bench::new();
    bench.schedule.push("a", Lane::Ordinary);
    bench.schedule.push("b", Lane::Asking);
    let mut take = |lanes| bench.schedule.take(&lanes, bench.now);
    assert_eq!(take(Lane::Urgent..=Lane::Urgent), None);
    assert_eq!(take(Lane::Asking..=Lane::Asking), Some("b"));
    assert_eq!(take(Lane::Asking..=Lane::Asking), None);
    assert_eq!(take(Lane::Urgent..=Lane::Ordinary), Some("a"));
}

#[test]
fn a_key_pushed_while_it_runs_runs_once_more_afterwards() {
    let mut bench = Bench::new();
    bench.schedule.push("a", Lane::Ordinary);
    assert_eq!(bench.take(), Some("a"));
    bench.schedule.push("a", Lane::Ordinary);
    bench.schedule.push("a", Lane::Urgent);
    bench.schedule.push("b", Lane::Ordinary);
    assert_eq!(bench.take(), Some("b"));
    assert_eq!(bench.take(), None);
    bench.done("a", Action::AwaitChange);
    assert_eq!(bench.take(), Some("a"));
    bench.done("a", Action::AwaitChange);
    bench.done("b", Action::AwaitChange);
    assert_eq!((bench.take(), bench.schedule.depth()), (None, 0));
}

#[test]
fn ending_what_does_not_run_changes_nothing() {
    let mut bench = Bench::new();
    bench.schedule.push("a", Lane::Ordinary);
    bench.done("a", Action::Retry);
    bench.done("b", Action::RequeueAt(at(1), Lane::Urgent));
    assert_eq!((bench.schedule.depth(), bench.schedule.deadlines()), (1, 0));
    assert_eq!(bench.take(), Some("a"));
}

#[test]
fn a_failing_key_waits_longer_and_longer_but_at_most_a_minute() {
    let mut bench = Bench::new();
    bench.schedule.push("a", Lane::Ordinary);
    for attempt in 0..12 {
        bench.fail("a");
        let wait = (bench.schedule.next_retry().unwrap() - bench.now.monotonic).as_millis() as u64;
        let least = (200 << attempt).min(30_000);
        assert!((least..=2 * least).contains(&wait), "attempt {attempt}: {wait} ms");
        bench.pass(wait - 1);
        assert_eq!(bench.take(), None);
        bench.pass(2);
    }
    assert_eq!(bench.take(), Some("a"));
    bench.done("a", Action::AwaitChange);
    bench.schedule.push("a", Lane::Ordinary);
    bench.fail("a");
    assert!(bench.schedule.next_retry().unwrap() - bench.now.monotonic <= Duration::from_millis(400), "forgotten on success");
}

#[test]
fn only_an_urgent_push_shortens_a_backoff_and_never_below_the_least_delay() {
    let mut bench = Bench::new();
    bench.schedule.push("a", Lane::Ordinary);
    for _ in 0..5 {
        bench.fail("a");
        bench.pass(60_000);
    }
    bench.fail("a");
    bench.schedule.push("a", Lane::Ordinary);
    bench.pass(1_000);
    assert_eq!(bench.take(), None);
    bench.schedule.push("b", Lane::Ordinary);
    bench.schedule.push("a", Lane::Urgent);
    assert_eq!(bench.take(), Some("a"));
    bench.schedule.push("a", Lane::Urgent);
    bench.done("a", Action::Retry);
    bench.pass(199);
    assert_eq!((bench.take(), bench.take()), (Some("b"), None));
    bench.pass(1);
    assert_eq!(bench.take(), Some("a"));
}

#[test]
fn an_urgent_key_that_keeps_failing_waits_some_seconds_at_most() {
    let mut bench = Bench::new();
    bench.schedule.push("a", Lane::Urgent);
    for attempt in 0..12 {
        bench.fail("a");
        let wait = bench.schedule.next_retry().unwrap() - bench.now.monotonic;
        assert!(wait <= Duration::from_secs(5), "attempt {attempt}: {wait:?}");
        bench.pass(5_000);
    }
    assert_eq!(bench.take(), Some("a"));
}

#[test]
fn what_nobody_answers_waits_some_seconds_at_most() {
    let mut bench = Bench::new();
    bench.schedule.push("a", Lane::Ordinary);
    for attempt in 0..12 {
        assert_eq!(bench.take(), Some("a"));
        bench.done("a", Action::RetrySoon);
        let wait = bench.schedule.next_retry().unwrap() - bench.now.monotonic;
        assert!(wait <= Duration::from_secs(5), "attempt {attempt}: {wait:?}");
        bench.pass(5_000);
    }
    assert_eq!(bench.take(), Some("a"));
}

#[test]
fn a_key_that_fails_in_the_urgent_lane_is_retried_there() {
    let mut bench = Bench::new();
    bench.schedule.push("a", Lane::Urgent);
    bench.fail("a");
    bench.schedule.push("b", Lane::Ordinary);
    bench.pass(60_000);
    assert_eq!(bench.take(), Some("a"));
}

#[test]
fn a_deadline_replaces_the_one_before_and_follows_the_wall_clock() {
    let mut bench = Bench::new();
    bench.hold("a", 10, Lane::Ordinary);
    bench.hold("a", 20, Lane::Urgent);
    bench.hold("b", 20, Lane::Ordinary);
    assert_eq!((bench.schedule.deadlines(), bench.schedule.next_deadline()), (2, Some(at(20))));
    bench.now.wall = at(19);
    assert_eq!(bench.take(), None);
    bench.now.wall = at(20);
    assert_eq!([bench.take(), bench.take(), bench.take()], [Some("a"), Some("b"), None]);
    assert_eq!(bench.schedule.deadlines(), 0);
}

#[test]
fn a_run_replaces_the_deadline_unless_it_fails() {
    for (outcome, held) in [
        (Action::RequeueAt(at(30), Lane::Ordinary), Some(at(30))),
        (Action::RequeueAt(at(10), Lane::Ordinary), Some(at(10))),
        (Action::AwaitChange, None),
        (Action::Retry, Some(at(20))),
    ] {
        let mut bench = Bench::new();
        bench.hold("a", 20, Lane::Ordinary);
        bench.schedule.push("a", Lane::Ordinary);
        assert_eq!(bench.take(), Some("a"));
        bench.done("a", outcome);
        assert_eq!(bench.schedule.next_deadline(), held, "{outcome:?}");
    }
}

#[test]
fn a_hundred_thousand_deadlines_fall_due_once_each() {
    let mut schedule = Schedule::new(SHARE);
    let now = Now { wall: at(0), monotonic: Instant::now() };
    for round in 0..2 {
        for key in 0..100_000_u32 {
            schedule.push(key, Lane::Ordinary);
            assert_eq!(schedule.take(&ALL, now), Some(key));
            let due = at(1 + round + i64::from(key % 1_000));
            schedule.done(&key, Action::RequeueAt(due, Lane::Urgent), now.monotonic);
        }
    }
    let mut taken = 0;
    while let Some(key) = schedule.take(&ALL, Now { wall: at(2_000), ..now }) {
        schedule.done(&key, Action::AwaitChange, now.monotonic);
        taken += 1;
    }
    assert_eq!((taken, schedule.depth(), schedule.deadlines()), (100_000, 0, 0));
}
