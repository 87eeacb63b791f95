//! What nobody may hold together, across catalogs and in both directions.

use super::stage::stage;

#[tokio::test(flavor = "multi_thread")]
async fn who_books_does_not_audit() {
    let stage = stage().await;
    stage.set_up("separation-of-duties").await;
    stage.applies("alice", "separation-of-duties/1-alice-clerk.yaml").await;
    stage.request_is("catalog-bookings", "alice-clerk", "Delivered").await;
    stage.applies("alice", "separation-of-duties/2-alice-auditor.yaml").await;
    let denied = stage.request_is("catalog-audit", "alice-auditor", "Denied Incompatible").await;
    assert!(denied["status"]["message"].as_str().unwrap().contains("\"clerk\""), "{denied}");
    stage.applies("mallory", "separation-of-duties/3-mallory-auditor.yaml").await;
    let denied = stage.request_is("catalog-audit", "mallory-auditor", "Denied Incompatible").await;
    assert!(denied["status"]["message"].as_str().unwrap().contains("contractors"), "{denied}");

    stage.applies("alice", "separation-of-duties/4-alice-gives-back.yaml").await;
    stage.request_is("catalog-bookings", "alice-clerk-done", "Delivered").await;
    stage.applies("alice", "separation-of-duties/5-alice-auditor-again.yaml").await;
    stage.request_is("catalog-audit", "alice-auditor-again", "Delivered").await;
    stage.can_look("alice", "audit-trail", true).await;

    // The other direction: the clerk's package names nothing, and is refused all the same.
    let again = "apiVersion: entitlement.dev/v1alpha1\nkind: AccessRequest\nmetadata: {name: alice-both, namespace: catalog-bookings}\n\
                 spec: {accessPackage: clerk, justification: both}\n";
    stage.writes("alice", again).await;
    stage.request_is("catalog-bookings", "alice-both", "Denied Incompatible").await;
    // A direct assignment is held to the same rule, and taken up when nothing stands in its way any more.
    let direct = "apiVersion: entitlement.dev/v1alpha1\nkind: Assignment\nmetadata: {name: alice-direct, namespace: catalog-bookings}\n\
                  spec: {accessPackage: clerk, policy: engineers, subject: {kind: User, name: alice@example.com}}\n";
    stage.writes("carol", direct).await;
    stage.reaches("assignment", "catalog-bookings", "alice-direct", "Pending Incompatible").await;
    let back = "apiVersion: entitlement.dev/v1alpha1\nkind: AccessRequest\nmetadata: {name: alice-audit-done, namespace: catalog-audit}\n\
                spec: {accessPackage: auditor, type: Remove}\n";
    stage.writes("alice", back).await;
    stage.request_is("catalog-audit", "alice-audit-done", "Delivered").await;
    stage.reaches("assignment", "catalog-bookings", "alice-direct", "Delivered").await;
    for catalog in ["catalog-bookings", "catalog-audit"] {
        stage.is_right(catalog).await;
    }
}
