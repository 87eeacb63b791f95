//! What must hold of every status of an assignment that is written.

use chrono::{DateTime, Utc};
use entitlement_operator::api::access_request::{RequestPhase as R, Schedule};
use entitlement_operator::api::assignment::{AssignmentPhase as A, Source};
use entitlement_operator::api::time::created;
use entitlement_operator::api::{AccessRequest, Assignment, AssignmentStatus};
use entitlement_operator::domain::Key;
use entitlement_operator::domain::holdings::{package_of, package_of_request};

use super::covers;
use super::separation::check_beside;
use super::timeline::{ASSIGNMENT_PHASES, assignment_may_follow, check_growth, check_path, ends};
use crate::life::bindings::RbacWho;
use crate::life::honest;
use crate::life::store::Store;

/// A status of an assignment is about to be written.
pub fn assignment_changes(store: &Store, key: &Key, before: &Assignment, after: &AssignmentStatus) {
    let old = before.status.clone().unwrap_or_default();
    check_growth(&old.timeline, &after.timeline, created(before), store.now);
    check_path(&after.timeline, &ASSIGNMENT_PHASES, after.phase, assignment_may_follow);
    if old.phase.is_terminal() {
        let last = |s: &AssignmentStatus| (s.phase, s.reason.clone(), s.timeline.clone(), s.ended_at, s.schedule.clone());
        assert_eq!(last(&old), last(after), "the last word stays");
    }
    assert!(!after.phase.is_terminal() || (!after.reason.is_empty() && after.ended_at.is_some()));
    assert!(!after.phase.is_terminal() || after.grants.is_empty());
    if after.phase.is_terminal() && !old.phase.is_terminal() {
        check_gone(store, key, before);
    }
    if old.phase == A::Revoking {
        assert!(ends(after.phase), "what is being taken away does not come back");
    }
    if let Some(period) = after.schedule.as_ref().filter(|_| after.phase.is_granting() && !old.phase.is_granting()) {
        assert!(period.start_time <= store.now, "{key} gives before its start {}", period.start_time);
        assert!(period.end_time.is_none_or(|end| store.now < end), "{key} gives after its end {:?}", period.end_time);
    }
    let accepted = |phase: A| phase.is_granting() || phase == A::Scheduled;
    if accepted(after.phase) && !accepted(old.phase) && old.phase != A::Revoking {
        check_acceptance(store, key, before, after);
    }
    let (was, is) = (old.schedule.as_ref(), after.schedule.as_ref());
    if let (Some(was), Some(is)) = (was, is) {
        assert_eq!(was.start_time, is.start_time, "the start is settled");
        let longer = was.end_time.is_some_and(|was| is.end_time.is_none_or(|is| is > was));
        assert!(!longer || may_last(store, key, before, is), "nobody allowed {is:?} after {was:?}");
    }
}

/// Whether the policy of a direct assignment, or an approved request, lets it last so long.
fn may_last(store: &Store, key: &Key, assignment: &Assignment, period: &Schedule) -> bool {
    let policy = store.api.policies.get(&Key::new(&key.namespace, &assignment.spec.policy));
    let limit = policy.map(|p| p.spec.expiration.after.map(|span| period.start_time + span.delta()).or(p.spec.expiration.at));
    let within = |limit: Option<DateTime<Utc>>| limit.is_none_or(|limit| period.end_time.is_some_and(|end| end <= limit));
    let by_policy = assignment.spec.source == Some(Source::Direct) && limit.is_some_and(within);
    let grants = |r: &AccessRequest| {
        let status = r.status.clone().unwrap_or_default();
        let moved = status.schedule.is_some_and(|s| s.end_time.is_none_or(|end| period.end_time.is_some_and(|is| is <= end)));
        let given = matches!(status.phase, R::Provisioning | R::PartiallyDelivered | R::Delivered);
        given
            && moved
            && status.assignment.as_ref() == assignment.metadata.name.as_ref()
            && r.subject().as_ref() == Some(&assignment.spec.subject)
    };
    by_policy || store.api.requests.values().any(grants)
}

/// An assignment has ended: its subject has nothing that no other assignment gives.
fn check_gone(store: &Store, key: &Key, assignment: &Assignment) {
    for grant in store.grants() {
        let (subject, who) = (&assignment.spec.subject, RbacWho::from(&assignment.spec.subject));
        let another = |a: &Assignment| a.spec.subject == *subject && Key::of(a) != *key && covers(a, store.now);
        let recorded = assignment.status.iter().flat_map(|s| &s.grants);
        let mut own =
            recorded.filter(|g| key.namespace == grant.namespace && g.resource == grant.resource && g.role == grant.role);
        if own.next().is_some() && !store.givers(&grant).any(another) {
            let left = store.places().into_iter().find(|place| store.api.has(&grant, place).contains(&who));
            assert!(left.is_none(), "{key} has ended, and {subject} still has {grant} in {left:?}");
        }
    }
}

/// No assignment gives anything without a request that was approved for it, or the policy of a manager's own.
fn check_acceptance(store: &Store, key: &Key, assignment: &Assignment, after: &AssignmentStatus) {
    let period = after.schedule.as_ref().unwrap();
    assert!(may_last(store, key, assignment, period), "nobody allowed {period:?}");
    assert!(
        assignment.metadata.finalizers.iter().flatten().any(|f| f == "entitlement.dev/revoke"),
        "it could go and leave access behind"
    );
    if let Some(request) = store.origin(key, assignment).filter(|_| assignment.spec.source == Some(Source::Request)) {
        assert_eq!(
            (package_of_request(request), request.subject().unwrap()),
            (package_of(assignment), assignment.spec.subject.clone())
        );
        let status = request.status.as_ref().unwrap();
        assert!(matches!(status.phase, R::Provisioning | R::PartiallyDelivered | R::Delivered), "{:?}", status.phase);
        return honest::check_approved(store, &Key::of(request), request, status);
    }
    assert_eq!(assignment.spec.source, Some(Source::Direct), "its request does not exist");
    check_beside(store, key, assignment);
}
