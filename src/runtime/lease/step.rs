//! What a candidate does about the lease as it sees it: pure, so that every interleaving can be tried.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;

/// What a renewal changes. A lease whose mark stays the same is not being renewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// There is no lease.
    Absent,
    /// Its holder and when that says to have renewed it, compared for equality only.
    Held { holder: Option<String>, renewed: Option<MicroTime> },
}

impl Mark {
    pub fn of(lease: Option<&Lease>) -> Self {
        match lease {
            None => Self::Absent,
            Some(lease) => {
                let spec = lease.spec.as_ref();
                let holder = spec.and_then(|spec| spec.holder_identity.clone()).filter(|holder| !holder.is_empty());
                Self::Held { holder, renewed: spec.and_then(|spec| spec.renew_time.clone()) }
            }
        }
    }

    fn holder(&self) -> Option<&str> {
        match self {
            Self::Absent => None,
            Self::Held { holder, .. } => holder.as_deref(),
        }
    }
}

/// What a candidate knows at one moment.
#[derive(Clone, Debug)]
pub(super) struct Seen<'a> {
    /// The lease now.
    pub mark: &'a Mark,
    /// How long it has been so, by our own monotonic clock; `None` if it was never otherwise since we started.
    pub changed: Option<Duration>,
    /// How long we have been looking.
    pub watched: Duration,
    /// How long the lease lasts, as its holder promised.
    pub duration: Duration,
    /// Whether we act as the leader.
    pub leading: bool,
}

/// What is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Create the lease with us as its holder.
    Create,
    /// Write us into it as its new holder.
    Take,
    /// Write a new renewal time.
    Renew,
    /// Nothing for at most this long.
    Wait(Duration),
    /// Stop acting: somebody else leads.
    Lose,
}

/// The decision. A candidate that merely finds its own name in the lease is not its holder: the process that wrote it may live.
pub(super) fn step(seen: &Seen<'_>, me: &str) -> Step {
    if seen.leading {
        return match seen.mark {
            Mark::Absent => Step::Create,
            mark if mark.holder() == Some(me) => Step::Renew,
            _ => Step::Lose,
        };
    }
    let left = seen.duration.saturating_sub(seen.changed.unwrap_or(seen.watched));
    match seen.mark {
        // Never there: a new installation. There before: its leader may not know yet that somebody deleted it.
        Mark::Absent if seen.changed.is_none() || left.is_zero() => Step::Create,
        // Released.
        Mark::Held { holder: None, .. } => Step::Take,
        Mark::Held { .. } if left.is_zero() => Step::Take,
        _ => Step::Wait(left),
    }
}

/// How long a lease lasts: what its holder wrote, otherwise what we would write.
pub(super) fn duration(lease: Option<&Lease>, ours: Duration) -> Duration {
    let seconds =
        lease.and_then(|lease| lease.spec.as_ref()?.lease_duration_seconds).and_then(|seconds| u64::try_from(seconds).ok());
    seconds.filter(|seconds| *seconds > 0).map_or(ours, Duration::from_secs)
}

/// The spec of a lease that we hold from `now` on; `old` is the spec before.
pub(super) fn held(old: Option<&LeaseSpec>, me: &str, lasts: Duration, now: MicroTime) -> LeaseSpec {
    let same = old.and_then(|spec| spec.holder_identity.as_deref()) == Some(me);
    let transitions = old.and_then(|spec| spec.lease_transitions).unwrap_or_default();
    let acquired = old.and_then(|spec| spec.acquire_time.clone()).filter(|_| same);
    LeaseSpec {
        holder_identity: Some(me.into()),
        lease_duration_seconds: i32::try_from(lasts.as_secs()).ok(),
        acquire_time: Some(acquired.unwrap_or_else(|| now.clone())),
        renew_time: Some(after(now, old.and_then(|spec| spec.renew_time.as_ref()))),
        lease_transitions: Some(if same || old.is_none() { transitions } else { transitions.saturating_add(1) }),
        ..old.cloned().unwrap_or_default()
    }
}

/// The spec of a lease that we release: anybody may take it at once.
pub(super) fn released(old: &LeaseSpec, now: MicroTime) -> LeaseSpec {
    let renew_time = Some(after(now, old.renew_time.as_ref()));
    LeaseSpec { holder_identity: None, lease_duration_seconds: Some(1), acquire_time: None, renew_time, ..old.clone() }
}

/// Renewal times only grow, even twice in a second and when the clock was set back: a candidate that missed a few renewals must
/// not meet an old mark again and take it for the same.
fn after(now: MicroTime, old: Option<&MicroTime>) -> MicroTime {
    match old {
        Some(old) if *old >= now => MicroTime(old.0.checked_add(Duration::from_micros(1)).unwrap_or(old.0)),
        _ => now,
    }
}
