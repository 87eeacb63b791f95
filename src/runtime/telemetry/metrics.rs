//! The metrics. Labels come from fixed vocabularies, so that no object and no user can make a new time series.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds in seconds for how late access ended: from "on time" to "an outage of a day".
const LATENESS: [f64; 14] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0, 3_600.0, 21_600.0, 86_400.0];

/// One request to the API server, without names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Request {
    /// Verb as the API server's authorizer knows it: get, list, watch, create, update, patch, delete, deletecollection.
    pub verb: &'static str,
    /// Plural of the resource.
    pub kind: &'static str,
    /// Subresource, empty for the object itself.
    pub subresource: &'static str,
}

/// How a request to the API server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// With this status code.
    Code(u16),
    /// Without an answer: the connection failed.
    Error,
    /// Nobody waited for the answer any more, mostly because of a timeout.
    Abandoned,
}

impl EncodeLabelValue for Answer {
    fn encode(&self, encoder: &mut LabelValueEncoder) -> Result<(), std::fmt::Error> {
        match self {
            Self::Code(code) => code.encode(encoder),
            Self::Error => "error".encode(encoder),
            Self::Abandoned => "abandoned".encode(encoder),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    #[prometheus(flatten)]
    request: Request,
    code: Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reconcile {
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Transition {
    kind: &'static str,
    phase: &'static str,
    reason: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Grants {
    target: &'static str,
    state: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Pending {
    age: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfKind {
    kind: &'static str,
}

/// All metrics of the process, under the prefix `entitlement_`.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    reconciles: Family<Reconcile, Counter>,
    transitions: Family<Transition, Counter>,
    revocation_lateness: Histogram,
    oldest_overdue: Gauge<f64, AtomicU64>,
    grants: Family<Grants, Gauge>,
    pending_requests: Family<Pending, Gauge>,
    unreadable: Family<OfKind, Gauge>,
    drift_repaired: Counter,
    api_requests: Family<Answered, Counter>,
    queue_depth: Gauge,
    deadlines: Gauge,
    leader: Gauge,
    events_dropped: Counter,
    identity_enforced: Gauge,
    clock_skew: Gauge,
    panics: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Metrics that all stand at zero.
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("entitlement"),
            reconciles: Family::default(),
            transitions: Family::default(),
            revocation_lateness: Histogram::new(LATENESS),
            oldest_overdue: Gauge::default(),
            grants: Family::default(),
            pending_requests: Family::default(),
            unreadable: Family::default(),
            drift_repaired: Counter::default(),
            api_requests: Family::default(),
            queue_depth: Gauge::default(),
            deadlines: Gauge::default(),
            leader: Gauge::default(),
            events_dropped: Counter::default(),
            identity_enforced: Gauge::default(),
            clock_skew: Gauge::default(),
            panics: Counter::default(),
        };
        metrics.register_work();
        metrics.register_process();
        metrics
    }

    fn register_work(&mut self) {
        let registry = &mut self.registry;
        registry.register("reconciles", "Reconciliations, by kind and outcome", self.reconciles.clone());
        registry.register("transitions", "Changes of phase, by kind, new phase and reason", self.transitions.clone());
        registry.register_with_unit(
            "revocation_lateness",
            "Time from the end of an assignment until its access was gone",
            Unit::Seconds,
            self.revocation_lateness.clone(),
        );
        registry.register_with_unit(
            "oldest_overdue_revocation",
            "Age of the oldest end of an assignment whose access is still there, 0 if there is none",
            Unit::Seconds,
            self.oldest_overdue.clone(),
        );
        registry.register("grants", "Grants by target and state", self.grants.clone());
        registry.register("pending_requests", "Requests that wait for a decision, by age", self.pending_requests.clone());
        let help = "Objects that are stored and cannot be read, which count for nothing until they are written properly";
        registry.register("unreadable_objects", help, self.unreadable.clone());
        registry.register(
            "drift_repaired",
            "Grants restored or removed after somebody else changed them",
            self.drift_repaired.clone(),
        );
    }

    fn register_process(&mut self) {
        let registry = &mut self.registry;
        registry.register("api_requests", "Requests to the API server, by verb, kind and code", self.api_requests.clone());
        registry.register("queue_depth", "Keys that are ready, running or backing off", self.queue_depth.clone());
        registry.register("deadlines", "Keys that wait for an instant", self.deadlines.clone());
        registry.register("leader", "1 while this process holds the lease", self.leader.clone());
        registry.register("events_dropped", "Kubernetes Events that were not written", self.events_dropped.clone());
        registry.register(
            "identity_enforced",
            "1 while the cluster is known to stamp who asked and who decided",
            self.identity_enforced.clone(),
        );
        registry.register_with_unit(
            "clock_skew",
            "How far this clock is ahead of the API server's, to the second",
            Unit::Seconds,
            self.clock_skew.clone(),
        );
        registry.register("panics", "Runs that ended by a bug", self.panics.clone());
    }

    /// Counts a reconciliation.
    pub fn reconciled(&self, kind: &'static str, outcome: &'static str) {
        self.reconciles.get_or_create(&Reconcile { kind, outcome }).inc();
    }

    /// Counts a change of phase.
    pub fn transitioned(&self, kind: &'static str, phase: &'static str, reason: &'static str) {
        self.transitions.get_or_create(&Transition { kind, phase, reason }).inc();
    }

    /// Records by how many seconds an end of access was late.
    pub fn revoked(&self, late_by_seconds: f64) {
        self.revocation_lateness.observe(late_by_seconds);
    }

    /// Shows for how many seconds the oldest revocation is overdue, zero when none is.
    pub fn set_oldest_overdue(&self, seconds: f64) {
        self.oldest_overdue.set(seconds);
    }

    /// Shows how many grants of a target are in a state.
    pub fn set_grants(&self, target: &'static str, state: &'static str, count: usize) {
        self.grants.get_or_create(&Grants { target, state }).set(gauge(count));
    }

    /// Shows how many requests of an age class wait for a decision.
    pub fn set_pending_requests(&self, age: &'static str, count: usize) {
        self.pending_requests.get_or_create(&Pending { age }).set(gauge(count));
    }

    /// Counts grants that were restored or removed after somebody else changed them.
    pub fn drift_repaired(&self, count: usize) {
        self.drift_repaired.inc_by(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// Counts a request to the API server.
    pub fn requested(&self, request: Request, code: Answer) {
        self.api_requests.get_or_create(&Answered { request, code }).inc();
    }

    /// Shows how much the queue holds.
    pub fn set_queue(&self, depth: usize, deadlines: usize) {
        self.queue_depth.set(gauge(depth));
        self.deadlines.set(gauge(deadlines));
    }

    /// Shows whether this process holds the lease.
    pub fn set_leader(&self, leader: bool) {
        self.leader.set(leader.into());
    }

    /// Counts a Kubernetes Event that was not written.
    pub fn event_dropped(&self) {
        self.events_dropped.inc();
    }

    /// Shows whether the cluster is known to stamp identities.
    pub fn set_identity_enforced(&self, enforced: bool) {
        self.identity_enforced.set(enforced.into());
    }

    /// Shows by how many seconds this clock is ahead of the API server's.
    pub fn set_clock_skew(&self, seconds: i64) {
        self.clock_skew.set(seconds);
    }

    /// Shows how many objects of a kind are stored and cannot be read.
    pub fn set_unreadable(&self, kind: &'static str, count: usize) {
        self.unreadable.get_or_create(&OfKind { kind }).set(gauge(count));
    }

    /// Counts a run that ended by a bug.
    pub fn panicked(&self) {
        self.panics.inc();
    }

    /// Everything in the OpenMetrics text format.
    pub fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
