//! The API server fails, hangs, restarts or loses its memory for a while: what is overdue then is done in one pass, and nothing else changes.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::line::{Fault, Line};
use super::replica::Replica;
use crate::acts::{EDIT, VIEW, editor, viewer};
use crate::department::{Department, ONCALL};
use crate::person::{ALICE, DAVE, ZOE};
use crate::support::{Operator, Plane, ROOT, eventually, install};
use crate::terms::if_a_lead_agrees;
use crate::world::{WITHIN, quiet, sum};

/// A department on a faulty line.
struct Far<'p> {
    office: Department<'p>,
    line: Line,
    replica: Replica,
}

async fn far<'p>(plane: &'p Plane, name: &str) -> Far<'p> {
    let line = Line::open(plane).await;
    let replica = Replica::start(plane, &line, &["--request-timeout", "2s", "--silence-timeout", "5s"]).await;
    let office = Department::open(plane, name).await.open_to_engineers().await;
    Far { office, line, replica }
}

fn in_seconds(seconds: i64) -> serde_json::Value {
    let end = (Utc::now() + TimeDelta::seconds(seconds)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    json!({"schedule": {"endTime": end}})
}

/// The length of the fault is what is tested, so this one waits for a time to pass.
async fn lasts(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

impl Far<'_> {
    /// Everything happens while the line has a fault; then it is whole again, and everything must come right.
    async fn comes_through(mut self, faults: &[(Fault, u64)]) {
        let office = &self.office;
        let (revoked, stays) = (office.assigns(ALICE).await, office.assigns(DAVE).await);
        let ends = office.assigns_with(ONCALL, "ends", in_seconds(4)).await;
        office.reaches("Assignment", &ends, "Delivered").await;

        self.line.has(faults[0].0);
        self.line.cuts_streams();
        office.revokes(&revoked).await;
        let newcomer = office.asks(ZOE).await;
        office.fills(ONCALL, json!([viewer(), editor()])).await;
        for (fault, seconds) in faults {
            self.line.has(*fault);
            lasts(*seconds).await;
        }
        assert!(self.replica.ended().is_none(), "it does not give up");
        self.line.has(Fault::None);
        office.is_held_by(&office.name, VIEW, &[DAVE, ZOE]).await;
        office.is_held_by(&office.name, EDIT, &[DAVE, ZOE]).await;
        office.request_is(&newcomer, "Delivered").await;
        office.reaches("Assignment", &revoked, "Revoked").await;
        office.reaches("Assignment", &ends, "Expired").await;
        office.reaches("Assignment", &stays, "Delivered").await;
        office.is_right().await;
    }
}

#[tokio::test]
async fn ten_seconds_of_errors() {
    let plane = quiet().await;
    let far = far(&plane, "outage-errors").await;
    far.comes_through(&[(Fault::Answers(500), 4), (Fault::Answers(429), 3), (Fault::Answers(504), 3)]).await;
}

#[tokio::test]
async fn a_line_on_which_nothing_is_answered() {
    let plane = quiet().await;
    let far = far(&plane, "outage-silence").await;
    far.comes_through(&[(Fault::Dead, 6)]).await;
}

#[tokio::test]
async fn watches_that_are_cut_and_too_old_to_go_on() {
    let plane = quiet().await;
    let far = far(&plane, "outage-watch").await;
    let office = &far.office;
    let assignment = office.assigns(ALICE).await;
    for round in 0..5 {
        far.line.cuts_streams();
        office.assigns(&format!("newcomer-{round}")).await;
    }

    // What vanishes while nobody watches, and cannot be told afterwards.
    far.line.has(Fault::Outdated);
    far.line.cuts_streams();
    let root = office.person(ROOT).await;
    let binding = office.binding(&office.name).await;
    root.delete("RoleBinding", &office.name, binding["metadata"]["name"].as_str().expect("a name")).await.expect("drift");
    office.deletes("Policy", "engineers").await;
    office.revokes(&assignment).await;
    far.line.has(Fault::None);
    let rest: Vec<String> = (0..5).map(|round| format!("newcomer-{round}")).collect();
    office.is_held_by(&office.name, VIEW, &rest.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let waits = office.assigns_with(ONCALL, ALICE, json!({})).await;
    office.reaches("Assignment", &waits, "Pending PolicyNotFound").await;
    office.is_right().await;
}

#[tokio::test]
async fn what_vanished_unseen_with_its_definition_blocks_nothing() {
    let plane = quiet().await;
    plane.will_be_damaged();
    let far = far(&plane, "outage-definition").await;
    let office = Department::open(&plane, "outage-definition-asked").await;
    office.policy("asked", &if_a_lead_agrees()).await;
    let pending = office.asks(ALICE).await;
    office.request_is(&pending, "PendingApproval").await;
    far.line.has(Fault::Outdated);
    far.line.cuts_streams();
    plane.kubectl(ROOT, &["delete", "crd", "accessrequests.entitlement.dev", "--timeout=60s"]).await.ok();
    far.line.has(Fault::None);
    office.deletes("AccessPackage", ONCALL).await;
    office.goes("AccessPackage", ONCALL).await;
}

#[tokio::test]
async fn whose_request_vanished_with_its_definition_loses_what_came_from_it() {
    let plane = quiet().await;
    plane.will_be_damaged();
    let far = far(&plane, "outage-requests").await;
    let office = &far.office;
    let asked = office.gets_by_asking(ALICE).await;
    let direct = office.assigns(DAVE).await;
    plane.kubectl(ROOT, &["delete", "crd", "accessrequests.entitlement.dev", "--timeout=60s"]).await.ok();
    office.is_held_by(&office.name, VIEW, &[DAVE]).await;
    office.reaches("Assignment", &asked, "Revoked RequestDeleted").await;
    office.reaches("Assignment", &direct, "Delivered").await;
    install(&plane).await;
    office.is_right().await;
}

#[tokio::test]
async fn what_ends_does_not_wait_for_a_look_at_its_request() {
    let plane = quiet().await;
    let far = far(&plane, "outage-look").await;
    let office = &far.office;
    let assignment = office.gets_by_asking(ALICE).await;
    let record = office.read("Assignment", &assignment).await;
    let request = record["spec"]["accessRequest"].as_str().expect("it comes from a request");
    far.line.has(Fault::Refuses { method: "GET", path: "accessrequests/", code: 500 });
    office.deletes("AccessRequest", request).await;
    office.goes("AccessRequest", request).await;
    // Whether it is gone cannot be asked, so that nobody loses anything for it.
    let unanswered = ["verb=\"get\"", "kind=\"accessrequests\"", "code=\"500\""];
    eventually("it was asked", WITHIN, async || {
        let asked = sum(&far.replica.metrics().await, "entitlement_api_requests_total", &unanswered);
        if asked > 1.0 { Ok(()) } else { Err(format!("{asked} times")) }
    })
    .await;
    office.is_held_by(&office.name, VIEW, &[ALICE]).await;
    office.revokes(&assignment).await;
    office.reaches("Assignment", &assignment, "Revoked").await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    far.line.has(Fault::None);
    office.is_right().await;
}

#[tokio::test]
async fn a_move_that_cannot_be_finished_takes_nothing_away() {
    let plane = quiet().await;
    let far = far(&plane, "outage-move").await;
    let office = &far.office;
    office.builds("outage-move-2").await;
    let (leaves, _) = (office.assigns(ALICE).await, office.assigns(DAVE).await);
    far.line.has(Fault::Refuses { method: "POST", path: "rolebindings", code: 500 });
    office.moves_to(&["outage-move-2"]).await;
    let refused = far.line.writes();
    eventually(
        "it has been tried",
        WITHIN,
        async || {
            if far.line.writes() > refused + 3 { Ok(()) } else { Err("not yet".to_owned()) }
        },
    )
    .await;
    office.is_held_by(&office.name, VIEW, &[ALICE, DAVE]).await;
    office.revokes(&leaves).await;
    office.is_held_by(&office.name, VIEW, &[DAVE]).await;

    far.line.has(Fault::None);
    office.is_held_by("outage-move-2", VIEW, &[DAVE]).await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    office.is_right().await;
}

/// Something of the control plane goes away for a while, with all connections to it.
async fn without(component: &str, how: &str, seconds: u64, name: &str) {
    let plane = quiet().await;
    let operator = Operator::start(&plane, &["--request-timeout", "2s", "--silence-timeout", "5s"]).await;
    let office = Department::open(&plane, name).await.open_to_engineers().await;
    let (revoked, stays) = (office.assigns(ALICE).await, office.assigns(DAVE).await);
    let ends = office.assigns_with(ONCALL, "ends", in_seconds(3)).await;
    office.reaches("Assignment", &ends, "Delivered").await;
    office.revokes(&revoked).await;

    plane.command(&format!("{how} {component}")).await;
    lasts(seconds).await;
    assert!(operator.ended().is_none(), "it does not give up");
    plane.command(&format!("start {component}")).await;
    eventually("the API server answers again", WITHIN, async || {
        plane.kubectl(ROOT, &["get", "--raw", "/readyz"]).await.result().map(|_| ())
    })
    .await;
    let back = Instant::now();
    // The API server itself may take most of a minute until it watches its storage again, and tells what was revoked.
    eventually("what is overdue is done", WITHIN * 3, async || {
        let left = office.holders(&office.name, VIEW).await;
        if left.iter().eq([DAVE]) { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
    println!("what was overdue was done {:?} after {component} was back", back.elapsed());
    office.reaches("Assignment", &revoked, "Revoked").await;
    office.reaches("Assignment", &ends, "Expired").await;
    office.assigns(ZOE).await;
    assert_eq!(office.phase("Assignment", &stays).await, "Delivered");
    office.is_right().await;
}

#[tokio::test]
async fn a_restart_of_the_api_server() {
    without("kube-apiserver", "kill", 4, "outage-restart").await;
}

#[tokio::test]
async fn thirty_seconds_without_etcd() {
    without("etcd", "stop", 30, "outage-etcd").await;
}
