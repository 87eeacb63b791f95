//! What must hold of every status that is written.

use chrono::{DateTime, Utc};
use entitlement_operator::api::access_request::{RequestPhase as R, RequestType, Schedule};
use entitlement_operator::api::assignment::{AssignmentPhase as A, Source};
use entitlement_operator::api::policy::Expiration;
use entitlement_operator::api::timeline::{MOST, TimelineEntry};
use entitlement_operator::api::{AccessRequest, AccessRequestStatus, Assignment, AssignmentStatus, Policy, Subject};
use entitlement_operator::domain::Key;
use entitlement_operator::domain::holdings::{package_of, package_of_request};
use entitlement_operator::domain::separation::Foe;

use super::honest;
use super::store::Store;

/// Whether an assignment gives access, told without the operator's words.
pub fn covers(a: &Assignment, now: DateTime<Utc>) -> bool {
    let Some(status) = &a.status else { return false };
    let Some(period) = &status.schedule else { return false };
    let wished = a.spec.schedule.as_ref().and_then(|s| s.end_time);
    matches!(status.phase, A::Provisioning | A::Delivered | A::PartiallyDelivered)
        && a.spec.revoked.is_none()
        && a.metadata.deletion_timestamp.is_none()
        && period.start_time <= now
        && period.end_time.is_none_or(|end| now < end)
        && wished.is_none_or(|end| now < end)
}

/// Whether an assignment gives access now or will.
pub fn is_held(a: &Assignment, now: DateTime<Utc>) -> bool {
    let parked = a.phase() == A::Scheduled && a.spec.revoked.is_none() && a.metadata.deletion_timestamp.is_none();
    covers(a, now) || (parked && a.end().is_none_or(|end| now < end))
}

/// A timeline only grows, at the present instant, and when it is full entries of the middle go.
fn check_growth(before: &[TimelineEntry], after: &[TimelineEntry], created: DateTime<Utc>, now: DateTime<Utc>) {
    assert!(after.len() <= MOST);
    if after.len() < MOST {
        assert_eq!(before, &after[..before.len()], "what is written stays");
        let fresh = after[before.len()..].iter().all(|e| e.at == now || (e.event == "Submitted" && e.at == created));
        assert!(fresh, "{after:?} at {now}");
    }
}

/// Every phase once, along the rows of the table, and the last one is the present one.
fn check_path<P: Copy + PartialEq + std::fmt::Debug>(
    timeline: &[TimelineEntry],
    all: &[P],
    present: P,
    may_follow: impl Fn(P, P) -> bool,
) {
    let named = |entry: &TimelineEntry| all.iter().copied().find(|p| format!("{p:?}") == entry.event);
    let path: Vec<P> = timeline.iter().filter_map(named).collect();
    assert!(path.last().is_none_or(|last| *last == present), "{path:?}, but {present:?}");
    if timeline.len() < MOST {
        assert!(path.windows(2).all(|step| may_follow(step[0], step[1])), "{path:?}");
    }
}

const REQUEST_PHASES: [R; 9] = [
    R::Submitted,
    R::PendingApproval,
    R::Approved,
    R::Scheduled,
    R::Provisioning,
    R::PartiallyDelivered,
    R::Delivered,
    R::Denied,
    R::Cancelled,
];

fn request_may_follow(from: R, to: R) -> bool {
    match from {
        R::Submitted => matches!(to, R::PendingApproval | R::Approved | R::Denied | R::Cancelled),
        R::PendingApproval => matches!(to, R::Approved | R::Denied | R::Cancelled),
        R::Approved => matches!(to, R::Scheduled | R::Provisioning | R::Denied),
        R::Scheduled => matches!(to, R::Provisioning | R::Denied | R::Cancelled),
        R::Provisioning => matches!(to, R::PartiallyDelivered | R::Delivered | R::Cancelled),
        R::PartiallyDelivered => matches!(to, R::Delivered | R::Cancelled),
        R::Delivered | R::Denied | R::Cancelled => false,
    }
}

const ASSIGNMENT_PHASES: [A; 8] =
    [A::Pending, A::Scheduled, A::Provisioning, A::Delivered, A::PartiallyDelivered, A::Revoking, A::Expired, A::Revoked];

fn assignment_may_follow(from: A, to: A) -> bool {
    match from {
        // Pending again: for another reason.
        A::Pending | A::Scheduled => {
            matches!(to, A::Pending | A::Scheduled | A::Provisioning | A::Expired | A::Revoked)
                && (from, to) != (A::Scheduled, A::Scheduled)
        }
        A::Provisioning => matches!(to, A::Delivered | A::PartiallyDelivered) || ends(to),
        A::Delivered => matches!(to, A::Provisioning | A::PartiallyDelivered) || ends(to),
        A::PartiallyDelivered => matches!(to, A::Provisioning | A::Delivered) || ends(to),
        A::Revoking => matches!(to, A::Expired | A::Revoked),
        A::Expired | A::Revoked => false,
    }
}

fn ends(to: A) -> bool {
    matches!(to, A::Revoking | A::Expired | A::Revoked)
}

fn count(timeline: &[TimelineEntry], event: &str) -> usize {
    timeline.iter().filter(|e| e.event == event).count()
}

/// A status of a request is about to be written.
pub fn request_changes(store: &Store, key: &Key, before: &AccessRequest, after: &AccessRequestStatus) {
    let old = before.status.clone().unwrap_or_default();
    let created = entitlement_operator::api::time::created(before);
    check_growth(&old.timeline, &after.timeline, created, store.now);
    check_path(&after.timeline, &REQUEST_PHASES, after.phase, request_may_follow);
    if old.phase.is_terminal() {
        let last = |s: &AccessRequestStatus| (s.phase, s.reason.clone(), s.stages.clone());
        assert_eq!(last(&old), last(after), "the last word stays");
        check_end_of_access(store, key, &old, after);
    }
    check_voices(store, &old, after);
    assert!(!after.phase.is_terminal() || !after.reason.is_empty(), "every last word has a reason");
    if after.phase == R::Delivered && before.spec.kind == RequestType::Remove {
        let left = store.assignments.get(&Key::new(&key.namespace, after.assignment.as_ref().unwrap()));
        assert!(left.is_none_or(|a| a.phase().is_terminal()), "what was given back is still there");
    }
    if after.phase == R::Cancelled && before.spec.kind == RequestType::Add {
        let made = after.assignment.as_ref().and_then(|name| store.assignments.get(&Key::new(&key.namespace, name)));
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
    let created = entitlement_operator::api::time::created(before);
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
            assert!(!store.trust.doubts(created), "nobody knows who asked");
        }
        let goes_on = fresh("Approved") || (fresh("Provisioning") && old.phase == R::Scheduled);
        if goes_on && after.phase != R::Denied {
            check_alone(store, key, before);
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
    let held = &store.assignments[&Key::new(&key.namespace, after.assignment.as_ref().unwrap())];
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
    let assignment = store.assignments.get(&Key::new(&key.namespace, after.assignment.as_ref().unwrap()));
    assert!(assignment.is_none_or(|a| a.phase().is_terminal()), "it is over");
    let end = |s: &AccessRequestStatus| s.schedule.as_ref().unwrap().end_time;
    assert!(end(old).is_none_or(|old| end(after).is_some_and(|new| new <= old)), "an end is never moved later by it");
}

/// Requests of a subject that were accepted and have not ended.
fn accepted<'a>(store: &'a Store, subject: &'a Subject) -> impl Iterator<Item = (&'a Key, &'a AccessRequest)> {
    let accepted = |r: &AccessRequest| r.phase() != R::Submitted && !r.phase().is_terminal();
    store.requests.iter().filter(move |(_, r)| accepted(r) && r.subject().as_ref() == Some(subject))
}

/// Whether a package must not be held beside others; `for_oneself`: its holder asked for it in person.
fn bars(foes: &[Foe], package: &Key, for_oneself: bool) -> bool {
    foes.iter().any(|foe| foe.package == *package && (for_oneself || !foe.in_person))
}

fn asks_for_oneself(request: &AccessRequest) -> bool {
    let (requestor, subject) = super::honest::parties(request);
    requestor == subject
}

impl Store {
    /// Whether the subject of an assignment asked for it in person.
    pub fn was_asked_for_oneself(&self, assignment: &Assignment) -> bool {
        self.origin(&Key::of(assignment), assignment).is_some_and(asks_for_oneself)
    }
}

/// No request that excludes this one was accepted before it, not even at the same moment.
fn check_first(store: &Store, key: &Key, request: &AccessRequest) {
    let (package, subject, kind) = (package_of_request(request), request.subject().unwrap(), request.spec.kind);
    let foes = if kind == RequestType::Remove { Vec::new() } else { store.incompatible(&package) };
    for (other, rival) in accepted(store, &subject).filter(|(other, _)| *other != key) {
        assert!(rival.spec.kind != kind || package_of_request(rival) != package, "{key} asks for the same as {other}");
        let barred = rival.spec.kind == RequestType::Add && bars(&foes, &package_of_request(rival), asks_for_oneself(rival));
        assert!(!barred, "{key} is accepted beside {other}");
    }
}

/// Nothing that excludes a request is held, or certain to be held, when it goes on; and nobody switched off what it stands on.
fn check_alone(store: &Store, key: &Key, request: &AccessRequest) {
    let (package, subject) = (package_of_request(request), request.subject().unwrap());
    if request.spec.kind != RequestType::Remove {
        let pinned = request.status.as_ref().and_then(|s| s.policy.as_ref());
        let disabled = |p: &&Policy| p.metadata.uid.as_ref() == pinned.map(|p| &p.uid) && !p.spec.enabled;
        assert!(!store.policies.values().any(|p| disabled(&p)), "its policy is disabled");
        assert!(
            store.catalogs.values().any(|c| c.namespace() == Some(&key.namespace) && c.spec.enabled),
            "its catalog is disabled"
        );
        assert!(store.packages.contains_key(&package), "its package is gone");
    }
    let foes = store.incompatible(&package);
    let own = |a: &&Assignment| {
        a.spec.subject == subject && is_held(a, store.now) && store.origin(&Key::of(*a), a).is_none_or(|r| Key::of(r) != *key)
    };
    let held: Vec<&Assignment> = store.assignments.values().filter(own).collect();
    if request.spec.kind == RequestType::Add {
        assert!(!held.iter().any(|a| package_of(a) == package), "{subject} holds {package} already");
    }
    if request.spec.kind != RequestType::Remove {
        let barred = held.iter().any(|a| bars(&foes, &package_of(a), store.was_asked_for_oneself(a)));
        assert!(!barred, "{subject} holds one of {foes:?}");
        let certain = |r: &&AccessRequest| {
            matches!(r.phase(), R::Provisioning | R::PartiallyDelivered)
                && r.spec.kind == RequestType::Add
                && r.subject().as_ref() == Some(&subject)
        };
        let barred = |r: &AccessRequest| bars(&foes, &package_of_request(r), asks_for_oneself(r));
        let rival = store.requests.iter().find(|(other, r)| *other != key && certain(r) && barred(r));
        assert!(rival.is_none(), "{subject} is given an incompatible package by {:?}", rival.map(|(key, _)| key));
    }
}

/// A status of an assignment is about to be written.
pub fn assignment_changes(store: &Store, key: &Key, before: &Assignment, after: &AssignmentStatus) {
    let old = before.status.clone().unwrap_or_default();
    check_growth(&old.timeline, &after.timeline, entitlement_operator::api::time::created(before), store.now);
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
    let policy = store.policies.get(&Key::new(&key.namespace, &assignment.spec.policy));
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
    by_policy || store.requests.values().any(grants)
}

/// An assignment has ended: its subject has nothing that no other assignment gives.
fn check_gone(store: &Store, key: &Key, assignment: &Assignment) {
    for grant in store.grants() {
        let subject = &assignment.spec.subject;
        let another = |a: &Assignment| a.spec.subject == *subject && Key::of(a) != *key && covers(a, store.now);
        let recorded = assignment.status.iter().flat_map(|s| &s.grants);
        let mut own =
            recorded.filter(|g| key.namespace == grant.namespace && g.resource == grant.resource && g.role == grant.role);
        if own.next().is_some() && !store.givers(&grant).any(another) {
            let left = store.places().into_iter().find(|place| store.has(&grant, place).contains(subject));
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
    let package = package_of(assignment);
    let foes = store.incompatible(&package);
    let own =
        |(other, a): &(&Key, &Assignment)| *other != key && a.spec.subject == assignment.spec.subject && is_held(a, store.now);
    let held: Vec<&Assignment> = store.assignments.iter().filter(own).map(|(_, a)| a).collect();
    // A parked assignment that waited again meanwhile keeps its place.
    let excluded = |a: &&&Assignment| package_of(a) == package || bars(&foes, &package_of(a), store.was_asked_for_oneself(a));
    assert!(!held.iter().any(|a| excluded(&a)), "{key} beside {held:?}");
    let asks = |(_, r): &(&Key, &AccessRequest)| {
        r.spec.kind == RequestType::Add && bars(&foes, &package_of_request(r), asks_for_oneself(r))
    };
    let rival = accepted(store, &assignment.spec.subject).find(asks);
    assert!(rival.is_none(), "{key} beside {rival:?}");
}
