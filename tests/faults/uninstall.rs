//! Uninstalling while the operator runs: the CustomResourceDefinitions first. All access goes, nothing is stuck, and what is installed again is new.

use serde_json::json;

use crate::acts::VIEW;
use crate::department::{Department, ONCALL};
use crate::person::{ALICE, DAVE, ZOE};
use crate::support::{Operator, ROOT, eventually, install};
use crate::terms::if_a_lead_agrees;
use crate::world::{SOON, WITHIN, is_idle, quiet, sum};

#[tokio::test]
async fn deleting_the_definitions_takes_all_access_along() {
    let plane = quiet().await;
    plane.will_be_damaged();
    let operator = Operator::start(&plane, &[]).await;
    let office = Department::open(&plane, "uninstall").await.open_to_engineers().await;
    office.gets_by_asking(ALICE).await;
    office.assigns(DAVE).await;
    let slow = Department::open(&plane, "uninstall-slow").await;
    slow.policy("asked", &if_a_lead_agrees()).await;
    let pending = slow.asks(ZOE).await;
    slow.request_is(&pending, "PendingApproval").await;

    plane.kubectl(ROOT, &["delete", "-k", "config/crd", "--timeout=60s"]).await.ok();
    office.is_held_by(&office.name, VIEW, &[]).await;
    let root = office.person(ROOT).await;
    let left = root.list("RoleBinding", "").await.expect("root may list");
    let ours = left.iter().find(|b| b["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("entitlement:")));
    assert!(ours.is_none(), "no binding is left: {ours:?}");
    assert!(operator.ended().is_none(), "the operator lives");
    let before = sum(&operator.metrics().await, "entitlement_api_requests_total", &[]);
    tokio::time::sleep(SOON / 5).await;
    let after = sum(&operator.metrics().await, "entitlement_api_requests_total", &[]);
    assert!(after - before < 100.0, "it does not loop hot: {} requests in two seconds", after - before);

    install(&plane).await;
    eventually("the operator sees the definitions again", WITHIN * 2, async || {
        let spec = json!({"kind": "Catalog", "metadata": {"name": "default"}});
        root.get("Catalog", "", "default").await.map(|_| ()).map_err(|refusal| format!("{refusal}: {spec}"))
    })
    .await;
    let reborn = Department::open(&plane, "uninstall-again").await.open_to_engineers().await;
    reborn.assigns_with(ONCALL, ZOE, json!({})).await;
    reborn.is_held_by(&reborn.name, VIEW, &[ZOE]).await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    is_idle(async || operator.metrics().await).await;
    reborn.is_right().await;
    office.is_right().await;
}

#[tokio::test]
async fn deleting_one_definition_takes_what_hangs_on_it() {
    let plane = quiet().await;
    plane.will_be_damaged();
    let operator = Operator::start(&plane, &[]).await;
    let office = Department::open(&plane, "uninstall-one").await.open_to_engineers().await;
    office.gets_by_asking(ALICE).await;
    office.assigns(DAVE).await;
    plane.kubectl(ROOT, &["delete", "crd", "assignments.entitlement.dev", "--timeout=60s"]).await.ok();
    office.is_held_by(&office.name, VIEW, &[]).await;
    is_idle(async || operator.metrics().await).await;
    install(&plane).await;
    office.is_held_by(&office.name, VIEW, &[]).await;
    office.assigns(ZOE).await;
    office.is_right().await;
}
