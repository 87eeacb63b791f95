//! What is written in the record is true, whoever would like it otherwise.

use chrono::Utc;
use entitlement_operator::api::catalog::NotedOwner;
use entitlement_operator::api::{AccessRequest, Catalog};
use entitlement_operator::domain::request::assignment_name;
use serde_json::{Value, json};

use crate::department::{Department, ONCALL};
use crate::person::{ALICE, BOB, CAROL, DAVE, ERIN, OLGA, condition};
use crate::support::{Operator, ROOT, eventually};
use crate::terms::{for_group, if_a_lead_agrees};
use crate::world::department;
use crate::world::{WITHIN, quiet};

/// B12: fields are owned by writing them as they are, and a status cannot be written any more.
#[tokio::test]
async fn a_write_that_changes_nothing_is_judged_like_any_other() {
    let office = department("b12-nothing").await;
    let text = |name: &str| {
        format!(
            "apiVersion: entitlement.dev/v1alpha1\nkind: Catalog\nmetadata: {{name: {name}}}\n\
             spec: {{accessPackageManagers: [{{kind: Group, name: payments-leads}}]}}\n"
        )
    };
    for who in [BOB, OLGA] {
        let args = ["apply", "--server-side", "--field-manager=mine", "-f", "-"];
        let refused = office.plane.kubectl_with_input(who, &args, &text(&office.name)).await.refused();
        assert!(refused.contains("is not an owner"), "{refused}");
    }
    office.policy("engineers", &if_a_lead_agrees()).await;
    let request = office.asks(ALICE).await;
    let dave = office.person(DAVE).await;
    let touched = dave.patch("AccessRequest", &office.catalog(), &request, json!({})).await.expect_err("must be refused");
    assert!(touched.message.contains("may not write to AccessRequest"), "{touched}");
    office.is_right().await;
}

#[tokio::test]
async fn a_status_is_written_however_much_somebody_filled_the_managed_fields() {
    let office = department("b12-large").await;
    office.policy("engineers", &if_a_lead_agrees()).await;
    let request = office.asks(ALICE).await;
    office.request_is(&request, "PendingApproval").await;
    // Her own request, so that she may; and as much as etcd takes.
    let field = |number: usize| (format!("f:{number}{}", "x".repeat(900)), json!({}));
    let fields: Value = (0..1_500).map(field).collect::<serde_json::Map<_, _>>().into();
    let entry = json!({"manager": "large", "operation": "Update", "apiVersion": "entitlement.dev/v1alpha1", "time": "2026-01-01T00:00:00Z",
        "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": fields}});
    let change = json!({"metadata": {"managedFields": [entry]}});
    let stored = office.person(ALICE).await.patch("AccessRequest", &office.catalog(), &request, change).await.unwrap();
    assert!(stored["metadata"]["managedFields"].to_string().len() > 1_000_000, "it is as large as it can be");
    let decision = office.decides(BOB, &request, "Approve").await;
    office.counts(&decision, "True Decided").await;
    office.request_is(&request, "Delivered").await;
    office.is_right().await;
}

/// B16: who revoked.
#[tokio::test]
async fn who_revokes_is_whom_the_api_server_knows() {
    let office = department("b16").await.with_alice().await;
    let assignment = office.assigned(json!({"kind": "User", "name": DAVE})).await;
    office.reaches("Assignment", &assignment, "Delivered").await;
    let revoked = json!({"spec": {"revoked": {"by": "somebody-else@example.com", "reason": "left"}}});
    let stored = office.carol_changes("Assignment", &assignment, revoked).await;
    assert_eq!(stored["spec"]["revoked"]["by"], CAROL);
    let ended = office.reaches("Assignment", &assignment, "Revoked").await;
    let told = ended["status"]["timeline"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(told["by"], CAROL, "{told}");
    office.is_right().await;
}

/// B20: somebody else's assignment has the name of the request's own.
#[tokio::test]
async fn a_request_does_not_take_somebody_elses_assignment_for_its_own() {
    let office = department("b20").await;
    office.policy("engineers", &if_a_lead_agrees()).await;
    let request = office.asks(ALICE).await;
    let waiting = office.request_is(&request, "PendingApproval").await;
    let name = assignment_name(&serde_json::from_value::<AccessRequest>(waiting).unwrap());
    let spec = json!({"accessPackage": ONCALL, "policy": "engineers", "subject": {"kind": "User", "name": DAVE}});
    office.write(CAROL, "Assignment", &name, spec).await;
    office.reaches("Assignment", &name, "Delivered").await;
    office.decides(BOB, &request, "Approve").await;
    let told = office.request_is(&request, "Provisioning Conflict").await;
    assert!(told["status"]["message"].to_string().contains(&name), "{}", told["status"]);
    office.person(CAROL).await.delete("Assignment", &office.catalog(), &name).await.unwrap();
    office.request_is(&request, "Delivered").await;
    office.can_look_in_becomes(ALICE, true).await;
    office.is_right().await;
}

/// B22: owners decide as those who they were when they decided.
#[tokio::test]
async fn who_becomes_an_owner_after_the_decision_was_none() {
    let plane = quiet().await;
    let running = Operator::start(&plane, &[]).await;
    let office = Department::open(&plane, "b22").await.open_to_everybody().await;
    let mut terms = for_group("engineering").spec(ONCALL);
    terms["approval"] = json!({"stages": [{"name": "owner", "approvers": [{"kind": "CatalogOwners"}]}]});
    office.write(CAROL, "Policy", "owners", terms).await;
    office.becomes("Policy", &office.catalog(), "owners", "Ready", "True Available").await;
    let request = office.asks(ALICE).await;
    office.request_is(&request, "PendingApproval").await;
    running.stop().await;
    let early = office.decides(OLGA, &request, "Approve").await;
    let owners = json!({"spec": {"owners": [{"kind": "User", "name": CAROL}, {"kind": "User", "name": OLGA}]}});
    office.person(CAROL).await.patch("Catalog", "", &office.name, owners).await.unwrap();
    let _running = Operator::start(&plane, &[]).await;
    office.counts(&early, "False NotAnApprover").await;
    let root = office.person(ROOT).await;
    eventually("olga decides as an owner", WITHIN, async || {
        let catalog = root.get("Catalog", "", &office.name).await.unwrap();
        let known: Catalog = serde_json::from_value(catalog).unwrap();
        let decides = |owner: &NotedOwner| owner.subject.name == OLGA && owner.since <= Utc::now();
        if known.deciding_owners().iter().any(decides) { Ok(()) } else { Err(format!("{:?}", known.status)) }
    })
    .await;
    let late = office.decides(OLGA, &request, "Approve").await;
    office.counts(&late, "True Decided").await;
    office.request_is(&request, "Delivered").await;
    office.is_right().await;
}

/// Approvers approve content, not a name.
#[tokio::test]
async fn an_approval_for_other_roles_does_not_count() {
    let office = department("content").await;
    let mut terms = if_a_lead_agrees().spec(ONCALL);
    terms["approval"]["stages"][0]["approvalsRequired"] = json!(2);
    office.write(CAROL, "Policy", "two-leads", terms).await;
    office.becomes("Policy", &office.catalog(), "two-leads", "Ready", "True Available").await;
    let request = office.asks(ALICE).await;
    let waiting = office.request_is(&request, "PendingApproval").await;
    assert_eq!(waiting["status"]["content"][0]["role"], "viewer", "{}", waiting["status"]);
    let early = office.decides(BOB, &request, "Approve").await;
    office.counts(&early, "True Decided").await;
    let more = json!({"spec": {"resourceRoles": [{"resource": "production", "role": "viewer"}, {"resource": "production", "role": "editor"}]}});
    office.carol_changes("AccessPackage", ONCALL, more).await;
    office.counts(&early, "False ContentChanged").await;
    let anew = office.content_settles(&request).await;
    assert_eq!(anew["status"]["content"].as_array().map(Vec::len), Some(2), "{}", anew["status"]);
    assert_eq!(condition(&anew, "Approved"), "Unknown AwaitingApproval");
    for who in [BOB, ERIN] {
        let decision = office.decides(who, &request, "Approve").await;
        office.counts(&decision, "True Decided").await;
    }
    office.request_is(&request, "Delivered").await;
    office.is_right().await;
}
