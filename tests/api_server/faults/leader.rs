//! Two replicas: one acts, the other is ready to; who was deposed does no harm.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use super::line::{Fault, Line};
use super::replica::Replica;
use crate::acts::VIEW;
use crate::department::{Department, ONCALL};
use crate::person::{ALICE, DAVE, ZOE};
use crate::support::{Plane, eventually};
use crate::world::{WITHIN, quiet, sum};

/// For tests that wait for the end of a lease.
const SHORT: &str = "3s";
/// For a test that must not: longer than anything is waited for.
const LONG: &str = "60s";
/// The leader's grants come late.
const HELD: Fault = Fault::Holds { path: "rolebindings", saying: "subjects" };
const LEASE: Duration = Duration::from_secs(3);
const BLINK: Duration = Duration::from_millis(10);

/// A leader and a standby, each on a line of its own.
struct Pair {
    leader: Replica,
    standby: Replica,
    leaders_line: Line,
    standbys_line: Line,
}

async fn leads(replica: &Replica) {
    eventually("it leads", WITHIN, async || match sum(&replica.metrics().await, "entitlement_leader", &[]) {
        1.0 => Ok(()),
        _ => Err(replica.log()),
    })
    .await;
}

impl Pair {
    async fn start(plane: &Plane, lease: &str) -> Self {
        let args = ["--leader-elect", "--lease-duration", lease];
        let (leaders_line, standbys_line) = (Line::open(plane).await, Line::open(plane).await);
        let leader = Replica::start(plane, &leaders_line, &args).await;
        leads(&leader).await;
        let standby = Replica::start(plane, &standbys_line, &args).await;
        assert_eq!(sum(&standby.metrics().await, "entitlement_leader", &[]), 0.0, "one leads");
        Self { leader, standby, leaders_line, standbys_line }
    }

    /// Waits until the old leader, awake again, has noticed that it is none and has ended.
    async fn old_leader_ends(&mut self) {
        let leader = std::cell::RefCell::new(&mut self.leader);
        let status = eventually("the old leader ends", WITHIN, async || {
            leader.borrow_mut().ended().ok_or_else(|| "it still runs".to_owned())
        })
        .await;
        assert!(!status.success(), "it says that it lost the lease");
    }
}

/// Sees for a while, as often as possible, that exactly these people have the role.
async fn is_held_all_the_time_by(office: &Department<'_>, who: &[&str], time: Duration) {
    let want: BTreeSet<String> = who.iter().map(|&name| name.to_owned()).collect();
    let end = Instant::now() + time;
    let mut looks = 0;
    while Instant::now() < end {
        assert_eq!(office.holders(&office.name, VIEW).await, want, "at every moment, these have the role");
        looks += 1;
        sleep(BLINK).await;
    }
    assert!(looks > 20, "it is looked at often enough: {looks}");
}

#[tokio::test]
async fn a_frozen_leader_is_replaced_and_does_no_harm_when_it_wakes() {
    let plane = quiet().await;
    let mut pair = Pair::start(&plane, SHORT).await;
    let office = Department::open(&plane, "leader-frozen").await.open_to_engineers().await;
    let crew = ["ann", "ben", "cleo", "dan"];
    let mut assignments = Vec::new();
    for member in crew {
        assignments.push(office.assigns(member).await);
    }

    assert_eq!(pair.standbys_line.writes(), 0, "the standby writes nothing");

    // In the middle of work.
    let newcomer = office.assigns_with(ONCALL, ALICE, json!({})).await;
    pair.leader.freeze();
    let frozen = Instant::now();
    office.revokes(&assignments[0]).await;
    office.deletes("Assignment", &assignments[1]).await;
    office.assigns_with(ONCALL, DAVE, json!({})).await;
    leads(&pair.standby).await;
    println!("the standby took over {:?} after the leader froze, with a lease of {LEASE:?}", frozen.elapsed());
    let members = ["cleo", "dan", ALICE, DAVE];
    office.is_held_by(&office.name, VIEW, &members).await;

    let watched = is_held_all_the_time_by(&office, &members, LEASE * 2);
    let woken = async {
        pair.leader.wake();
        pair.old_leader_ends().await;
    };
    tokio::join!(watched, woken);
    office.reaches("Assignment", &newcomer, "Delivered").await;
    office.reaches("Assignment", &assignments[0], "Revoked").await;
    office.goes("Assignment", &assignments[1]).await;
    office.is_right().await;
}

#[tokio::test]
async fn a_write_of_a_deposed_leader_that_arrives_late_is_refused() {
    let plane = quiet().await;
    let mut pair = Pair::start(&plane, SHORT).await;
    let office = Department::open(&plane, "leader-late").await.open_to_engineers().await;
    office.assigns(ALICE).await;
    pair.leaders_line.has(HELD);
    let late = office.assigns_with(ONCALL, DAVE, json!({})).await;
    pair.leaders_line.holds_a_write().await;
    pair.leader.freeze();

    leads(&pair.standby).await;
    office.is_held_by(&office.name, VIEW, &[ALICE, DAVE]).await;
    office.revokes(&late).await;
    office.is_held_by(&office.name, VIEW, &[ALICE]).await;
    let released = async {
        pair.leaders_line.has(Fault::None);
        let answers = pair.leaders_line.late_answers().await;
        assert!(answers.iter().all(|(_, code)| *code == 409), "the API server refuses it: {answers:?}");
    };
    tokio::join!(is_held_all_the_time_by(&office, &[ALICE], LEASE), released);
    pair.leader.wake();
    pair.old_leader_ends().await;
    office.is_held_by(&office.name, VIEW, &[ALICE]).await;
    office.is_right().await;
}

#[tokio::test]
async fn a_binding_that_a_deposed_leader_makes_late_is_put_right() {
    let plane = quiet().await;
    let mut pair = Pair::start(&plane, SHORT).await;
    let office = Department::open(&plane, "leader-revenant").await.open_to_engineers().await;
    pair.leaders_line.has(HELD);
    let late = office.assigns_with(ONCALL, ZOE, json!({})).await;
    pair.leaders_line.holds_a_write().await;
    pair.leader.freeze();

    leads(&pair.standby).await;
    office.is_held_by(&office.name, VIEW, &[ZOE]).await;
    office.revokes(&late).await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    pair.leaders_line.has(Fault::None);
    let answers = pair.leaders_line.late_answers().await;
    assert_eq!(answers[0].1, 201, "a creation cannot be refused: {answers:?}");
    office.is_held_by(&office.name, VIEW, &[]).await;
    pair.leader.wake();
    pair.old_leader_ends().await;
    office.is_right().await;
}

#[tokio::test]
async fn a_leader_that_is_told_to_stop_hands_over_at_once() {
    let plane = quiet().await;
    let mut pair = Pair::start(&plane, LONG).await;
    let office = Department::open(&plane, "leader-stops").await.open_to_engineers().await;
    office.assigns(ALICE).await;
    pair.leader.is_told_to_stop();
    let leader = std::cell::RefCell::new(&mut pair.leader);
    let status = eventually("it stops", WITHIN, async || leader.borrow_mut().ended().ok_or_else(|| "it runs".to_owned())).await;
    assert!(status.success(), "it stops as asked: {status}");
    leads(&pair.standby).await;
    office.assigns(DAVE).await;
    office.is_right().await;
}
