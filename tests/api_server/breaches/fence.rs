//! With the operator's own token nobody gets further than the operator's work.

use kube::api::PostParams;
use serde_json::{Value, json};

use crate::department::Department;
use crate::person::{ALICE, Person, resource_of};
use crate::support::ROOT;
use crate::world::department;
use crate::world::operator_itself;

const RBAC: &str = "rbac.authorization.k8s.io";

async fn operator(office: &Department<'_>) -> Person {
    operator_itself(office.plane).await
}

fn subject(kind: &str, name: &str) -> Value {
    json!({"apiGroup": RBAC, "kind": kind, "name": name})
}

/// The binding of a grant, as the operator writes it, with something changed.
fn like(binding: &Value, change: impl FnOnce(&mut Value)) -> Value {
    let mut copy = json!({
        "kind": "RoleBinding",
        "metadata": {
            "name": format!("{}9", binding["metadata"]["name"].as_str().unwrap()),
            "namespace": binding["metadata"]["namespace"],
            "labels": binding["metadata"]["labels"],
            "annotations": binding["metadata"]["annotations"],
        },
        "roleRef": binding["roleRef"],
        "subjects": [subject("User", ALICE)],
    });
    change(&mut copy);
    copy
}

async fn refused(operator: &Person, object: Value, why: &str) {
    let text = object.to_string();
    let refusal = operator.create(object).await.expect_err(&text);
    assert!(refusal.code == 403 && refusal.message.contains(why), "{text}: {refusal}");
}

#[tokio::test]
async fn it_writes_only_bindings_of_its_own_names_and_marks_for_people() {
    let office = department("fence-bindings").await.with_alice().await;
    let (operator, binding) = (operator(&office).await, office.grants().await.remove(0));
    let foreign = "is not named and marked as a grant";
    refused(&operator, like(&binding, |b| b["metadata"]["name"] = json!("mine")), foreign).await;
    refused(&operator, like(&binding, |b| b["metadata"]["labels"] = json!({})), foreign).await;
    refused(&operator, like(&binding, |b| b["metadata"]["annotations"]["entitlement.dev/grant"] = json!("a/b/c")), foreign).await;
    refused(
        &operator,
        like(&binding, |b| b["metadata"]["annotations"]["entitlement.dev/namespace-uid"] = json!("other")),
        "judged anew",
    )
    .await;
    for (kind, name) in
        [("Group", "system:masters"), ("User", "system:anonymous"), ("User", "system:admin"), ("Group", "system:nodes")]
    {
        let changed = like(&binding, |b| b["subjects"] = json!([subject(kind, name)]));
        refused(&operator, changed, "belongs to Kubernetes itself").await;
    }
    let owner = json!({"kind": "RoleBinding", "metadata": {"name": "entitlement-catalog-owner", "namespace": "kube-system",
        "labels": {"app.kubernetes.io/managed-by": "entitlement-operator", "entitlement.dev/catalog": "x"}},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "entitlement-catalog-owner"}, "subjects": [subject("User", ALICE)]});
    refused(&operator, owner, foreign).await;
    let everything = json!({"kind": "ClusterRoleBinding", "metadata": {"name": "all-mine"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"}, "subjects": [subject("User", ALICE)]});
    refused(&operator, everything, foreign).await;
    let foreign = operator.delete("ClusterRoleBinding", "", "cluster-admin").await.expect_err("must be refused");
    assert!(foreign.message.contains("may not delete it"), "{foreign}");
    office.is_right().await;
}

#[tokio::test]
async fn it_hands_out_a_role_with_wildcards_only_where_an_administrator_says_so() {
    let office = department("fence-wildcards").await.with_alice().await;
    let (operator, binding) = (operator(&office).await, office.grants().await.remove(0));
    let to = |role: &str| like(&binding, |b| b["roleRef"]["name"] = json!(role));
    refused(&operator, to("cluster-admin"), "entitlement.dev/grant-wildcards=true").await;
    refused(&operator, to("system:controller:namespace-controller"), "is for controllers of Kubernetes").await;
    let rules = json!([{"apiGroups": ["example.com"], "resources": ["*"], "verbs": ["get"]}]);
    office.make(ROOT, json!({"kind": "ClusterRole", "metadata": {"name": "fence-wide"}, "rules": rules})).await;
    crate::support::eventually("the new role is known", crate::world::WITHIN, async || {
        match operator.create(to("fence-wide")).await {
            Err(refusal) if refusal.message.contains("has a wildcard") => Ok(()),
            Err(refusal) => Err(refusal.to_string()),
            Ok(bound) => {
                let name = bound["metadata"]["name"].as_str().unwrap();
                // The running operator, whose binding it looks like, may have been faster.
                if let Err(refusal) = operator.delete("RoleBinding", &office.name, name).await {
                    assert_eq!(refusal.code, 404, "{refusal}");
                }
                Err("it was bound".to_owned())
            }
        }
    })
    .await;
    // A person who may hand it out offers it, and the holder is told what is missing until an administrator has spoken.
    let spec = json!({"kubernetes": {"namespaces": [office.name]}, "roles": [crate::acts::role("wide", "fence-wide")]});
    office.write(ROOT, "CatalogResource", "wide", spec).await;
    let roles =
        json!({"spec": {"resourceRoles": [{"resource": "production", "role": "viewer"}, {"resource": "wide", "role": "wide"}]}});
    office.carol_changes("AccessPackage", crate::department::ONCALL, roles).await;
    let assignments = office.person(ROOT).await.list("Assignment", &office.catalog()).await.unwrap();
    let assignment = crate::person::name(&assignments[0]);
    let told = office.reaches("Assignment", &assignment, "PartiallyDelivered GrantFailed").await;
    assert!(told["status"]["message"].to_string().contains("kubectl label clusterrole fence-wide"), "{}", told["status"]);
    let label = json!({"metadata": {"labels": {"entitlement.dev/grant-wildcards": "true"}}});
    office.person(ROOT).await.patch("ClusterRole", "", "fence-wide", label).await.unwrap();
    office.reaches("Assignment", &assignment, "Delivered").await;
    office.is_right().await;
}

#[tokio::test]
async fn it_creates_and_deletes_only_namespaces_of_its_own_and_asks_for_nothing() {
    let office = department("fence-namespaces").await;
    let operator = operator(&office).await;
    let plain = json!({"kind": "Namespace", "metadata": {"name": "fence-mine"}});
    assert_eq!(operator.create(plain).await.expect_err("must be refused").code, 403);
    for namespace in ["kube-system", &office.name] {
        let refusal = operator.delete("Namespace", "", namespace).await.expect_err("must be refused");
        assert_eq!(refusal.code, 403, "{refusal}");
    }
    let taken = json!({"metadata": {"labels": {"entitlement.dev/catalog": office.name}}});
    assert_eq!(operator.patch("Namespace", "", &office.name, taken).await.expect_err("must be refused").code, 403);
    let spec = json!({"accessPackage": "oncall"});
    let request = json!({"kind": "AccessRequest", "metadata": {"name": "mine", "namespace": office.catalog()}, "spec": spec});
    refused(&operator, request.clone(), "with dryRun only").await;
    let mut request = request;
    request["apiVersion"] = json!(resource_of("AccessRequest").api_version);
    let request = serde_json::from_value(request).unwrap();
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    operator.api("AccessRequest", &office.catalog()).create(&dry, &request).await.expect("a probe is a dry run");
}
