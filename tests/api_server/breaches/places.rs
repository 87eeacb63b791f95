//! What is deleted and made anew under the same name is another one; and nobody takes a namespace that is not theirs.

use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::department::{Department, ONCALL};
use crate::person::{ALICE, CAROL, name};
use crate::support::{ROOT, eventually};
use crate::world::department;
use crate::world::{WITHIN, is_idle, world};

impl Department<'_> {
    /// Root deletes something, and waits until it is gone.
    async fn is_wiped(&self, kind: &str, namespace: &str, name: &str) {
        let root = self.person(ROOT).await;
        root.delete(kind, namespace, name).await.unwrap();
        self.is_gone(kind, namespace, name).await;
    }

    async fn is_gone(&self, kind: &str, namespace: &str, name: &str) {
        let root = self.person(ROOT).await;
        eventually(&format!("{kind} {name} is gone"), WITHIN, async || match root.get(kind, namespace, name).await {
            Err(refusal) if refusal.code == 404 => Ok(()),
            Err(refusal) => Err(refusal.to_string()),
            Ok(object) => Err(object["status"].to_string()),
        })
        .await;
    }
}

/// The steps of B8: another team gets a namespace of the same name.
#[tokio::test]
async fn nobody_has_anything_in_a_namespace_that_was_made_anew() {
    let office = department("b8-anew").await.with_alice().await;
    office.is_wiped("Namespace", "", &office.name).await;
    office.make(ROOT, json!({"kind": "Namespace", "metadata": {"name": office.name}})).await;
    office.role_is("viewer", "NotAuthorized AuthorCannotBind").await;
    is_idle(&world().await.operator).await;
    assert!(office.grants().await.is_empty(), "no drift is repaired into it");
    assert!(!office.can_look_in(ALICE).await);
    office.is_right().await;
}

/// The same with a Role, which is made anew as easily.
#[tokio::test]
async fn nobody_has_a_role_that_was_made_anew() {
    let office = department("b8-role").await;
    let deployer = |group: &str| {
        let rules = json!([{"apiGroups": [group], "resources": ["deployments"], "verbs": ["get"]}]);
        json!({"kind": "Role", "metadata": {"name": "deployer", "namespace": office.name}, "rules": rules})
    };
    office.make(ROOT, deployer("apps")).await;
    let spec = json!({"spec": {"roles": [{"name": "viewer", "kubernetes": {"roleRef": {"kind": "Role", "name": "deployer"}}}]}});
    office.carol_changes("CatalogResource", "production", spec).await;
    office.role_is("viewer", "Ready AuthorMayBind").await;
    office.policy("engineers", &crate::terms::at_once()).await;
    let request = office.asks(ALICE).await;
    office.request_is(&request, "Delivered").await;
    office.is_wiped("Role", &office.name, "deployer").await;
    // Something that Carol does not hold.
    office.make(ROOT, deployer("secret.example.com")).await;
    office.role_is("viewer", "NotAuthorized AuthorCannotBind").await;
    eventually("nobody is bound to it", WITHIN, async || {
        let all = office.grants().await;
        let bound = all.iter().any(|b| b["subjects"].as_array().is_some_and(|subjects| !subjects.is_empty()));
        if bound { Err(format!("{all:?}")) } else { Ok(()) }
    })
    .await;
    office.is_right().await;
}

/// The steps of B9, as far as they go now.
#[tokio::test]
async fn a_catalog_waits_for_its_resources_and_leaves_an_adopted_namespace_without_its_label() {
    let office = department("b9").await;
    let label = json!({"entitlement.dev/catalog": "b9-finance"});
    office.make(ROOT, json!({"kind": "Namespace", "metadata": {"name": "b9-space", "labels": label}})).await;
    office.make(CAROL, json!({"kind": "Catalog", "metadata": {"name": "b9-finance"}, "spec": {"namespace": "b9-space"}})).await;
    office.becomes("Catalog", "", "b9-finance", "Ready", "True Available").await;
    let spec = json!({"kubernetes": {"namespaces": [office.name]}, "roles": [crate::acts::role("viewer", "view")]});
    office
        .make(CAROL, json!({"kind": "CatalogResource", "metadata": {"name": "r", "namespace": "b9-space"}, "spec": spec}))
        .await;
    let carol = office.person(CAROL).await;
    eventually("the finalizer is there", WITHIN, async || {
        let found = carol.get("Catalog", "", "b9-finance").await.unwrap();
        if found["metadata"]["finalizers"].is_array() { Ok(()) } else { Err("not yet".to_owned()) }
    })
    .await;
    for params in [DeleteParams::default(), DeleteParams::foreground(), DeleteParams::orphan()] {
        carol.api("Catalog", "").delete("b9-finance", &params).await.unwrap();
    }
    let waits = office.becomes("Catalog", "", "b9-finance", "Ready", "False InUse").await;
    assert!(waits["status"].to_string().contains("1 catalog resource(s)"), "{}", waits["status"]);
    carol.delete("CatalogResource", "b9-space", "r").await.unwrap();
    office.is_gone("Catalog", "", "b9-finance").await;
    let space = office.person(ROOT).await.get("Namespace", "", "b9-space").await.unwrap();
    assert_eq!(space["metadata"]["labels"]["entitlement.dev/catalog"], Value::Null, "{}", space["metadata"]);
    let bindings = office.person(ROOT).await.list("RoleBinding", "b9-space").await.unwrap();
    assert!(bindings.is_empty(), "nobody keeps a role in it: {bindings:?}");
    office.is_right().await;
}

/// The steps of B10: a namespace as a time bomb.
#[tokio::test]
async fn the_operator_creates_no_namespace_of_a_name_that_somebody_chose() {
    let office = department("b10").await;
    let spec = json!({"namespace": "b10-team-b"});
    office.make(CAROL, json!({"kind": "Catalog", "metadata": {"name": "b10-bomb"}, "spec": spec})).await;
    office.becomes("Catalog", "", "b10-bomb", "Ready", "False NamespaceNotFound").await;
    office.make(ROOT, json!({"kind": "Namespace", "metadata": {"name": "b10-team-b"}})).await;
    office.becomes("Catalog", "", "b10-bomb", "Ready", "False NamespaceNotOurs").await;
    office.person(CAROL).await.delete("Catalog", "", "b10-bomb").await.unwrap();
    office.is_gone("Catalog", "", "b10-bomb").await;
    let space = office.person(ROOT).await.get("Namespace", "", "b10-team-b").await.unwrap();
    assert!(space["metadata"]["deletionTimestamp"].is_null() && space["metadata"]["ownerReferences"].is_null());
}

/// What pruning pipelines send.
#[tokio::test]
async fn a_foreground_deletion_of_a_catalog_wipes_nothing_that_is_in_use() {
    let office = department("foreground").await.with_alice().await;
    office.person(CAROL).await.api("Catalog", "").delete(&office.name, &DeleteParams::foreground()).await.unwrap();
    office.becomes("Catalog", "", &office.name, "Ready", "False InUse").await;
    is_idle(&world().await.operator).await;
    let root = office.person(ROOT).await;
    let space = root.get("Namespace", "", &office.catalog()).await.unwrap();
    assert!(space["metadata"]["deletionTimestamp"].is_null(), "{}", space["metadata"]);
    office.becomes("AccessPackage", &office.catalog(), ONCALL, "Ready", "True Available").await;
    let bindings = root.list("RoleBinding", &office.catalog()).await.unwrap();
    assert!(bindings.iter().any(|b| name(b) == "entitlement-catalog-owner"), "owners can still clear up");
    assert!(office.can_look_in(ALICE).await);
    office.is_right().await;
}

/// When nothing is left to wait for, a namespace that was created for the catalog goes with it.
#[tokio::test]
async fn a_created_namespace_goes_with_its_catalog() {
    let office = department("goes-along").await;
    let carol = office.person(CAROL).await;
    carol.delete("AccessPackage", &office.catalog(), ONCALL).await.unwrap();
    carol.delete("CatalogResource", &office.catalog(), "production").await.unwrap();
    carol.delete("Catalog", "", &office.name).await.unwrap();
    office.is_gone("Catalog", "", &office.name).await;
    office.is_gone("Namespace", "", &office.catalog()).await;
}

/// `kubectl replace` with a manifest that names no owners.
#[tokio::test]
async fn a_replacement_without_owners_keeps_the_owners_there_were() {
    let office = department("replaced").await;
    let text = format!(
        "apiVersion: entitlement.dev/v1alpha1\nkind: Catalog\nmetadata: {{name: {}}}\nspec: {{displayName: Anew}}\n",
        office.name
    );
    office.plane.kubectl_with_input(CAROL, &["replace", "-f", "-"], &text).await.ok();
    let stored = office.person(ROOT).await.get("Catalog", "", &office.name).await.unwrap();
    assert_eq!((&stored["spec"]["displayName"], &stored["spec"]["owners"][0]["name"]), (&json!("Anew"), &json!(CAROL)));
}
