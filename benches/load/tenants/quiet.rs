//! The tenant that is measured: one assignment ends each second, and one request is made each second.

use std::time::{Duration, Instant};

use chrono::{SubsecRound, TimeDelta, Utc};
use entitlement_operator::domain::schedule::show;
use futures::future::join_all;
use kube::Client;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep_until, timeout};

use crate::board::{Board, Seen};
use crate::person::{Person, object};
use crate::site::{Offer, Site, each, user};
use crate::support::{ROOT, eventually};
use crate::wave::instant;

use super::flood::created;

/// What the assignments are of.
pub const OFFER: Offer = Offer { namespace: "catalog-quiet", package: "quiet", policy: "chosen" };
/// For how many seconds it is measured at most, and so many assignments end.
const MOST: usize = 60;
/// In how many seconds the first of them ends: so late that all are delivered before.
const FIRST_END: i64 = 20;
/// What did not happen by then, after it was due, is entered as if it did.
pub const PATIENCE: Duration = Duration::from_secs(180);
const OPEN_WITHIN: Duration = Duration::from_secs(120);

/// The tenant.
#[derive(Clone)]
pub struct Quiet {
    /// What is seen of it.
    pub board: Board,
    client: Client,
}

/// An assignment that ends.
pub struct End {
    who: String,
    due: Instant,
}

/// What became of a request, each since it was begun to be sent.
struct Asked {
    created: Duration,
    shown: Duration,
    decided: Duration,
    /// None: the access ended before.
    delivered: Option<Duration>,
}

/// What was measured.
#[derive(Default)]
pub struct Times {
    /// How late subjects are out of the binding.
    pub late: Vec<Duration>,
    /// Until the API server has stored a request: no operator has a part in it.
    pub created: Vec<Duration>,
    /// Until a watch of the quiet catalog shows it.
    pub shown: Vec<Duration>,
    /// Until a request is decided.
    pub decided: Vec<Duration>,
    /// Until its subject has access.
    pub delivered: Vec<Duration>,
    /// How many requests were not delivered, because their access ended before, or nothing happened for [`PATIENCE`].
    pub undelivered: usize,
}

impl Quiet {
    /// Makes the catalog.
    pub async fn open(site: &Site) -> Self {
        let apply = async || site.plane.kubectl_apply(ROOT, include_str!("quiet.yaml")).await.result();
        eventually("the quiet catalog is there", OPEN_WITHIN, apply).await;
        let kinds = "policies.entitlement.dev,accesspackages.entitlement.dev";
        let args = ["wait", "--for=condition=Ready", "--all", kinds, "-n", OFFER.namespace, "--timeout=60s"];
        site.plane.kubectl(ROOT, &args).await.ok();
        let client = site.plane.admin().await;
        Self { board: Board::watch(&client, "quiet", OFFER.namespace), client }
    }

    /// Makes the assignments, and waits until a second before the first of them ends.
    pub async fn assign(&self, site: &Site, case: &str) -> Vec<End> {
        let first = (Utc::now() + TimeDelta::seconds(FIRST_END)).trunc_subsecs(0);
        let end = |number: usize| first + TimeDelta::seconds(i64::try_from(number).expect("a small number"));
        each(MOST, |number| async move {
            site.give(OFFER, &format!("{case}-{number}"), &user(case, number), Some(&show(end(number)))).await;
        })
        .await;
        let all_are_bound = |seen: &Seen| (0..MOST).all(|number| seen.held.contains_key(&user(case, number)));
        timeout(OPEN_WITHIN, self.board.until("all are bound", all_are_bound))
            .await
            .expect("all are bound before the first ends");
        site.rests().await;
        let begin = instant(first) - Duration::from_secs(1);
        assert!(Instant::now() < begin, "the first end is too near for this machine");
        sleep_until(begin.into()).await;
        (0..MOST).map(|number| End { who: user(case, number), due: instant(end(number)) }).collect()
    }

    /// Measures until `over`, but not longer than [`MOST`] seconds.
    pub async fn measure(self, case: &'static str, ends: Vec<End>, mut over: oneshot::Receiver<()>) -> Times {
        let last = Instant::now() + Duration::from_secs(MOST as u64);
        let watched: Vec<(Instant, JoinHandle<Duration>)> =
            ends.into_iter().map(|end| (end.due, tokio::spawn(self.clone().lateness(end)))).collect();
        let (mut seconds, mut asked) = (interval(Duration::from_secs(1)), Vec::new());
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = seconds.tick() => asked.push(tokio::spawn(self.clone().ask(case, asked.len()))),
                _ = &mut over => break,
                () = sleep_until(last.into()) => break,
            }
        }
        let stop = Instant::now();
        let (due, not_due): (Vec<_>, Vec<_>) = watched.into_iter().partition(|(due, _)| *due <= stop);
        not_due.iter().for_each(|(_, task)| task.abort());
        let mut times = Times { late: all(due.into_iter().map(|(_, task)| task)).await, ..Times::default() };
        for asked in all(asked).await {
            times.created.push(asked.created);
            times.shown.push(asked.shown);
            times.decided.push(asked.decided);
            match asked.delivered {
                Some(delivered) => times.delivered.push(delivered),
                None => times.undelivered += 1,
            }
        }
        times
    }

    async fn lateness(self, end: End) -> Duration {
        let gone = self.board.until("the subject is gone", |seen| !seen.held.contains_key(&end.who));
        let last = end.due + PATIENCE;
        let gone = tokio::time::timeout_at(last.into(), gone).await.unwrap_or(last);
        gone.saturating_duration_since(end.due)
    }

    async fn ask(self, case: &'static str, number: usize) -> Asked {
        let name = format!("{case}-asks-{number}");
        let who = Person::alone(user(&format!("{case}-asks"), number));
        let spec = json!({"accessPackage": OFFER.package, "policy": "short"});
        let begin = Instant::now();
        created(&self.client, &who, &object("AccessRequest", OFFER.namespace, &name, spec)).await.expect("everybody may ask");
        let created = begin.elapsed();
        let shown = self.board.until("the request is shown", |seen| seen.is_there("AccessRequest", &name));
        let shown = timeout(PATIENCE, shown).await.unwrap_or_else(|_| Instant::now()) - begin;
        let (decided, _) = self.phase(&name, |phase| !matches!(phase, "" | "Submitted")).await;
        let (ended, phase) = self.phase(&name, |phase| matches!(phase, "Delivered" | "Denied" | "Cancelled")).await;
        let delivered = (phase == "Delivered").then(|| ended - begin);
        Asked { created, shown, decided: decided - begin, delivered }
    }

    /// Waits until a request is in a phase, or for long enough; tells when, and in which.
    async fn phase(&self, name: &str, is: impl Fn(&str) -> bool) -> (Instant, String) {
        let phase = |seen: &Seen| seen.phase("AccessRequest", name).to_owned();
        let seen = self.board.until("the request moves on", |seen| is(&phase(seen)));
        let at = timeout(PATIENCE, seen).await.unwrap_or_else(|_| Instant::now());
        (at, self.board.look(phase))
    }
}

async fn all<T>(tasks: impl IntoIterator<Item = JoinHandle<T>>) -> Vec<T> {
    join_all(tasks).await.into_iter().map(|done| done.expect("no panic")).collect()
}
