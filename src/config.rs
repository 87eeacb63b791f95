//! Everything that can be set from outside: one flag and one environment variable each.

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Parser, ValueEnum};

use crate::api::Span;

/// Entitlement management for Kubernetes: access packages, approvals, grants that end by themselves.
#[derive(Clone, Debug, Parser)]
#[command(name = "entitlement-operator", version)]
pub struct Config {
    /// Kubeconfig file to use. Default: KUBECONFIG, ~/.kube/config, then the service account of the pod.
    #[arg(long, env = "ENTITLEMENT_KUBECONFIG", value_name = "PATH")]
    pub kubeconfig: Option<PathBuf>,

    /// Where /healthz, /readyz and /metrics are served.
    #[arg(long, env = "ENTITLEMENT_LISTEN", value_name = "ADDRESS:PORT", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,

    /// How long ended requests, and assignments that came from one, stay readable before they are deleted, for example 90d or 1y. A request that
    /// no policy let in goes after a week at the latest, a decision that did not count after a day.
    #[arg(long, env = "ENTITLEMENT_RETENTION", value_name = "SPAN", default_value = "90d")]
    pub retention: Span,

    /// How many requests of one requestor may be open at the same time; another one is denied with TooManyRequests. Holders of the verb assign
    /// on a package are not bound when they ask for others.
    #[arg(long, env = "ENTITLEMENT_OPEN_REQUESTS", value_name = "NUMBER", default_value = "20")]
    pub open_requests: usize,

    /// How many requests one requestor may make within a day; see --open-requests.
    #[arg(long, env = "ENTITLEMENT_RECENT_REQUESTS", value_name = "NUMBER", default_value = "100")]
    pub recent_requests: usize,

    /// How many objects are worked on at the same time; of one catalog a quarter of them, and eight at least, so that one that is busy does not
    /// keep the API server from answering the others.
    #[arg(long, env = "ENTITLEMENT_CONCURRENCY", value_name = "NUMBER", default_value = "32", value_parser = concurrency)]
    pub concurrency: usize,

    /// Form of the log lines.
    #[arg(long, env = "ENTITLEMENT_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// Which log lines are written: a level, or levels by module such as info,kube=debug.
    #[arg(long, env = "ENTITLEMENT_LOG_FILTER", value_name = "FILTER", default_value = "info")]
    pub log_filter: String,

    /// Namespace of the operator; its lease lives there.
    #[arg(long, env = "ENTITLEMENT_NAMESPACE", value_name = "NAME", default_value = "entitlement-system")]
    pub namespace: String,

    /// Act only while holding the lease, so that replicas can stand by. The shipped Deployment sets it; off is safe only for a single process.
    #[arg(
        long,
        env = "ENTITLEMENT_LEADER_ELECT",
        value_name = "BOOL",
        default_value_t = false,
        default_missing_value = "true",
        num_args = 0..=1,
        action = ArgAction::Set,
        value_parser = BoolishValueParser::new()
    )]
    pub leader_elect: bool,

    /// Name under which this process holds the lease; must differ between processes. Default: host name and a random suffix.
    #[arg(
        long,
        env = "ENTITLEMENT_IDENTITY",
        value_name = "NAME",
        default_value_t = identity(),
        hide_default_value = true,
        value_parser = clap::builder::NonEmptyStringValueParser::new()
    )]
    pub identity: String,

    /// How long a lease lasts without renewal, 3s to 1h: after this time a standby takes over from a leader that is gone.
    #[arg(long, env = "ENTITLEMENT_LEASE_DURATION", value_name = "SPAN", default_value = "15s", value_parser = lease_duration)]
    pub lease_duration: Duration,

    /// An edit of a package or resource that would take a role from more subjects than this at once, and from a greater share than
    /// --mass-revocation-share, waits for the annotation entitlement.dev/confirm-mass-revocation. Ends and revocations never wait.
    #[arg(long, env = "ENTITLEMENT_MASS_REVOCATION_COUNT", value_name = "NUMBER", default_value = "20")]
    pub mass_revocation_count: usize,

    /// The share of those who have the role, in percent; see --mass-revocation-count.
    #[arg(long, env = "ENTITLEMENT_MASS_REVOCATION_SHARE", value_name = "PERCENT", default_value = "50", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub mass_revocation_share: u8,

    /// Run on a cluster that does not stamp who asked and who decided. Anybody can then speak for anybody: for trials only.
    #[arg(
        long,
        env = "ENTITLEMENT_ALLOW_UNENFORCED_IDENTITY",
        value_name = "BOOL",
        default_value_t = false,
        default_missing_value = "true",
        num_args = 0..=1,
        action = ArgAction::Set,
        value_parser = BoolishValueParser::new()
    )]
    pub allow_unenforced_identity: bool,

    /// How long one request to the API server may take, 1s to 10m, before it counts as failed and is tried again.
    #[arg(long, env = "ENTITLEMENT_REQUEST_TIMEOUT", value_name = "SPAN", default_value = "10s", value_parser = request_timeout)]
    pub request_timeout: Duration,

    /// How long the API server may be silent on a connection, 3s to 10m, before the connection counts as dead. A watch hears something
    /// every minute.
    #[arg(long, env = "ENTITLEMENT_SILENCE_TIMEOUT", value_name = "SPAN", default_value = "90s", value_parser = silence_timeout)]
    pub silence_timeout: Duration,
}

/// Form of the log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for log collectors.
    Json,
}

impl Config {
    /// How many objects of one catalog are worked on at the same time.
    pub fn share(&self) -> usize {
        (self.concurrency / 4).max(8)
    }
}

/// In-flight work is polled linearly, so a great number makes everything slower instead of faster.
fn concurrency(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=1024) => Ok(number),
        _ => Err("write a number from 1 to 1024".into()),
    }
}

/// Renewals happen every third of it, and below a second a busy machine would lose the lease for nothing.
fn lease_duration(text: &str) -> Result<Duration, String> {
    between(text, Duration::from_secs(3), Duration::from_secs(3_600)).ok_or_else(|| "write a time from 3s to 1h".into())
}

fn request_timeout(text: &str) -> Result<Duration, String> {
    between(text, Duration::from_secs(1), Duration::from_secs(600)).ok_or_else(|| "write a time from 1s to 10m".into())
}

fn silence_timeout(text: &str) -> Result<Duration, String> {
    between(text, Duration::from_secs(3), Duration::from_secs(600)).ok_or_else(|| "write a time from 3s to 10m".into())
}

/// A time in the grammar of spans within bounds.
fn between(text: &str, least: Duration, most: Duration) -> Option<Duration> {
    let duration = text.parse::<Span>().ok()?.delta().to_std().ok()?;
    (least..=most).contains(&duration).then_some(duration)
}

/// The suffix makes a restarted process another candidate than the one before: it must not take itself for the holder.
fn identity() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "entitlement-operator".into());
    format!("{host}_{:016x}", RandomState::new().hash_one(std::process::id()))
}

#[cfg(test)]
mod tests;
