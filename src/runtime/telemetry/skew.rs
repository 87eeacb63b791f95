//! How far the operator's clock is from the API server's, by the `Date` of every answer. Deadlines follow the operator's clock, and
//! objects carry the API server's: a difference makes access begin and end at another time than people read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::{HeaderMap, header};
use chrono::{DateTime, TimeDelta, Utc};
use tracing::{info, warn};

use super::metrics::Metrics;
use crate::runtime::clock::Clock;

/// From here on a difference is worth a line. Answers are dated in whole seconds, and take a while to come.
const WORTH_A_LINE: TimeDelta = TimeDelta::seconds(5);

/// Compares the clocks.
#[derive(Clone)]
pub struct Skew {
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    told: Arc<AtomicBool>,
}

impl Skew {
    /// Shows the difference in `metrics`.
    pub fn new(clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        Self { clock, metrics, told: Arc::default() }
    }

    /// Reads the date of an answer; one without a date says nothing.
    pub fn note(&self, headers: &HeaderMap) {
        let date = headers.get(header::DATE).and_then(|date| date.to_str().ok());
        let Some(date) = date.and_then(|date| httpdate::parse_http_date(date).ok()) else { return };
        let ahead = self.clock.now() - DateTime::<Utc>::from(date);
        self.metrics.set_clock_skew(ahead.num_seconds());
        let apart = ahead.abs() >= WORTH_A_LINE;
        if self.told.swap(apart, Ordering::Relaxed) != apart {
            let seconds = ahead.num_seconds();
            if apart {
                warn!(
                    seconds,
                    "this clock and the API server's differ (positive: this one is ahead): access begins and ends by this one"
                );
            } else {
                info!(seconds, "this clock and the API server's agree again");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::clock::ManualClock;

    #[test]
    fn shows_how_far_it_is_ahead() {
        let clock = Arc::new(ManualClock::new("2026-11-21T10:00:00Z".parse().unwrap()));
        let metrics = Arc::new(Metrics::new());
        let skew = Skew::new(clock.clone(), metrics.clone());
        let shown = |date: &str| {
            let headers = [(header::DATE, date.parse().unwrap())].into_iter().collect();
            skew.note(&headers);
            let text = metrics.encode().unwrap();
            let line = text.lines().find(|line| line.starts_with("entitlement_clock_skew_seconds ")).unwrap();
            line.rsplit(' ').next().unwrap().parse::<i64>().unwrap()
        };
        assert_eq!(shown("Sat, 21 Nov 2026 10:00:00 GMT"), 0);
        assert_eq!(shown("Sat, 21 Nov 2026 10:00:03 GMT"), -3);
        assert!(!skew.told.load(Ordering::Relaxed));
        clock.advance(TimeDelta::hours(1));
        assert_eq!(shown("Sat, 21 Nov 2026 10:00:04 GMT"), 3_596);
        assert!(skew.told.load(Ordering::Relaxed));
        assert_eq!(shown("yesterday"), 3_596, "no date, no news");
        clock.advance(TimeDelta::hours(-1));
        assert_eq!(shown("Sat, 21 Nov 2026 10:00:00 GMT"), 0);
        assert!(!skew.told.load(Ordering::Relaxed));
    }
}
