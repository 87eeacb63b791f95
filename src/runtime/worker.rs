//! Takes work from the queue and gives it to the controllers, a bounded number at a time. What takes access away has places of its own, and
//! so has what asks the API server much.

use std::ops::RangeInclusive;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tracing::{Instrument, debug, error, info_span, warn};

use crate::error::Error;
use crate::observe::WorkItem;
use crate::runtime::queue::{Action, Lane};

use crate::controllers::{Context, reconcile};

/// Places that only urgent work may take, beside those for all that is quick.
const URGENT: usize = 8;
/// Places for what takes long.
const ASKING: usize = 4;

/// Works until the queue is closed, then waits for what is in flight.
pub async fn run(context: Arc<Context>, concurrency: usize) {
    context.begin();
    tokio::join!(
        serve(&context, Lane::Urgent..=Lane::Ordinary, concurrency),
        serve(&context, Lane::Urgent..=Lane::Urgent, URGENT),
        serve(&context, Lane::Asking..=Lane::Asking, ASKING),
    );
}

async fn serve(context: &Arc<Context>, lanes: RangeInclusive<Lane>, places: usize) {
    let permits = Arc::new(Semaphore::new(places));
    while let Ok(permit) = permits.clone().acquire_owned().await {
        let Some(work) = context.cache.queue.next(lanes.clone()).await else { break };
        let context = context.clone();
        tokio::spawn(async move {
            let outcome = one(&context, &work).await;
            context.cache.queue.done(&work, outcome);
            context.metrics.set_queue(context.cache.queue.depth(), context.cache.queue.deadlines());
            drop(permit);
        });
    }
    let _ = permits.acquire_many(u32::try_from(places).unwrap_or(u32::MAX)).await;
}

/// Reconciles one thing. A panic is a bug of ours: it costs this run, not the process.
async fn one(context: &Arc<Context>, work: &WorkItem) -> Action {
    let span = info_span!("reconcile", kind = work.kind(), object = %work);
    let (inner, task) = (context.clone(), work.clone());
    let reconciled = tokio::spawn(async move { reconcile(&inner, &task).await }.instrument(span)).await;
    let (outcome, word) = match reconciled {
        Ok(Ok(outcome)) => (outcome, "ok"),
        Ok(Err(failure)) if failure.is_outage() => (Action::RetrySoon, failed(work, &failure)),
        Ok(Err(failure)) => (Action::Retry, failed(work, &failure)),
        Err(panic) => {
            error!(kind = work.kind(), object = %work, %panic, "this is a bug; the object is tried again");
            context.metrics.panicked();
            (Action::Retry, "panic")
        }
    };
    context.metrics.reconciled(work.kind(), word);
    outcome
}

/// A conflict or a missing object means that our cache is behind, which is normal; the rest is worth a line.
fn failed(work: &WorkItem, failure: &Error) -> &'static str {
    if failure.is_conflict() || failure.is_not_found() {
        debug!(kind = work.kind(), object = %work, error = %failure, "seen too late, tried again");
        return "stale";
    }
    warn!(kind = work.kind(), object = %work, error = %failure, "failed, tried again");
    "error"
}
