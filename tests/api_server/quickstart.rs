//! `examples/quickstart`, as a reader applies it, and one request from asking to its end.

use std::time::Duration;

use futures::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::department::Department;
use crate::dice::Dice;
use crate::person::{ALICE, BOB, MALLORY};
use crate::support::{Plane, ROOT, eventually};
use crate::world::{WITHIN, world};

const FOLDER: &str = "examples/quickstart";
/// As shipped it has one name, so that one test at a time has it.
pub static ALONE: Mutex<()> = Mutex::const_new(());

const CONTENT: &str = "catalogresources,accesspackages,policies";
const EVERYTHING: &str = "catalogresources,accesspackages,policies,accessrequests,approvaldecisions,assignments";

/// The manifests of the folder, with everything called `tag` that is called payments, but for the group of people.
fn manifests(tag: &str) -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    let text = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect::<Vec<_>>().join("\n---\n");
    let text = text.replace("payments", tag).replace(&format!("{tag}-leads"), "payments-leads");
    text.split("\n---\n").map(str::to_owned).collect()
}

/// `kubectl wait` until all of some kinds are Ready.
async fn all_ready(plane: &Plane, tag: &str, kinds: &str) {
    let namespace = format!("catalog-{tag}");
    let ready = ["wait", "--for=condition=Ready", "--timeout=60s"];
    plane.kubectl(ROOT, &[&ready[..], &[&format!("catalog/{tag}")]].concat()).await.ok();
    let waited = plane.kubectl(ROOT, &[&ready[..], &["-n", &namespace, kinds, "--all"]].concat()).await.ok();
    for kind in kinds.split(',') {
        let singular = kind.trim_end_matches('s').trim_end_matches("ie");
        assert!(waited.contains(singular), "{kind} were waited for: {waited}");
    }
}

/// Uid, generation and version of everything that the folder holds.
async fn versions(plane: &Plane) -> Vec<String> {
    let printed = plane.kubectl(ROOT, &["get", "-f", FOLDER, "-o", "json"]).await.ok();
    let all: Value = serde_json::from_str(&printed).unwrap();
    let of = |object: &Value| ["name", "uid", "generation"].map(|field| object["metadata"][field].to_string()).join(" ");
    all["items"].as_array().unwrap().iter().map(of).collect()
}

#[tokio::test]
async fn as_shipped_it_works_at_once_and_a_second_time_changes_nothing() {
    let (_alone, plane) = (ALONE.lock().await, &world().await.plane);
    plane.kubectl(ROOT, &["apply", "-f", FOLDER]).await.ok();
    all_ready(plane, "payments", CONTENT).await;
    let first = versions(plane).await;
    plane.kubectl(ROOT, &["apply", "-f", FOLDER]).await.ok();
    assert_eq!(versions(plane).await, first);
    assert_eq!(first.len(), 6, "{first:?}");
    Department::existing(plane, "payments").is_right().await;
}

#[tokio::test]
async fn in_any_order_and_twice_it_converges() {
    let plane = &world().await.plane;
    let mut dice = Dice::seeded(7);
    let orders = (0..10).map(|number| {
        let tag = format!("order{number}");
        let mut manifests = manifests(&tag);
        // The reverse is the worst: nothing is there that anything needs.
        if number == 0 {
            manifests.reverse()
        } else {
            dice.shuffle(&mut manifests)
        }
        (tag, manifests.join("\n---\n"))
    });
    stream::iter(orders.collect::<Vec<_>>())
        .for_each_concurrent(4, |(tag, text)| async move {
            // What comes before its namespace is refused the first time; kubectl goes on with the rest.
            let first = plane.kubectl_apply(ROOT, &text).await;
            let named = ["not found", "AlreadyExists", "already exists"];
            let expected = |line: &str| named.iter().any(|word| line.contains(word)) || line.starts_with("Warning: ");
            assert!(first.stderr.lines().all(expected), "{first}");
            plane.kubectl_apply(ROOT, &text).await.ok();
            all_ready(plane, &tag, CONTENT).await;
            Department::existing(plane, &tag).is_right().await;
        })
        .await;
}

fn object(kind: &str, name: &str, spec: Value) -> String {
    let metadata = json!({"name": name, "namespace": "catalog-life"});
    json!({"apiVersion": "entitlement.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}).to_string()
}

/// Waits until kubectl prints a text for a JSON path of an object in the catalog.
async fn shows(plane: &Plane, object: &str, path: &str, want: &str) {
    eventually(&format!("{object} shows {want}"), WITHIN, async || {
        let printed = plane.kubectl(ROOT, &["get", "-n", "catalog-life", object, "-o", "json"]).await.result()?;
        let object: Value = serde_json::from_str(&printed).unwrap();
        match object.pointer(path).and_then(Value::as_str) {
            Some(found) if found == want => Ok(()),
            _ => Err(printed),
        }
    })
    .await;
}

async fn can_i(plane: &Plane, who: &str) -> String {
    plane.kubectl(who, &["auth", "can-i", "list", "pods", "-n", "life"]).await.stdout.trim().to_owned()
}

#[tokio::test]
async fn a_request_lives_from_asking_to_its_end() {
    let plane = &world().await.plane;
    plane.kubectl_apply(ROOT, &manifests("life").join("\n---\n").replace("after: 30d", "after: 12s")).await.ok();
    all_ready(plane, "life", CONTENT).await;
    assert_eq!(can_i(plane, ALICE).await, "no");

    let wish = json!({"accessPackage": "life-oncall", "justification": "carrying the pager this week"});
    plane.kubectl_apply(ALICE, &object("AccessRequest", "alice", wish)).await.ok();
    shows(plane, "areq/alice", "/status/phase", "PendingApproval").await;
    let uid = plane.kubectl(ROOT, &["get", "-n", "catalog-life", "areq/alice", "-o", "jsonpath={.metadata.uid}"]).await.ok();
    let approval = json!({"accessRequest": "alice", "accessRequestUID": uid, "decision": "Approve", "reason": "on the rota"});
    for who in [MALLORY, ALICE] {
        let refused = plane.kubectl_apply(who, &object("ApprovalDecision", "by-whom", approval.clone())).await.refused();
        assert!(refused.contains("approvaldecisions.entitlement.dev") && refused.contains("forbidden"), "{refused}");
    }
    plane.kubectl_apply(BOB, &object("ApprovalDecision", "by-bob", approval)).await.ok();
    shows(plane, "adec/by-bob", "/status/conditions/0/reason", "Decided").await;

    let delivered = ["wait", "-n", "catalog-life", "areq/alice", "--for=condition=Delivered", "--timeout=30s"];
    plane.kubectl(BOB, &delivered).await.ok();
    eventually("Alice can", Duration::from_secs(5), async || match can_i(plane, ALICE).await.as_str() {
        "yes" => Ok(()),
        other => Err(other.to_owned()),
    })
    .await;
    eventually("Alice cannot any more", WITHIN, async || match can_i(plane, ALICE).await.as_str() {
        "no" => Ok(()),
        other => Err(other.to_owned()),
    })
    .await;

    all_ready(plane, "life", EVERYTHING).await;
    shows(plane, "areq/alice", "/status/phase", "Delivered").await;
    let record = plane.kubectl(ROOT, &["get", "-n", "catalog-life", "asgn"]).await.ok();
    assert!(record.contains("life-oncall") && record.contains(ALICE) && record.contains("Expired"), "{record}");
    Department::existing(plane, "life").is_right().await;
}
