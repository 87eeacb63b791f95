//! Random users, requests, decisions, edits, deletions, drift and kills; in the end nothing is wrong and nothing is left to do.
//!
//! What is done follows from the seed alone: everything is called by a name that was thrown, whether it is there or not. What comes of it
//! depends on the speed of the machine as well.

mod hostile;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::acts::{EDIT, VIEW, editor, role, viewer};
use crate::department::{Department, ONCALL};
use crate::dice::Dice;
use crate::person::{ALICE, BOB, CAROL, DAVE, ERIN, MALLORY, OLGA, ZOE};
use crate::support::{Operator, Plane, ROOT};
use crate::terms::{at_once, if_a_lead_agrees};
use crate::world::{is_idle, quiet};

const SECONDS: u64 = 20;
const PEOPLE: [&str; 5] = [ALICE, DAVE, ZOE, MALLORY, OLGA];
const PACKAGES: [&str; 3] = [ONCALL, "deploy", "audit"];
const POLICIES: [&str; 4] = ["engineers", "deployers", "auditors", "nobody"];
/// Chance of a kill, in a thousand; each costs a start.
const KILL: usize = 12;
/// How many names of each kind are in use at the same time.
const NAMES: usize = 40;

fn from_environment(variable: &str, or: u64) -> u64 {
    std::env::var(variable).map_or(or, |text| text.parse().unwrap_or_else(|e| panic!("{variable}={text}: {e}")))
}

struct Soak<'p> {
    office: Department<'p>,
    dice: Dice,
    done: BTreeMap<&'static str, (usize, usize)>,
}

async fn open<'p>(plane: &'p Plane, name: &str) -> Department<'p> {
    let office = Department::open(plane, name).await;
    office.builds(&format!("{name}-2")).await;
    office.policy("engineers", &at_once().for_as_long_as("3s")).await;
    office.write(CAROL, "AccessPackage", "deploy", json!({"resourceRoles": [viewer(), editor()]})).await;
    let rivals = json!({"resourceRoles": [viewer()], "incompatibleWith": {"accessPackages": [{"name": "deploy"}]}});
    office.write(CAROL, "AccessPackage", "audit", rivals).await;
    for (policy, package) in [("deployers", "deploy"), ("auditors", "audit")] {
        office.write(CAROL, "Policy", policy, terms(policy, package)).await;
    }
    office
}

fn terms(policy: &str, package: &str) -> Value {
    let terms = if policy == "deployers" {
        if_a_lead_agrees().and_user(OLGA).for_as_long_as("5s")
    } else {
        at_once().for_as_long_as("1h")
    };
    let mut terms = terms.spec(package);
    terms["extension"] = json!({"allowed": true});
    terms["customSchedule"] = json!(true);
    terms
}

impl Soak<'_> {
    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        self.dice.choose::<&str>(from)
    }

    fn name(&mut self, prefix: &str) -> String {
        format!("{prefix}-{}", self.dice.throw(NAMES))
    }

    fn instant(&mut self, within: usize) -> String {
        let seconds = i64::try_from(self.dice.throw(within)).expect("a small number");
        (Utc::now() + TimeDelta::seconds(seconds + 1)).format("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// Somebody does something. What the API server refuses is as good, as long as it knows why.
    async fn something_happens(&mut self) {
        let (what, refused) = match self.dice.throw(22) {
            0..4 => ("ask", self.asks().await),
            4..8 => ("decide", self.decides().await),
            8..10 => ("assign", self.assigns().await),
            10..12 => ("end", self.ends().await),
            12 => ("cancel", self.cancels().await),
            13 | 14 => ("edit", self.edits().await),
            15 | 16 => ("delete", self.deletes().await),
            17..20 => ("drift", self.drifts().await),
            _ => ("harm", self.harms().await),
        };
        let count = self.done.entry(what).or_default();
        count.0 += 1;
        count.1 += usize::from(refused.is_some());
        if let Some(code) = refused {
            assert!((400..500).contains(&code), "{what}: the API server fails with {code}");
        }
    }

    async fn creates(&self, who: &str, kind: &str, name: &str, spec: Value) -> Option<u16> {
        let metadata = json!({"name": name, "namespace": self.office.catalog()});
        self.office
            .person(who)
            .await
            .create(json!({"kind": kind, "metadata": metadata, "spec": spec}))
            .await
            .err()
            .map(|r| r.code)
    }

    async fn patches(&self, who: &str, kind: &str, name: &str, change: Value) -> Option<u16> {
        self.office.person(who).await.patch(kind, &self.office.catalog(), name, change).await.err().map(|r| r.code)
    }

    async fn asks(&mut self) -> Option<u16> {
        let kinds = ["Add", "Add", "Add", "Extend", "Remove"];
        let (who, kind, name) = (self.pick(&PEOPLE), self.pick(&kinds), self.name("ask"));
        let mut spec = json!({"accessPackage": self.pick(&PACKAGES), "type": kind});
        if kind != "Remove" && self.dice.throw(3) == 0 {
            spec["schedule"] = json!({"duration": format!("{}s", 1 + self.dice.throw(5))});
        }
        self.creates(who, "AccessRequest", &name, spec).await
    }

    async fn decides(&mut self) -> Option<u16> {
        let (who, name, verdict) = (self.pick(&[BOB, ERIN]), self.name("yes"), self.dice.throw(6));
        let spec = json!({"accessRequest": self.name("ask"), "decision": if verdict == 0 { "Deny" } else { "Approve" }});
        self.creates(who, "ApprovalDecision", &name, spec).await
    }

    async fn assigns(&mut self) -> Option<u16> {
        let (name, package, policy) = (self.name("direct"), self.pick(&PACKAGES), self.pick(&POLICIES));
        let subject = self.name("robot");
        let mut spec = json!({"accessPackage": package, "policy": policy, "subject": {"kind": "User", "name": subject}});
        match self.dice.throw(3) {
            0 => spec["schedule"] = json!({"endTime": self.instant(8)}),
            1 => spec["schedule"] = json!({"startTime": self.instant(3)}),
            _ => {}
        }
        self.creates(BOB, "Assignment", &name, spec).await
    }

    async fn ends(&mut self) -> Option<u16> {
        let name = self.name("direct");
        let change = match self.dice.throw(3) {
            0 => json!({"revoked": {"by": BOB, "reason": "chance"}}),
            _ => json!({"schedule": {"endTime": self.instant(30)}}),
        };
        self.patches(BOB, "Assignment", &name, json!({ "spec": change })).await
    }

    async fn cancels(&mut self) -> Option<u16> {
        let name = self.name("ask");
        self.patches(BOB, "AccessRequest", &name, json!({"spec": {"cancelled": true}})).await
    }

    async fn edits(&mut self) -> Option<u16> {
        let sets = [json!([]), json!([viewer()]), json!([editor()]), json!([viewer(), editor()])];
        if self.dice.throw(2) == 0 {
            let (package, roles) = (self.pick(&PACKAGES), self.dice.choose(&sets).clone());
            return self.patches(CAROL, "AccessPackage", package, json!({"spec": {"resourceRoles": roles}})).await;
        }
        let (here, there) = (self.office.name.clone(), format!("{}-2", self.office.name));
        let places = [json!([here]), json!([there]), json!([here, there])];
        let place = self.dice.choose(&places).clone();
        let bound = self.pick(&[VIEW, VIEW, EDIT]);
        let spec = json!({"kubernetes": {"namespaces": place}, "roles": [role("viewer", bound), role("editor", EDIT)]});
        self.patches(CAROL, "CatalogResource", "production", json!({ "spec": spec })).await
    }

    async fn deletes(&mut self) -> Option<u16> {
        let root = self.office.person(ROOT).await;
        let (kind, name) = match self.dice.throw(4) {
            0 => ("AccessRequest", self.name("ask")),
            1 => ("ApprovalDecision", self.name("yes")),
            2 => {
                let (policy, package) = [("deployers", "deploy"), ("auditors", "audit")][self.dice.throw(2)];
                root.delete("Policy", &self.office.catalog(), policy).await.ok();
                return self.creates(CAROL, "Policy", policy, terms(policy, package)).await;
            }
            _ => ("Assignment", self.name("direct")),
        };
        root.delete(kind, &self.office.catalog(), &name).await.err().map(|r| r.code)
    }

    async fn drifts(&mut self) -> Option<u16> {
        let root = self.office.person(ROOT).await;
        let place = if self.dice.throw(2) == 0 { self.office.name.clone() } else { format!("{}-2", self.office.name) };
        let (which, how) = (self.dice.throw(4), self.dice.throw(4));
        let all = root.list("RoleBinding", &place).await.expect("root may list");
        let ours: Vec<&str> =
            all.iter().filter_map(|b| b["metadata"]["name"].as_str()).filter(|n| n.starts_with("entitlement:")).collect();
        let name = *ours.get(which % ours.len().max(1))?;
        let intruder = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "intruder"});
        let change = match how {
            0 => return root.delete("RoleBinding", &place, name).await.err().map(|r| r.code),
            1 => json!({"subjects": [intruder]}),
            2 => json!({"metadata": {"annotations": null}}),
            _ => json!({"subjects": []}),
        };
        root.patch("RoleBinding", &place, name, change).await.err().map(|r| r.code)
    }
}

#[tokio::test]
async fn soak() {
    let seconds = from_environment("ENTITLEMENT_SOAK_SECONDS", SECONDS);
    let clock = u64::try_from(Utc::now().timestamp()).expect("a time after 1970");
    let seed = from_environment("ENTITLEMENT_SOAK_SEED", clock);
    println!("to repeat it: ENTITLEMENT_SOAK_SEED={seed} ENTITLEMENT_SOAK_SECONDS={seconds}");
    let plane = quiet().await;
    // Everybody asks more than anybody does in a day.
    let args = ["--retention", "5s", "--recent-requests", "1000000", "--open-requests", "100"];
    let mut operator = Operator::start(&plane, &args).await;
    let mut soak = Soak { office: open(&plane, "soak").await, dice: Dice::seeded(seed), done: BTreeMap::new() };

    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        if soak.dice.throw(1000) < KILL {
            operator.kill();
            operator = Operator::spawn(&plane, &args).await;
            soak.done.entry("kill").or_default().0 += 1;
        }
        soak.something_happens().await;
        sleep(Duration::from_millis(u64::try_from(soak.dice.throw(20)).expect("a small number"))).await;
    }
    println!("seed {seed}: what was done, how often, and how often refused: {:?}", soak.done);
    assert!(soak.done.values().map(|(times, _)| times).sum::<usize>() > 50, "much was done: {:?}", soak.done);
    let happened = |what: &str| soak.done.get(what).is_some_and(|(times, refused)| times > refused);
    assert!(["ask", "assign", "edit", "drift", "harm"].iter().all(|what| happened(what)), "everything happened: {:?}", soak.done);

    soak.office.is_right().await;
    nobody_deploys_and_audits(&soak.office).await;
    is_idle(&operator).await;
    assert!(!operator.log().contains("this is a bug"), "nothing panicked");
}

/// Separation of duties, after all races.
async fn nobody_deploys_and_audits(office: &Department<'_>) {
    let all = office.person(ROOT).await.list("Assignment", &office.catalog()).await.expect("root may list");
    let live = ["Scheduled", "Provisioning", "Delivered", "PartiallyDelivered"];
    let holders = |package: &str| -> BTreeSet<String> {
        let of = all
            .iter()
            .filter(|a| a["spec"]["accessPackage"] == package && live.iter().any(|phase| a["status"]["phase"] == *phase));
        of.map(|a| a["spec"]["subject"].to_string()).collect()
    };
    let (deployers, auditors) = (holders("deploy"), holders("audit"));
    assert_eq!(deployers.intersection(&auditors).next(), None, "the packages are incompatible");
}
