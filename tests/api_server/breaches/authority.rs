//! Nobody hands out what is not theirs, and nobody vouches for what they did not write.

use serde_json::json;

use crate::acts::role;
use crate::person::{ALICE, CAROL, OLGA, condition};
use crate::support::{ROOT, eventually};
use crate::world::{WITHIN, department, is_idle, world};

/// The steps of B1: in four commands to cluster-admin.
#[tokio::test]
async fn an_edit_of_a_resource_that_is_being_deleted_is_judged_before_anything_follows_from_it() {
    let office = department("b1-deleting").await.with_alice().await;
    office.person(CAROL).await.delete("CatalogResource", &office.catalog(), "production").await.unwrap();
    office.becomes("CatalogResource", &office.catalog(), "production", "Ready", "False InUse").await;
    office.carol_changes("CatalogResource", "production", json!({"spec": {"displayName": "y"}})).await;
    let roles = json!({"spec": {"roles": [role("viewer", "cluster-admin")]}});
    office.carol_changes("CatalogResource", "production", roles).await;
    office.becomes("CatalogResource", &office.catalog(), "production", "Authorized", "False AuthorCannotBind").await;
    is_idle(&world().await.operator).await;
    office.binds_nothing_to("cluster-admin").await;
    assert!(office.can_look_in(ALICE).await, "who had it keeps what it was");
}

/// The steps of B2: a role is smuggled in, and somebody with power edits something else.
#[tokio::test]
async fn nobody_vouches_for_a_role_by_editing_something_else() {
    let office = department("b2-smuggled").await;
    let smuggled = json!({"spec": {"roles": [role("viewer", "view"), role("root", "cluster-admin")]}});
    office.carol_changes("CatalogResource", "production", smuggled).await;
    office.role_is("root", "NotAuthorized AuthorCannotBind").await;
    let root = office.person(ROOT).await;
    for change in [json!({"spec": {"description": "corrected"}}), json!({"metadata": {"labels": {"seen": "yes"}}})] {
        let stored = root.patch("CatalogResource", &office.catalog(), "production", change).await.unwrap();
        assert_eq!(stored["spec"]["roles"][1]["author"]["username"], CAROL);
    }
    // The whole object as it is, with an author that somebody makes up.
    let mut whole = office.read("CatalogResource", "production").await;
    whole["spec"]["roles"][1]["author"]["username"] = json!("nobody");
    let stored = root.patch("CatalogResource", &office.catalog(), "production", json!({"spec": whole["spec"]})).await.unwrap();
    assert_eq!(stored["spec"]["roles"][1]["author"]["username"], CAROL);
    is_idle(&world().await.operator).await;
    office.role_is("root", "NotAuthorized AuthorCannotBind").await;
    office.role_is("viewer", "Ready AuthorMayBind").await;
    office.is_right().await;
}

/// A pipeline's manifest without the smuggled role takes it out.
#[tokio::test]
async fn an_apply_replaces_the_roles_that_it_does_not_have_and_a_second_one_changes_nothing() {
    let office = department("b2-pipeline").await;
    let manifest = |description: &str| {
        format!(
            "apiVersion: entitlement.dev/v1alpha1\nkind: CatalogResource\nmetadata: {{name: tools, namespace: {}}}\nspec:\n  description: {description}\n  \
             kubernetes: {{namespaces: [{}]}}\n  roles:\n  - {{name: viewer, kubernetes: {{roleRef: {{kind: ClusterRole, name: view}}}}}}\n",
            office.catalog(),
            office.name
        )
    };
    let apply = async |text: &str| {
        let args = ["apply", "--server-side", "--force-conflicts", "--field-manager=pipeline", "-f", "-"];
        office.plane.kubectl_with_input(ROOT, &args, text).await.ok();
        office.read("CatalogResource", "tools").await
    };
    let first = apply(&manifest("one")).await;
    let second = apply(&manifest("one")).await;
    assert_eq!(second["metadata"]["generation"], first["metadata"]["generation"]);
    assert_eq!(second["spec"], first["spec"], "authors and their groups are as they were");
    let smuggled = json!([{"op": "add", "path": "/spec/roles/-", "value": role("root", "cluster-admin")}]).to_string();
    let args = ["patch", "catalogresource", "tools", "-n", &office.catalog(), "--type=json", "-p", &smuggled];
    office.plane.kubectl(CAROL, &args).await.ok();
    let third = apply(&manifest("two")).await;
    let names: Vec<_> = third["spec"]["roles"].as_array().unwrap().iter().map(|role| role["name"].clone()).collect();
    assert_eq!(names, ["viewer"]);
    office.is_right().await;
}

/// The other direction of B2: a typo that is corrected by somebody who may not hand the role out.
#[tokio::test]
async fn an_edit_of_a_description_asks_nobody_and_takes_nobodys_access() {
    let office = department("b2-typo").await.with_alice().await;
    let owners = json!({"spec": {"owners": [{"kind": "User", "name": CAROL}, {"kind": "User", "name": OLGA}]}});
    office.person(CAROL).await.patch("Catalog", "", &office.name, owners).await.unwrap();
    office.may(OLGA, "patch", "catalogresources", &office.catalog()).await;
    let before = office.read("CatalogResource", "production").await;
    let olga = office.person(OLGA).await;
    olga.patch("CatalogResource", &office.catalog(), "production", json!({"spec": {"description": "no typo"}})).await.unwrap();
    let root = office.person(ROOT).await;
    let after = eventually("the edit is reconciled", WITHIN, async || {
        let now = root.get("CatalogResource", &office.catalog(), "production").await.unwrap();
        if now["status"]["observedGeneration"] == now["metadata"]["generation"] { Ok(now) } else { Err("not yet".to_owned()) }
    })
    .await;
    assert_eq!(after["status"]["roles"], before["status"]["roles"]);
    assert_eq!(condition(&after, "Authorized"), "True AuthorMayBind");
    assert!(office.can_look_in(ALICE).await);
    office.is_right().await;
}

/// One role that is refused, and one that does not exist, beside one that is held.
#[tokio::test]
async fn one_role_that_is_missing_or_refused_holds_up_no_other() {
    let office = department("each-role").await;
    let roles =
        json!({"spec": {"roles": [role("viewer", "view"), role("root", "cluster-admin"), role("ghost", "no-such-role")]}});
    office.carol_changes("CatalogResource", "production", roles).await;
    office.role_is("root", "NotAuthorized AuthorCannotBind").await;
    office.role_is("ghost", "NotFound RoleNotFound").await;
    office.role_is("viewer", "Ready AuthorMayBind").await;
    let office = office.with_alice().await;
    office.is_right().await;
}

/// What an edit takes away goes at once, whatever else it says.
#[tokio::test]
async fn a_place_that_is_taken_out_is_left_although_the_edit_adds_what_cannot_be_granted() {
    let office = department("takes-away").await.with_alice().await;
    office.make(ROOT, json!({"kind": "Namespace", "metadata": {"name": "takes-away-other"}})).await;
    let spec = json!({"spec": {"kubernetes": {"namespaces": ["takes-away-other"]}}});
    office.carol_changes("CatalogResource", "production", spec).await;
    office.can_look_in_becomes(ALICE, false).await;
    office.role_is("viewer", "NotAuthorized AuthorCannotBind").await;
    office.is_right().await;
}

/// A role that multiplies out to more than can be asked about (B6).
#[tokio::test]
async fn a_role_that_is_too_broad_to_be_asked_about_is_refused_with_its_size() {
    let office = department("b6").await;
    let names: Vec<String> = (0..3_000).map(|number| format!("object-{number}")).collect();
    let rules = json!([{"apiGroups": [""], "resources": ["configmaps"], "resourceNames": names, "verbs": ["get", "update"]}]);
    office.make(ROOT, json!({"kind": "Role", "metadata": {"name": "broad", "namespace": office.name}, "rules": rules})).await;
    let broad = json!({"name": "broad", "kubernetes": {"roleRef": {"kind": "Role", "name": "broad"}}});
    office.carol_changes("CatalogResource", "production", json!({"spec": {"roles": [role("viewer", "view"), broad]}})).await;
    let told = office.role_is("broad", "NotAuthorized TooBroad").await;
    assert!(told["status"].to_string().contains("6000 single things"), "{}", told["status"]);
    office.role_is("viewer", "Ready AuthorMayBind").await;
    office.is_right().await;
}
