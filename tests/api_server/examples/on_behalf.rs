//! Somebody asks for somebody else; neither of the two decides.

use super::stage::stage;

const SPACE: &str = "catalog-training";

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_asks_for_a_newcomer_and_another_lead_approves() {
    let stage = stage().await;
    stage.set_up("on-behalf").await;
    stage.applies("alice", "on-behalf/not-allowed.yaml").await;
    let denied = stage.request_is(SPACE, "alice-for-dave", "Denied NotAllowedForOthers").await;
    assert!(
        denied["status"]["message"].as_str().unwrap().contains("alice@example.com may not request for User dave@example.com")
    );

    stage.applies("bob", "on-behalf/request.yaml").await;
    stage.request_is(SPACE, "bob-for-dave", "PendingApproval").await;
    stage.applies("bob", "on-behalf/decision-of-bob.yaml").await;
    stage.decision_is(SPACE, "bob-for-dave-by-bob", "SelfApproval").await;
    stage.can_look("dave", "training", false).await;
    stage.applies("erin", "on-behalf/decision.yaml").await;
    stage.request_is(SPACE, "bob-for-dave", "Delivered").await;
    stage.can_look("dave", "training", true).await;
    stage.can_look("bob", "training", false).await;
    stage.is_right(SPACE).await;
}
