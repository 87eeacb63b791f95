//! The content of a package is retroactive: every live assignment follows its edits, and those of its resources.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::acts::{EDIT, VIEW, editor, role, viewer};
use crate::checker::{list, text};
use crate::department::{Department, ONCALL};
use crate::person::{ALICE, CAROL, DAVE, OLGA, ZOE};
use crate::support::{ROOT, eventually};
use crate::world::{WITHIN, department};

/// Time between two looks of somebody who watches for a gap.
const BLINK: Duration = Duration::from_millis(10);

#[tokio::test]
async fn every_holder_follows_the_roles_of_the_package() {
    let office = department("content-roles").await.open_to_engineers().await;
    let asked = office.gets_by_asking(ALICE).await;
    let assigned = office.assigns("robot").await;

    office.fills(ONCALL, json!([viewer(), editor()])).await;
    office.is_held_by(&office.name, EDIT, &[ALICE, "robot"]).await;
    office.fills(ONCALL, json!([editor()])).await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    office.is_held_by(&office.name, EDIT, &[ALICE, "robot"]).await;

    for assignment in [asked, assigned] {
        office.reaches("Assignment", &assignment, "Delivered").await;
        eventually("only what the package has is told", WITHIN, async || {
            let record = office.read("Assignment", &assignment).await;
            let told: Vec<_> =
                list(&record, "/status/grants").map(|grant| (text(grant, "/role"), text(grant, "/state"))).collect();
            if told == [("editor", "Delivered")] { Ok(()) } else { Err(format!("{told:?}")) }
        })
        .await;
    }
    office.is_right().await;
}

#[tokio::test]
async fn a_package_that_is_emptied_and_filled_again_takes_and_gives() {
    let office = department("content-empty").await.open_to_engineers().await;
    office.gets_by_asking(ALICE).await;
    office.fills(ONCALL, json!([])).await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    office.fills(ONCALL, json!([viewer()])).await;
    office.is_held_by(&office.name, VIEW, &[ALICE]).await;
    office.is_right().await;
}

#[tokio::test]
async fn a_resource_that_moves_is_there_before_it_goes() {
    let office = department("content-move").await.open_to_engineers().await;
    office.builds("content-moved").await;
    office.gets_by_asking(ALICE).await;

    office.moves_to(&["content-moved"]).await;
    let end = Instant::now() + WITHIN;
    loop {
        assert!(Instant::now() < end, "it moves within {WITHIN:?}");
        // The old place first: who is not there any more must be in the new one by then.
        let old = office.holders(&office.name, VIEW).await.contains(ALICE);
        let new = office.holders("content-moved", VIEW).await.contains(ALICE);
        assert!(old || new, "alice has a role somewhere at every moment");
        if !old {
            break;
        }
        sleep(BLINK).await;
    }
    office.is_held_by("content-moved", VIEW, &[ALICE]).await;

    office.moves_to(&[&office.name, "content-moved"]).await;
    office.is_held_by(&office.name, VIEW, &[ALICE]).await;
    office.is_held_by("content-moved", VIEW, &[ALICE]).await;
    office.is_right().await;
}

#[tokio::test]
async fn a_role_that_means_something_else_is_there_before_it_goes() {
    let office = department("content-ref").await.open_to_engineers().await;
    office.gets_by_asking(ALICE).await;

    office.changes(CAROL, "CatalogResource", "production", json!({"spec": {"roles": [role("viewer", EDIT)]}})).await;
    let end = Instant::now() + WITHIN;
    loop {
        assert!(Instant::now() < end, "it is bound anew within {WITHIN:?}");
        // Both in one look, so that nothing moves in between.
        let all = office.person(ROOT).await.list("RoleBinding", &office.name).await.expect("root may list");
        let mine = all.iter().filter(|b| list(b, "/subjects").any(|s| s["name"] == ALICE));
        let roles: Vec<&str> = mine.filter_map(|b| b["roleRef"]["name"].as_str()).collect();
        assert!(!roles.is_empty(), "alice has a role at every moment");
        if roles == [EDIT] {
            break;
        }
        sleep(BLINK).await;
    }
    office.is_held_by(&office.name, VIEW, &[]).await;
    office.is_right().await;
}

#[tokio::test]
async fn nobody_loses_what_another_assignment_still_gives() {
    let office = two_packages("content-twice").await;
    let first = office.gets_by_asking(ALICE).await;
    let second = office.assigns_with("standby", ALICE, json!({"policy": "standby"})).await;
    office.reaches("Assignment", &second, "Delivered").await;
    let watched = async {
        loop {
            assert!(office.holders(&office.name, VIEW).await.contains(ALICE), "the other package still gives the role");
            sleep(BLINK).await;
        }
    };
    let edits = async {
        office.fills(ONCALL, json!([editor()])).await;
        office.is_held_by(&office.name, EDIT, &[ALICE]).await;
        office.fills(ONCALL, json!([viewer()])).await;
        office.is_held_by(&office.name, EDIT, &[]).await;
        office.revokes(&first).await;
        let ended = office.reaches("Assignment", &first, "Revoked").await;
        assert_eq!(list(&ended, "/status/grants").count(), 0, "nothing is left of it: {}", ended["status"]);
    };
    tokio::select! {
        () = watched => unreachable!("it watches without an end"),
        () = edits => {}
    }
    office.revokes(&second).await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    office.is_right().await;
}

/// A department with a second package that gives the same role.
async fn two_packages(name: &str) -> Department<'static> {
    let office = department(name).await.open_to_engineers().await;
    office.write(CAROL, "AccessPackage", "standby", json!({"resourceRoles": [viewer()]})).await;
    let terms = json!({"accessPackage": "standby", "requestors": {"scope": "None"}, "expiration": {"after": "1d"}});
    office.write(CAROL, "Policy", "standby", terms).await;
    office.becomes("Policy", &office.catalog(), "standby", "Ready", "True Available").await;
    office
}

#[tokio::test]
async fn an_edit_by_somebody_who_may_not_hand_out_the_role_changes_nothing_until_it_is_undone() {
    let office = department("content-author").await.open_to_engineers().await;
    let owners = json!({"spec": {"owners": [{"kind": "User", "name": CAROL}, {"kind": "User", "name": OLGA}]}});
    office.person(CAROL).await.patch("Catalog", "", &office.name, owners).await.expect("carol may appoint olga");
    let assignment = office.gets_by_asking(ALICE).await;
    office.can_look_in_becomes(ALICE, true).await;

    let roles = json!({"spec": {"roles": [role("viewer", "cluster-admin")]}});
    eventually_changes(&office, OLGA, roles).await;
    office.becomes("CatalogResource", &office.catalog(), "production", "Authorized", "False AuthorCannotBind").await;
    office.grant_says(&assignment, "production", "Failed", &format!("{OLGA} may not hand out")).await;
    office.is_held_by(&office.name, VIEW, &[ALICE]).await;
    office.is_held_by(&office.name, "cluster-admin", &[]).await;
    let newcomer = office.assigns_with(ONCALL, DAVE, json!({})).await;
    office.reaches("Assignment", &newcomer, "Pending PackageNotReady").await;
    office.is_held_by(&office.name, VIEW, &[ALICE]).await;

    office.changes(CAROL, "CatalogResource", "production", json!({"spec": {"roles": [role("viewer", VIEW)]}})).await;
    office.is_held_by(&office.name, VIEW, &[ALICE, DAVE]).await;
    office.reaches("Assignment", &assignment, "Delivered").await;
    office.reaches("Assignment", &newcomer, "Delivered").await;
    office.is_right().await;
}

/// Olga's new rights take a moment.
async fn eventually_changes(office: &Department<'_>, who: &str, change: serde_json::Value) {
    let person = office.person(who).await;
    crate::support::eventually(&format!("{who} may change the resource"), crate::world::SOON, async || {
        let changed = person.patch("CatalogResource", &office.catalog(), "production", change.clone()).await;
        changed.map(|_| ()).map_err(|refusal| refusal.to_string())
    })
    .await;
}

#[tokio::test]
async fn who_waits_for_approval_gets_what_the_package_has_by_then() {
    let office = department("content-later").await;
    office.policy("asked", &crate::terms::if_a_lead_agrees()).await;
    let request = office.asks(ZOE).await;
    office.request_is(&request, "PendingApproval").await;
    office.fills(ONCALL, json!([editor()])).await;
    office.content_settles(&request).await;
    office.decides(crate::person::BOB, &request, "Approve").await;
    office.request_is(&request, "Delivered").await;
    office.is_held_by(&office.name, EDIT, &[ZOE]).await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    office.is_right().await;
}

#[tokio::test]
async fn a_cluster_wide_role_is_given_and_taken_like_any_other() {
    let office = department("content-wide").await.open_to_engineers().await;
    let wide = json!({"kubernetes": {"clusterWide": true}, "roles": [role("nodes", "system:node-proxier")]});
    office.write(ROOT, "CatalogResource", "cluster", wide).await;
    office.fills(ONCALL, json!([viewer(), {"resource": "cluster", "role": "nodes"}])).await;
    let assignment = office.gets_by_asking(DAVE).await;
    let prefix = format!("entitlement:{}:cluster:", office.catalog());
    let bound = async || {
        let all = office.person(ROOT).await.list("ClusterRoleBinding", "").await.expect("root may list");
        all.into_iter().filter(|b| b["metadata"]["name"].as_str().is_some_and(|name| name.starts_with(&prefix))).count()
    };
    assert_eq!(bound().await, 1);
    office.revokes(&assignment).await;
    office.reaches("Assignment", &assignment, "Revoked").await;
    assert_eq!(bound().await, 0);
    office.is_right().await;
}
