//! The difference between the subjects that should have a role and those that do, in as few writes as possible.
//!
//! Order of the writes: first bindings that lose subjects, then those that gain, last those that go altogether; where a role moves (another
//! namespace, another Kubernetes role) the new place is there before the old one goes. Who should not have the role at all loses it in the
//! old place first: that must not wait for a new place that cannot be made.

use std::collections::{BTreeMap, BTreeSet};

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
}

/// What may be granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// In these places; `false`: nothing can be added there now.
    In(BTreeMap<Target, bool>),
    /// Nobody gains anything anywhere; who should not have it loses it.
    Hold,
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
        /// All its subjects.
        subjects: Vec<Subject>,
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
    allowed: &Allowed,
    observed: &[Observed],
) -> Vec<Write> {
    let (mut shrink, mut grow) = (Vec::new(), Vec::new());
    let places: BTreeMap<Target, bool> = match allowed {
        Allowed::In(places) => places.clone(),
        Allowed::Hold => observed.iter().map(|o| (o.target.clone(), false)).collect(),
    };
    for (target, open) in &places {
        let here: Vec<&Observed> = observed.iter().filter(|o| o.target == *target).collect();
        place(key, (wanted, kept), target, *open, &here, &mut shrink, &mut grow);
    }
    let mut last = Vec::new();
    for stray in observed.iter().filter(|o| !places.contains_key(&o.target)) {
        let (target, name) = (stray.target.clone(), stray.name.clone());
        let stay: Vec<Subject> =
            stray.subjects.iter().flatten().filter(|s| wanted.contains(*s) || kept.contains(*s)).cloned().collect();
        let waits = !stay.is_empty();
        if waits && !grow.is_empty() && stay.len() < stray.subjects.len() {
            shrink.push(Write::Put { target: target.clone(), name: name.clone(), subjects: stay, exists: true });
        }
        (if waits { &mut last } else { &mut shrink }).push(Write::Delete { target, name });
    }
    shrink.into_iter().chain(grow).chain(last).collect()
}

/// One place: who is wanted stays where they are, others leave, newcomers fill the first binding with room.
fn place(
    key: &GrantKey,
    (wanted, kept): (&BTreeSet<Subject>, &BTreeSet<Subject>),
    target: &Target,
    open: bool,
    here: &[&Observed],
    shrink: &mut Vec<Write>,
    grow: &mut Vec<Write>,
) {
    let mut settled: BTreeSet<&Subject> = BTreeSet::new();
    let mut shards: Vec<(String, Vec<Subject>, Option<&Observed>)> = Vec::new();
    for binding in here {
        let stays = |s: &&Subject| wanted.contains(*s) || kept.contains(*s);
        let known = binding.subjects.iter().flatten().filter(stays);
        let left: Vec<Subject> = known.filter(|s| settled.insert(*s)).take(MOST_SUBJECTS).cloned().collect();
        shards.push((binding.name.clone(), left, Some(*binding)));
    }
    let missing = wanted.iter().filter(|s| open && !settled.contains(*s));
    fill(key, target, missing.collect(), &mut shards);
    for (name, subjects, before) in shards {
        let had: Vec<Option<Subject>> = before.map(|b| b.subjects.clone()).unwrap_or_default();
        let same =
            before.is_some_and(|b| b.labelled && had.iter().flatten().eq(subjects.iter()) && had.iter().all(Option::is_some));
        let loses = had.iter().any(|s| s.as_ref().is_none_or(|s| !subjects.contains(s)));
        let write =
            Write::Put { target: target.clone(), name: name.clone(), subjects: subjects.clone(), exists: before.is_some() };
        match (same, subjects.is_empty(), before.is_some()) {
            (_, true, true) => shrink.push(Write::Delete { target: target.clone(), name }),
            (true, ..) | (_, true, false) => {}
            _ if loses => shrink.push(write),
            _ => grow.push(write),
        }
    }
}

/// Puts newcomers where there is room, and opens new bindings as needed.
fn fill(key: &GrantKey, target: &Target, missing: Vec<&Subject>, shards: &mut Vec<(String, Vec<Subject>, Option<&Observed>)>) {
    let mut missing = missing.into_iter().cloned().peekable();
    for (_, subjects, _) in shards.iter_mut() {
        while subjects.len() < MOST_SUBJECTS {
            match missing.next() {
                Some(subject) => subjects.push(subject),
                None => return,
            }
        }
    }
    let mut number = 0;
    while missing.peek().is_some() {
        let name = name::binding(key, target, number);
        number += 1;
        if !shards.iter().any(|(taken, ..)| *taken == name) {
            shards.push((name, missing.by_ref().take(MOST_SUBJECTS).collect(), None));
        }
    }
}
