//! While the admission policies are not in force nothing new is granted, and revocation goes on.

use serde_json::json;

use crate::acts::VIEW;
use crate::department::{Department, ONCALL};
use crate::person::{ALICE, DAVE, ZOE};
use crate::support::{Operator, Plane, ROOT, eventually};
use crate::world::{SOON, WITHIN, is_idle, quiet};

const POLICY: &str = "validatingadmissionpolicy";
const BINDING: &str = "validatingadmissionpolicybinding";
const CHECK: &str = "requestor-identity.entitlement.dev";

/// Waits until the operator says that it is ready, or what is missing.
async fn says(operator: &Operator, want: &str) {
    eventually(&format!("/readyz says {want:?}"), SOON, async || {
        let (_, page) = operator.get("/readyz").await?;
        if page.contains(want) { Ok(()) } else { Err(page) }
    })
    .await;
}

/// Puts the shipped policies back. What somebody else wrote into them would survive an apply, so they go first.
async fn repaired(plane: &Plane) {
    plane.kubectl(ROOT, &["delete", "--ignore-not-found", POLICY, CHECK]).await.ok();
    plane.kubectl(ROOT, &["delete", "--ignore-not-found", BINDING, CHECK]).await.ok();
    let args = ["apply", "--server-side", "--force-conflicts", "-k", "config/admission"];
    plane.kubectl(ROOT, &args).await.ok();
}

#[tokio::test]
async fn a_missing_policy_stops_grants_and_no_revocation() {
    let plane = quiet().await;
    plane.will_be_damaged();
    let operator = Operator::start(&plane, &[]).await;
    let office = Department::open(&plane, "guard-missing").await.open_to_engineers().await;
    let (leaves, stays) = (office.assigns(ALICE).await, office.assigns("robot").await);

    office.builds("guard-missing-2").await;

    plane.kubectl(ROOT, &["delete", POLICY, CHECK]).await.ok();
    says(&operator, CHECK).await;
    let request = office.asks(DAVE).await;
    office.becomes("AccessRequest", &office.catalog(), &request, "Ready", "False IdentityNotEnforced").await;
    let direct = office.assigns_with(ONCALL, ZOE, json!({})).await;
    office.reaches("Assignment", &direct, "Pending IdentityNotEnforced").await;

    office.revokes(&leaves).await;
    office.is_held_by(&office.name, VIEW, &["robot"]).await;
    office.reaches("Assignment", &leaves, "Revoked").await;

    office.moves_to(&["guard-missing-2"]).await;
    office.becomes("CatalogResource", &office.catalog(), "production", "Ready", "True Available").await;
    is_quiet(&operator).await;
    office.is_held_by(&office.name, VIEW, &["robot"]).await;
    office.moves_to(&[&office.name]).await;
    let root = office.person(ROOT).await;
    let binding = office.binding(&office.name).await;
    root.delete("RoleBinding", &office.name, binding["metadata"]["name"].as_str().expect("a name")).await.expect("drift");
    is_quiet(&operator).await;
    assert_eq!(office.holders(&office.name, VIEW).await.len(), 0, "not even what drifted away is added");

    repaired(&plane).await;
    says(&operator, "ok").await;
    office.request_is(&request, "Delivered").await;
    office.reaches("Assignment", &direct, "Delivered").await;
    office.reaches("Assignment", &stays, "Delivered").await;
    office.is_held_by(&office.name, VIEW, &["robot", DAVE, ZOE]).await;
    office.is_right().await;
}

/// Waits until the operator has done all it does while it looks for the policies every second.
async fn is_quiet(operator: &Operator) {
    is_idle(async || operator.metrics().await).await;
}

#[tokio::test]
async fn every_way_to_disarm_a_policy_is_noticed_and_so_is_its_repair() {
    let plane = quiet().await;
    plane.will_be_damaged();
    let operator = Operator::start(&plane, &[]).await;
    let disarm: [(&str, &[&str]); 5] = [
        ("unbound", &["delete", BINDING, CHECK]),
        ("weakened", &["patch", BINDING, CHECK, "--type=merge", "-p", r#"{"spec": {"validationActions": ["Warn"]}}"#]),
        (
            "for no namespace",
            &[
                "patch",
                BINDING,
                CHECK,
                "--type=merge",
                "-p",
                r#"{"spec": {"matchResources": {"namespaceSelector": {"matchLabels": {"none": "such"}}}}}"#,
            ],
        ),
        ("open on failure", &["patch", POLICY, CHECK, "--type=merge", "-p", r#"{"spec": {"failurePolicy": "Ignore"}}"#]),
        ("edited", &["patch", POLICY, CHECK, "--type=merge", "-p", r#"{"spec": {"validations": [{"expression": "true"}]}}"#]),
    ];
    for (how, args) in disarm {
        plane.kubectl(ROOT, args).await.ok();
        eventually(&format!("{how} is noticed"), SOON, async || {
            let (status, page) = operator.get("/readyz").await?;
            if status == 503 && page.contains(CHECK) { Ok(()) } else { Err(page) }
        })
        .await;
        let page = operator.metrics().await;
        assert!(page.contains("entitlement_admission_guard 0"), "{how}: the metric says so");
        repaired(&plane).await;
        says(&operator, "ok").await;
    }
    assert!(operator.log().contains("identities are not enforced"), "the log says so");
}

#[tokio::test]
async fn it_is_noticed_at_start() {
    let plane = quiet().await;
    plane.will_be_damaged();
    let operator = Operator::start(&plane, &[]).await;
    let office = Department::open(&plane, "guard-start").await.open_to_engineers().await;
    let leaves = office.assigns(ALICE).await;
    operator.kill();
    plane.kubectl(ROOT, &["delete", BINDING, CHECK]).await.ok();
    let waits = office.assigns_with(ONCALL, DAVE, json!({})).await;
    office.revokes(&leaves).await;

    let operator = Operator::spawn(&plane, &[]).await;
    eventually("the operator says what is missing", WITHIN, async || {
        let (status, page) = operator.get("/readyz").await?;
        if status == 503 && page.contains(CHECK) { Ok(()) } else { Err(page) }
    })
    .await;
    office.reaches("Assignment", &leaves, "Revoked").await;
    office.reaches("Assignment", &waits, "Pending IdentityNotEnforced").await;
    office.is_held_by(&office.name, VIEW, &[]).await;

    repaired(&plane).await;
    says(&operator, "ok").await;
    office.reaches("Assignment", &waits, "Delivered").await;
    office.is_right().await;
}
