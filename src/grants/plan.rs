//! The difference between the subjects that should have a role and those that do, in as few writes as possible.
//!
//! Order of the writes: first bindings that lose subjects, then those that gain, last those that go altogether; where a role moves (another
//! namespace, another Kubernetes role) the new place is there before the old one goes. Who should not have the role at all loses it in the
//! old place first: that must not wait for a new place that cannot be made.
//!
//! A write that takes somebody away carries nobody new: whatever is wrong with a newcomer, those who leave are gone.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::api::subject::Subject;
use crate::domain::resource::Target;

use super::{GrantKey, name};

/// Most subjects in one binding: every edit rewrites the whole object, and the authorizer walks all of them.
pub const MOST_SUBJECTS: usize = 500;

/// A binding as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Where it is and what it binds.
    pub target: Target,
    /// Its name.
    pub name: String,
    /// Its subjects, in order; `None` stands for one that no Subject of ours can be.
    pub subjects: Vec<Option<Subject>>,
    /// Its labels and annotation are as we write them.
    pub labelled: bool,
    /// It is being deleted, and somebody's finalizer keeps it.
    pub closing: bool,
}

/// What may be done in a place. Bindings in any other place are taken away, after the new places had their turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Whoever should have the role is bound.
    Open,
    /// Nobody is added; who should not have the role loses it.
    Closed,
    /// Nobody has it, at once.
    Void,
}

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

/// Compares what is wanted with what is there. Those in `kept` stay where they are; nowhere are they added.
pub fn plan(
    key: &GrantKey,
    wanted: &BTreeSet<Subject>,
    kept: &BTreeSet<Subject>,
    places: &BTreeMap<Target, Place>,
    observed: &[impl Borrow<Observed>],
) -> Vec<Write> {
    let stays = |subject: &Subject| wanted.contains(subject) || kept.contains(subject);
    let observed: Vec<&Observed> = observed.iter().map(Borrow::borrow).collect();
    // A binding that is about to vanish is no place to stay.
    let is_stray = |o: &Observed| places.get(&o.target).is_none_or(|place| *place == Place::Open && o.closing);
    let (mut shrink, mut grow) = (Vec::new(), Vec::new());
    for (target, place) in places {
        let here = observed.iter().copied().filter(|o| o.target == *target);
        if *place == Place::Void {
            shrink.extend(here.map(|o| Write::Delete { target: target.clone(), name: o.name.clone() }));
            continue;
        }
        let (mut shards, settled) = shards(here.filter(|o| !is_stray(o)), stays);
        let missing = wanted.iter().filter(|s| *place == Place::Open && !settled.contains(s));
        fill(key, target, missing.collect(), &mut shards);
        for shard in shards {
            let (takes, gives) = shard.writes(target);
            shrink.extend(takes);
            grow.extend(gives);
        }
    }
    let mut last = Vec::new();
    for stray in observed.iter().filter(|o| is_stray(o)) {
        let (target, name) = (stray.target.clone(), stray.name.clone());
        let stay: Vec<Subject> = stray.subjects.iter().flatten().filter(|s| stays(s)).cloned().collect();
        let waits = !stay.is_empty();
        if waits && !grow.is_empty() && stay.len() < stray.subjects.len() {
            shrink.push(Write::Put { target: target.clone(), name: name.clone(), subjects: stay, joining: 0, exists: true });
        }
        (if waits { &mut last } else { &mut shrink }).push(Write::Delete { target, name });
    }
    shrink.into_iter().chain(grow).chain(last).collect()
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

/// The bindings of one place, each with those who stay in it, and all who do.
fn shards<'a>(
    here: impl Iterator<Item = &'a Observed>,
    stays: impl Fn(&Subject) -> bool,
) -> (Vec<Shard<'a>>, HashSet<&'a Subject>) {
    let mut settled = HashSet::new();
    let shards = here.map(|binding| {
        let known = binding.subjects.iter().flatten().filter(|s| stays(s));
        let subjects: Vec<&Subject> = known.filter(|s| settled.insert(*s)).take(MOST_SUBJECTS).collect();
        Shard { name: binding.name.clone(), before: Some(binding), staying: subjects.len(), subjects }
    });
    (shards.collect(), settled)
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
