//! Everything is reconciled until nothing is left to do, and then all must be as it should.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use entitlement_operator::api::access_request::{RequestPhase as R, StageState};
use entitlement_operator::api::assignment::AssignmentPhase as A;
use entitlement_operator::api::condition;
use entitlement_operator::api::{AccessRequest, Assignment, Subject};
use entitlement_operator::domain::Key;
use entitlement_operator::domain::decision::is_judged;
use entitlement_operator::domain::grant::diff::Access;

use super::operator::{Thing, WHOLE, of_request};
use super::oracle::covers;
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
    /// Looks at everything, in some order, until a whole round has nothing to write.
    pub fn settle(&mut self, order: u64) {
        for round in 0.. {
            assert!(round < ROUNDS, "it goes round in circles");
            let mut things = self.things();
            shuffle(&mut things, order.wrapping_add(round as u64));
            let wrote = things.iter().filter(|thing| self.reconcile(thing, WHOLE)).count();
            if wrote == 0 {
                break;
            }
        }
        self.check_settled();
    }

    /// Looks at everything but one kind of things, for a few rounds.
    pub fn rounds(&mut self, order: u64, without: u8) {
        for round in 0..4 {
            let mut things = self.things();
            things.retain(|thing| match thing {
                Thing::Request(_) => without != 0,
                Thing::Assignment(_) => without != 1,
                Thing::Grant(_) => without != 2,
                Thing::Package(_) | Thing::Decision(_) => without != 3,
            });
            shuffle(&mut things, order.wrapping_add(round));
            things.iter().for_each(|thing| {
                self.reconcile(thing, WHOLE);
            });
        }
    }

    /// When somebody wants to be woken next.
    pub fn next_wake(&self) -> Option<DateTime<Utc>> {
        self.things().iter().filter_map(|thing| self.intent(thing, self.now).requeue_at).min()
    }

    fn check_settled(&self) {
        self.check_grants();
        self.requests.iter().for_each(|(key, request)| self.check_request(key, request));
        self.assignments.iter().for_each(|(key, assignment)| self.check_assignment(key, assignment));
        self.check_decisions();
        // Nothing happens before somebody wants to be woken.
        let until = self.next_wake().unwrap_or(self.now + TimeDelta::days(36_500));
        assert!(until > self.now);
        let middle = self.now + (until - self.now) / 2;
        for idle in [DateTime::from_timestamp(middle.timestamp(), 0).unwrap(), until - TimeDelta::seconds(1)] {
            for thing in self.things() {
                assert!(!self.intent(&thing, idle).changes, "{thing:?} changes at {idle}, and asked to be woken at {until}");
            }
        }
    }

    /// Everybody has what their assignments give them, and nobody has more.
    fn check_grants(&self) {
        for grant in self.grants() {
            let due: BTreeSet<Subject> =
                self.givers(&grant).filter(|a| covers(a, self.now)).map(|a| a.spec.subject.clone()).collect();
            let standings = self.standings(&grant);
            for place in self.places() {
                let has = self.has(&grant, &place);
                assert!(has.is_subset(&due), "{grant}: {has:?}, but only {due:?} may");
                assert!(standings.get(&place) != Some(&Access::Open) || has == due, "{grant}: {has:?} instead of {due:?}");
            }
        }
        assert!(self.bindings.values().all(|(_, b)| b.labelled && b.subjects.iter().all(Option::is_some)));
    }

    /// A request that has not ended waits for a person, an object or an instant, and says so.
    fn check_request(&self, key: &Key, request: &AccessRequest) {
        let status = request.status.as_ref().unwrap();
        let wakes = self.intent(&Thing::Request(key.clone()), self.now).requeue_at.is_some();
        match status.phase {
            R::Submitted => assert!(wakes && !status.reason.is_empty() && !status.waits_for.is_empty(), "{status:?}"),
            R::PendingApproval => {
                assert!(wakes && !status.waits_for.is_empty(), "{status:?}");
                let open = status.stages.last().unwrap();
                let (requestor, subject) = honest::parties(request);
                let barred = |a: &entitlement_operator::api::policy::Approver| {
                    a.subject().is_some_and(|s| s.username().is_some() && (s == requestor || s == subject))
                };
                assert!(!open.approvers.iter().any(barred), "{open:?}");
                honest::check_waiting(self, key, request);
            }
            R::Scheduled => assert!(wakes && !status.waits_for.is_empty(), "{status:?}"),
            R::PartiallyDelivered => assert_eq!(self.made_by(key, request).unwrap().phase(), A::PartiallyDelivered),
            // A manager put off the start of what it made.
            R::Provisioning if self.made_by(key, request).is_some_and(|a| a.phase() == A::Scheduled) => {}
            R::Approved | R::Provisioning => panic!("{key} is left {:?}: {status:?}", status.phase),
            R::Delivered | R::Denied | R::Cancelled => {
                assert!(status.stages.iter().all(|s| s.state != StageState::Open), "{status:?}");
                let delivered = condition::get(&status.conditions, "Delivered").unwrap();
                assert_eq!(delivered.status == "True", status.phase == R::Delivered);
            }
        }
    }

    fn made_by(&self, key: &Key, request: &AccessRequest) -> Option<&Assignment> {
        self.assignments.get(&Key::new(&key.namespace, request.status.as_ref()?.assignment.as_ref()?))
    }

    fn check_assignment(&self, key: &Key, assignment: &Assignment) {
        let status = assignment.status.as_ref().unwrap();
        let giving = oracle::covers(assignment, self.now);
        match status.phase {
            A::Pending => assert!(!status.reason.is_empty() && !status.message.is_empty(), "{status:?}"),
            A::Scheduled => assert!(self.intent(&Thing::Assignment(key.clone()), self.now).requeue_at.is_some()),
            A::Delivered | A::PartiallyDelivered => assert!(giving, "{status:?}"),
            A::Provisioning | A::Revoking => panic!("{key} is left {:?}: {status:?}", status.phase),
            A::Expired | A::Revoked => {}
        }
        assert!(status.phase.is_terminal() || assignment.metadata.deletion_timestamp.is_none(), "{key} is not released");
        let orphan = assignment.spec.access_request.is_some() && self.origin(key, assignment).is_none();
        assert!(!orphan || status.phase.is_terminal(), "{key} outlives its request");
    }

    /// Every decision is told what became of it, and that is true.
    fn check_decisions(&self) {
        for (key, decision) in &self.decisions {
            let Some(request) = self.requests.get(&of_request(decision)) else { continue };
            let status = request.status.as_ref().unwrap();
            if status.phase != R::Submitted {
                assert!(is_judged(decision), "{key} is not judged");
                let conditions = &decision.status.as_ref().unwrap().conditions;
                let counted = status.stages.iter().flat_map(|s| &s.decisions).any(|d| d.decision_ref == key.name);
                let earlier =
                    entitlement_operator::api::time::created(decision) < entitlement_operator::api::time::created(request);
                assert!(earlier || condition::holds(conditions, "Counted") == counted, "{conditions:?}");
            }
        }
    }
}
