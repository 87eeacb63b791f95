//! A period of the requestor's choice, within the policy's limit.

use super::stage::stage;

const SPACE: &str = "catalog-warehouse";

#[tokio::test(flavor = "multi_thread")]
async fn a_window_in_the_future_waits_for_its_start_and_can_be_cancelled() {
    let stage = stage().await;
    stage.set_up("scheduled").await;
    stage.applies("dave", "scheduled/too-long.yaml").await;
    stage.request_is(SPACE, "dave-maintenance", "Denied ScheduleTooLong").await;

    stage.applies("alice", "scheduled/request.yaml").await;
    stage.request_is(SPACE, "alice-maintenance", "PendingApproval").await;
    stage.applies("bob", "scheduled/decision.yaml").await;
    let request = stage.request_is(SPACE, "alice-maintenance", "Scheduled").await;
    let period = &request["status"]["schedule"];
    assert_eq!(
        (period["startTime"].as_str(), period["endTime"].as_str()),
        (Some("2035-01-08T20:00:00Z"), Some("2035-01-09T00:00:00Z"))
    );
    stage.can_look("alice", "warehouse", false).await;

    let withdraw =
        ["patch", "accessrequest", "-n", SPACE, "alice-maintenance", "--type=merge", "-p", r#"{"spec":{"cancelled":true}}"#];
    stage.plane.kubectl("alice@example.com", &withdraw).await.ok();
    stage.request_is(SPACE, "alice-maintenance", "Cancelled").await;
    stage.is_right(SPACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_starts_soon_opens_and_closes_by_itself() {
    let stage = stage().await;
    stage.set_up("scheduled").await;
    let start = chrono::DateTime::from_timestamp(chrono_now() + 6, 0).expect("an instant").format("%Y-%m-%dT%H:%M:%SZ");
    let request = format!(
        "apiVersion: entitlement.dev/v1alpha1\nkind: AccessRequest\nmetadata: {{name: zoe-soon, namespace: {SPACE}}}\n\
         spec: {{accessPackage: maintenance, justification: new disks, schedule: {{startTime: \"{start}\", duration: 6s}}}}\n"
    );
    stage.writes("zoe", &request).await;
    stage.request_is(SPACE, "zoe-soon", "PendingApproval").await;
    let decision = format!(
        "apiVersion: entitlement.dev/v1alpha1\nkind: ApprovalDecision\nmetadata: {{name: zoe-soon, namespace: {SPACE}}}\n\
         spec: {{accessRequest: zoe-soon, decision: Approve}}\n"
    );
    stage.writes("bob", &decision).await;
    let done = stage.request_is(SPACE, "zoe-soon", "Delivered").await;
    let events: Vec<&str> = done["status"]["timeline"].as_array().unwrap().iter().filter_map(|e| e["event"].as_str()).collect();
    let wanted =
        ["Submitted", "PendingApproval", "StageOpened", "StageApproved", "Approved", "Scheduled", "Provisioning", "Delivered"];
    assert_eq!(events, wanted);
    let name = done["status"]["assignment"].as_str().unwrap();
    stage.reaches("assignment", SPACE, name, "Expired").await;
    stage.can_look("zoe", "warehouse", false).await;
    stage.is_right(SPACE).await;
}

#[allow(clippy::disallowed_methods)] // a person reads the wall clock
fn chrono_now() -> i64 {
    chrono::Utc::now().timestamp()
}
