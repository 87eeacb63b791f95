//! The wall clock of the operator steps while it runs; the API server's goes on as before.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Parser;
use entitlement_operator::config::Config;
use entitlement_operator::run::run_by;
use entitlement_operator::runtime::clock::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::acts::VIEW;
use crate::department::{Department, ONCALL};
use crate::person::{ALICE, BOB, DAVE, ERIN, ZOE};
use crate::support::{Plane, eventually, http, operator};
use crate::terms::if_a_lead_agrees;
use crate::world::{WITHIN, quiet, sum};

/// The wall clock of this machine, and how far somebody moved it.
#[derive(Default)]
struct Stepping {
    seconds: AtomicI64,
}

impl Stepping {
    fn step(&self, by: TimeDelta) {
        self.seconds.fetch_add(by.num_seconds(), Ordering::SeqCst);
    }

    fn offset(&self) -> TimeDelta {
        TimeDelta::seconds(self.seconds.load(Ordering::SeqCst))
    }
}

impl Clock for Stepping {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + self.offset()
    }

    fn until(&self, at: DateTime<Utc>) -> Duration {
        SystemClock.until(at - self.offset())
    }

    fn since(&self, at: DateTime<Utc>) -> Duration {
        SystemClock.since(at - self.offset())
    }
}

/// The whole operator, in this process, by such a clock; it ends with the test.
async fn operator_by(clock: &Arc<Stepping>, plane: &Plane) -> u16 {
    let (config, port) = (plane.dir().join("operator-by-a-clock.kubeconfig"), http::free_port());
    operator::write_kubeconfig(plane, &config).await;
    let (config, listen) = (config.to_string_lossy(), format!("127.0.0.1:{port}"));
    let args = ["entitlement-operator", "--kubeconfig", &config, "--listen", &listen, "--leader-elect", "--lease-duration", "3s"];
    tokio::spawn(run_by(Config::parse_from(args), clock.clone()));
    eventually("the operator leads", WITHIN, async || {
        let metrics = http::get(port, "/metrics").await.map(|(_, page)| page).unwrap_or_default();
        if sum(&metrics, "entitlement_leader", &[]) == 1.0 { Ok(()) } else { Err("not yet".to_owned()) }
    })
    .await;
    port
}

fn at(delta: TimeDelta) -> String {
    (Utc::now() + delta).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn until(delta: TimeDelta) -> Value {
    json!({"schedule": {"endTime": at(delta)}})
}

#[tokio::test]
async fn an_hour_forward_and_back() {
    let plane = quiet().await;
    let clock = Arc::new(Stepping::default());
    let port = operator_by(&clock, &plane).await;
    let office = Department::open(&plane, "clock").await.open_to_engineers().await;
    let slow = Department::open(&plane, "clock-slow").await;
    slow.policy("asked", &if_a_lead_agrees()).await;
    let (half, two) = (TimeDelta::minutes(30), TimeDelta::hours(2));
    let ends = office.assigns_with(ONCALL, ALICE, until(half)).await;
    let stays = office.assigns_with(ONCALL, DAVE, until(two)).await;
    let starts = json!({"schedule": {"startTime": at(half), "endTime": at(two)}});
    let starts = office.assigns_with(ONCALL, ERIN, starts).await;
    office.reaches("Assignment", &ends, "Delivered").await;
    office.reaches("Assignment", &stays, "Delivered").await;
    office.reaches("Assignment", &starts, "Scheduled").await;
    let pending = slow.asks(ALICE).await;
    slow.request_is(&pending, "PendingApproval").await;

    clock.step(TimeDelta::hours(1));
    office.reaches("Assignment", &ends, "Expired").await;
    office.reaches("Assignment", &starts, "Delivered").await;
    office.is_held_by(&office.name, VIEW, &[DAVE, ERIN]).await;
    // The clocks of operator and API server disagree by an hour now, which is told, and nobody is kept out for it.
    let (_, metrics) = http::get(port, "/metrics").await.expect("it answers");
    assert!(sum(&metrics, "entitlement_clock_skew_seconds", &[]) > 3_590.0, "{metrics}");
    slow.decides(BOB, &pending, "Approve").await;
    slow.request_is(&pending, "Delivered").await;
    let newcomer = office.gets_by_asking(ZOE).await;

    // What has begun has begun, and what is over is over.
    clock.step(TimeDelta::hours(-1));
    office.gets_by_asking(ALICE).await;
    office.is_held_by(&office.name, VIEW, &[ALICE, DAVE, ERIN, ZOE]).await;
    office.reaches("Assignment", &ends, "Expired").await;
    office.reaches("Assignment", &stays, "Delivered").await;

    // The checker has the API server's clock, and objects to whoever began before their start.
    let early = slow.read("AccessRequest", &pending).await["status"]["assignment"].clone();
    slow.revokes(early.as_str().expect("an assignment")).await;
    slow.is_right().await;
    office.revokes(&starts).await;
    office.revokes(&newcomer).await;
    office.is_held_by(&office.name, VIEW, &[ALICE, DAVE]).await;
    office.is_right().await;
}
