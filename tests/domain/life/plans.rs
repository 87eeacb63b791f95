//! What the machines make of everything in the caches at one instant.

use std::collections::BTreeMap;

use super::rules::{Outcome, Rules, WorkItem};

/// What becomes of everything.
pub struct Plans(BTreeMap<WorkItem, Outcome>);

impl Outcome {
    /// Whether nobody would notice if nobody reconciled again.
    fn is_as_good_as(&self, other: &Self) -> bool {
        let sooner = other.requeue_at.is_some_and(|new| self.requeue_at.is_none_or(|old| new < old));
        self.told == other.told && !sooner
    }
}

impl Plans {
    pub fn of(rules: Rules<'_>) -> Self {
        let outcome = |work: WorkItem| {
            let outcome = rules.outcome(&work);
            (work, outcome)
        };
        Self(rules.everything().into_iter().map(outcome).collect())
    }

    /// Everything that comes out differently, or has to be reconciled earlier, with what it was and what it is.
    pub fn news_since<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = (WorkItem, Option<&'a Outcome>, &'a Outcome)> {
        let all = self.0.iter().map(|(work, new)| (work.clone(), before.0.get(work), new));
        all.filter(move |(_, old, new)| !old.is_some_and(|old| old.is_as_good_as(new)))
    }

    /// Everything about which something has yet to be done.
    pub fn left_to_do(&self) -> impl Iterator<Item = WorkItem> {
        self.0.iter().filter(|(_, outcome)| outcome.changes).map(|(work, _)| work.clone())
    }

    /// Whether something has yet to be done about it.
    pub fn leave_to_do(&self, work: &WorkItem) -> bool {
        self.0.get(work).is_some_and(|outcome| outcome.changes)
    }
}
