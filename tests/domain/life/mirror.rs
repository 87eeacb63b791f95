//! Other caches that are shown the same world later: whatever differs from what they were shown last is entered, one object after the other.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entitlement_operator::domain::{Key, Trust};

use super::grants::of_report;
use super::plans::Plans;
use super::process::{empty_cache, show, triggered};
use super::rules::{Cache, GrantKey, GrantReport, GrantReports, Rules, WorkItem};
use super::server::{ApiServer, EachKind, Kind, each_kind};
use super::store::Store;

/// One object that came, changed or went.
struct News {
    kind: &'static str,
    key: Key,
    show: fn(&Cache, &ApiServer, &Key),
}

/// What there is to tell whoever was told of what was stored before.
struct Differences<'a> {
    before: &'a ApiServer,
    after: &'a ApiServer,
    news: Vec<News>,
}

impl EachKind for Differences<'_> {
    fn kind<K: Kind>(&mut self) {
        let (before, after) = (K::table(self.before), K::table(self.after));
        let version = |found: Option<&K>| found.and_then(|object| object.meta().resource_version.clone());
        let all: BTreeSet<&Key> = before.keys().chain(after.keys()).collect();
        let changed = all.into_iter().filter(|key| version(before.get(key)) != version(after.get(key)));
        self.news.extend(changed.map(|key| News { kind: K::NAME, key: key.clone(), show: show::<K> }));
    }
}

/// Real caches with their queue, and what they were shown.
pub struct Mirror {
    cache: Arc<Cache>,
    shown: ApiServer,
    reports: GrantReports,
    /// The time, and who is trusted, when they were shown something last.
    at: (DateTime<Utc>, Trust),
    /// What was triggered and has not been carried out.
    waiting: BTreeSet<WorkItem>,
}

impl Mirror {
    /// The caches after the first lists, when everything has been reconciled.
    pub fn of(store: &Store) -> Self {
        let mut mirror = Self {
            cache: empty_cache(),
            shown: ApiServer::default(),
            reports: GrantReports::default(),
            at: (store.now, store.trust.clone()),
            waiting: BTreeSet::new(),
        };
        for news in mirror.news(store) {
            (news.show)(&mirror.cache, &store.api, &news.key);
        }
        mirror.waiting = triggered(&mirror.cache);
        mirror
    }

    fn news(&mut self, store: &Store) -> Vec<News> {
        let mut differences = Differences { before: &self.shown, after: &store.api, news: Vec::new() };
        each_kind(&mut differences);
        let news = differences.news;
        self.shown = store.api.clone();
        news
    }

    fn plans(&self, store: &Store) -> Plans {
        Plans::of(Rules {
            stores: &self.cache.read(),
            reports: &self.reports,
            trust: &store.trust,
            open: &store.open,
            requests: &store.api.requests,
            now: store.now,
        })
    }

    /// Enters what has changed in the meantime, in some order: whatever comes out differently after an object has changed was triggered by it.
    pub fn follow(&mut self, store: &Store, order: u64) {
        let mut news = self.news(store);
        super::settle::shuffle(&mut news, order);
        let mut before = self.plans(store);
        if self.at != (store.now, store.trust.clone()) {
            self.at = (store.now, store.trust.clone());
            self.waiting.extend(before.left_to_do()); // whatever is due by now was planned
        }
        for News { kind, key, show } in news {
            show(&self.cache, &store.api, &key);
            let triggered = triggered(&self.cache);
            before = self.after(store, &format!("{kind} {key}"), before, triggered);
        }
    }

    /// Nothing is known of any grant, as after a start.
    pub fn forget_reports(&mut self) {
        self.reports.begin(self.cache.read().grant_keys());
    }

    /// Something else is known of a grant than before: whatever comes out differently is triggered by that.
    pub fn report(&mut self, store: &Store, grant: &GrantKey, report: GrantReport) {
        let before = self.plans(store);
        let old = self.reports.replace(grant, report.clone(), store.now);
        let is_sure = !self.reports.is_unsure(&grant.namespace, None);
        let mut triggered = of_report(&self.cache.read(), grant, &old, &report, is_sure);
        triggered.insert(WorkItem::Grant(grant.clone())); // it was reconciled just now
        self.after(store, &format!("{report:?} of {grant} after {old:?}"), before, triggered);
    }

    fn after(&mut self, store: &Store, about: &str, before: Plans, triggered: BTreeSet<WorkItem>) -> Plans {
        let after = self.plans(store);
        self.waiting.retain(|work| before.leave_to_do(work));
        self.waiting.extend(triggered);
        for (work, old, new) in after.news_since(&before) {
            assert!(self.waiting.contains(&work), "{about} did not trigger {work:?}:\n  was {old:?}\n  is  {new:?}");
        }
        after
    }
}
