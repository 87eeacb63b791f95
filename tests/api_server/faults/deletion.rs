//! Deleting is blocked from below and told; whatever goes, and in whatever order, no access stays behind and nothing is stuck.

use serde_json::json;

use crate::acts::VIEW;
use crate::checker::text;
use crate::department::{Department, ONCALL};
use crate::person::{ALICE, BOB, DAVE, ZOE};
use crate::quickstart::ALONE;
use crate::support::{ROOT, eventually};
use crate::terms::if_a_lead_agrees;
use crate::world::{WITHIN, department, is_idle, world};

#[tokio::test]
async fn a_pruned_package_takes_nobodys_access() {
    let office = department("deletion-package").await.open_to_engineers().await;
    let assignment = office.gets_by_asking(ALICE).await;
    office.deletes("AccessPackage", ONCALL).await;
    office.becomes("AccessPackage", &office.catalog(), ONCALL, "Ready", "False InUse").await;
    let message = office.message("AccessPackage", ONCALL, "Ready").await;
    assert!(message.contains("1 live assignment"), "the condition says what it waits for: {message}");
    office.is_told("AccessPackage", ONCALL, "NotReady", "1 live assignment").await;

    let request = office.asks(DAVE).await;
    office.request_is(&request, "Denied PackageNotFound").await;
    assert_eq!(office.phase("Assignment", &assignment).await, "Delivered");
    assert!(office.can_look_in(ALICE).await, "nobody lost anything");

    office.revokes(&assignment).await;
    office.goes("AccessPackage", ONCALL).await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    office.is_right().await;
}

#[tokio::test]
async fn a_pending_request_keeps_its_package() {
    let office = department("deletion-pending").await;
    office.policy("asked", &if_a_lead_agrees()).await;
    let request = office.asks(ZOE).await;
    office.request_is(&request, "PendingApproval").await;
    office.deletes("AccessPackage", ONCALL).await;
    office.becomes("AccessPackage", &office.catalog(), ONCALL, "Ready", "False InUse").await;
    let message = office.message("AccessPackage", ONCALL, "Ready").await;
    assert!(message.contains("1 pending request"), "the condition says what it waits for: {message}");
    office.changes(ZOE, "AccessRequest", &request, json!({"spec": {"cancelled": true}})).await;
    office.goes("AccessPackage", ONCALL).await;
    office.is_right().await;
}

#[tokio::test]
async fn a_pruned_resource_waits_for_its_packages_and_keeps_its_grants() {
    let office = department("deletion-resource").await.open_to_engineers().await;
    let assignment = office.gets_by_asking(ALICE).await;
    // The author has left the company: the answer about her stands for what she wrote.
    office.person(ROOT).await.delete("RoleBinding", &office.name, "department-head").await.expect("carol leaves");
    office.deletes("CatalogResource", "production").await;
    office.becomes("CatalogResource", &office.catalog(), "production", "Ready", "False InUse").await;
    let message = office.message("CatalogResource", "production", "Ready").await;
    assert!(message.contains("1 access package"), "the condition says what it waits for: {message}");
    is_idle(&world().await.operator).await;
    assert_eq!(office.condition("CatalogResource", "production", "Authorized").await, "True AuthorMayBind");
    assert_eq!(office.phase("Assignment", &assignment).await, "Delivered");
    office.is_held_by(&office.name, VIEW, &[ALICE]).await;

    office.deletes("AccessPackage", ONCALL).await;
    office.revokes(&assignment).await;
    office.goes("AccessPackage", ONCALL).await;
    office.goes("CatalogResource", "production").await;
    office.is_right().await;
}

#[tokio::test]
async fn a_catalog_waits_for_its_packages() {
    let office = department("deletion-catalog").await;
    let root = office.person(ROOT).await;
    root.delete("Catalog", "", &office.name).await.expect("root may delete it");
    office.becomes("Catalog", "", &office.name, "Ready", "False InUse").await;
    office.deletes("AccessPackage", ONCALL).await;
    office.deletes("CatalogResource", "production").await;
    eventually("the catalog is gone with its namespace", WITHIN, async || {
        match (root.get("Catalog", "", &office.name).await, root.get("Namespace", "", &office.catalog()).await) {
            (Err(_), Err(_)) => Ok(()),
            (catalog, namespace) => Err(format!("{catalog:?} {namespace:?}")),
        }
    })
    .await;
    office.is_right().await;
}

#[tokio::test]
async fn a_deleted_policy_leaves_assignments_on_their_pinned_terms() {
    let office = department("deletion-policy").await.open_to_engineers().await;
    let (asked, assigned) = (office.gets_by_asking(ALICE).await, office.assigns(DAVE).await);
    office.deletes("Policy", "engineers").await;
    office.goes("Policy", "engineers").await;
    is_idle(&world().await.operator).await;
    for assignment in [&asked, &assigned] {
        assert_eq!(office.phase("Assignment", assignment).await, "Delivered");
    }
    office.is_held_by(&office.name, VIEW, &[ALICE, DAVE]).await;
    office.is_right().await;
}

#[tokio::test]
async fn the_namespace_of_a_catalog_takes_all_access_along() {
    let office = department("deletion-namespace").await.open_to_engineers().await;
    office.gets_by_asking(ALICE).await;
    office.assigns(DAVE).await;
    office.policy("asked", &if_a_lead_agrees().and_user("olga@example.com")).await;
    let root = office.person(ROOT).await;
    let namespace = root.get("Namespace", "", &office.catalog()).await.expect("it is there");
    root.delete("Namespace", "", &office.catalog()).await.expect("root may delete it");
    office.is_held_by(&office.name, VIEW, &[]).await;
    eventually("the namespace is gone, and made anew for the catalog", WITHIN, async || {
        let found = root.get("Namespace", "", &office.catalog()).await.map_err(|refusal| refusal.to_string())?;
        if found["metadata"]["uid"] == namespace["metadata"]["uid"] { Err(found["status"].to_string()) } else { Ok(()) }
    })
    .await;
    office.becomes("Catalog", "", &office.name, "Ready", "True Available").await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    office.is_right().await;
}

/// The quickstart as a reader leaves it: somebody got access by asking, somebody directly, somebody still waits.
async fn quickstart() -> Department<'static> {
    let plane = &world().await.plane;
    plane.kubectl(ROOT, &["apply", "-f", "examples/quickstart"]).await.ok();
    let office = Department::existing(plane, "payments");
    office.becomes("AccessPackage", "catalog-payments", "payments-oncall", "Ready", "True Available").await;
    office.becomes("Policy", "catalog-payments", "engineers", "Ready", "True Available").await;
    office.becomes("Catalog", "", "payments", "Ready", "True Available").await;
    let wish = json!({"accessPackage": "payments-oncall", "justification": "on call"});
    let asks = async |who: &str, name: &str| {
        let metadata = json!({"name": name, "namespace": "catalog-payments"});
        office.make(who, json!({"kind": "AccessRequest", "metadata": metadata, "spec": wish})).await;
        office.request_is(name, "PendingApproval").await;
    };
    asks(ALICE, "granted").await;
    asks(ZOE, "waiting").await;
    office.decides(BOB, "granted", "Approve").await;
    office.request_is("granted", "Delivered").await;
    let direct = office.assigns_with("payments-oncall", DAVE, json!({})).await;
    office.reaches("Assignment", &direct, "Delivered").await;
    office.is_held_by("payments", VIEW, &[ALICE, DAVE]).await;
    office
}

/// Whether the quickstart is gone, all of it.
async fn is_gone(office: &Department<'_>) {
    let root = office.person(ROOT).await;
    eventually("nothing is left of the quickstart", WITHIN, async || {
        for (kind, name) in [("Catalog", "payments"), ("Namespace", "catalog-payments"), ("Namespace", "payments")] {
            if let Ok(found) = root.get(kind, "", name).await {
                return Err(format!("{kind} {name}: {}", found["status"]));
            }
        }
        let bindings = root.list("RoleBinding", "").await.map_err(|refusal| refusal.to_string())?;
        let left = bindings.iter().find(|b| text(b, "/metadata/name").starts_with("entitlement:catalog-payments:"));
        left.map_or(Ok(()), |binding| Err(binding.to_string()))
    })
    .await;
    Department::existing(office.plane, "payments").is_right().await;
}

#[tokio::test]
async fn the_quickstart_can_be_deleted_in_any_order() {
    let (_alone, plane) = (ALONE.lock().await, &world().await.plane);
    let forwards = ["1-catalog", "2-resource", "3-package", "4-policy"];
    let backwards = ["4-policy", "3-package", "2-resource", "1-catalog"];
    let all = ["delete", "assignments", "--all", "-n", "catalog-payments", "--wait=false"];

    let office = quickstart().await;
    plane.kubectl(ROOT, &["delete", "-f", "examples/quickstart", "--timeout=60s"]).await.ok();
    is_gone(&office).await;

    let office = quickstart().await;
    plane.kubectl(ROOT, &all).await.ok();
    for file in backwards {
        plane.kubectl(ROOT, &["delete", "--wait=false", "-f", &format!("examples/quickstart/{file}.yaml")]).await.ok();
    }
    is_gone(&office).await;

    let office = quickstart().await;
    let files = async {
        for file in forwards {
            plane.kubectl(ROOT, &["delete", "--wait=false", "-f", &format!("examples/quickstart/{file}.yaml")]).await.ok();
        }
    };
    tokio::join!(files, plane.kubectl(ROOT, &all));
    is_gone(&office).await;
}

#[tokio::test]
async fn an_assignment_that_was_never_accepted_goes_at_once() {
    let office = department("deletion-early").await;
    let never = office.assigns_with("no-such-package", ALICE, json!({})).await;
    office.reaches("Assignment", &never, "Pending PackageNotFound").await;
    office.deletes("Assignment", &never).await;
    office.goes("Assignment", &never).await;
    office.is_right().await;
}
