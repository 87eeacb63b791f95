//! A later end for the same assignment, and giving it back.

use super::stage::{seconds, stage};

const SPACE: &str = "catalog-reports";

#[tokio::test(flavor = "multi_thread")]
async fn the_end_moves_without_a_gap_and_access_can_be_given_back() {
    let stage = stage().await;
    stage.set_up("extension").await;
    stage.applies("alice", "extension/1-request.yaml").await;
    stage.applies("bob", "extension/2-decision.yaml").await;
    let request = stage.request_is(SPACE, "alice-reports", "Delivered").await;
    let name = request["status"]["assignment"].as_str().expect("an assignment").to_owned();
    let first = stage.reaches("assignment", SPACE, &name, "Delivered").await;
    stage.can_look("alice", "reports", true).await;

    stage.applies("alice", "extension/3-extend.yaml").await;
    stage.request_is(SPACE, "alice-reports-longer", "PendingApproval").await;
    let same = stage.read("assignment", SPACE, &name).await;
    assert_eq!(same["status"]["schedule"], first["status"]["schedule"], "nothing moves before somebody approves");
    stage.applies("bob", "extension/4-decision.yaml").await;
    stage.request_is(SPACE, "alice-reports-longer", "Delivered").await;
    let longer = stage.read("assignment", SPACE, &name).await;
    let end = |assignment: &serde_json::Value| seconds(&assignment["status"]["schedule"]["endTime"]);
    assert!(end(&longer) >= end(&first), "never shorter");
    assert_eq!(longer["status"]["schedule"]["startTime"], first["status"]["schedule"]["startTime"]);
    let events: Vec<&str> = longer["status"]["timeline"].as_array().unwrap().iter().filter_map(|e| e["event"].as_str()).collect();
    assert!(!events.contains(&"Revoking"), "no gap: {events:?}");

    stage.applies("alice", "extension/5-give-back.yaml").await;
    stage.request_is(SPACE, "alice-reports-done", "Delivered").await;
    stage.reaches("assignment", SPACE, &name, "Revoked").await;
    stage.can_look("alice", "reports", false).await;
    stage.is_right(SPACE).await;
}
