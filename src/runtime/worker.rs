//! Takes work from the queue and gives it to the reconciler, a bounded number at a time. What takes access away has places of its own, and
//! so has what asks the API server much.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tracing::{Instrument, debug, error, info_span, warn};

use crate::error::Error;
use crate::runtime::queue::{Action, Job, Lane, Queue};
use crate::runtime::telemetry::Metrics;

/// Places that only urgent work may take, beside those for all that is quick.
const URGENT: usize = 8;
/// Places for what takes long.
const ASKING: usize = 4;

/// Who knows what is to be done with a work item.
pub trait Reconciler: Send + Sync + 'static {
    /// What can be reconciled; told in logs by its text.
    type Item: Job + Display + Sync + 'static;

    /// Where the work comes from.
    fn queue(&self) -> &Queue<Self::Item>;
    /// Where it is counted.
    fn metrics(&self) -> &Metrics;
    /// The kind of a work item, as a label of metrics and logs.
    fn kind(work: &Self::Item) -> &'static str;
    /// Reconciles one thing.
    fn reconcile(self: Arc<Self>, work: Self::Item) -> impl Future<Output = Result<Action, Error>> + Send;
}

/// Works until the queue is closed, then waits for what is in flight.
pub async fn run<R: Reconciler>(reconciler: Arc<R>, concurrency: usize) {
    tokio::join!(
        serve(&reconciler, Lane::Urgent..=Lane::Ordinary, concurrency),
        serve(&reconciler, Lane::Urgent..=Lane::Urgent, URGENT),
        serve(&reconciler, Lane::Asking..=Lane::Asking, ASKING),
    );
}

async fn serve<R: Reconciler>(reconciler: &Arc<R>, lanes: RangeInclusive<Lane>, places: usize) {
    let permits = Arc::new(Semaphore::new(places));
    while let Ok(permit) = permits.clone().acquire_owned().await {
        let Some(work) = reconciler.queue().next(lanes.clone()).await else { break };
        let reconciler = reconciler.clone();
        tokio::spawn(async move {
            let outcome = one(&reconciler, &work).await;
            let queue = reconciler.queue();
            queue.done(&work, outcome);
            reconciler.metrics().set_queue(queue.depth(), queue.deadlines());
            drop(permit);
        });
    }
    let _ = permits.acquire_many(u32::try_from(places).unwrap_or(u32::MAX)).await;
}

/// Reconciles one thing. A panic is a bug of ours: it costs this run, not the process.
async fn one<R: Reconciler>(reconciler: &Arc<R>, work: &R::Item) -> Action {
    let kind = R::kind(work);
    let span = info_span!("reconcile", kind, object = %work);
    let reconciled = tokio::spawn(reconciler.clone().reconcile(work.clone()).instrument(span)).await;
    let (outcome, word) = match reconciled {
        Ok(Ok(outcome)) => (outcome, "ok"),
        Ok(Err(failure)) if failure.is_outage() => (Action::RetrySoon, failed(kind, work, &failure)),
        Ok(Err(failure)) => (Action::Retry, failed(kind, work, &failure)),
        Err(panic) => {
            error!(kind, object = %work, %panic, "this is a bug; the object is tried again");
            reconciler.metrics().panicked();
            (Action::Retry, "panic")
        }
    };
    reconciler.metrics().reconciled(kind, word);
    outcome
}

/// A conflict or a missing object means that our cache is behind, which is normal; the rest is worth a line.
fn failed(kind: &'static str, work: &impl Display, failure: &Error) -> &'static str {
    if failure.is_conflict() || failure.is_not_found() {
        debug!(kind, object = %work, error = %failure, "seen too late, tried again");
        return "stale";
    }
    warn!(kind, object = %work, error = %failure, "failed, tried again");
    "error"
}
