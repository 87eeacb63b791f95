//! The schedule against a model that knows only what was promised.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use tokio::time::Instant;

use super::{ALL, at};
use crate::runtime::queue::schedule::{Now, Schedule};
use crate::runtime::queue::{Action, Job, Lane};

/// Of three keys that a flow has.
const MODEL_SHARE: usize = 2;

#[derive(Clone, Copy, Debug)]
enum Act {
    Push(u8, Lane),
    Take,
    Done(u8, Action),
    Pass(i64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let lane = || prop_oneof![Just(Lane::Urgent), Just(Lane::Ordinary)];
    let outcome = prop_oneof![
        Just(Action::AwaitChange),
        Just(Action::Retry),
        Just(Action::RetrySoon),
        (0..40_i64, lane()).prop_map(|(seconds, lane)| Action::RequeueAt(at(seconds), lane)),
    ];
    let act = prop_oneof![
        3 => (0..6_u8, lane()).prop_map(|(key, lane)| Act::Push(key, lane)),
        4 => Just(Act::Take),
        4 => (0..6_u8, outcome).prop_map(|(key, outcome)| Act::Done(key, outcome)),
        1 => (-3..10_i64).prop_map(Act::Pass),
    ];
    proptest::collection::vec(act, 0..120)
}

/// What was promised: whom a run is owed and in which lane, who failed, who runs, who has which deadline.
#[derive(Default)]
struct Model {
    owed: BTreeMap<u8, Lane>,
    failed: BTreeSet<u8>,
    running: BTreeMap<u8, Lane>,
    deadlines: BTreeMap<u8, (DateTime<Utc>, Lane)>,
}

impl Model {
    fn push(&mut self, key: u8, lane: Lane) {
        let owed = self.owed.entry(key).or_insert(lane);
        *owed = lane.min(*owed);
    }

    /// A taken key was owed a run and did not run yet, and nobody who was owed one more urgently was passed over.
    fn take(&mut self, taken: Option<u8>, wall: DateTime<Utc>) -> Result<(), TestCaseError> {
        let due: Vec<_> =
            self.deadlines.iter().filter(|(_, (at, _))| *at <= wall).map(|(key, (_, lane))| (*key, *lane)).collect();
        for (key, lane) in due {
            self.deadlines.remove(&key);
            self.push(key, lane);
        }
        let running =
            |flow: &str| self.running.iter().filter(|(key, lane)| key.flow() == flow && **lane == Lane::Ordinary).count();
        let has_place = |key: &u8, lane: Lane| lane != Lane::Ordinary || running(key.flow()) < MODEL_SHARE;
        let free: Vec<_> = self
            .owed
            .iter()
            .filter(|(key, lane)| !self.running.contains_key(key) && !self.failed.contains(key) && has_place(key, **lane))
            .collect();
        let Some(key) = taken else {
            prop_assert!(free.is_empty(), "forgotten: {:?}", free);
            return Ok(());
        };
        let lane = self.owed.get(&key).copied();
        prop_assert!(lane.is_some(), "{} was not asked for", key);
        prop_assert!(!self.running.contains_key(&key), "{} runs twice", key);
        prop_assert!(lane.is_some_and(|lane| has_place(&key, lane)), "{} has more than its share", key);
        let passed_over = free.iter().any(|(_, lane)| **lane == Lane::Urgent);
        prop_assert!(lane == Some(Lane::Urgent) || !passed_over, "{} before an urgent one", key);
        self.owed.remove(&key);
        self.failed.remove(&key);
        self.running.insert(key, lane.unwrap());
        Ok(())
    }

    fn done(&mut self, key: u8, outcome: Action) {
        let Some(ran) = self.running.remove(&key) else { return };
        match outcome {
            Action::AwaitChange => {
                self.deadlines.remove(&key);
            }
            Action::RequeueAt(at, lane) => {
                self.deadlines.insert(key, (at, lane));
            }
            Action::Retry | Action::RetrySoon => {
                self.failed.insert(key);
                self.push(key, ran);
            }
        }
    }
}

/// Does the same to both.
fn apply(act: Act, schedule: &mut Schedule<u8>, model: &mut Model, now: &mut Now) -> Result<(), TestCaseError> {
    match act {
        Act::Push(key, lane) => {
            schedule.push(key, lane);
            model.push(key, lane);
        }
        Act::Take => model.take(schedule.take(&ALL, *now), now.wall)?,
        Act::Done(key, outcome) => {
            schedule.done(&key, outcome, now.monotonic);
            model.done(key, outcome);
        }
        Act::Pass(seconds) => {
            now.wall += TimeDelta::seconds(seconds);
            now.monotonic += Duration::from_secs(seconds.unsigned_abs());
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_key_is_lost_none_runs_twice_and_urgent_goes_first(acts in acts()) {
        let (mut schedule, mut model) = (Schedule::new(MODEL_SHARE), Model::default());
        let mut now = Now { wall: at(0), monotonic: Instant::now() };
        for act in acts {
            apply(act, &mut schedule, &mut model, &mut now)?;
            prop_assert_eq!(schedule.next_deadline(), model.deadlines.values().map(|(at, _)| *at).min());
            prop_assert_eq!(schedule.deadlines(), model.deadlines.len());
            let going_on: BTreeSet<_> = model.owed.keys().chain(model.running.keys()).collect();
            prop_assert_eq!(schedule.depth(), going_on.len());
        }
        for key in model.running.keys().copied().collect::<Vec<_>>() {
            apply(Act::Done(key, Action::AwaitChange), &mut schedule, &mut model, &mut now)?;
        }
        let late = Now { wall: at(10_000), monotonic: now.monotonic + Duration::from_secs(10_000) };
        while let Some(key) = schedule.take(&ALL, late) {
            model.take(Some(key), late.wall)?;
            schedule.done(&key, Action::AwaitChange, late.monotonic);
            model.done(key, Action::AwaitChange);
        }
        prop_assert!(model.owed.is_empty() && model.deadlines.is_empty(), "lost: {:?} {:?}", model.owed, model.deadlines);
        prop_assert_eq!((schedule.depth(), schedule.deadlines()), (0, 0));
    }
}
