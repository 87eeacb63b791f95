//! Whatever the API server takes, the operator can read and says something of: arbitrary objects that the schemas mostly admit, nasty at
//! the edges.
//!
//! ```text
//! ENTITLEMENT_FUZZ_OBJECTS=5000 ENTITLEMENT_FUZZ_SEED=42 cargo test --test api_server fuzz -- --nocapture
//! ```

mod changes;
mod generator;
mod kinds;
mod meaning;
mod sender;
mod texts;
mod values;
mod written;

use std::collections::BTreeMap;

use kube::Client;
use serde_json::{Value, json};

use crate::department::{Department, ONCALL};
use crate::person::{ALICE, CAROL, Person};
use crate::support::{Plane, eventually};
use crate::terms::for_group;
use crate::world::{WITHIN, is_idle, is_sound, quiet, sum, world};
use kinds::Kind;
use sender::{Tally, carry_out, list};

/// How many objects of each kind are only read.
const OBJECTS: u64 = 200;
/// Of so many one is given to the operator.
const SHARE: usize = 5;
const SEED: u64 = 2026;

fn from_environment(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|e| panic!("{name}: {e}")),
        Err(_) => default,
    }
}

/// How many objects of each kind, and the seed they grow from.
fn wished() -> (usize, u64) {
    let (objects, seed) =
        (from_environment("ENTITLEMENT_FUZZ_OBJECTS", OBJECTS), from_environment("ENTITLEMENT_FUZZ_SEED", SEED));
    println!("to repeat it: ENTITLEMENT_FUZZ_OBJECTS={objects} ENTITLEMENT_FUZZ_SEED={seed}");
    (usize::try_from(objects).expect("not so many"), seed)
}

/// Sends so many objects of each kind and counts them.
async fn sent(client: &Client, kinds: &[Kind], count: usize, seed: u64) -> Vec<Tally> {
    let mut all = Vec::new();
    for kind in kinds {
        let tally = carry_out(client, kind, generator::plans(kind, seed, count)).await;
        let (created, changed, refused) = (tally.names.len(), tally.changed, &tally.refused);
        println!("{}: {created} of {count} admitted, {changed} of them changed; refused: {refused:?}", kind.name);
        assert!(created * 10 >= count, "{}: too few objects are admitted for this to mean anything", kind.name);
        all.push(tally);
    }
    all
}

/// What of a kind is stored of all that was created.
async fn stored(client: &Client, kind: &Kind, tally: &Tally) -> Vec<Value> {
    let listed = list(client, kind).await.into_iter().map(|object| (crate::person::name(&object), object));
    let mut listed: BTreeMap<String, Value> = listed.collect();
    let found = tally.names.iter().map(|name| listed.remove(name).unwrap_or_else(|| panic!("{} {name} is there", kind.name)));
    found.collect()
}

/// Fails unless the operator reads every object as it is.
async fn are_read_as_they_are(client: &Client, kinds: &[Kind], tallies: &[Tally]) {
    let mut problems = Vec::new();
    for (kind, tally) in kinds.iter().zip(tallies) {
        let objects = stored(client, kind, tally).await;
        problems.extend(objects.iter().filter_map(|object| kind.is_read_as_it_is(object).err()));
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n\n"));
}

#[tokio::test]
async fn what_the_api_server_takes_is_read_as_it_is() {
    let plane = quiet().await;
    let root = Person { client: plane.admin().await };
    let (count, seed) = wished();
    let place = json!({"kind": "Namespace", "metadata": {"name": "fuzz"}});
    root.create(place).await.expect("root may create namespaces");
    let kinds = kinds::all("fuzz");
    let tallies = sent(&root.client, &kinds, count, seed).await;
    are_read_as_they_are(&root.client, &kinds, &tallies).await;
    is_left_clean(&root, &kinds[0], &tallies[0]).await;
}

/// Deletes everything, for the tests that take this control plane next.
async fn is_left_clean(root: &Person, catalogs: &Kind, tally: &Tally) {
    root.delete("Namespace", "", "fuzz").await.expect("root may delete namespaces");
    for name in &tally.names {
        root.delete(&catalogs.name, "", name).await.expect("root may delete catalogs");
    }
    eventually("everything is gone", WITHIN, async || match root.get("Namespace", "", "fuzz").await {
        Err(refusal) if refusal.code == 404 => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
}

/// A department where the administrator of the cluster gets [`ONCALL`] for any time, and decides what Alice `asked` for.
async fn open_office(plane: &Plane) -> Department<'_> {
    let office = Department::open(plane, "fuzz").await;
    let anything = json!({
        "accessPackage": ONCALL,
        "requestors": {"scope": "Anyone", "groupAsSubject": true},
        "justification": "Optional",
        "expiration": {"never": true},
        "customSchedule": true,
        "extension": {"allowed": true},
        "selfAssignment": true,
    });
    office.write(CAROL, "Policy", "engineers", anything).await;
    office.policy("lead", &for_group("engineering").approved_by_user("admin")).await;
    let wish = json!({"kind": "AccessRequest", "metadata": {"name": "asked", "namespace": office.catalog()},
        "spec": {"accessPackage": ONCALL, "policy": "lead"}});
    office.make(ALICE, wish).await;
    office.request_is("asked", "PendingApproval").await;
    office
}

#[tokio::test]
async fn what_the_api_server_takes_gets_a_status() {
    let world = world().await;
    let office = open_office(&world.plane).await;
    let client = world.plane.admin().await;
    let (count, seed) = wished();
    let kinds = kinds::all(&office.catalog());
    let tallies = sent(&client, &kinds, count.div_ceil(SHARE), seed.wrapping_add(1)).await;
    for (kind, tally) in kinds.iter().zip(&tallies) {
        eventually(&format!("everything of kind {} has a status", kind.name), WITHIN, async || {
            let objects = stored(&client, kind, tally).await;
            match objects.iter().find(|object| object["status"]["observedGeneration"] != object["metadata"]["generation"]) {
                None => Ok(()),
                Some(unseen) => Err(unseen.to_string()),
            }
        })
        .await;
    }
    are_read_as_they_are(&client, &kinds, &tallies).await;
    is_idle(&world.operator).await;
    is_sound(&world.operator);
    assert_eq!(sum(&world.operator.metrics().await, "entitlement_panics_total", &[]), 0.0);
}
