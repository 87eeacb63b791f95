//! What somebody else does to our bindings is put right within seconds, counted and told. What is not ours is left alone.

mod catalogs;

use std::time::Duration;

use serde_json::{Value, json};

use crate::acts::{EDIT, VIEW, viewer};
use crate::checker::text;
use crate::department::{Department, ONCALL};
use crate::person::{ALICE, DAVE, MALLORY};
use crate::support::{Operator, ROOT, eventually};
use crate::world::{SOON, WITHIN, department, is_idle, quiet, sum, world};

const GROUP: &str = "rbac.authorization.k8s.io";

fn user(name: &str) -> Value {
    json!({"apiGroup": GROUP, "kind": "User", "name": name})
}

/// A binding with the marks and the subjects of another one.
pub fn copy_of(binding: &Value, name: &str, bound: &str) -> Value {
    let mark = |path: &str| binding.pointer(path).cloned().unwrap_or_default();
    let (labels, annotations) = (mark("/metadata/labels"), mark("/metadata/annotations"));
    json!({
        "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": text(binding, "/metadata/namespace"), "labels": labels, "annotations": annotations},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": bound},
        "subjects": mark("/subjects"),
    })
}

/// A department in which Alice has her role, and its binding.
async fn with_alice(name: &str) -> (Department<'static>, Value) {
    let office = department(name).await.open_to_engineers().await;
    office.gets_by_asking(ALICE).await;
    let binding = office.binding(&office.name).await;
    (office, binding)
}

impl Department<'_> {
    /// Root changes a binding behind the operator's back.
    async fn tampers(&self, binding: &Value, change: Value) {
        let root = self.person(ROOT).await;
        root.patch("RoleBinding", &self.name, text(binding, "/metadata/name"), change).await.expect("root may do anything");
    }

    async fn unbinds(&self, binding: &Value) {
        let root = self.person(ROOT).await;
        root.delete("RoleBinding", &self.name, text(binding, "/metadata/name")).await.expect("root may do anything");
    }

    /// Somebody else makes a binding of the name of one of ours that is gone.
    async fn takes_the_name_of(&self, binding: &Value) -> Value {
        let foreign = json!({
            "kind": "RoleBinding",
            "metadata": {"name": binding["metadata"]["name"], "namespace": self.name},
            "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": EDIT},
            "subjects": [user("somebody-else")],
        });
        self.make(ROOT, foreign).await
    }

    /// Waits until the binding is as the operator writes it: these subjects, its labels, its annotation.
    async fn is_whole_again(&self, before: &Value, subjects: &[&str]) {
        let root = self.person(ROOT).await;
        eventually("the binding is whole again", SOON, async || {
            let name = text(before, "/metadata/name");
            let found = root.get("RoleBinding", &self.name, name).await.map_err(|refusal| refusal.to_string())?;
            let people: Vec<Value> = subjects.iter().map(|name| user(name)).collect();
            let same = |path: &str| found.pointer(path) == before.pointer(path);
            let marked = same("/metadata/labels") && same("/metadata/annotations") && same("/roleRef");
            if marked && found["subjects"] == json!(people) { Ok(()) } else { Err(found.to_string()) }
        })
        .await;
    }
}

#[tokio::test]
async fn a_binding_that_is_deleted_comes_back_and_is_told_of() {
    let before = sum(&world().await.operator.metrics().await, "entitlement_drift_repaired_total", &[]);
    let (office, binding) = with_alice("drift-deleted").await;
    office.unbinds(&binding).await;
    office.is_whole_again(&binding, &[ALICE]).await;
    let repaired = format!("role \"viewer\" was changed by somebody else and is repaired: User {ALICE} was missing");
    office.is_told("CatalogResource", "production", "DriftRepaired", &repaired).await;
    let after = sum(&world().await.operator.metrics().await, "entitlement_drift_repaired_total", &[]);
    assert!(after > before, "it is counted");
    office.is_right().await;
}

#[tokio::test]
async fn a_subject_that_somebody_adds_is_removed() {
    let (office, binding) = with_alice("drift-added").await;
    office.tampers(&binding, json!({"subjects": [user(ALICE), user(MALLORY)]})).await;
    office.is_whole_again(&binding, &[ALICE]).await;
    office.is_told("CatalogResource", "production", "DriftRepaired", &format!("{MALLORY} was added")).await;
    office.is_right().await;
}

#[tokio::test]
async fn somebody_who_had_it_once_and_is_added_again_is_removed_and_told_of() {
    let (office, _) = with_alice("drift-former").await;
    let former = office.assigns(DAVE).await;
    office.revokes(&former).await;
    office.is_held_by(&office.name, VIEW, &[ALICE]).await;
    office.reaches("Assignment", &former, "Revoked").await;
    let binding = office.binding(&office.name).await;
    office.tampers(&binding, json!({"subjects": [user(ALICE), user(DAVE)]})).await;
    office.is_whole_again(&binding, &[ALICE]).await;
    office.is_told("CatalogResource", "production", "DriftRepaired", &format!("{DAVE} was added")).await;
    office.is_right().await;
}

#[tokio::test]
async fn a_subject_that_somebody_removes_or_that_is_none_is_put_right() {
    let (office, binding) = with_alice("drift-removed").await;
    office.tampers(&binding, json!({"subjects": []})).await;
    office.is_whole_again(&binding, &[ALICE]).await;
    let robot = json!({"kind": "ServiceAccount", "namespace": "kube-system", "name": "default"});
    let everybody = json!({"apiGroup": GROUP, "kind": "Group", "name": "system:authenticated"});
    office.tampers(&binding, json!({"subjects": [user(ALICE), robot, everybody]})).await;
    office.is_whole_again(&binding, &[ALICE]).await;
    office.is_right().await;
}

#[tokio::test]
async fn marks_that_are_stripped_are_put_back() {
    let (office, binding) = with_alice("drift-marks").await;
    office.tampers(&binding, json!({"metadata": {"labels": null}})).await;
    office.is_whole_again(&binding, &[ALICE]).await;
    office.tampers(&binding, json!({"metadata": {"annotations": null}})).await;
    office.is_whole_again(&binding, &[ALICE]).await;
    let swapped = json!({"metadata": {"labels": {"entitlement.dev/resource": "another", "entitlement.dev/role": "editor"}}});
    office.tampers(&binding, swapped).await;
    office.is_whole_again(&binding, &[ALICE]).await;
    office.is_right().await;
}

#[tokio::test]
async fn a_binding_that_comes_back_with_another_role_is_replaced() {
    let (office, binding) = with_alice("drift-ref").await;
    let other = copy_of(&binding, text(&binding, "/metadata/name"), "cluster-admin");
    let root = office.person(ROOT).await;
    // Somebody is faster than the operator.
    let operator = &world().await.operator;
    operator.pause();
    let deleted = root.delete("RoleBinding", &office.name, text(&binding, "/metadata/name")).await;
    let created = root.create(other).await;
    operator.resume();
    deleted.and(created).expect("root may do anything");
    office.is_whole_again(&binding, &[ALICE]).await;
    office.is_held_by(&office.name, "cluster-admin", &[]).await;
    office.is_right().await;
}

#[tokio::test]
async fn a_binding_of_another_name_that_bears_our_marks_goes() {
    let (office, binding) = with_alice("drift-twin").await;
    office.make(ROOT, copy_of(&binding, "twin", EDIT)).await;
    office.is_held_by(&office.name, EDIT, &[]).await;
    office.is_whole_again(&binding, &[ALICE]).await;
    office.is_right().await;
}

#[tokio::test]
async fn a_binding_of_our_name_that_is_not_ours_is_left_alone_and_told_of() {
    let (office, binding) = with_alice("drift-foreign").await;
    let held = office.person(ROOT).await.list("Assignment", &office.catalog()).await.expect("root may list");
    office.revokes(text(&held[0], "/metadata/name")).await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    let foreign = office.takes_the_name_of(&binding).await;
    let assignment = office.assigns_with(ONCALL, ALICE, json!({})).await;
    office.grant_says(&assignment, "production", "Failed", "Conflict").await;
    office.grant_says(&assignment, "production", "Failed", text(&binding, "/metadata/name")).await;
    let (catalog, name) = (office.catalog(), text(&binding, "/metadata/name"));
    office.becomes("CatalogResource", &catalog, "production", "Conflict", "True NameTaken").await;
    assert!(office.message("CatalogResource", "production", "Conflict").await.contains(name));
    let root = office.person(ROOT).await;
    let now = root.get("RoleBinding", &office.name, text(&foreign, "/metadata/name")).await.expect("it is there");
    assert_eq!(now["metadata"]["resourceVersion"], foreign["metadata"]["resourceVersion"], "it was not touched");

    office.unbinds(&foreign).await;
    office.reaches("Assignment", &assignment, "Delivered").await;
    office.becomes("CatalogResource", &catalog, "production", "Conflict", "- -").await;
    office.is_right().await;
}

#[tokio::test]
async fn access_ends_although_the_binding_lost_its_labels_while_nobody_watched() {
    let plane = quiet().await;
    let operator = Operator::start(&plane, &[]).await;
    let office = Department::open(&plane, "drift-unseen").await.open_to_engineers().await;
    let (kept, ended) = (office.assigns(DAVE).await, office.assigns(ALICE).await);
    let binding = office.binding(&office.name).await;
    operator.kill();
    office.tampers(&binding, json!({"metadata": {"labels": null}})).await;
    for assignment in [&kept, &ended] {
        office.revokes(assignment).await;
    }
    let operator = Operator::start(&plane, &[]).await;
    office.reaches("Assignment", &ended, "Revoked").await;
    is_idle(&operator).await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    office.is_right().await;
}

/// Waits until an operator has tried a grant in vain more than once, and has nothing to do but to try again.
async fn keeps_failing(operator: &Operator) {
    let failed =
        async || sum(&operator.metrics().await, "entitlement_reconciles_total", &["kind=\"Grant\"", "outcome=\"error\""]);
    eventually("the grant fails again and again", WITHIN, async || {
        let depth = sum(&operator.metrics().await, "entitlement_queue_depth", &[]);
        if failed().await > 2.0 && depth <= 1.0 { Ok(()) } else { Err(format!("{} failures, {depth} keys", failed().await)) }
    })
    .await;
}

#[tokio::test]
async fn a_restart_says_nothing_anew() {
    let plane = quiet().await;
    let operator = Operator::start(&plane, &[]).await;
    let office = Department::open(&plane, "drift-restart").await.open_to_engineers().await;
    let leaves = office.assigns(ALICE).await;
    let binding = office.binding(&office.name).await;
    office.revokes(&leaves).await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    let foreign = office.takes_the_name_of(&binding).await;
    let assignment = office.assigns_with(ONCALL, DAVE, json!({})).await;
    office.grant_says(&assignment, "production", "Failed", "Conflict").await;
    office.becomes("CatalogResource", &office.catalog(), "production", "Conflict", "True NameTaken").await;
    keeps_failing(&operator).await;
    let kinds = [("CatalogResource", "production"), ("AccessPackage", ONCALL), ("Assignment", assignment.as_str())];
    let mut before = Vec::new();
    for (kind, name) in kinds {
        before.push(office.read(kind, name).await["status"].clone());
    }
    operator.kill();

    let operator = Operator::start(&plane, &[]).await;
    keeps_failing(&operator).await;
    for ((kind, name), before) in kinds.into_iter().zip(before) {
        assert_eq!(office.read(kind, name).await["status"], before, "{kind} {name}");
    }
    office.unbinds(&foreign).await;
    office.reaches("Assignment", &assignment, "Delivered").await;
    office.becomes("CatalogResource", &office.catalog(), "production", "Conflict", "- -").await;
    office.is_right().await;
}

#[tokio::test]
async fn a_hand_that_never_rests_does_not_make_the_operator_spin() {
    let (office, binding) = with_alice("drift-war").await;
    let root = office.person(ROOT).await;
    let end = tokio::time::Instant::now() + Duration::from_secs(3);
    let mut times = 0;
    while tokio::time::Instant::now() < end {
        let change = json!({"subjects": [user(ALICE), user(&format!("intruder-{times}"))]});
        times += usize::from(root.patch("RoleBinding", &office.name, text(&binding, "/metadata/name"), change).await.is_ok());
    }
    assert!(times > 10, "the hand never rests");
    office.is_whole_again(&binding, &[ALICE]).await;
    office.fills(ONCALL, json!([viewer()])).await;
    office.is_right().await;
}
