//! What cannot be granted says why for each grant, is tried again, heals by itself and delays nobody else.

use serde_json::{Value, json};

use crate::acts::{EDIT, VIEW, editor, role, viewer};
use crate::department::{Department, ONCALL};
use crate::person::{ALICE, CAROL, DAVE, ZOE};
use crate::support::{Operator, ROOT, install};
use crate::world::{SOON, department, quiet};

fn namespace(name: &str) -> Value {
    json!({"kind": "Namespace", "metadata": {"name": name}})
}

#[tokio::test]
async fn a_role_that_does_not_exist_yet_is_waited_for() {
    let office = department("failure-role").await.open_to_engineers().await;
    let assignment = office.gets_by_asking(ALICE).await;
    let deployer = json!({"name": "deployer", "kubernetes": {"roleRef": {"kind": "Role", "name": "deployer"}}});
    let later = json!({"kubernetes": {"namespaces": [office.name]}, "roles": [deployer]});
    office.write(CAROL, "CatalogResource", "later", later).await;
    office.fills(ONCALL, json!([viewer(), {"resource": "later", "role": "deployer"}])).await;

    office.grant_says(&assignment, "later", "Failed", "\"deployer\" does not exist").await;
    office.reaches("Assignment", &assignment, "PartiallyDelivered GrantFailed").await;
    office.grant_is(&assignment, "production", "Delivered").await;
    assert_eq!(office.condition("Assignment", &assignment, "Delivered").await, "False GrantFailed");

    let rules = json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]);
    office.make(ROOT, json!({"kind": "Role", "metadata": {"name": "deployer", "namespace": office.name}, "rules": rules})).await;
    office.grant_is(&assignment, "later", "Delivered").await;
    office.reaches("Assignment", &assignment, "Delivered").await;
    office.is_held_by(&office.name, "deployer", &[ALICE]).await;
    office.is_right().await;
}

#[tokio::test]
async fn a_role_that_goes_and_comes_back_is_given_again_and_delays_no_other_package() {
    let office = department("failure-gone").await.open_to_engineers().await;
    let reader = json!({"kind": "ClusterRole", "metadata": {"name": "failure-gone-reader"}, "rules": []});
    office.make(ROOT, reader.clone()).await;
    let books = json!({"kubernetes": {"namespaces": [office.name]}, "roles": [role("reader", "failure-gone-reader")]});
    office.write(CAROL, "CatalogResource", "books", books).await;
    office.fills(ONCALL, json!([viewer(), {"resource": "books", "role": "reader"}])).await;
    let first = office.gets_by_asking(ALICE).await;
    let root = office.person(ROOT).await;
    root.delete("ClusterRole", "", "failure-gone-reader").await.expect("root may delete it");
    office.becomes("CatalogResource", &office.catalog(), "books", "Ready", "False RoleNotFound").await;
    root.delete("RoleBinding", &office.name, &binding_of(&office, "books").await).await.expect("it loses its binding, too");
    office.grant_says(&first, "books", "Failed", "\"failure-gone-reader\" does not exist").await;
    office.grant_is(&first, "production", "Delivered").await;

    office.write(CAROL, "AccessPackage", "plain", json!({"resourceRoles": [editor()]})).await;
    office.write(CAROL, "Policy", "plain", crate::terms::at_once().spec("plain")).await;
    let other = office.assigns_with("plain", DAVE, json!({"policy": "plain"})).await;
    office.grant_is(&other, "production", "Delivered").await;

    office.make(ROOT, reader).await;
    office.grant_is(&first, "books", "Delivered").await;
    office.reaches("Assignment", &first, "Delivered").await;
    office.is_right().await;
}

async fn binding_of(office: &Department<'_>, resource: &str) -> String {
    let prefix = format!("entitlement:{}:{resource}:", office.catalog());
    let all = office.grants().await;
    let names = all.iter().filter_map(|b| b["metadata"]["name"].as_str());
    names.into_iter().find(|name| name.starts_with(&prefix)).expect("it has a binding").to_owned()
}

#[tokio::test]
async fn a_namespace_that_is_gone_is_told_and_filled_when_it_is_back() {
    let office = department("failure-place").await.open_to_engineers().await;
    office.builds("failure-place-2").await;
    office.moves_to(&[&office.name, "failure-place-2"]).await;
    let assignment = office.gets_by_asking(ALICE).await;
    let root = office.person(ROOT).await;
    root.delete("Namespace", "", "failure-place-2").await.expect("root may delete it");

    office.grant_says(&assignment, "production", "Failed", "\"failure-place-2\" does not exist").await;
    office.reaches("Assignment", &assignment, "PartiallyDelivered GrantFailed").await;
    office.is_held_by(&office.name, VIEW, &[ALICE]).await;

    crate::support::eventually("the namespace can be made again", crate::world::WITHIN, async || {
        root.create(namespace("failure-place-2")).await.map_err(|refusal| refusal.to_string())
    })
    .await;
    // It is another namespace of the same name, in which Carol may do nothing yet.
    office.grant_says(&assignment, "production", "Failed", "may not hand out").await;
    office.leads("failure-place-2").await;
    office.is_held_by("failure-place-2", VIEW, &[ALICE]).await;
    office.reaches("Assignment", &assignment, "Delivered").await;
    office.is_right().await;
}

#[tokio::test]
async fn rights_that_the_operator_lacks_fail_one_grant_and_no_other() {
    let plane = quiet().await;
    plane.will_be_damaged();
    let _operator = Operator::start(&plane, &[]).await;
    let office = Department::open(&plane, "failure-bind").await.open_to_engineers().await;
    let root = office.person(ROOT).await;

    // As the shipped ClusterRole suggests to narrow it: bind, but only for some roles.
    let mut narrow = root.get("ClusterRole", "", "entitlement-operator").await.expect("it is installed");
    let rules = narrow["rules"].as_array_mut().expect("rules");
    let roles = rules.iter_mut().find(|r| r["resources"] == json!(["roles", "clusterroles"])).expect("a rule for roles");
    roles["verbs"] = json!(["get", "list", "watch"]);
    rules.push(json!({
        "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "verbs": ["bind"], "resourceNames": ["view"],
    }));
    let rules = rules.clone();
    root.patch("ClusterRole", "", "entitlement-operator", json!({ "rules": rules })).await.expect("root may do anything");

    office.fills(ONCALL, json!([viewer(), editor()])).await;
    let partial = office.assigns_with(ONCALL, ALICE, json!({})).await;
    let record = office.reaches("Assignment", &partial, "PartiallyDelivered GrantFailed").await;
    let why = record["status"]["message"].as_str().unwrap_or_default();
    assert!(why.contains("production/editor") && why.contains("entitlement-operator"), "it says who lacks what: {why}");
    office.is_held_by(&office.name, VIEW, &[ALICE]).await;

    office.write(CAROL, "AccessPackage", "plain", json!({"resourceRoles": [viewer()]})).await;
    office.write(CAROL, "Policy", "plain", crate::terms::at_once().spec("plain")).await;
    for person in [DAVE, ZOE] {
        let whole = office.assigns_with("plain", person, json!({"policy": "plain"})).await;
        office.grant_is(&whole, "production", "Delivered").await;
    }

    install(&plane).await;
    office.is_held_by(&office.name, EDIT, &[ALICE]).await;
    office.reaches("Assignment", &partial, "Delivered").await;
    office.is_right().await;
}

#[tokio::test]
async fn an_operator_that_lost_all_its_rights_goes_on_when_it_has_them_again() {
    let plane = quiet().await;
    plane.will_be_damaged();
    let operator = Operator::start(&plane, &[]).await;
    let office = Department::open(&plane, "failure-rights").await.open_to_engineers().await;
    let (leaves, stays) = (office.assigns(ALICE).await, office.assigns(DAVE).await);
    let root = office.person(ROOT).await;
    root.delete("ClusterRoleBinding", "", "entitlement-operator").await.expect("root may do anything");

    office.revokes(&leaves).await;
    let newcomer = office.assigns_with(ONCALL, ZOE, json!({})).await;
    crate::support::eventually("the operator notices", SOON, async || {
        if operator.log().contains("forbidden") { Ok(()) } else { Err("nothing is said".to_owned()) }
    })
    .await;
    assert!(operator.ended().is_none(), "it does not give up");

    install(&plane).await;
    office.is_held_by(&office.name, VIEW, &[DAVE, ZOE]).await;
    office.reaches("Assignment", &leaves, "Revoked").await;
    office.reaches("Assignment", &newcomer, "Delivered").await;
    assert_eq!(office.phase("Assignment", &stays).await, "Delivered");
    office.is_right().await;
}
