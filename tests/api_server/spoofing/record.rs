//! What was asked and decided cannot be changed afterwards, and only the operator says what became of it.

use serde_json::{Value, json};

use crate::department::ONCALL;
use crate::person::{ADMIN, ALICE, BOB, CAROL, DAVE, MALLORY, OLGA, PETER, name};
use crate::support::ROOT;
use crate::terms::{at_once, if_a_lead_agrees};
use crate::world::department;

#[tokio::test]
async fn a_request_keeps_its_words() {
    let office = department("keeps-its-words").await;
    office.policy("engineers", &if_a_lead_agrees().on_behalf(ALICE)).await;
    let request = office.asks(ALICE).await;
    let changes = [
        json!({"subject": {"kind": "User", "name": MALLORY}}),
        json!({"accessPackage": "another"}),
        json!({"justification": "another"}),
        json!({"policy": "another"}),
        json!({"requestor": {"username": BOB}}),
    ];
    for change in changes {
        for who in [ALICE, CAROL, ROOT] {
            let person = office.person(who).await;
            let patched = person.patch("AccessRequest", &office.catalog(), &request, json!({"spec": change})).await;
            let refusal = patched.expect_err("must be refused");
            assert!(refusal.message.contains("cannot be changed, only cancelled"), "{who}: {refusal}");
        }
    }
    office.is_right().await;
}

#[tokio::test]
async fn a_decision_stays_as_it_was_made() {
    let office = department("decision-stays").await;
    office.policy("engineers", &if_a_lead_agrees()).await;
    let request = office.asks(ALICE).await;
    office.request_is(&request, "PendingApproval").await;
    let decision = office.decides(BOB, &request, "Deny").await;
    office.counts(&decision, "True Decided").await;
    for who in [BOB, ALICE, CAROL, ADMIN, ROOT] {
        let person = office.person(who).await;
        let change = json!({"spec": {"decision": "Approve"}});
        let edited = person.patch("ApprovalDecision", &office.catalog(), &decision, change).await;
        let deleted = person.delete("ApprovalDecision", &office.catalog(), &decision).await;
        let (edited, deleted) = (edited.expect_err("must be refused"), deleted.expect_err("must be refused"));
        assert!(edited.code == 403 || edited.message.contains("cannot be changed"), "{who}: {edited}");
        assert_eq!(deleted.code, 403, "{who}: {deleted}");
    }
    assert_eq!(office.read("ApprovalDecision", &decision).await["spec"]["decision"], "Deny");
    office.request_is(&request, "Denied DeniedByApprover").await;
    office.is_right().await;
}

#[tokio::test]
async fn a_request_in_progress_is_not_deleted() {
    let office = department("not-deleted").await;
    office.policy("engineers", &if_a_lead_agrees()).await;
    let request = office.asks(ALICE).await;
    office.request_is(&request, "PendingApproval").await;
    for who in [ALICE, CAROL, ADMIN, ROOT] {
        let deleted = office.person(who).await.delete("AccessRequest", &office.catalog(), &request).await;
        assert_eq!(deleted.expect_err("must be refused").code, 403, "{who}");
    }
    office.is_right().await;
}

#[tokio::test]
async fn nobody_but_the_operator_writes_a_status() {
    let office = department("no-status").await.open_to_everybody().await;
    office.policy("engineers", &if_a_lead_agrees()).await;
    let request = office.asks(ALICE).await;
    office.request_is(&request, "PendingApproval").await;
    let decision = office.decides(MALLORY, &request, "Approve").await;
    let direct = json!({"accessPackage": ONCALL, "policy": "engineers", "subject": {"kind": "User", "name": DAVE}});
    let assignment = name(&office.write(CAROL, "Assignment", "dave", direct).await);
    let catalog = office.catalog();
    let objects = [
        ("Catalog", "", office.name.as_str()),
        ("CatalogResource", &catalog, "production"),
        ("AccessPackage", &catalog, ONCALL),
        ("Policy", &catalog, "engineers"),
        ("AccessRequest", &catalog, &request),
        ("ApprovalDecision", &catalog, &decision),
        ("Assignment", &catalog, &assignment),
    ];
    for (kind, namespace, name) in objects {
        for who in [ALICE, CAROL, ADMIN, ROOT] {
            let forged = json!({"phase": "Delivered", "observedGeneration": 77});
            let written = office.person(who).await.patch_status(kind, namespace, name, forged).await;
            let refusal = written.expect_err("must be refused");
            assert_eq!(refusal.code, 403, "{who} {kind}: {refusal}");
            // Who may do everything is stopped by the policy and told why.
            assert!(who != ROOT || refusal.message.contains("written by the entitlement operator only"), "{kind}: {refusal}");
        }
    }
    office.is_right().await;
}

#[tokio::test]
async fn a_status_that_comes_with_a_new_object_is_dropped() {
    let office = department("born-delivered").await;
    office.policy("engineers", &if_a_lead_agrees()).await;
    let status =
        json!({"phase": "Approved", "policy": {"name": "engineers", "uid": "x", "generation": 1, "expiration": {"never": true}}});
    let metadata = json!({"name": "born-approved", "namespace": office.catalog()});
    let spec = json!({"accessPackage": ONCALL});
    office.make(ALICE, json!({"kind": "AccessRequest", "metadata": metadata, "spec": spec, "status": status})).await;
    office.request_is("born-approved", "PendingApproval").await;
    assert!(office.grants().await.is_empty());
    office.is_right().await;
}

#[tokio::test]
async fn an_assignment_never_pretends_to_come_from_a_request() {
    let office = department("pretends").await;
    office.policy("engineers", &at_once()).await;
    let request = office.asks(ALICE).await;
    office.request_is(&request, "Delivered").await;
    let spec = |more: Value| {
        let mut spec = json!({"accessPackage": ONCALL, "policy": "engineers", "subject": {"kind": "User", "name": PETER}});
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"kind": "Assignment", "metadata": {"name": "forged", "namespace": office.catalog()}, "spec": spec})
    };
    for who in [CAROL, ADMIN, ROOT] {
        let forged = office.person(who).await.create(spec(json!({"source": "Request", "accessRequest": request}))).await;
        let refusal = forged.expect_err("must be refused");
        assert!(refusal.code == 403 && refusal.message.contains("only the operator writes it"), "{who}: {refusal}");
    }
    // Without the name of a request the word is corrected: it is the manager's own assignment, and says so.
    let stored = office.make(CAROL, spec(json!({"source": "Request", "assignedBy": {"username": BOB}}))).await;
    assert_eq!((&stored["spec"]["source"], &stored["spec"]["assignedBy"]["username"]), (&json!("Direct"), &json!(CAROL)));
    let metadata = json!({"name": "as-alice", "namespace": office.catalog()});
    let by_alice =
        office.person(ALICE).await.create(json!({"kind": "Assignment", "metadata": metadata, "spec": stored["spec"]})).await;
    assert_eq!(by_alice.expect_err("a requestor assigns nobody").code, 403);
    office.is_right().await;
}

#[tokio::test]
async fn a_decision_is_not_born_with_an_owner_or_a_finalizer() {
    let office = department("born-with-an-owner").await;
    office.policy("engineers", &if_a_lead_agrees()).await;
    let request = office.asks(ALICE).await;
    let owner =
        json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "nothing", "uid": "00000000-0000-0000-0000-000000000000"}]);
    for (field, value) in [("ownerReferences", owner), ("finalizers", json!(["example.com/keep"]))] {
        for (who, kind, spec) in [
            (BOB, "ApprovalDecision", json!({"accessRequest": request, "decision": "Approve"})),
            (ALICE, "AccessRequest", json!({"accessPackage": ONCALL})),
        ] {
            let metadata = json!({"name": "odd", "namespace": office.catalog(), field: value});
            let made = office.person(who).await.create(json!({"kind": kind, "metadata": metadata, "spec": spec})).await;
            let refusal = made.expect_err("must be refused");
            assert!(refusal.code == 403 && refusal.message.contains(field), "{kind} {field}: {refusal}");
        }
    }
    office.is_right().await;
}

#[tokio::test]
async fn only_those_concerned_cancel_and_nobody_takes_it_back() {
    let office = department("cancelling").await.open_to_everybody().await;
    office.policy("engineers", &if_a_lead_agrees()).await;
    let request = office.asks(ALICE).await;
    office.request_is(&request, "PendingApproval").await;
    let set = async |who: &str, cancelled: bool| {
        let change = json!({"spec": {"cancelled": cancelled}});
        office.person(who).await.patch("AccessRequest", &office.catalog(), &request, change).await
    };
    for who in [MALLORY, DAVE, OLGA] {
        let refusal = set(who, true).await.expect_err("must be refused");
        assert!(refusal.code == 403 && refusal.message.contains("may not cancel"), "{who}: {refusal}");
    }
    set(ALICE, true).await.unwrap();
    office.request_is(&request, "Cancelled Cancelled").await;
    for who in [ALICE, CAROL, ROOT] {
        let refusal = set(who, false).await.expect_err("must be refused");
        assert!(refusal.message.contains("stays cancelled"), "{who}: {refusal}");
    }
    let late = office.decides(BOB, &request, "Approve").await;
    office.counts(&late, "False RequestNotPending").await;
    office.request_is(&request, "Cancelled Cancelled").await;
    assert!(office.grants().await.is_empty());
    office.is_right().await;
}

#[tokio::test]
async fn a_revoked_assignment_stays_revoked() {
    let office = department("stays-revoked").await;
    office.policy("engineers", &at_once()).await;
    let delivered = office.asks(ALICE).await;
    let delivered = office.request_is(&delivered, "Delivered").await;
    let assignment = delivered["status"]["assignment"].as_str().unwrap();
    let carol = office.person(CAROL).await;
    let revoke = json!({"spec": {"revoked": {"by": CAROL, "reason": "left the team"}}});
    carol.patch("Assignment", &office.catalog(), assignment, revoke).await.unwrap();
    let record = office.reaches("Assignment", assignment, "Revoked Revoked").await;
    assert!(record["status"]["message"].as_str().unwrap().contains("left the team"), "{}", record["status"]);
    for change in [json!({"revoked": {"reason": "another"}}), json!({"subject": {"kind": "User", "name": CAROL}})] {
        let again = carol.patch("Assignment", &office.catalog(), assignment, json!({"spec": change})).await;
        assert_eq!(again.expect_err("must be refused").code, 422);
    }
    for change in [json!({"revoked": null}), json!({"revoked": {"by": "nobody"}})] {
        let kept = carol.patch("Assignment", &office.catalog(), assignment, json!({"spec": change})).await.unwrap();
        assert_eq!(kept["spec"]["revoked"], record["spec"]["revoked"], "it stays as it was");
    }
    office.can_look_in_becomes(ALICE, false).await;
    office.is_right().await;
}
