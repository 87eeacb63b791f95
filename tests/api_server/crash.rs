//! The operator dies at any moment, in the middle of anything, and comes back.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::department::{Department, ONCALL};
use crate::dice::Dice;
use crate::person::{ALICE, BOB, CAROL, DAVE, ERIN, ZOE, name, phase};
use crate::support::{Operator, ROOT, eventually};
use crate::terms::{Terms, at_once, for_group};
use crate::world::{WITHIN, is_idle, is_sound, quiet};

/// One process, so that nothing waits for a lease of the one that was killed.
const ALONE: [&str; 1] = ["--leader-elect=false"];
/// Change this to see another storm; what a seed does depends on the speed of the machine as well.
const SEED: u64 = 20_260;
const STEPS: usize = 140;
/// Chances, in a hundred.
const KILL: usize = 14;

/// A package that needs a lead's approval, and ends soon; [`ONCALL`] is given at once, and ends sooner.
const DEPLOY: &str = "deploy";

async fn short_lived(department: &Department<'_>) {
    department.policy("engineers", &at_once().for_as_long_as("3s")).await;
    let roles =
        json!({"resourceRoles": [{"resource": "production", "role": "viewer"}, {"resource": "production", "role": "editor"}]});
    department.write(CAROL, "AccessPackage", DEPLOY, roles).await;
    let terms: Terms = for_group("engineering").approved_by_group("payments-leads").for_as_long_as("5s");
    department.write(CAROL, "Policy", "deployers", terms.spec(DEPLOY)).await;
    department.becomes("Policy", &department.catalog(), "deployers", "Ready", "True Available").await;
}

/// Terminal phases that were seen; they never change.
#[derive(Default)]
struct Ended(BTreeMap<String, String>);

impl Ended {
    fn look(&mut self, objects: &[Value]) {
        for object in objects {
            let now = phase(object);
            let over = ["Delivered", "Denied", "Cancelled", "Expired", "Revoked"].iter().any(|word| now.starts_with(word));
            let over = over && (object["kind"] == "AccessRequest" || !now.starts_with("Delivered"));
            let uid = object["metadata"]["uid"].as_str().unwrap().to_owned();
            if let Some(before) = self.0.get(&uid) {
                assert_eq!(*before, now, "I11: {} was at its end: {object}", name(object));
            } else if over {
                self.0.insert(uid, now);
            }
        }
    }
}

/// Somebody does something; what the API server refuses is as good.
async fn something_happens(office: &Department<'_>, dice: &mut Dice, ended: &mut Ended) {
    let root = office.person(ROOT).await;
    let catalog = office.catalog();
    let requests = root.list("AccessRequest", &catalog).await.unwrap();
    let assignments = root.list("Assignment", &catalog).await.unwrap();
    ended.look(&requests);
    ended.look(&assignments);
    let pending: Vec<Value> = requests.into_iter().filter(|r| phase(r).starts_with("PendingApproval")).collect();
    let live: Vec<Value> = assignments.into_iter().filter(|a| phase(a) == "Delivered").collect();
    let engineers = [ALICE, DAVE, ZOE];
    match dice.throw(10) {
        0..5 => {
            let package = *dice.choose(&[ONCALL, DEPLOY, DEPLOY]);
            let engineer = *dice.choose(&engineers);
            office.asks_with(engineer, json!({"accessPackage": package})).await;
        }
        5..8 if !pending.is_empty() => {
            let decision = *dice.choose(&["Approve", "Approve", "Approve", "Deny"]);
            let who = *dice.choose(&[BOB, ERIN, ALICE]);
            office.decides(who, &name(dice.choose(&pending)), decision).await;
        }
        8 if !pending.is_empty() => {
            let cancel = json!({"spec": {"cancelled": true}});
            root.patch("AccessRequest", &catalog, &name(dice.choose(&pending)), cancel).await.unwrap();
        }
        9 if !live.is_empty() => {
            let revoke = json!({"spec": {"revoked": {"by": CAROL, "reason": "reorganisation"}}});
            let assignment = name(dice.choose(&live));
            match dice.throw(2) {
                0 => root.patch("Assignment", &catalog, &assignment, revoke).await.map(|_| ()),
                _ => root.delete("Assignment", &catalog, &assignment).await,
            }
            .ok();
        }
        _ => {}
    }
}

#[tokio::test]
async fn killed_at_any_moment_it_converges() {
    let plane = quiet().await;
    let mut operator = Operator::start(&plane, &ALONE).await;
    let office = Department::open(&plane, "storm").await.open_to_everybody().await;
    short_lived(&office).await;
    let (mut dice, mut ended, mut killed) = (Dice::seeded(SEED), Ended::default(), 0);
    for _ in 0..STEPS {
        something_happens(&office, &mut dice, &mut ended).await;
        if dice.throw(100) < KILL {
            // Not a wait for anything: the moment must be any moment.
            sleep(Duration::from_millis(dice.throw(120) as u64)).await;
            is_sound(&operator);
            operator.kill();
            killed += 1;
            operator =
                if dice.throw(2) == 0 { Operator::start(&plane, &ALONE).await } else { Operator::spawn(&plane, &ALONE).await };
        }
    }
    assert!(killed >= 10, "the operator was killed {killed} times");
    drop(operator);

    let operator = Operator::start(&plane, &ALONE).await;
    let root = office.person(ROOT).await;
    eventually("all access has ended", WITHIN, async || {
        let all = root.list("Assignment", &office.catalog()).await.unwrap();
        ended.look(&all);
        match all.iter().find(|a| !["Expired Expired", "Revoked Revoked", "Revoked Deleted"].contains(&phase(a).as_str())) {
            Some(still) => Err(format!("{}: {}", name(still), still["status"])),
            None if all.is_empty() => panic!("nobody ever got anything"),
            None => Ok(()),
        }
    })
    .await;
    assert!(office.grants().await.iter().all(|binding| binding["subjects"].as_array().is_none_or(Vec::is_empty)));
    office.is_right().await;
    let requests = root.list("AccessRequest", &office.catalog()).await.unwrap();
    ended.look(&requests);
    let delivered = requests.iter().filter(|r| phase(r).starts_with("Delivered")).count();
    eprintln!("seed {SEED}: the operator was killed {killed} times; {delivered} of {} requests were delivered", requests.len());
    assert!(delivered >= 5, "{delivered} of {} requests were delivered", requests.len());
    is_idle(&operator).await;
    is_sound(&operator);
    operator.stop().await;
}

/// Waits until an instant has come.
async fn it_is(at: DateTime<Utc>) {
    let left = (at - Utc::now()).to_std().unwrap_or_default();
    eventually(&format!("it is {at}"), left + WITHIN, async || if Utc::now() >= at { Ok(()) } else { Err("not yet".to_owned()) })
        .await;
}

#[tokio::test]
async fn access_that_ended_during_an_outage_is_gone_within_two_seconds_of_the_return() {
    let plane = quiet().await;
    let operator = Operator::start(&plane, &ALONE).await;
    let office = Department::open(&plane, "outage").await;
    office.policy("engineers", &at_once()).await;
    let end = Utc::now() + TimeDelta::seconds(8);
    let until = |end: DateTime<Utc>| json!({"endTime": end.format("%Y-%m-%dT%H:%M:%SZ").to_string()});
    for number in 0..20 {
        let user = json!({"kind": "User", "name": format!("guest-{number}")});
        let spec = json!({"accessPackage": ONCALL, "policy": "engineers", "subject": user, "schedule": until(end)});
        office.write(CAROL, "Assignment", &format!("guest-{number}"), spec).await;
    }
    let request = office.asks(ALICE).await;
    office.request_is(&request, "Delivered").await;
    for number in 0..20 {
        office.reaches("Assignment", &format!("guest-{number}"), "Delivered").await;
    }
    assert!(Utc::now() < end, "everything was delivered before the end");
    operator.kill();
    it_is(end + TimeDelta::seconds(1)).await;
    assert_eq!(subjects(&office).await, 21, "nobody took anything away meanwhile");

    let operator = Operator::start(&plane, &ALONE).await;
    let back = Instant::now();
    eventually("what ended is gone", Duration::from_secs(2), async || match subjects(&office).await {
        1 => Ok(()),
        more => Err(format!("{more} still have access")),
    })
    .await;
    eprintln!("overdue access was gone {:?} after the return", back.elapsed());
    assert!(office.can_look_in(ALICE).await, "who may, still can");
    for number in 0..20 {
        office.reaches("Assignment", &format!("guest-{number}"), "Expired Expired").await;
    }
    office.is_right().await;
    operator.stop().await;
}

/// How many have the role that [`ONCALL`] gives.
async fn subjects(office: &Department<'_>) -> usize {
    office.grants().await.iter().map(|binding| binding["subjects"].as_array().map_or(0, Vec::len)).sum()
}
