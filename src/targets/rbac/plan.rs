//! The writes that make the bindings of a grant what they should be, as few as possible.
//!
//! In the order of [`crate::domain::grant::diff`]: first bindings that lose subjects, then those that gain, last those that go altogether.
//! A write that takes somebody away carries nobody new: whatever is wrong with a newcomer, those who leave are gone.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::api::Subject;
use crate::domain::grant::GrantKey;
use crate::domain::grant::diff::{Access, Allowed, Change, diff};
use crate::domain::resource::Target;

pub use crate::observe::binding::Observed;

use super::name;

/// Most subjects in one binding: every edit rewrites the whole object, and the authorizer walks all of them.
pub const MOST_SUBJECTS: usize = 500;

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Create the binding, or put it right when one of that name is there.
    Put {
        /// Where, and what it binds.
        target: Target,
        /// Its name.
        name: String,
        /// All its subjects, newcomers last.
        subjects: Vec<Subject>,
        /// How many of them are newcomers; when there are any, nobody leaves by this write.
        joining: usize,
        /// It is there already.
        exists: bool,
    },
    /// Delete the binding.
    Delete {
        /// Where.
        target: Target,
        /// Its name.
        name: String,
    },
}

/// A place as the difference sees it: of a binding that is about to vanish nobody is a member who should stay one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Seat<'a> {
    vanishing: bool,
    target: &'a Target,
}

/// Compares what is wanted with what is there.
pub fn plan(
    key: &GrantKey,
    wanted: &BTreeSet<Subject>,
    allowed: &Allowed<Target, Subject>,
    observed: &[impl Borrow<Observed>],
) -> Vec<Write> {
    let is_open = |target: &Target| allowed.places.get(target) == Some(&Access::Open);
    let mut bindings: BTreeMap<Seat<'_>, Vec<&Observed>> = BTreeMap::new();
    for binding in observed.iter().map(Borrow::borrow) {
        let seat = Seat { vanishing: binding.closing && is_open(&binding.target), target: &binding.target };
        bindings.entry(seat).or_default().push(binding);
    }
    let places = allowed.places.iter().map(|(target, access)| (Seat { vanishing: false, target }, *access)).collect();
    let members = bindings.iter().map(|(seat, all)| (seat, all.iter().flat_map(|o| o.subjects.iter().flatten()).collect()));
    let members = members.collect();
    let mut writes = Writes::default();
    for (seat, change) in diff(wanted, &Allowed { places, kept: allowed.kept.clone() }, &members) {
        let here = bindings.get(&seat).map(Vec::as_slice).unwrap_or_default();
        match change {
            Change::Clear => writes.shrink.extend(here.iter().map(|binding| delete(binding))),
            Change::Leave { stay } => writes.leaving.push((here, stay)),
            Change::Keep { stay, mut join } => {
                let (mut shards, seated) = shards(here, &stay);
                // Whoever has no seat in a binding that somebody overfilled takes one in another.
                let crowded = |subject: &&Subject| is_open(seat.target) && stay.contains(subject) && !seated.contains(subject);
                join.extend(wanted.iter().filter(crowded));
                fill(key, seat.target, join, &mut shards);
                for (takes, gives) in shards.iter().map(|shard| shard.writes(seat.target)) {
                    writes.shrink.extend(takes);
                    writes.grow.extend(gives);
                }
            }
        }
    }
    writes.in_order()
}

fn delete(binding: &Observed) -> Write {
    Write::Delete { target: binding.target.clone(), name: binding.name.clone() }
}

/// All writes of a grant in the making.
#[derive(Default)]
struct Writes<'a> {
    shrink: Vec<Write>,
    grow: Vec<Write>,
    /// Bindings that go, each with those of its subjects who wait for another place.
    leaving: Vec<(&'a [&'a Observed], HashSet<&'a Subject>)>,
}

impl Writes<'_> {
    fn in_order(mut self) -> Vec<Write> {
        let mut last = Vec::new();
        for (stray, stay) in self.leaving.iter().flat_map(|(all, stay)| all.iter().map(move |binding| (*binding, stay))) {
            let stay: Vec<Subject> = stray.subjects.iter().flatten().filter(|s| stay.contains(s)).cloned().collect();
            let waits = !stay.is_empty();
            if waits && !self.grow.is_empty() && stay.len() < stray.subjects.len() {
                let (target, name) = (stray.target.clone(), stray.name.clone());
                self.shrink.push(Write::Put { target, name, subjects: stay, joining: 0, exists: true });
            }
            (if waits { &mut last } else { &mut self.shrink }).push(delete(stray));
        }
        self.shrink.into_iter().chain(self.grow).chain(last).collect()
    }
}

/// One binding of a place in the making.
struct Shard<'a> {
    name: String,
    /// As it is now.
    before: Option<&'a Observed>,
    /// How many of those in it stay.
    staying: usize,
    /// Those who stay, in their order, then newcomers.
    subjects: Vec<&'a Subject>,
}

/// The bindings of one place, each with those who stay in it, and all who have a seat in one of them.
fn shards<'a>(here: &[&'a Observed], stay: &HashSet<&Subject>) -> (Vec<Shard<'a>>, HashSet<&'a Subject>) {
    let mut seated = HashSet::new();
    let shards = here.iter().map(|binding| {
        let known = binding.subjects.iter().flatten().filter(|s| stay.contains(s));
        let subjects: Vec<&Subject> = known.filter(|s| seated.insert(*s)).take(MOST_SUBJECTS).collect();
        Shard { name: binding.name.clone(), before: Some(binding), staying: subjects.len(), subjects }
    });
    (shards.collect(), seated)
}

impl Shard<'_> {
    /// What takes away, and what gives.
    fn writes(&self, target: &Target) -> (Option<Write>, Option<Write>) {
        let exists = self.before.is_some();
        let put = |count: usize| Write::Put {
            target: target.clone(),
            name: self.name.clone(),
            subjects: self.subjects.iter().take(count).map(|s| (*s).clone()).collect(),
            joining: count - self.staying,
            exists,
        };
        let all = self.subjects.len();
        if all == 0 {
            return (exists.then(|| Write::Delete { target: target.clone(), name: self.name.clone() }), None);
        }
        let loses = self.before.is_some_and(|before| before.subjects.len() != self.staying);
        let repairs = !loses && self.before.is_some_and(|before| !before.labelled);
        (loses.then(|| put(self.staying)), (all > self.staying || repairs).then(|| put(all)))
    }
}

/// Puts newcomers where there is room, and opens new bindings as needed.
fn fill<'a>(key: &GrantKey, target: &Target, missing: Vec<&'a Subject>, shards: &mut Vec<Shard<'a>>) {
    let mut missing = missing.into_iter().peekable();
    for shard in shards.iter_mut() {
        shard.subjects.extend(missing.by_ref().take(MOST_SUBJECTS - shard.subjects.len()));
    }
    let mut number = 0;
    while missing.peek().is_some() {
        let name = name::binding(key, target, number);
        number += 1;
        if !shards.iter().any(|shard| shard.name == name) {
            shards.push(Shard { name, before: None, staying: 0, subjects: missing.by_ref().take(MOST_SUBJECTS).collect() });
        }
    }
}
