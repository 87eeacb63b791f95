//! A timeline tells each phase once, along the rows of the tables.

use chrono::{DateTime, Utc};
use entitlement_operator::api::access_request::RequestPhase as R;
use entitlement_operator::api::assignment::AssignmentPhase as A;
use entitlement_operator::api::timeline::{MOST, TimelineEntry};

/// A timeline only grows, at the present instant, and when it is full entries of the middle go.
pub(super) fn check_growth(before: &[TimelineEntry], after: &[TimelineEntry], created: DateTime<Utc>, now: DateTime<Utc>) {
    assert!(after.len() <= MOST);
    if after.len() < MOST {
        assert_eq!(before, &after[..before.len()], "what is written stays");
        let fresh = after[before.len()..].iter().all(|e| e.at == now || (e.event == "Submitted" && e.at == created));
        assert!(fresh, "{after:?} at {now}");
    }
}

/// Every phase once, along the rows of the table, and the last one is the present one.
pub(super) fn check_path<P: Copy + PartialEq + std::fmt::Debug>(
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

pub(super) const REQUEST_PHASES: [R; 9] = [
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

pub(super) fn request_may_follow(from: R, to: R) -> bool {
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

pub(super) const ASSIGNMENT_PHASES: [A; 8] =
    [A::Pending, A::Scheduled, A::Provisioning, A::Delivered, A::PartiallyDelivered, A::Revoking, A::Expired, A::Revoked];

pub(super) fn assignment_may_follow(from: A, to: A) -> bool {
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

pub(super) fn ends(to: A) -> bool {
    matches!(to, A::Revoking | A::Expired | A::Revoked)
}

pub(super) fn count(timeline: &[TimelineEntry], event: &str) -> usize {
    timeline.iter().filter(|e| e.event == event).count()
}
