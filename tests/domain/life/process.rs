//! The operator as a process: what it has in memory, and what it has to do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entitlement_operator::domain::Key;
use entitlement_operator::runtime::clock::ManualClock;
use entitlement_operator::runtime::queue::{Action, Lane, Queue};
use futures::FutureExt as _;

use crate::builders::at;

use super::grants::of_report;
use super::rules::{Cache, GrantKey, GrantReport, GrantReports, Unreadable, WorkItem, cache};
use super::server::{ApiServer, EachKind, Kind, each_kind};

/// The real caches behind which triggers wait, and what is remembered between two reconciliations.
pub struct Process {
    pub cache: Arc<Cache>,
    pub reports: GrantReports,
    /// What has to be reconciled again, and when.
    pub deadlines: BTreeMap<WorkItem, DateTime<Utc>>,
    /// What did not succeed, or has not had its turn.
    pub waiting: BTreeSet<WorkItem>,
}

/// Shows each object of each kind.
struct FirstLists<'a>(&'a ApiServer, &'a Cache);

impl EachKind for FirstLists<'_> {
    fn kind<K: Kind>(&mut self) {
        K::table(self.0).keys().for_each(|key| show::<K>(self.1, self.0, key));
    }
}

/// What a watch tells of an object as it is stored now.
pub fn show<K: Kind>(cache: &Cache, api: &ApiServer, key: &Key) {
    match K::table(api).get(key) {
        None => cache.remove::<K>(key),
        Some(found) if api.unreadable.contains(&(K::NAME, key.clone())) => {
            cache.unreadable::<K>(key, Unreadable::new(found.meta(), "as the story wants it".to_owned()));
        }
        Some(found) => cache.put(found.clone()),
    }
}

/// Empty caches.
pub fn empty_cache() -> Arc<Cache> {
    cache(Queue::new(Arc::new(ManualClock::new(at(0))), usize::MAX))
}

/// Takes everything out of the queue.
pub fn triggered(cache: &Cache) -> BTreeSet<WorkItem> {
    let next = || cache.queue.next(Lane::Urgent..=Lane::Asking).now_or_never().flatten();
    let mut all = BTreeSet::new();
    while let Some(work) = next() {
        cache.queue.done(&work, Action::AwaitChange);
        all.insert(work);
    }
    all
}

impl Process {
    /// Reads what is stored, and begins to reconcile.
    pub fn start(api: &ApiServer) -> Self {
        let cache = empty_cache();
        each_kind(&mut FirstLists(api, &cache));
        let (mut reports, all) = (GrantReports::default(), cache.read().grant_keys());
        all.iter().for_each(|key| cache.queue.push(WorkItem::Grant(key.clone())));
        reports.begin(all);
        Self { cache, reports, deadlines: BTreeMap::new(), waiting: BTreeSet::new() }
    }

    /// The watch tells what became of an object.
    pub fn show<K: Kind>(&self, api: &ApiServer, key: &Key) {
        show::<K>(&self.cache, api, key);
    }

    /// The caches lag behind: they do not show an object.
    pub fn hide<K: Kind>(&self, key: &Key) {
        self.cache.remove::<K>(key);
    }

    /// Everything that has to be reconciled by now.
    pub fn take_due(&mut self, now: DateTime<Utc>) -> Vec<WorkItem> {
        let mut all = std::mem::take(&mut self.waiting);
        all.extend(triggered(&self.cache));
        all.extend(self.deadlines.iter().filter(|(_, at)| **at <= now).map(|(work, _)| work.clone()));
        all.into_iter().collect()
    }

    /// A reconciliation has ended, and says when to do it again.
    pub fn done(&mut self, work: &WorkItem, requeue_at: Option<DateTime<Utc>>) {
        match requeue_at {
            Some(at) => drop(self.deadlines.insert(work.clone(), at)),
            None => drop(self.deadlines.remove(work)),
        }
    }

    /// Keeps what came of a grant, and has those reconciled in whose status it stands.
    pub fn report(&mut self, grant: &GrantKey, report: GrantReport, now: DateTime<Utc>) {
        let before = self.reports.replace(grant, report.clone(), now);
        let is_sure = !self.reports.is_unsure(&grant.namespace, None);
        let triggered = of_report(&self.cache.read(), grant, &before, &report, is_sure);
        self.waiting.extend(triggered);
    }
}
