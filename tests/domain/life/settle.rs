//! Whatever was triggered is reconciled until nothing is left to do, and then all must be as it should.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use entitlement_operator::api::access_request::{RequestPhase as R, StageState};
use entitlement_operator::api::assignment::AssignmentPhase as A;
use entitlement_operator::api::condition;
use entitlement_operator::api::policy::Approver;
use entitlement_operator::api::time::created;
use entitlement_operator::api::{AccessRequest, Assignment, CatalogResource};
use entitlement_operator::domain::Key;
use entitlement_operator::domain::decision::is_judged;
use entitlement_operator::domain::holdings::package_of;

use super::bindings::RbacWho;
use super::facts::request_of;
use super::operator::WHOLE;
use super::oracle::covers;
use super::rules::{AUTHORS, Rules, Standing, WorkItem};
use super::store::Store;
use super::{honest, oracle};

/// More rounds than any story needs: who needs more goes round in circles.
const ROUNDS: usize = 30;

/// A cheap shuffle.
pub fn shuffle<T>(all: &mut [T], mut order: u64) {
    for last in (1..all.len()).rev() {
        order = order.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        all.swap(last, usize::try_from(order >> 33).unwrap() % (last + 1));
    }
}

impl Store {
    /// Reconciles what was triggered and what is due, in some order, until there is nothing, and then all must be as it should.
    pub fn settle(&mut self, order: u64) {
        for round in 0.. {
            let mut due = self.process.take_due(self.now);
            if due.is_empty() {
                break;
            }
            assert!(round < ROUNDS, "{due:?} go round in circles");
            shuffle(&mut due, order.wrapping_add(round as u64));
            due.iter().for_each(|work| {
                self.reconcile(work, WHOLE);
            });
        }
        self.check_settled();
    }

    /// Reconciles what was triggered and what is due, but one kind of things, for a few rounds.
    pub fn rounds(&mut self, order: u64, without: u8) {
        for round in 0..4 {
            let (mut due, left) = self.process.take_due(self.now).into_iter().partition::<Vec<_>, _>(|work| match work {
                WorkItem::Request(_) => without != 0,
                WorkItem::Assignment(_) => without != 1,
                WorkItem::Grant(_) => without != 2,
                WorkItem::Package(_) | WorkItem::Decision(_) => without != 3,
                WorkItem::Catalog(_) | WorkItem::Resource(_) | WorkItem::Policy(_) => without != 4,
                WorkItem::Admission | WorkItem::Unreadable(..) => true,
            });
            self.process.waiting.extend(left);
            shuffle(&mut due, order.wrapping_add(round));
            due.iter().for_each(|work| {
                self.reconcile(work, WHOLE);
            });
        }
    }

    /// When somebody wants to be woken next.
    pub fn next_wake(&self) -> Option<DateTime<Utc>> {
        self.process.deadlines.values().min().copied()
    }

    fn check_settled(&self) {
        self.check_grants();
        self.api.requests.iter().for_each(|(key, request)| self.check_request(key, request));
        self.api.assignments.iter().for_each(|(key, assignment)| self.check_assignment(key, assignment));
        self.check_decisions();
        // Nothing happens before somebody wants to be woken.
        let until = self.next_wake().unwrap_or(self.now + TimeDelta::days(36_500));
        assert!(until > self.now);
        let middle = DateTime::from_timestamp((self.now + (until - self.now) / 2).timestamp(), 0).unwrap();
        let has_hours = |work: &WorkItem| matches!(work, WorkItem::Request(_) | WorkItem::Assignment(_) | WorkItem::Grant(_));
        for (idle, all) in [(middle, false), (until - TimeDelta::seconds(1), true)] {
            let is_due = |rules: Rules<'_>, work: &WorkItem| (all || has_hours(work)) && rules.is_due(work);
            let due = self.ask_rules(idle, |rules| rules.everything().into_iter().find(|work| is_due(rules, work)));
            let now = self.now;
            assert!(
                due.is_none(),
                "nobody triggered {due:?}, due at {idle}: it is {now}, and somebody wants to be woken at {until}"
            );
        }
    }

    /// Everybody has what their assignments give them, and nobody has more.
    fn check_grants(&self) {
        for grant in self.grants() {
            let due: BTreeSet<RbacWho> =
                self.givers(&grant).filter(|a| covers(a, self.now)).map(|a| RbacWho::from(&a.spec.subject)).collect();
            let (input, plan) = self.ask_rules(self.now, |rules| rules.grant(&grant));
            for place in self.places() {
                let has = self.api.has(&grant, &place);
                assert!(has.is_subset(&due), "{grant}: {has:?}, but only {due:?} may");
                let may_gain = input.places.get(&place) == Some(&Standing::Open) && plan.damped.is_none();
                assert!(!may_gain || has == due, "{grant}: {has:?} instead of {due:?}");
            }
        }
        assert!(self.api.bound().iter().all(|bound| bound.labelled));
    }

    fn is_planned(&self, work: WorkItem) -> bool {
        self.process.deadlines.contains_key(&work)
    }

    /// A request that has not ended waits for a person, an object or an instant, and says so.
    fn check_request(&self, key: &Key, request: &AccessRequest) {
        let status = request.status.as_ref().unwrap();
        let wakes = self.is_planned(WorkItem::Request(key.clone()));
        match status.phase {
            R::Submitted => assert!(wakes && !status.reason.is_empty() && !status.waits_for.is_empty(), "{status:?}"),
            R::PendingApproval => {
                assert!(wakes && !status.waits_for.is_empty(), "{status:?}");
                let open = status.stages.last().unwrap();
                let (requestor, subject) = honest::parties(request);
                let barred =
                    |a: &Approver| a.subject().is_some_and(|s| s.username().is_some() && (s == requestor || s == subject));
                assert!(!open.approvers.iter().any(barred), "{open:?}");
                honest::check_waiting(self, key, request);
            }
            R::Scheduled => assert!(wakes && !status.waits_for.is_empty(), "{status:?}"),
            R::PartiallyDelivered => assert_eq!(self.made_by(key, request).unwrap().phase(), A::PartiallyDelivered),
            // A manager put off the start of what it made.
            R::Provisioning if self.made_by(key, request).is_some_and(|a| a.phase() == A::Scheduled) => {}
            R::Provisioning if self.made_by(key, request).is_some_and(|a| self.waits_for_an_answer(a)) => {}
            R::Approved | R::Provisioning => panic!("{key} is left {:?}: {status:?}", status.phase),
            R::Delivered | R::Denied | R::Cancelled => {
                assert!(status.stages.iter().all(|s| s.state != StageState::Open), "{status:?}");
                let delivered = condition::get(&status.conditions, "Delivered").unwrap();
                assert_eq!(delivered.status == "True", status.phase == R::Delivered);
            }
        }
    }

    /// Whether an author of one of its roles is not judged, because the API server does not say whether they may hand it out.
    fn waits_for_an_answer(&self, assignment: &Assignment) -> bool {
        let [.., unknown] = AUTHORS;
        let package = self.api.packages.get(&package_of(assignment));
        let named = package.into_iter().flat_map(|p| &p.spec.resource_roles).map(|role| &role.resource);
        let mut found = named.filter_map(|name| self.api.resources.get(&Key::new(Key::of(assignment).namespace, name)));
        let author = |resource: &CatalogResource| resource.spec.kubernetes.as_ref()?.author.clone();
        found.any(|resource| author(resource).is_some_and(|author| author.username == unknown))
    }

    fn made_by(&self, key: &Key, request: &AccessRequest) -> Option<&Assignment> {
        self.api.assignments.get(&Key::new(&key.namespace, request.status.as_ref()?.assignment.as_ref()?))
    }

    fn check_assignment(&self, key: &Key, assignment: &Assignment) {
        let status = assignment.status.as_ref().unwrap();
        let giving = oracle::covers(assignment, self.now);
        match status.phase {
            A::Pending => assert!(!status.reason.is_empty() && !status.message.is_empty(), "{status:?}"),
            A::Scheduled => assert!(self.is_planned(WorkItem::Assignment(key.clone()))),
            A::Delivered | A::PartiallyDelivered => assert!(giving, "{status:?}"),
            A::Provisioning if self.waits_for_an_answer(assignment) => {}
            A::Provisioning | A::Revoking => panic!("{key} is left {:?}: {status:?}", status.phase),
            A::Expired | A::Revoked => {}
        }
        assert!(status.phase.is_terminal() || assignment.metadata.deletion_timestamp.is_none(), "{key} is not released");
        let orphan = assignment.spec.access_request.is_some() && self.origin(key, assignment).is_none();
        assert!(!orphan || status.phase.is_terminal(), "{key} outlives its request");
    }

    /// Every decision is told what became of it, and that is true.
    fn check_decisions(&self) {
        for (key, decision) in &self.api.decisions {
            let Some(request) = self.api.requests.get(&request_of(decision)) else { continue };
            let status = request.status.as_ref().unwrap();
            if status.phase != R::Submitted {
                assert!(is_judged(decision), "{key} is not judged");
                let conditions = &decision.status.as_ref().unwrap().conditions;
                let counted = status.stages.iter().flat_map(|s| &s.decisions).any(|d| d.decision_ref == key.name);
                let earlier = created(decision) < created(request);
                assert!(earlier || condition::holds(conditions, "Counted") == counted, "{conditions:?}");
            }
        }
    }
}
