//! `restore`: a catalog is lost, and comes back from a backup; whoever restores it becomes nobody's requestor.

use std::path::Path;

use serde_json::Value;

use super::stage::{Stage, stage};
use crate::support::{Plane, ROOT, eventually};

const SPACE: &str = "catalog-quickstart-restore";

/// The catalog `quickstart-restore` with the package `oncall`, which Alice asked for and Dave was given.
const CONTENT: &str = r"
apiVersion: entitlement.dev/v1alpha1
kind: CatalogResource
metadata: {name: production, namespace: catalog-quickstart-restore}
spec: {kubernetes: {namespaces: [restore]}, roles: [{name: viewer, kubernetes: {roleRef: {kind: ClusterRole, name: view}}}]}
---
apiVersion: entitlement.dev/v1alpha1
kind: AccessPackage
metadata: {name: oncall, namespace: catalog-quickstart-restore}
spec: {resourceRoles: [{resource: production, role: viewer}]}
---
apiVersion: entitlement.dev/v1alpha1
kind: Policy
metadata: {name: everybody, namespace: catalog-quickstart-restore}
spec: {accessPackage: oncall, requestors: {scope: AllMembers}, justification: Optional, expiration: {after: 30d}}
";

const CONTENT_NAMES: [&str; 3] = ["cres/production", "apkg/oncall", "apol/everybody"];

const CATALOG: &str = r"
apiVersion: entitlement.dev/v1alpha1
kind: Catalog
metadata: {name: quickstart-restore}
spec: {}
";

async fn run(plane: &Plane, who: &str, args: &[&str]) -> String {
    plane.kubectl(who, args).await.ok()
}

async fn items(plane: &Plane, kind: &str) -> Vec<Value> {
    let text = run(plane, ROOT, &["get", kind, "-n", SPACE, "-o", "json"]).await;
    let list: Value = serde_json::from_str(&text).expect("kubectl prints JSON");
    list["items"].as_array().cloned().unwrap_or_default()
}

async fn is_ready(plane: &Plane) {
    run(plane, ROOT, &["wait", "--for=condition=Ready", "--timeout=60s", "catalog/quickstart-restore"]).await;
}

async fn content_is_ready(plane: &Plane) {
    run(plane, ROOT, &["wait", "--for=condition=Ready", "--timeout=60s", "-n", SPACE, "cres,apkg,apol", "--all"]).await;
}

async fn can_look(plane: &Plane, who: &str, want: bool) {
    eventually(&format!("{who} may look: {want}"), std::time::Duration::from_secs(30), || async {
        let may = plane.kubectl(&format!("{who}@example.com"), &["auth", "can-i", "list", "pods", "-n", "restore"]).await;
        if may.stdout.starts_with("yes") == want { Ok(()) } else { Err(may.stdout.clone()) }
    })
    .await;
}

/// Saves what the README says, into a folder.
async fn backed_up(plane: &Plane, folder: &Path) {
    let save = |file: &str, text: String| std::fs::write(folder.join(file), text).expect("a folder of ours");
    save("catalog.yaml", run(plane, ROOT, &["get", "catalog", "quickstart-restore", "-o", "yaml"]).await);
    for (number, object) in CONTENT_NAMES.iter().enumerate() {
        save(&format!("content-{number}.yaml"), run(plane, ROOT, &["get", object, "-n", SPACE, "-o", "yaml"]).await);
    }
    save("assignments.json", run(plane, ROOT, &["get", "asgn", "-n", SPACE, "-o", "json"]).await);
}

/// What of the metadata was of the objects that are lost.
const ANEW: &str = r#"{"metadata": {"uid": null, "resourceVersion": null, "managedFields": null, "finalizers": null}}"#;

async fn made_anew(plane: &Plane, file: &str) {
    let text = run(plane, ROOT, &["patch", "--local", "-f", file, "--type=merge", "-p", ANEW, "-o", "yaml"]).await;
    plane.kubectl_with_input(ROOT, &["apply", "--server-side", "-f", "-"], &text).await.ok();
}

async fn a_catalog_with_content(plane: &Plane) {
    run(plane, ROOT, &["create", "namespace", "restore"]).await;
    plane.kubectl_apply(ROOT, CATALOG).await.ok();
    is_ready(plane).await;
    plane.kubectl_apply(ROOT, CONTENT).await.ok();
    content_is_ready(plane).await;
}

async fn alice_asks(stage: &Stage<'_>) {
    let request = "apiVersion: entitlement.dev/v1alpha1\nkind: AccessRequest\n\
                   metadata: {name: alice, namespace: catalog-quickstart-restore}\nspec: {accessPackage: oncall}\n";
    let asks = || async { stage.plane.kubectl_apply("alice@example.com", request).await.result() };
    eventually("alice may ask", std::time::Duration::from_secs(30), asks).await;
    stage.request_is(SPACE, "alice", "Delivered").await;
}

async fn dave_is_given_it_and_one_who_left_has_lost_it(stage: &Stage<'_>) {
    for (name, more) in [("dave", ""), ("left", ", revoked: {reason: left}")] {
        let direct = format!(
            "apiVersion: entitlement.dev/v1alpha1\nkind: Assignment\nmetadata: {{name: {name}, namespace: {SPACE}}}\n\
             spec: {{accessPackage: oncall, policy: everybody, subject: {{kind: User, name: {name}@example.com}}{more}}}\n"
        );
        stage.plane.kubectl_apply(ROOT, &direct).await.ok();
    }
    stage.reaches("assignment", SPACE, "dave", "Delivered").await;
    stage.reaches("assignment", SPACE, "left", "Revoked").await;
}

async fn the_catalog_is_lost(plane: &Plane) {
    run(plane, ROOT, &["delete", "namespace", SPACE, "--timeout=60s"]).await;
    run(plane, ROOT, &["delete", "catalog", "quickstart-restore", "--timeout=60s"]).await;
    can_look(plane, "alice", false).await;
}

/// Makes anew what was saved: the catalog, its content, and direct assignments for those who had access.
async fn restored(plane: &Plane, folder: &Path) {
    let file = |name: &str| folder.join(name).to_string_lossy().into_owned();
    made_anew(plane, &file("catalog.yaml")).await;
    is_ready(plane).await;
    for number in 0..CONTENT_NAMES.len() {
        made_anew(plane, &file(&format!("content-{number}.yaml"))).await;
    }
    content_is_ready(plane).await;
    let template = "go-template-file=examples/restore/assignment.gotemplate";
    let converted = ["create", "--dry-run=client", "--validate=false", "-f", &file("assignments.json"), "-o", template];
    let converted = run(plane, ROOT, &converted).await;
    assert!(!converted.contains("left@example.com"), "what was revoked is left out: {converted}");
    plane.kubectl_apply(ROOT, &converted).await.ok();
}

/// Until when somebody was given access.
fn period(all: &[Value], who: &str) -> Value {
    let own = all.iter().find(|a| a["spec"]["subject"]["name"] == format!("{who}@example.com"));
    own.expect("there is one")["status"]["schedule"].clone()
}

#[tokio::test]
async fn a_catalog_comes_back_and_nobody_becomes_anybodys_requestor() {
    let stage = stage().await;
    let plane = stage.plane;
    a_catalog_with_content(plane).await;
    alice_asks(&stage).await;
    dave_is_given_it_and_one_who_left_has_lost_it(&stage).await;
    let before = items(plane, "asgn").await;
    let folder = tempfile::tempdir().expect("a folder");
    backed_up(plane, folder.path()).await;

    the_catalog_is_lost(plane).await;

    restored(plane, folder.path()).await;
    for who in ["alice", "dave"] {
        can_look(plane, who, true).await;
    }
    let after = items(plane, "asgn").await;
    assert_eq!(after.len(), 2);
    for who in ["alice", "dave"] {
        assert_eq!(period(&before, who), period(&after, who), "until the same end");
    }
    assert!(after.iter().all(|a| a["spec"]["source"] == "Direct" && a["spec"]["assignedBy"]["username"] == "admin"), "{after:?}");
    assert_eq!(items(plane, "areq").await, Vec::<Value>::new(), "nobody asked for anything");
    stage.is_right(SPACE).await;
}
