//! What an operator counts, read as Prometheus does.

use std::time::Duration;

use super::wait::eventually;

/// The sum of a metric over all time series whose labels hold each of `labels`.
pub fn sum(metrics: &str, metric: &str, labels: &[&str]) -> f64 {
    let lines = metrics.lines().filter(|line| line.strip_prefix(metric).is_some_and(|rest| rest.starts_with(['{', ' '])));
    let matching = lines.filter(|line| labels.iter().all(|label| line.contains(label)));
    matching.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// Waits until an operator has nothing to do.
pub async fn is_idle(within: Duration, metrics: impl AsyncFn() -> String) {
    eventually("the operator's queue is empty", within, async || {
        let page = metrics().await;
        assert!(page.contains("entitlement_queue_depth "), "there is a queue depth: {page}");
        match sum(&page, "entitlement_queue_depth", &[]) {
            0.0 => Ok(()),
            depth => Err(format!("{depth} keys are in the queue")),
        }
    })
    .await;
}
