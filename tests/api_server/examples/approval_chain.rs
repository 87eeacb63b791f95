//! Three stages, a fallback for the person who asks, a quorum of two, an escalation.

use super::stage::{seconds, stage};

const SPACE: &str = "catalog-ledger";

#[tokio::test(flavor = "multi_thread")]
async fn stages_go_one_after_the_other_and_the_last_one_escalates() {
    let stage = stage().await;
    stage.set_up("approval-chain").await;
    stage.applies("alice", "approval-chain/request.yaml").await;
    let request = stage.request_is(SPACE, "alice-ledger", "PendingApproval").await;
    let open = &request["status"]["stages"][0];
    assert_eq!(
        (open["name"].as_str(), open["approvers"][0]["name"].as_str()),
        (Some("peer"), Some("payments-leads")),
        "the fallback"
    );

    stage.applies("bob", "approval-chain/1-decision-peer.yaml").await;
    stage.decision_is(SPACE, "alice-ledger-peer", "Decided").await;
    stage.applies("bob", "approval-chain/2-decision-lead.yaml").await;
    stage.decision_is(SPACE, "alice-ledger-lead", "Decided").await;
    let request = stage.request_is(SPACE, "alice-ledger", "PendingApproval").await;
    assert_eq!(request["status"]["stages"].as_array().map(Vec::len), Some(2), "one of two leads is not enough");

    stage.applies("erin", "approval-chain/3-decision-other-lead.yaml").await;
    stage.decision_is(SPACE, "alice-ledger-other-lead", "Decided").await;
    let request = stage.request_is(SPACE, "alice-ledger", "PendingApproval").await;
    let owner = request["status"]["stages"][2].clone();
    assert_eq!(owner["name"], "owner");
    assert_eq!(seconds(&owner["escalatesAt"]) - seconds(&owner["deadline"]) + 14 * 86_400, 30, "both count from the opening");
    stage.can_look("alice", "ledger", false).await;

    // Peter is nobody before the escalation.
    stage.applies("peter", "approval-chain/4-decision-escalated.yaml").await;
    stage.decision_is(SPACE, "alice-ledger-escalated", "NotAnApprover").await;
    let told = stage.describes("accessrequest", SPACE, "alice-ledger").await;
    assert!(told.contains("an owner of the catalog (stage owner, 1 approval, until "), "{told}");

    let decision = "apiVersion: entitlement.dev/v1alpha1\nkind: ApprovalDecision\nmetadata: {name: alice-ledger-owner, namespace: catalog-ledger}\n\
                    spec: {accessRequest: alice-ledger, decision: Approve}\n";
    stage.writes("carol", decision).await;
    stage.request_is(SPACE, "alice-ledger", "Delivered").await;
    stage.can_look("alice", "ledger", true).await;
    stage.is_right(SPACE).await;
}
