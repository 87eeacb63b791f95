//! The operator: one reconciliation of one thing, which may stop after any write.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use entitlement_operator::api::access_request::RequestPhase;
use entitlement_operator::api::assignment::AssignmentPhase;
use entitlement_operator::api::condition;
use entitlement_operator::api::{AccessPackage, AccessRequest, AccessRequestStatus, ApprovalDecision, Assignment};
use entitlement_operator::domain::grant::GrantKey;
use entitlement_operator::domain::grant::diff::Allowed;
use entitlement_operator::domain::schedule::later;
use entitlement_operator::domain::{Effect, Key, Plan, assignment, decision, package, request};
use entitlement_operator::targets::rbac::plan::{Write, plan};

use crate::builders::RETENTION;
use crate::words;

use super::oracle::{self, is_held};
use super::store::{Kind, Store};

/// Something that the operator reconciles.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    Package(Key),
    Request(Key),
    Decision(Key),
    Assignment(Key),
    Grant(GrantKey),
}

impl Thing {
    /// The key of an assignment.
    pub fn assignment(&self) -> Option<&Key> {
        if let Self::Assignment(key) = self { Some(key) } else { None }
    }
}

/// How a reconciliation goes.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// The operator stops after so many writes.
    pub writes: usize,
    /// Seconds that pass before each write but the first.
    pub slow: i64,
    /// The cache does not show the request of an assignment yet.
    pub lagging: bool,
}

/// A reconciliation that nothing disturbs.
pub const WHOLE: How = How { writes: usize::MAX, slow: 0, lagging: false };

/// What reconciling a thing would write, and when it has to be reconciled again.
#[derive(Debug, PartialEq)]
pub struct Intent {
    pub changes: bool,
    pub requeue_at: Option<DateTime<Utc>>,
}

impl Store {
    /// Everything that can be reconciled.
    pub fn things(&self) -> Vec<Thing> {
        let orphan = |d: &&ApprovalDecision| !self.requests.contains_key(&of_request(d));
        let decisions = self.decisions.values().filter(orphan).map(|d| Thing::Decision(Key::of(d)));
        let packages = self.packages.keys().cloned().map(Thing::Package);
        let requests = self.requests.keys().cloned().map(Thing::Request);
        let assignments = self.assignments.keys().cloned().map(Thing::Assignment);
        packages.chain(requests).chain(decisions).chain(assignments).chain(self.grants().into_iter().map(Thing::Grant)).collect()
    }

    fn request_plan(&self, key: &Key, assumed: Option<&Thing>, now: DateTime<Utc>) -> Option<Plan<AccessRequestStatus>> {
        let found = self.requests.get(key)?;
        Some(request::decide(&self.request_input(key, found, assumed), now))
    }

    fn package_plan(&self, key: &Key, now: DateTime<Utc>) -> Option<Plan<entitlement_operator::api::AccessPackageStatus>> {
        let found = self.packages.get(key)?;
        let (pending_requests, live_assignments) = self.counts(key);
        let input = package::Input {
            package: found,
            offer: &|name| self.offers.get(&Key::new(&key.namespace, name)),
            cluster: self,
            has_catalog: true,
            pending_requests,
            live_assignments,
            unknown_incompatible: Vec::new(),
            waiting_revocations: None,
        };
        Some(package::decide(&input, now))
    }

    fn assignment_plan(
        &self,
        key: &Key,
        lagging: bool,
        assumed: Option<&Thing>,
        now: DateTime<Utc>,
    ) -> Option<Plan<entitlement_operator::api::AssignmentStatus>> {
        let found = self.assignments.get(key)?;
        Some(assignment::decide(&self.assignment_input(key, found, now, lagging, assumed), now))
    }

    fn decision_plan(&self, key: &Key, now: DateTime<Utc>) -> Option<Plan<entitlement_operator::api::ApprovalDecisionStatus>> {
        let found = self.decisions.get(key).filter(|d| !self.requests.contains_key(&of_request(d)))?;
        Some(decision::decide(&decision::Input { decision: found, request: None, retention: RETENTION }, now))
    }

    pub fn grant_writes(&self, grant: &GrantKey, now: DateTime<Utc>) -> Vec<Write> {
        let allowed = Allowed { places: self.standings(grant), kept: BTreeSet::new() };
        plan(grant, &self.wanted(grant, now), &allowed, &self.observed(grant))
    }

    /// What a reconciliation would do at an instant.
    pub fn intent(&self, thing: &Thing, now: DateTime<Utc>) -> Intent {
        fn of<K: Kind, S: PartialEq>(plan: Option<Plan<S>>, status: Option<&S>, _: &K) -> Intent {
            let plan = plan.unwrap();
            Intent { changes: Some(&plan.status) != status || !plan.effects.is_empty(), requeue_at: plan.requeue_at }
        }
        match thing {
            Thing::Package(key) => of(self.package_plan(key, now), self.packages[key].status.as_ref(), &self.packages[key]),
            Thing::Request(key) => of(self.request_plan(key, None, now), self.requests[key].status.as_ref(), &self.requests[key]),
            Thing::Decision(key) => of(self.decision_plan(key, now), self.decisions[key].status.as_ref(), &self.decisions[key]),
            Thing::Assignment(key) => {
                of(self.assignment_plan(key, false, None, now), self.assignments[key].status.as_ref(), &self.assignments[key])
            }
            Thing::Grant(grant) => {
                let ends = self
                    .givers(grant)
                    .filter(|a| entitlement_operator::domain::holdings::gives(a, now))
                    .filter_map(Assignment::end);
                Intent { changes: !self.grant_writes(grant, now).is_empty(), requeue_at: ends.min() }
            }
        }
    }

    /// Looks at a thing. Tells whether anything was written.
    pub fn reconcile(&mut self, thing: &Thing, how: How) -> bool {
        match thing {
            Thing::Package(key) => {
                let Some(plan) = self.package_plan(key, self.now) else { return false };
                self.carry_out::<AccessPackage, _>(
                    key,
                    plan,
                    how,
                    |found| &mut found.status,
                    |store, key| store.package_plan(key, store.now),
                )
            }
            Thing::Request(key) => {
                let Some(plan) = self.request_plan(key, None, self.now) else { return false };
                oracle::request_changes(self, key, &self.requests[key], &plan.status);
                self.carry_out::<AccessRequest, _>(
                    key,
                    plan,
                    how,
                    |found| &mut found.status,
                    |store, key| store.request_plan(key, None, store.now),
                )
            }
            Thing::Decision(key) => {
                let Some(plan) = self.decision_plan(key, self.now) else { return false };
                self.carry_out::<ApprovalDecision, _>(
                    key,
                    plan,
                    how,
                    |found| &mut found.status,
                    |store, key| store.decision_plan(key, store.now),
                )
            }
            Thing::Assignment(key) => {
                let Some(plan) = self.assignment_plan(key, how.lagging, None, self.now) else { return false };
                oracle::assignment_changes(self, key, &self.assignments[key], &plan.status);
                let again = |store: &Store, key: &Key| store.assignment_plan(key, how.lagging, None, store.now);
                self.carry_out::<Assignment, _>(key, plan, how, |found| &mut found.status, again)
            }
            Thing::Grant(grant) => self.reconcile_grant(grant, how),
        }
    }

    /// Two things are judged at the same time: the first has not written when the second is judged, but it has assumed its place.
    pub fn reconcile_both(&mut self, first: &Thing, second: &Thing) {
        let Some((one, forward)) = self.judged(first, None) else { return };
        let Some((two, _)) = self.judged(second, Some(first).filter(|_| forward)) else { return };
        one(self);
        two(self);
    }

    /// What judging a request or an assignment leads to, and whether others have to count it at once.
    #[allow(clippy::type_complexity)] // what is left to do, once
    fn judged(&self, thing: &Thing, assumed: Option<&Thing>) -> Option<(Box<dyn FnOnce(&mut Self)>, bool)> {
        match thing {
            Thing::Request(key) => {
                let (plan, key) = (self.request_plan(key, assumed, self.now)?, key.clone());
                let ends = matches!(plan.status.phase, RequestPhase::Denied | RequestPhase::Cancelled);
                let forward = self.requests[&key].phase() != plan.status.phase && !ends;
                let write = move |store: &mut Self| {
                    oracle::request_changes(store, &key, &store.requests[&key], &plan.status);
                    store.requests.get_mut(&key).unwrap().status = Some(plan.status);
                    plan.effects.into_iter().for_each(|effect| {
                        store.effect::<AccessRequest>(&key, effect);
                    });
                };
                Some((Box::new(write), forward))
            }
            Thing::Assignment(key) => {
                let (plan, key) = (self.assignment_plan(key, false, assumed, self.now)?, key.clone());
                let forward =
                    self.assignments[&key].phase() == AssignmentPhase::Pending && plan.status.phase != AssignmentPhase::Pending;
                let write = move |store: &mut Self| {
                    oracle::assignment_changes(store, &key, &store.assignments[&key], &plan.status);
                    store.assignments.get_mut(&key).unwrap().status = Some(plan.status);
                    plan.effects.into_iter().for_each(|effect| {
                        store.effect::<Assignment>(&key, effect);
                    });
                };
                Some((Box::new(write), forward))
            }
            _ => None,
        }
    }

    /// Writes the status first and has the effects afterwards; in between, the same reconciliation leads to the same.
    fn carry_out<K: Kind, S: PartialEq + Clone + std::fmt::Debug + serde::Serialize>(
        &mut self,
        key: &Key,
        plan: Plan<S>,
        how: How,
        status: impl Fn(&mut K) -> &mut Option<S>,
        again: impl Fn(&Store, &Key) -> Option<Plan<S>>,
    ) -> bool {
        assert!(
            plan.requeue_at.is_none_or(|at| at > self.now),
            "{key} wants to be woken at {:?}, it is {}",
            plan.requeue_at,
            self.now
        );
        words::are_listed(&K::kind(&()), &plan.status);
        let found = status(K::table(self).get_mut(key).unwrap());
        let mut left = how.writes;
        let differs = found.as_ref() != Some(&plan.status);
        if differs {
            if left == 0 {
                return false;
            }
            *found = Some(plan.status.clone());
            left -= 1;
        } else {
            assert!(plan.notices.is_empty(), "{key}: nothing changed, but people are told {:?}", plan.notices);
        }
        let second = again(self, key).unwrap();
        assert_eq!((&second.status, second.notices.len()), (&plan.status, 0), "reconciled again: {key}");
        assert_eq!(essence(&second.effects), essence(&plan.effects), "reconciled again: {key}");
        let mut changed = differs;
        for effect in plan.effects {
            if left == 0 {
                return changed;
            }
            self.now += TimeDelta::seconds(how.slow);
            let wrote = self.effect::<K>(key, effect);
            left -= usize::from(wrote);
            changed |= wrote;
        }
        changed
    }

    /// Carries out one effect of reconciling an object. Tells whether it changed anything.
    fn effect<K: Kind>(&mut self, own: &Key, effect: Effect) -> bool {
        match effect {
            Effect::CreateAssignment(made) => self.make(*made),
            Effect::MoveEnd { assignment, end } => self.edit::<Assignment>(&assignment, |found| {
                let end = later(found.end(), end);
                found.spec.schedule.get_or_insert_default().end_time = end;
            }),
            Effect::EnterEnd { assignment, end } => self.edit::<Assignment>(&assignment, |found| {
                let start = found.start();
                let schedule = found.spec.schedule.get_or_insert_default();
                if schedule.end_time.is_none() {
                    (schedule.start_time, schedule.end_time) = (Some(start), Some(end));
                }
            }),
            Effect::Revoke { assignment, by, reason } => self.edit::<Assignment>(&assignment, |found| {
                found.spec.revoked.get_or_insert(entitlement_operator::api::assignment::Revoked { by, reason });
            }),
            Effect::AddFinalizer(finalizer) => self.finalizer::<K>(own, finalizer, true),
            Effect::RemoveFinalizer(finalizer) => self.finalizer::<K>(own, finalizer, false),
            Effect::RecordDecision { decision, status } => {
                words::are_listed("ApprovalDecision", &status);
                let found = self.decisions.get_mut(&decision).unwrap();
                let changed = found.status.as_ref() != Some(&*status);
                found.status = Some(*status);
                changed
            }
            Effect::DeleteSelf => self.retire::<K>(own),
            other => panic!("{own}: {other:?} is none of its effects"),
        }
    }

    fn make(&mut self, made: Assignment) -> bool {
        let key = Key::of(&made);
        let request = made.spec.access_request_uid.clone();
        let created = self.create(made);
        assert!(!created || self.births_of::<Assignment>(&key) == 1, "{key} was made anew after it had ended");
        assert_eq!(self.assignments[&key].spec.access_request_uid, request, "the name belongs to one request");
        created
    }

    fn retire<K: Kind>(&mut self, own: &Key) -> bool {
        let lives =
            |(key, a): (&Key, &Assignment)| is_held(a, self.now) && self.origin(key, a).is_some_and(|r| Key::of(r) == *own);
        assert!(K::NAME != AccessRequest::NAME || !self.assignments.iter().any(lives), "the record of access that lives goes");
        self.delete::<K>(own)
    }

    fn reconcile_grant(&mut self, grant: &GrantKey, how: How) -> bool {
        let now = self.now;
        let covered: BTreeSet<_> =
            self.givers(grant).filter(|a| oracle::covers(a, now)).map(|a| a.spec.subject.clone()).collect();
        let writes = self.grant_writes(grant, now);
        for write in writes.iter().take(how.writes) {
            self.bind(grant, write);
            if let Write::Put { subjects, .. } = write {
                assert!(subjects.iter().all(|s| covered.contains(s)), "{grant}: {write:?} for {covered:?}");
            }
        }
        if writes.len() <= how.writes {
            for target in self.places() {
                assert!(self.has(grant, &target).is_subset(&covered), "{grant} is given beyond its end");
            }
        }
        !writes.is_empty() && how.writes > 0
    }
}

/// What effects come to, whatever their order. Why a decision does not count may be told otherwise once another stage is open.
fn essence(effects: &[Effect]) -> BTreeSet<String> {
    let one = |effect: &Effect| match effect {
        Effect::RecordDecision { decision, status } => format!("{decision} {}", condition::holds(&status.conditions, "Counted")),
        other => format!("{other:?}"),
    };
    effects.iter().map(one).collect()
}

/// The request that a decision is about.
pub fn of_request(decision: &ApprovalDecision) -> Key {
    Key::new(decision.metadata.namespace.clone().unwrap_or_default(), &decision.spec.access_request)
}
