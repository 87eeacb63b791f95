//! The lines in which keys wait: one for each flow in each lane. Flows take turns, and in the ordinary lane each has only a share of the places,
//! so that what one of them lines up neither goes before others nor keeps the API server too busy to answer them.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::ops::RangeInclusive;

use super::Lane;

/// A flow in a lane; two flows of the same hash share their turns.
pub(super) type Line = (Lane, u64);

/// The line of a flow.
pub(super) fn line(lane: Lane, flow: &str) -> Line {
    (lane, BuildHasherDefault::<DefaultHasher>::default().hash_one(flow))
}

/// Where a key waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub line: Line,
    number: u64,
}

#[derive(Debug)]
struct Flow<W> {
    waiting: BTreeMap<u64, W>,
    /// How many of its keys were given out and have not come back.
    running: usize,
    /// Its place among those that can give out a key.
    turn: Option<u64>,
}

impl<W> Default for Flow<W> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new(), running: 0, turn: None }
    }
}

/// All lines.
#[derive(Debug)]
pub(super) struct Lines<W> {
    flows: HashMap<Line, Flow<W>>,
    /// Flows that can give out a key, by lane and turn.
    turns: BTreeMap<(Lane, u64), Line>,
    /// How many keys of one flow may run in the ordinary lane.
    share: usize,
    /// The last number or turn that was given.
    last: u64,
}

impl<W> Lines<W> {
    pub fn new(share: usize) -> Self {
        Self { flows: HashMap::new(), turns: BTreeMap::new(), share: share.max(1), last: 0 }
    }

    /// Lines up a key, and tells where.
    pub fn add(&mut self, line: Line, work: W) -> Place {
        self.last += 1;
        let number = self.last;
        self.flows.entry(line).or_default().waiting.insert(number, work);
        self.settle(line);
        Place { line, number }
    }

    /// Takes a key out that waits.
    pub fn remove(&mut self, place: Place) {
        if let Some(flow) = self.flows.get_mut(&place.line) {
            flow.waiting.remove(&place.number);
        }
        self.settle(place.line);
    }

    /// Gives out the key whose turn it is among some lanes, with its line.
    pub fn take(&mut self, lanes: &RangeInclusive<Lane>) -> Option<(W, Line)> {
        let of = (*lanes.start(), 0)..=(*lanes.end(), u64::MAX);
        let (turn, line) = self.turns.range(of).next().map(|(turn, line)| (*turn, *line))?;
        self.turns.remove(&turn);
        let flow = self.flows.get_mut(&line)?;
        flow.turn = None;
        let (_, work) = flow.waiting.pop_first()?;
        flow.running += 1;
        self.settle(line);
        Some((work, line))
    }

    /// A key that was given out came back.
    pub fn returned(&mut self, line: Line) {
        if let Some(flow) = self.flows.get_mut(&line) {
            flow.running = flow.running.saturating_sub(1);
        }
        self.settle(line);
    }

    /// Whether a key could be given out.
    pub fn has_ready(&self) -> bool {
        !self.turns.is_empty()
    }

    /// Gives a flow its turn, behind all others, or takes it away, by what it can give out now.
    fn settle(&mut self, line: Line) {
        let Some(flow) = self.flows.get_mut(&line) else { return };
        let may = if line.0 == Lane::Ordinary { self.share } else { usize::MAX };
        match (flow.turn, !flow.waiting.is_empty() && flow.running < may) {
            (None, true) => {
                self.last += 1;
                flow.turn = Some(self.last);
                self.turns.insert((line.0, self.last), line);
            }
            (Some(turn), false) => {
                flow.turn = None;
                self.turns.remove(&(line.0, turn));
            }
            _ => {}
        }
        if flow.waiting.is_empty() && flow.running == 0 {
            self.flows.remove(&line);
        }
    }
}
