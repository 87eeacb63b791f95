//! A resource that names a Connector, of which this version has none: it grants nothing, says why, and nobody vouches for what they did not
//! write in it.

use serde_json::{Value, json};

use crate::acts::role;
use crate::department::{Department, ONCALL};
use crate::person::{ALICE, CAROL, OLGA, condition};
use crate::support::{ROOT, eventually};
use crate::world::{WITHIN, department, is_idle, world};

/// A role in a group behind a Connector.
fn member(name: &str, role: &str) -> Value {
    json!({"name": name, "connector": {"role": role}})
}

/// What an edit has to say to move a resource from this cluster to a group behind a Connector.
fn moved() -> Value {
    let connector = json!({"name": "corp", "type": "Group", "id": "/payments/oncall"});
    json!({"spec": {"kubernetes": null, "connector": connector, "roles": [member("viewer", "member")]}})
}

/// The way back.
fn moved_back(office: &Department<'_>) -> Value {
    json!({"spec": {"connector": null, "kubernetes": {"namespaces": [office.name]}, "roles": [role("viewer", "view")]}})
}

/// Who wrote the places, in the table that kubectl shows.
async fn is_listed_as_author(office: &Department<'_>, who: &str) {
    let listed = office.plane.kubectl(ROOT, &["get", "cres", "production", "-n", &office.catalog(), "-o", "wide"]).await.ok();
    assert!(listed.contains(who), "{listed}");
}

/// Who wrote the places and the first role of a resource.
fn authors(resource: &Value) -> [Value; 2] {
    let spec = &resource["spec"];
    let places = if spec["connector"].is_object() { &spec["connector"] } else { &spec["kubernetes"] };
    [places["author"]["username"].clone(), spec["roles"][0]["author"]["username"].clone()]
}

async fn alice_has_in_vain(office: &Department<'_>) {
    eventually("her assignment says why it gives nothing", WITHIN, async || {
        let all = office.person(ROOT).await.list("Assignment", &office.catalog()).await.unwrap();
        let grant = all[0]["status"]["grants"][0].clone();
        let told = grant["message"].to_string().contains(r#"there is no Connector \"corp\""#);
        if told && grant["state"] == "Failed" && grant["objects"].is_null() { Ok(()) } else { Err(all[0]["status"].to_string()) }
    })
    .await;
}

#[tokio::test]
async fn a_resource_with_a_connector_grants_nothing_and_says_why() {
    let office = department("connected").await.with_alice().await;
    let group = json!({"connector": {"name": "corp", "type": "Group", "id": "/oncall"}, "roles": [member("viewer", "member")]});
    office.write(CAROL, "CatalogResource", "group", group).await;
    let found = office.becomes("CatalogResource", &office.catalog(), "group", "Ready", "False ConnectorNotFound").await;
    assert_eq!(condition(&found, "Authorized"), "Unknown ConnectorNotFound");
    assert!(found["status"].to_string().contains(r#"there is no Connector \"corp\""#), "{}", found["status"]);
    let roles = json!([{"resource": "production", "role": "viewer"}, {"resource": "group", "role": "viewer"}]);
    office.carol_changes("AccessPackage", ONCALL, json!({"spec": {"resourceRoles": roles}})).await;
    let package = office.becomes("AccessPackage", &office.catalog(), ONCALL, "Ready", "False ResourceNotReady").await;
    assert!(package["status"].to_string().contains("there is no Connector"), "{}", package["status"]);
    alice_has_in_vain(&office).await;
    is_idle(&world().await.operator).await;
    assert_eq!(office.grants().await.len(), 1);
    assert!(office.can_look_in(ALICE).await, "what she has by the other resource stands");
    office.is_right().await;
}

#[tokio::test]
async fn what_moves_to_a_connector_is_taken_away_and_what_moves_back_is_judged_anew() {
    let office = department("moves-out").await.with_alice().await;
    office.carol_changes("CatalogResource", "production", moved()).await;
    office.can_look_in_becomes(ALICE, false).await;
    alice_has_in_vain(&office).await;
    is_idle(&world().await.operator).await;
    assert!(office.grants().await.is_empty());
    office.is_right().await;
    // By somebody who may not hand out the role, with the author of before.
    let owners = json!({"spec": {"owners": [{"kind": "User", "name": CAROL}, {"kind": "User", "name": OLGA}]}});
    office.person(CAROL).await.patch("Catalog", "", &office.name, owners).await.unwrap();
    office.may(OLGA, "patch", "catalogresources", &office.catalog()).await;
    let mut back = moved_back(&office);
    let forged = json!({"username": CAROL, "groupsRef": 1});
    back["spec"]["kubernetes"]["author"] = forged.clone();
    back["spec"]["roles"][0]["author"] = forged;
    let stored = office.person(OLGA).await.patch("CatalogResource", &office.catalog(), "production", back).await.unwrap();
    assert_eq!(authors(&stored), [OLGA, OLGA]);
    office.role_is("viewer", "NotAuthorized AuthorCannotBind").await;
    is_idle(&world().await.operator).await;
    assert!(!office.can_look_in(ALICE).await);
    // Twice, so that it is hers.
    office.carol_changes("CatalogResource", "production", moved()).await;
    office.carol_changes("CatalogResource", "production", moved_back(&office)).await;
    office.can_look_in_becomes(ALICE, true).await;
    office.is_right().await;
}

#[tokio::test]
async fn who_writes_a_connector_is_its_author_and_nobody_else() {
    let office = department("connector-authors").await;
    let change = async |who: &str, change: Value| {
        let changed = office.person(who).await.patch("CatalogResource", &office.catalog(), "production", change).await;
        authors(&changed.unwrap_or_else(|refusal| panic!("{who}: {refusal}")))
    };
    let forged = json!({"username": "nobody", "groupsRef": 1});
    let mut lie = moved();
    lie["spec"]["connector"]["author"] = forged.clone();
    lie["spec"]["roles"][0]["author"] = forged.clone();
    assert_eq!(change(CAROL, lie).await, [CAROL, CAROL]);
    is_listed_as_author(&office, CAROL).await;
    let unchanged = [
        json!({"spec": {"description": "corrected"}}),
        json!({"metadata": {"labels": {"seen": "yes"}}}),
        json!({"spec": {"connector": {"author": forged}}}),
        json!({"spec": {"roles": [{"name": "viewer", "connector": {"role": "member"}, "author": forged}]}}),
        moved(),
    ];
    for edit in unchanged {
        assert_eq!(change(ROOT, edit.clone()).await, [CAROL, CAROL], "{edit}");
    }
    for edit in [json!({"id": "/other"}), json!({"type": "Site"}), json!({"name": "other"})] {
        let [places, role] = change(ROOT, json!({"spec": {"connector": edit}})).await;
        assert!(places != CAROL && role == CAROL, "{edit}");
        assert_eq!(change(CAROL, moved()).await, [CAROL, CAROL], "whoever puts it back");
    }
    let [places, role] = change(ROOT, json!({"spec": {"roles": [member("viewer", "owner")]}})).await;
    assert!(places == CAROL && role != CAROL);
    // From one to the other is a change of both.
    assert_eq!(change(CAROL, moved_back(&office)).await, [CAROL, CAROL]);
    is_listed_as_author(&office, CAROL).await;
    let [places, role] = change(ROOT, moved()).await;
    assert!(places != CAROL && role != CAROL);
}
