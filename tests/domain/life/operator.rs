//! The operator: one reconciliation of one thing, which may stop after any write.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entitlement_operator::api::AccessRequest;
use entitlement_operator::domain::{Key, Plan};

use crate::words;

use super::bindings::RbacWho;
use super::by_kind::by_kind;
use super::effects::essence;
use super::oracle;
use super::rules::{GrantKey, GrantReport, Reconciled, Rules, WorkItem};
use super::store::Store;

/// How a reconciliation goes.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// So many writes succeed.
    pub writes: usize,
    /// Seconds that pass before each write but the first.
    pub slow: i64,
    /// The cache does not show the request of an assignment yet.
    pub lagging: bool,
}

/// A reconciliation that nothing disturbs.
pub const WHOLE: How = How { writes: usize::MAX, slow: 0, lagging: false };

/// A plan, and the object as it was seen when it was made.
pub type Planned<K> = (Arc<K>, Plan<<K as kube::core::object::HasStatus>::Status>);

impl Store {
    /// Asks the rules about something at an instant.
    pub fn ask_rules<T>(&self, now: DateTime<Utc>, ask: impl FnOnce(Rules<'_>) -> T) -> T {
        let stores = self.process.cache.read();
        ask(Rules {
            stores: &stores,
            reports: &self.process.reports,
            trust: &self.trust,
            open: &self.open,
            requests: &self.api.requests,
            now,
        })
    }

    /// Everything that can be reconciled.
    pub fn everything(&self) -> BTreeSet<WorkItem> {
        self.ask_rules(self.now, |rules| rules.everything())
    }

    /// What becomes of an object; none when the caches do not show it, or a question about it is not answered.
    pub fn planned<K: Reconciled>(&self, key: &Key) -> Option<Planned<K>> {
        self.ask_rules(self.now, |rules| {
            let seen = K::store(rules.stores).get(key)?.clone();
            let plan = seen.plan(rules)?;
            Some((seen, plan))
        })
    }

    /// Reconciles something. Tells whether anything was written.
    pub fn reconcile(&mut self, work: &WorkItem, how: How) -> bool {
        let hidden = how.lagging.then(|| self.request_of(work)).flatten();
        hidden.iter().for_each(|request| self.hide_or_show::<AccessRequest>(request, true));
        let wrote = by_kind!(
            work,
            K, key => self.reconcile_object::<K>(key, how),
            grant => self.reconcile_grant(grant, how),
            false
        );
        hidden.iter().for_each(|request| self.hide_or_show::<AccessRequest>(request, false));
        wrote
    }

    fn request_of(&self, work: &WorkItem) -> Option<Key> {
        let WorkItem::Assignment(key) = work else { return None };
        let request = self.api.assignments.get(key)?.spec.access_request.as_ref()?;
        Some(Key::new(&key.namespace, request))
    }

    fn reconcile_object<K: Reconciled>(&mut self, key: &Key, how: How) -> bool {
        let work = K::work(key.clone());
        let Some((seen, plan)) = self.planned::<K>(key) else {
            self.process.done(&work, None); // it is gone, or tried again when somebody writes it anew
            return false;
        };
        let (written, left) = self.write_first::<K>(&seen, &plan, how);
        let Some(left) = left else {
            self.process.waiting.insert(work);
            return written;
        };
        if written {
            self.leads_to_the_same::<K>(key, &plan);
        }
        self.follow::<K>(key, plan, How { writes: left, ..how }) || written
    }

    /// Carries out what was decided before something else was written.
    pub fn carry_out<K: Reconciled>(&mut self, (seen, plan): Planned<K>) {
        let key = Key::of(&*seen);
        match self.write_first::<K>(&seen, &plan, WHOLE).1 {
            Some(left) => drop(self.follow::<K>(&key, plan, How { writes: left, ..WHOLE })),
            None => drop(self.process.waiting.insert(K::work(key))),
        }
    }

    /// Writes the status. Tells whether it did, and how many writes are left; none when it was refused.
    fn write_first<K: Reconciled>(&mut self, seen: &Arc<K>, plan: &Plan<K::Status>, how: How) -> (bool, Option<usize>) {
        let key = Key::of(&**seen);
        assert!(
            plan.requeue_at.is_none_or(|at| at > self.now),
            "{key} wants to be woken at {:?}, it is {}",
            plan.requeue_at,
            self.now
        );
        oracle::status_changes::<K>(self, &key, &plan.status);
        if seen.status() == Some(&plan.status) {
            assert!(plan.notices.is_empty(), "{key}: nothing changed, but people are told {:?}", plan.notices);
            return (false, Some(how.writes));
        }
        words::are_listed(K::NAME, &plan.status);
        match how.writes.checked_sub(1).filter(|_| self.write_status(&**seen, plan.status.clone())) {
            Some(left) => (true, Some(left)),
            None => (false, None),
        }
    }

    /// Between the status and the effects, the same reconciliation leads to the same, although the status is another one.
    fn leads_to_the_same<K: Reconciled>(&self, key: &Key, plan: &Plan<K::Status>) {
        let (_, again) = self.planned::<K>(key).unwrap();
        // That a namespace is created is told until it is.
        let told = again.notices.iter().filter(|notice| notice.reason.as_str() != "CreatingNamespace").count();
        assert_eq!((&again.status, told), (&plan.status, 0), "reconciled again: {key}");
        assert_eq!(essence(&again.effects), essence(&plan.effects), "reconciled again: {key}");
    }

    /// Carries out the effects. Tells whether anything changed.
    fn follow<K: Reconciled>(&mut self, key: &Key, plan: Plan<K::Status>, how: How) -> bool {
        let (work, mut left, mut changed) = (K::work(key.clone()), how.writes, false);
        for effect in plan.effects {
            if left == 0 {
                self.process.waiting.insert(work);
                return changed;
            }
            self.now += TimeDelta::seconds(how.slow);
            let wrote = self.effect::<K>(key, effect);
            left -= usize::from(wrote);
            changed |= wrote;
        }
        self.process.done(&work, plan.requeue_at);
        changed
    }

    fn reconcile_grant(&mut self, grant: &GrantKey, how: How) -> bool {
        let now = self.now;
        let (work, before) = (WorkItem::Grant(grant.clone()), self.process.reports.of(grant));
        let (input, plan) = self.ask_rules(now, |rules| rules.grant(grant));
        let covered: BTreeSet<RbacWho> =
            self.givers(grant).filter(|a| oracle::covers(a, now)).map(|a| RbacWho::from(&a.spec.subject)).collect();
        for write in plan.writes.iter().take(how.writes) {
            self.bind(grant, write, &covered);
        }
        if plan.writes.len() > how.writes {
            self.process.waiting.insert(work);
            return how.writes > 0;
        }
        for target in self.places() {
            assert!(self.api.has(grant, &target).is_subset(&covered), "{grant} is given beyond its end");
        }
        let failure = plan.damped.map(|until| format!("somebody else keeps undoing it until {until}"));
        let report = GrantReport { failure, held: plan.held, repairs: plan.repairs, not_reconciled: false, ..before };
        self.process.report(grant, report, now);
        self.process.done(&work, [input.next_end, plan.damped].into_iter().flatten().min());
        !plan.writes.is_empty()
    }
}
