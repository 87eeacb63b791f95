//! Who asks and who decides is whom the API server knows, whatever they write.

use serde_json::json;

use crate::person::{ADMIN, ALICE, BOB, CAROL, DAVE, ERIN, MALLORY, PETER, condition};
use crate::support::{ROOT, eventually};
use crate::terms::{at_once, for_group, if_a_lead_agrees};
use crate::world::department;
use crate::world::{WITHIN, world};

#[tokio::test]
async fn a_request_in_another_name_is_the_senders_own() {
    let office = department("in-another-name").await.open_to_everybody().await;
    office.policy("engineers", &at_once()).await;
    let forged = json!({"requestor": {"username": ALICE, "uid": "u-alice", "groups": ["engineering"]}});
    let request = office.asks_with(PETER, forged).await;
    let denied = office.request_is(&request, "Denied NotEligible").await;
    assert_eq!(denied["spec"]["requestor"]["username"], PETER);
    assert_eq!(denied["spec"]["requestor"]["uid"], "u-peter");
    assert!(!office.can_look_in(PETER).await && !office.can_look_in(ALICE).await);
    office.is_right().await;
}

#[tokio::test]
async fn groups_that_somebody_makes_up_do_not_count() {
    let office = department("made-up-groups").await.open_to_everybody().await;
    office.policy("engineers", &at_once()).await;
    let forged = json!({"requestor": {"username": PETER, "uid": "u-peter", "groups": ["engineering"]}});
    let request = office.asks_with(PETER, forged).await;
    let denied = office.request_is(&request, "Denied NotEligible").await;
    let groups = denied["spec"]["requestor"]["groups"].to_string();
    assert!(groups.contains("access-managers") && !groups.contains("engineering"), "{groups}");
    assert!(office.grants().await.is_empty());
    office.is_right().await;
}

#[tokio::test]
async fn a_decision_in_another_name_is_the_senders_own() {
    let office = department("decides-as-bob").await.open_to_everybody().await;
    office.policy("engineers", &if_a_lead_agrees()).await;
    let request = office.asks(ALICE).await;
    office.request_is(&request, "PendingApproval").await;
    let approver = json!({"username": BOB, "uid": "u-bob", "groups": ["payments-leads"]});
    let uid = office.read("AccessRequest", &request).await["metadata"]["uid"].clone();
    let spec = json!({"accessRequest": request, "accessRequestUID": uid, "decision": "Approve", "approver": approver});
    let decision = office.write(MALLORY, "ApprovalDecision", "forged", spec).await;
    assert_eq!(decision["spec"]["approver"]["username"], MALLORY);
    office.counts("forged", "False NotAnApprover").await;
    office.request_is(&request, "PendingApproval").await;
    office.is_right().await;
}

#[tokio::test]
async fn nobody_approves_their_own_request() {
    let office = department("own-request").await;
    office.policy("leads-too", &if_a_lead_agrees().and_user(BOB)).await;
    let request = office.asks(BOB).await;
    office.request_is(&request, "PendingApproval").await;
    let own = office.decides(BOB, &request, "Approve").await;
    office.counts(&own, "False SelfApproval").await;
    office.request_is(&request, "PendingApproval").await;
    let erins = office.decides(ERIN, &request, "Approve").await;
    office.counts(&erins, "True Decided").await;
    office.request_is(&request, "Delivered").await;
    office.is_right().await;
}

#[tokio::test]
async fn nobody_approves_what_another_asks_for_them() {
    let office = department("asked-for-bob").await;
    office.policy("leads-too", &if_a_lead_agrees().and_user(BOB).on_behalf(ALICE)).await;
    let request = office.asks_with(ALICE, json!({"subject": {"kind": "User", "name": BOB}})).await;
    office.request_is(&request, "PendingApproval").await;
    let own = office.decides(BOB, &request, "Approve").await;
    office.counts(&own, "False SelfApproval").await;
    office.request_is(&request, "PendingApproval").await;
    assert!(!office.can_look_in(BOB).await);
    office.is_right().await;
}

#[tokio::test]
async fn nobody_asks_for_another_without_being_allowed_to() {
    let office = department("for-another").await;
    office.policy("engineers", &at_once().and_user(DAVE)).await;
    let request = office.asks_with(ALICE, json!({"subject": {"kind": "User", "name": DAVE}})).await;
    office.request_is(&request, "Denied NotAllowedForOthers").await;
    assert!(office.grants().await.is_empty());
    office.is_right().await;
}

#[tokio::test]
async fn only_who_is_in_the_list_approves() {
    let office = department("not-in-the-list").await.open_to_everybody().await;
    office.policy("engineers", &for_group("engineering").approved_by_user(ERIN)).await;
    let request = office.asks(ALICE).await;
    office.request_is(&request, "PendingApproval").await;
    // Another engineer, a lead whom this policy does not name, the owner of the catalog, both administrators.
    for who in [DAVE, BOB, CAROL, ADMIN, ROOT] {
        let decision = office.decides(who, &request, "Approve").await;
        office.counts(&decision, "False NotAnApprover").await;
    }
    office.request_is(&request, "PendingApproval").await;
    assert!(office.grants().await.is_empty());
    office.is_right().await;
}

#[tokio::test]
async fn who_is_excepted_is_denied_and_told() {
    let office = department("excepted").await;
    office.policy("engineers", &at_once().except_user(MALLORY)).await;
    let denied = office.asks(MALLORY).await;
    let denied = office.request_is(&denied, "Denied NotEligible").await;
    assert_eq!(condition(&denied, "Ready"), "True NotEligible");
    assert!(denied["status"]["message"].as_str().unwrap().contains("engineers"), "{}", denied["status"]);
    let counted = r#"entitlement_transitions_total{kind="AccessRequest",phase="Denied",reason="NotEligible"}"#;
    eventually("the denial is counted by its reason", WITHIN, async || {
        let metrics = world().await.operator.metrics().await;
        if metrics.contains(counted) { Ok(()) } else { Err(metrics) }
    })
    .await;
    office.is_right().await;
}
