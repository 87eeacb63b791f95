//! The election's reads and writes: one turn after the other, each bounded in time.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::leadership::{Lead, Leadership};
use super::step::{self, Mark, Seen, Step, step};
use crate::api::time::to_meta;
use crate::runtime::clock::Clock;

/// How long the release of the lease may take before the process ends without it.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(5);

/// How an election ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// As asked; if we led, the lease is free for others.
    Released,
    /// We led and do no longer, for this reason. The process must end.
    Lost(&'static str),
}

/// One candidate.
pub struct Election {
    api: Api<Lease>,
    identity: String,
    lasts: Duration,
    clock: Arc<dyn Clock>,
    lead: watch::Sender<Lead>,
    /// The lease as last read or written; `stale` if a write went wrong since.
    lease: Option<Lease>,
    stale: bool,
    mark: Option<Mark>,
    watched_since: Option<Instant>,
    changed_at: Option<Instant>,
}

impl Election {
    /// A candidate for the lease in `namespace`, and the view on what becomes of it. `identity` must be this process's alone.
    pub fn new(client: Client, namespace: &str, identity: &str, lasts: Duration, clock: Arc<dyn Clock>) -> (Self, Leadership) {
        let (lead, leadership) = Leadership::elected();
        let election = Self {
            api: Api::namespaced(client, namespace),
            identity: identity.to_owned(),
            lasts,
            clock,
            lead,
            lease: None,
            stale: true,
            mark: None,
            watched_since: None,
            changed_at: None,
        };
        (election, leadership)
    }

    /// Runs until leadership is lost, or until `release` is ready and the lease given back. `release` must not be ready before the
    /// last write under the lease has ended.
    pub async fn run(mut self, release: impl Future<Output = ()>) -> Ended {
        let mut release = pin!(release);
        loop {
            let turn = tokio::select! {
                biased;
                () = &mut release => return self.release().await,
                turn = self.turn() => turn,
            };
            let pause = match turn {
                Ok(pause) => pause,
                Err(reason) => return self.lost(reason),
            };
            tokio::select! {
                biased;
                () = &mut release => return self.release().await,
                () = sleep(pause) => {}
            }
        }
    }

    /// Looks at the lease, does what is to be done and says how long to pause. `Err` when leadership is lost.
    async fn turn(&mut self) -> Result<Duration, &'static str> {
        let start = Instant::now();
        let end = self.leading_until();
        if end.is_some_and(|end| start >= end) {
            return Err("not renewed in time");
        }
        // Half of the time that a renewal has, so that one lost answer leaves time for another try.
        let request_timeout = self.lasts / 6;
        // Who wrote the lease last knows it. Everybody else reads it first.
        if (end.is_none() || self.stale) && !self.read(request_timeout).await {
            return Ok(self.retry());
        }
        match step(&self.seen(), &self.identity) {
            Step::Wait(left) => Ok(left.min(self.lasts / 6)),
            Step::Lose => Err("somebody else holds the lease"),
            Step::Create | Step::Take | Step::Renew => {
                if self.write(request_timeout).await {
                    self.lead(start);
                    return Ok(self.lasts / 3);
                }
                Ok(self.retry())
            }
        }
    }

    /// Reads the lease; whether that succeeded.
    async fn read(&mut self, request_timeout: Duration) -> bool {
        match timeout(request_timeout, self.api.get_opt(super::NAME)).await {
            Ok(Ok(lease)) => {
                self.note(lease);
                true
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "lease cannot be read");
                false
            }
            Err(_) => {
                tracing::warn!("lease cannot be read in time");
                false
            }
        }
    }

    /// Writes us into the lease as it was last seen; whether that succeeded.
    async fn write(&mut self, request_timeout: Duration) -> bool {
        // Until the answer is there, and if it never comes, the lease may be another than the one we know.
        self.stale = true;
        let old = self.lease.as_ref();
        let spec = step::held(old.and_then(|lease| lease.spec.as_ref()), &self.identity, self.lasts, self.now());
        match timeout(request_timeout, self.put(spec)).await {
            Ok(Ok(lease)) => {
                self.note(Some(lease));
                true
            }
            // Another candidate was faster, or our own last write arrived after all: the next reading tells.
            Ok(Err(kube::Error::Api(status))) if status.is_conflict() || status.is_already_exists() || status.is_not_found() => {
                tracing::debug!(%status, "lease was changed by somebody else");
                false
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "lease cannot be written");
                false
            }
            Err(_) => {
                tracing::warn!("lease cannot be written in time");
                false
            }
        }
    }

    /// Creates the lease, or replaces exactly the version that was last seen.
    async fn put(&self, spec: LeaseSpec) -> kube::Result<Lease> {
        match &self.lease {
            Some(old) => {
                let lease = Lease { metadata: old.metadata.clone(), spec: Some(spec) };
                self.api.replace(super::NAME, &PostParams::default(), &lease).await
            }
            None => {
                let metadata = ObjectMeta { name: Some(super::NAME.into()), ..ObjectMeta::default() };
                self.api.create(&PostParams::default(), &Lease { metadata, spec: Some(spec) }).await
            }
        }
    }

    fn note(&mut self, lease: Option<Lease>) {
        let now = Instant::now();
        let mark = Mark::of(lease.as_ref());
        if self.mark.as_ref().is_some_and(|old| *old != mark) {
            self.changed_at = Some(now);
        }
        self.watched_since.get_or_insert(now);
        (self.mark, self.lease, self.stale) = (Some(mark), lease, false);
    }

    fn seen(&self) -> Seen<'_> {
        Seen {
            mark: self.mark.as_ref().unwrap_or(&Mark::Absent),
            changed: self.changed_at.map(|at| at.elapsed()),
            watched: self.watched_since.map(|at| at.elapsed()).unwrap_or_default(),
            duration: step::duration(self.lease.as_ref(), self.lasts),
            leading: self.leading_until().is_some(),
        }
    }

    /// We lead, counted from before the write was sent: no other candidate can have seen it earlier.
    fn lead(&self, start: Instant) {
        let until = Lead::Until(start + self.lasts * 2 / 3);
        // Whoever waits for leadership is woken when it comes, not at every renewal.
        self.lead.send_if_modified(|lead| {
            let acquired = *lead == Lead::No;
            *lead = until;
            if acquired {
                tracing::info!(identity = self.identity, "leading");
            }
            acquired
        });
    }

    fn leading_until(&self) -> Option<Instant> {
        match *self.lead.borrow() {
            Lead::Until(end) => Some(end),
            Lead::No | Lead::Always => None,
        }
    }

    fn lost(self, reason: &'static str) -> Ended {
        self.lead.send_replace(Lead::No);
        tracing::error!(identity = self.identity, reason, "leadership lost");
        Ended::Lost(reason)
    }

    /// Gives the lease back so that a standby need not wait for its end.
    async fn release(mut self) -> Ended {
        let led = self.leading_until().is_some();
        self.lead.send_replace(Lead::No);
        if led && timeout(RELEASE_TIMEOUT, self.hand_back()).await.is_err() {
            tracing::warn!("lease cannot be released in time");
        }
        Ended::Released
    }

    async fn hand_back(&mut self) {
        // A renewal may have been cut short on the way, so read it again.
        if !self.read(RELEASE_TIMEOUT).await {
            return;
        }
        let spec = self.lease.as_ref().and_then(|lease| lease.spec.as_ref());
        let Some(spec) = spec.filter(|spec| spec.holder_identity.as_ref() == Some(&self.identity)) else { return };
        match self.put(step::released(spec, self.now())).await {
            Ok(_) => tracing::info!(identity = self.identity, "lease released"),
            Err(error) => tracing::warn!(%error, "lease cannot be released"),
        }
    }

    /// Pause after a failure: short enough for several tries within the time that a renewal has.
    fn retry(&self) -> Duration {
        let pause = self.lasts / 30;
        self.leading_until().map_or(pause, |end| pause.min(end.saturating_duration_since(Instant::now())))
    }

    fn now(&self) -> MicroTime {
        MicroTime(to_meta(self.clock.now()).0)
    }
}
