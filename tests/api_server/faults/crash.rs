//! The operator dies at every single write of a full life: once before the write arrives, once after it arrived and before the answer is back.
//!
//! Each life goes step by step. People act while nobody watches; then one operator after the other is started on a line that loses its first
//! write, or the answer to it, and is killed there. So each write is tried, lost, tried again, done, and seen by somebody who knows nothing of
//! it. A step is over when an operator finds nothing left to write.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::line::{Fault, Line};
use super::replica::Replica;
use crate::acts::{EDIT, ENGINEERS, VIEW, editor, viewer};
use crate::checker::{judge_midway, text};
use crate::department::{Department, ONCALL};
use crate::person::{ALICE, BOB, CAROL, DAVE, Person};
use crate::support::{Operator, Plane, ROOT};
use crate::terms::if_a_lead_agrees;
use crate::world::{WITHIN, quiet, sum};

const PAUSE: Duration = Duration::from_millis(20);
/// How long an operator must have had nothing to do, deadlines that fall due aside.
const RESTS: Duration = Duration::from_millis(300);

/// A department on a control plane on which operators live only until their next write.
struct Life<'p> {
    office: Department<'p>,
    plane: &'p Plane,
    line: Line,
    root: Person,
    args: &'p [&'p str],
    /// Somebody who must have [`VIEW`] in one of these namespaces at every crash.
    never_without: Option<(&'p str, [&'p str; 2])>,
    lost: Vec<String>,
}

impl<'p> Life<'p> {
    async fn begins(plane: &'p Plane, name: &str, args: &'p [&'p str]) -> Self {
        let operator = Operator::start(plane, &[]).await;
        let office = Department::open(plane, name).await;
        let mut terms = if_a_lead_agrees().for_as_long_as("8h").spec(ONCALL);
        terms["extension"] = json!({"allowed": true});
        terms["customSchedule"] = json!(true);
        office.write(CAROL, "Policy", ENGINEERS, terms).await;
        office.becomes("Policy", &office.catalog(), ENGINEERS, "Ready", "True Available").await;
        office.may(ALICE, "create", "accessrequests", &office.catalog()).await;
        office.may(BOB, "create", "approvaldecisions", &office.catalog()).await;
        drop(operator);
        let (line, root) = (Line::open(plane).await, office.person(ROOT).await);
        Self { office, plane, line, root, args, never_without: None, lost: Vec::new() }
    }

    /// Lets operators die at their first write until one has nothing to write and `done` holds.
    async fn survives(&mut self, step: &str, done: impl AsyncFn(&Department<'p>) -> bool) {
        let (start, before) = (Instant::now(), self.lost.len());
        for fault in [Fault::LosesNextWrite, Fault::LosesNextAnswer].into_iter().cycle() {
            self.line.has(fault);
            let replica = Replica::spawn(self.plane, &self.line, self.args);
            let over = self.dies_or_rests(step, &replica, &done).await;
            drop(replica);
            let judged = judge_midway(&self.root.client, Some(&[self.office.catalog()])).await;
            judged.unwrap_or_else(|why| panic!("{step}: after {:?}: {why}", self.lost.last()));
            if let Some((who, places)) = self.never_without {
                let (old, new) = (self.office.holders(places[0], VIEW).await, self.office.holders(places[1], VIEW).await);
                assert!(
                    old.contains(who) || new.contains(who),
                    "{step}: after {:?}: {who} has the role nowhere",
                    self.lost.last()
                );
            }
            if over {
                break;
            }
        }
        assert!(self.lost.len() > before, "{step}: something is written");
        println!("{step}: {} crashes in {:?}", self.lost.len() - before, start.elapsed());
    }

    /// Whether the operator came to rest with everything done; else it is at the point at which it is to be killed.
    async fn dies_or_rests(&mut self, step: &str, replica: &Replica, done: &impl AsyncFn(&Department<'p>) -> bool) -> bool {
        let (end, mut idle_since) = (Instant::now() + WITHIN * 2, None);
        loop {
            if let Some(write) = self.line.lost() {
                self.lost.push(write);
                return false;
            }
            let idle = replica.is_ready().await.is_ok() && sum(&replica.metrics().await, "entitlement_queue_depth", &[]) == 0.0;
            idle_since = if idle { idle_since.or(Some(Instant::now())) } else { None };
            let rested = idle_since.is_some_and(|since: Instant| since.elapsed() > RESTS);
            if rested && done(&self.office).await {
                return true;
            }
            assert!(Instant::now() < end, "{step}: nothing is written and it is not done; the log says\n{}", replica.log());
            sleep(PAUSE).await;
        }
    }

    /// Bob approves a request.
    async fn approves(&self, name: &str, request: &str) {
        let uid = self.office.read("AccessRequest", request).await["metadata"]["uid"].clone();
        let spec = json!({"accessRequest": request, "accessRequestUID": uid, "decision": "Approve"});
        self.writes(BOB, "ApprovalDecision", name, spec).await;
    }

    /// Somebody creates an object by its name.
    async fn writes(&self, who: &str, kind: &str, name: &str, spec: Value) {
        self.office.write(who, kind, name, spec).await;
    }
}

/// Phase of an object, without its reason; empty when there is none.
async fn phase(office: &Department<'_>, kind: &str, name: &str) -> String {
    let found = office.person(ROOT).await.get(kind, &office.catalog(), name).await;
    found.map(|object| text(&object, "/status/phase").to_owned()).unwrap_or_default()
}

async fn all(office: &Department<'_>, kind: &str) -> Vec<Value> {
    office.person(ROOT).await.list(kind, &office.catalog()).await.expect("root may list")
}

#[tokio::test]
async fn a_life_by_request_survives_a_crash_at_every_write() {
    let plane = quiet().await;
    let mut life = Life::begins(&plane, "crash-request", &[]).await;

    life.writes(ALICE, "AccessRequest", "wish", json!({"accessPackage": ONCALL, "schedule": {"duration": "4h"}})).await;
    life.survives("asked", async |office| phase(office, "AccessRequest", "wish").await == "PendingApproval").await;
    assert_eq!(life.office.holders(&life.office.name, VIEW).await.len(), 0, "nobody has approved");

    life.approves("yes", "wish").await;
    life.survives("approved", async |office| phase(office, "AccessRequest", "wish").await == "Delivered").await;
    life.office.is_held_by(&life.office.name, VIEW, &[ALICE]).await;

    let longer = json!({"accessPackage": ONCALL, "type": "Extend", "schedule": {"duration": "6h"}});
    life.writes(ALICE, "AccessRequest", "longer", longer).await;
    life.approves("again", "longer").await;
    life.survives("extended", async |office| phase(office, "AccessRequest", "longer").await == "Delivered").await;
    let extended = all(&life.office, "AccessRequest").await;
    let end = extended.iter().find(|r| text(r, "/metadata/name") == "longer").map(|r| text(r, "/status/schedule/endTime"));
    let assignments = all(&life.office, "Assignment").await;
    assert_eq!(assignments.len(), 1, "there is one assignment after all: {assignments:?}");
    assert_eq!(Some(text(&assignments[0], "/status/schedule/endTime")), end, "the end moved once");

    life.office.fills(ONCALL, json!([editor()])).await;
    life.survives("edited", async |office| {
        office.holders(&office.name, EDIT).await.contains(ALICE) && !office.holders(&office.name, VIEW).await.contains(ALICE)
    })
    .await;

    let name = text(&assignments[0], "/metadata/name").to_owned();
    let soon = (Utc::now() + TimeDelta::seconds(1)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    life.office.changes(BOB, "Assignment", &name, json!({"spec": {"schedule": {"endTime": soon}}})).await;
    life.survives("expired", async |office| phase(office, "Assignment", &name).await == "Expired").await;
    life.office.is_held_by(&life.office.name, EDIT, &[]).await;
    finds_it_right(&life).await;

    life.args = &["--retention", "1s"];
    life.survives("retired", async |office| {
        let kinds = ["AccessRequest", "ApprovalDecision", "Assignment"];
        let mut left = 0;
        for kind in kinds {
            left += all(office, kind).await.len();
        }
        left == 0
    })
    .await;
    finds_it_right(&life).await;
}

#[tokio::test]
async fn a_direct_life_survives_a_crash_at_every_write() {
    let plane = quiet().await;
    let mut life = Life::begins(&plane, "crash-direct", &[]).await;
    let spec = |who: &str| json!({"accessPackage": ONCALL, "policy": ENGINEERS, "subject": {"kind": "User", "name": who}});
    life.writes(BOB, "Assignment", "hers", spec(ALICE)).await;
    life.writes(BOB, "Assignment", "his", spec(DAVE)).await;
    life.survives("assigned", async |office| {
        phase(office, "Assignment", "hers").await == "Delivered" && phase(office, "Assignment", "his").await == "Delivered"
    })
    .await;

    life.office.builds("crash-direct-2").await;
    life.office.moves_to(&["crash-direct-2"]).await;
    life.never_without = Some((DAVE, ["crash-direct", "crash-direct-2"]));
    life.survives("moved", async |office| {
        office.holders("crash-direct-2", VIEW).await.len() == 2 && office.holders(&office.name, VIEW).await.is_empty()
    })
    .await;

    life.never_without = None;
    life.office.revokes("hers").await;
    life.office.deletes("Assignment", "his").await;
    life.survives("ended", async |office| {
        phase(office, "Assignment", "hers").await == "Revoked" && all(office, "Assignment").await.len() == 1
    })
    .await;
    life.office.is_held_by("crash-direct-2", VIEW, &[]).await;

    life.office.fills(ONCALL, json!([viewer(), editor()])).await;
    life.office.deletes("AccessPackage", ONCALL).await;
    life.office.deletes("CatalogResource", "production").await;
    life.survives("deleted", async |office| {
        all(office, "AccessPackage").await.is_empty() && all(office, "CatalogResource").await.is_empty()
    })
    .await;
    finds_it_right(&life).await;
}

/// The checker's judgement with an operator that nobody disturbs.
async fn finds_it_right(life: &Life<'_>) {
    life.line.has(Fault::None);
    let replica = Replica::start(life.plane, &life.line, &[]).await;
    life.office.is_right().await;
    drop(replica);
}
