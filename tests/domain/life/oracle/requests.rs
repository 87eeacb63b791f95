//! What must hold of every status of a request that is written.

use chrono::{DateTime, Utc};
use entitlement_operator::api::access_request::{RequestPhase as R, RequestType, Schedule};
use entitlement_operator::api::policy::Expiration;
use entitlement_operator::api::time::created;
use entitlement_operator::api::timeline::MOST;
use entitlement_operator::api::{AccessRequest, AccessRequestStatus};
use entitlement_operator::domain::Key;

use super::separation::{check_alone, check_first, check_offered};
use super::timeline::{REQUEST_PHASES, check_growth, check_path, count, request_may_follow};
use crate::life::honest;
use crate::life::store::Store;

/// A status of a request is about to be written.
pub fn request_changes(store: &Store, key: &Key, before: &AccessRequest, after: &AccessRequestStatus) {
    let old = before.status.clone().unwrap_or_default();
    check_growth(&old.timeline, &after.timeline, created(before), store.now);
    check_path(&after.timeline, &REQUEST_PHASES, after.phase, request_may_follow);
    if old.phase.is_terminal() {
        let last = |s: &AccessRequestStatus| (s.phase, s.reason.clone(), s.stages.clone());
        assert_eq!(last(&old), last(after), "the last word stays");
        check_end_of_access(store, key, &old, after);
    }
    check_voices(store, &old, after);
    assert!(!after.phase.is_terminal() || !after.reason.is_empty(), "every last word has a reason");
    if after.phase == R::Delivered && before.spec.kind == RequestType::Remove {
        let left = store.api.assignments.get(&Key::new(&key.namespace, after.assignment.as_ref().unwrap()));
        assert!(left.is_none_or(|a| a.phase().is_terminal()), "what was given back is still there");
    }
    if after.phase == R::Cancelled && before.spec.kind == RequestType::Add {
        let made = after.assignment.as_ref().and_then(|name| store.api.assignments.get(&Key::new(&key.namespace, name)));
        assert!(made.and_then(|a| a.status.as_ref()?.delivered_at).is_none(), "what was delivered is not called cancelled");
    }
    check_stages(after);
    check_begin(store, key, before, &old, after);
    check_judgement(store, key, before, &old, after);
}

/// Each stage is told once.
fn check_stages(after: &AccessRequestStatus) {
    if after.timeline.len() < MOST {
        // When the content changes, approval begins anew.
        let anew = after.timeline.iter().rposition(|e| e.event == "ContentChanged").unwrap_or_default();
        let current = after.timeline.get(anew..).unwrap();
        assert_eq!(count(current, "StageOpened"), after.stages.len());
        let approved = after.stages.iter().filter(|s| format!("{:?}", s.state) == "Approved").count();
        assert_eq!(count(current, "StageApproved"), approved);
        let escalated = after.timeline.split(|e| e.event == "StageOpened").map(|part| count(part, "Escalated"));
        assert!(escalated.max().unwrap_or(0) <= 1, "{:?}", after.timeline);
    }
}

/// Access begins within its period.
fn check_begin(store: &Store, key: &Key, before: &AccessRequest, old: &AccessRequestStatus, after: &AccessRequestStatus) {
    // An extension keeps the start of what it extends, which may lie ahead.
    let begins = before.spec.kind == RequestType::Add && after.phase == R::Provisioning && old.phase != R::Provisioning;
    if let Some(period) = after.schedule.as_ref().filter(|_| begins) {
        assert!(period.start_time <= store.now, "{key} begins before its start {}", period.start_time);
        assert!(period.end_time.is_none_or(|end| store.now < end), "{key} begins after its end {:?}", period.end_time);
    }
}

/// Whatever follows from who asked and who decided.
fn check_judgement(store: &Store, key: &Key, before: &AccessRequest, old: &AccessRequestStatus, after: &AccessRequestStatus) {
    let created = created(before);
    if before.spec.requestor.is_some() {
        honest::check_counted(store, before, after);
        let fresh = |event: &str| after.timeline.iter().skip(old.timeline.len()).any(|e| e.event == event);
        if fresh("Approved") {
            honest::check_approved(store, key, before, after);
            honest::check_content(store, before, after);
        }
        if matches!(after.phase, R::Scheduled | R::Provisioning | R::PartiallyDelivered | R::Delivered) && fresh("Approved") {
            check_period(store, key, before, after);
        }
        if old.phase == R::Submitted && !matches!(after.phase, R::Submitted | R::Denied | R::Cancelled) {
            check_first(store, key, before);
            check_offered(store, key, before, after);
            assert!(!store.trust.doubts(created), "nobody knows who asked");
        }
        let goes_on = fresh("Approved") || (fresh("Provisioning") && old.phase == R::Scheduled);
        if goes_on && after.phase != R::Denied {
            check_alone(store, key, before);
            check_offered(store, key, before, after);
        }
    }
}

/// The period of a request that is approved now, told without the operator's words.
fn granted(expiration: &Expiration, request: &AccessRequest, now: DateTime<Utc>) -> Schedule {
    let wish = request.spec.schedule.clone().unwrap_or_default();
    let start = wish.start_time.filter(|start| *start > now).unwrap_or(now);
    let limit = expiration.after.map(|span| start + span.delta()).or(expiration.at);
    let end = wish.end_time.or(wish.duration.map(|span| start + span.delta())).or(limit);
    assert!(end.is_none_or(|end| start < end) && limit.is_none_or(|limit| end.unwrap() <= limit), "{start} {end:?} {limit:?}");
    Schedule { start_time: start, end_time: end }
}

fn check_period(store: &Store, key: &Key, request: &AccessRequest, after: &AccessRequestStatus) {
    let Some(pinned) = after.policy.as_ref() else { return assert_eq!(request.spec.kind, RequestType::Remove) };
    let granted = granted(&pinned.expiration, request, store.now);
    let period = after.schedule.clone().unwrap();
    if request.spec.kind == RequestType::Add {
        return assert_eq!(period, granted);
    }
    let held = &store.api.assignments[&Key::new(&key.namespace, after.assignment.as_ref().unwrap())];
    assert_eq!(period.start_time, held.start());
    let longest = held.end().zip(granted.end_time).map(|(old, new)| old.max(new));
    assert_eq!(period.end_time, longest, "an extension never shortens, and gives no more than was asked for");
}

/// Nobody's word counts whom nobody knows.
fn check_voices(store: &Store, old: &AccessRequestStatus, after: &AccessRequestStatus) {
    let counted = |s: &AccessRequestStatus| s.stages.iter().flat_map(|stage| &stage.decisions).cloned().collect::<Vec<_>>();
    let known = counted(old);
    for decision in counted(after).into_iter().filter(|decision| !known.contains(decision)) {
        assert!(!store.trust.doubts(decision.at), "nobody knows who decided: {decision:?}");
    }
}

/// After the last word there is one thing to tell: that the access which came of the request is over.
fn check_end_of_access(store: &Store, key: &Key, old: &AccessRequestStatus, after: &AccessRequestStatus) {
    let Some(entry) = after.timeline.last().filter(|_| after.timeline != old.timeline) else {
        return assert_eq!(old.schedule, after.schedule, "the period stays");
    };
    assert_eq!((entry.event.as_str(), count(&after.timeline, "AccessEnded"), after.phase), ("AccessEnded", 1, R::Delivered));
    let assignment = store.api.assignments.get(&Key::new(&key.namespace, after.assignment.as_ref().unwrap()));
    assert!(assignment.is_none_or(|a| a.phase().is_terminal()), "it is over");
    let end = |s: &AccessRequestStatus| s.schedule.as_ref().unwrap().end_time;
    assert!(end(old).is_none_or(|old| end(after).is_some_and(|new| new <= old)), "an end is never moved later by it");
}
