//! The whole operator under load, on a real API server: every figure against the raw speed of that API server in the same run, which is a
//! client that does the same writes with nothing in between.
//!
//! ```text
//! cargo bench --bench load                                  # 10,000 holders of one package
//! ENTITLEMENT_BENCH_HOLDERS=100000 cargo bench --bench load  # the size that the bars are for; takes about an hour
//! cargo bench --bench load -- latency burst                  # only these; there are also deadline, ends and crowd
//! cargo bench --bench load -- tenants                        # one tenant floods the site, another one is measured; 20 to 30 minutes
//! cargo bench --bench load -- tenants decisions              # only this flood; there are also requests, resources and patterns
//! ENTITLEMENT_BENCH_DECISIONS=1000                           # how many decisions that flood has, instead of 10,000
//! ```
//!
//! `tenants` runs only when it is named.
//!
//! It prints a table and judges nothing: what a machine that does something else at the same time shows is no failure.

// What cannot go on says so and stops; it runs on the real clock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

#[path = "../../tests/support/mod.rs"]
mod support;

mod board;
mod crowd;
mod memory;
mod person;
mod raw;
mod restart;
mod site;
mod tenants;
mod wave;

use std::borrow::Cow;
use std::time::Duration;

/// One line of the table.
pub struct Figure {
    what: Cow<'static, str>,
    measured: String,
    raw: String,
    ratio: Option<f64>,
    bar: &'static str,
}

impl Figure {
    /// Two times, the second by the raw client.
    pub fn times(what: impl Into<Cow<'static, str>>, measured: Duration, raw: Duration, bar: &'static str) -> Self {
        let ratio = Some(measured.as_secs_f64() / raw.as_secs_f64());
        Self { what: what.into(), measured: format!("{measured:.3?}"), raw: format!("{raw:.3?}"), ratio, bar }
    }

    /// How many in a second; the ratio is that of the speeds.
    pub fn speeds(
        what: impl Into<Cow<'static, str>>,
        count: usize,
        measured: Duration,
        raw: Duration,
        bar: &'static str,
    ) -> Self {
        let speed = |time: Duration| f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / time.as_secs_f64();
        let (here, there) = (speed(measured), speed(raw));
        Self { what: what.into(), measured: format!("{here:.0}/s"), raw: format!("{there:.0}/s"), ratio: Some(here / there), bar }
    }

    /// A figure on its own.
    pub fn alone(what: impl Into<Cow<'static, str>>, measured: String, bar: &'static str) -> Self {
        Self { what: what.into(), measured, raw: String::new(), ratio: None, bar }
    }

    fn print(&self) {
        let ratio = self.ratio.map(|ratio| format!("{ratio:.2}x")).unwrap_or_default();
        println!("{:<62} {:>12} {:>12} {:>7}   {}", self.what, self.measured, self.raw, ratio, self.bar);
    }
}

/// What is measured, in this order.
const PARTS: [&str; 6] = ["latency", "burst", "deadline", "ends", "crowd", TENANTS];
/// The part that runs only when it is named.
const TENANTS: &str = "tenants";

/// Whether a part is to be measured.
fn is_wanted(part: &str, named: &[String]) -> bool {
    if named.is_empty() { part != TENANTS } else { named.iter().any(|name| name == part) }
}

#[tokio::main]
async fn main() {
    let holders = std::env::var("ENTITLEMENT_BENCH_HOLDERS").map_or(10_000, |text| text.parse().expect("a number of holders"));
    println!("{:<62} {:>12} {:>12} {:>7}   bar", "figure", "measured", "raw", "ratio");
    let mut site = site::Site::open().await;
    let raw = raw::measure(&mut site).await;
    let named: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    for part in PARTS.into_iter().filter(|part| is_wanted(part, &named)) {
        if part == TENANTS {
            tenants::run(&mut site, &named).await;
            continue;
        }
        let figures = match part {
            "latency" => wave::latency(&site, &raw).await,
            "burst" => wave::burst(&site, &raw).await,
            "deadline" => wave::deadline(&site).await,
            "ends" => wave::ends(&site, &raw).await,
            _ => crowd::figures(&mut site, &raw, holders).await,
        };
        figures.iter().for_each(Figure::print);
    }
}
