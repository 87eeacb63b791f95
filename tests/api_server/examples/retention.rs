//! Ended requests and assignments are deleted after their retention; what is pending stays.

use std::time::Duration;

use serde_json::Value;

use super::stage::Stage;
use crate::support::{Operator, ROOT, eventually};
use crate::world::quiet;

const SETUP: &str = r#"
{apiVersion: v1, kind: Namespace, metadata: {name: short}}
---
{apiVersion: entitlement.dev/v1alpha1, kind: Catalog, metadata: {name: short}, spec: {owners: [{kind: User, name: carol@example.com}]}}
"#;

const CONTENT: &str = r#"
apiVersion: entitlement.dev/v1alpha1
kind: CatalogResource
metadata: {name: space, namespace: catalog-short}
spec:
  kubernetes: {namespaces: [short]}
  roles: [{name: viewer, kubernetes: {roleRef: {kind: ClusterRole, name: view}}}]
---
apiVersion: entitlement.dev/v1alpha1
kind: AccessPackage
metadata: {name: brief, namespace: catalog-short}
spec: {resourceRoles: [{resource: space, role: viewer}]}
---
apiVersion: entitlement.dev/v1alpha1
kind: Policy
metadata: {name: at-once, namespace: catalog-short}
spec:
  accessPackage: brief
  requestors: {scope: Specific, subjects: [{kind: User, name: alice@example.com}]}
  justification: Optional
  expiration: {after: 3s}
---
apiVersion: entitlement.dev/v1alpha1
kind: Policy
metadata: {name: asked, namespace: catalog-short}
spec:
  accessPackage: brief
  requestors: {scope: Specific, subjects: [{kind: User, name: dave@example.com}]}
  justification: Optional
  approval: {stages: [{name: lead, approvers: [{kind: User, name: bob@example.com}]}]}
  expiration: {after: 3s}
"#;

fn request(name: &str) -> String {
    format!(
        "apiVersion: entitlement.dev/v1alpha1\nkind: AccessRequest\nmetadata: {{name: {name}, namespace: catalog-short}}\nspec: {{accessPackage: brief}}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_goes_after_its_retention_and_what_is_pending_stays() {
    let plane = quiet().await;
    let operator = Operator::start(&plane, &["--retention", "3s"]).await;
    let stage = Stage::on(&plane);
    stage.writes(ROOT, SETUP).await;
    stage.plane.kubectl(ROOT, &["wait", "--for=condition=Ready", "catalog/short", "--timeout=30s"]).await.ok();
    stage.writes(ROOT, CONTENT).await;
    stage.writes("dave", &request("pending")).await;
    stage.request_is("catalog-short", "pending", "PendingApproval").await;
    stage.writes("alice", &request("brief")).await;
    stage.request_is("catalog-short", "brief", "Delivered").await;
    eventually("only what is pending is left", Duration::from_secs(30), || async {
        let kinds = "accessrequests,assignments";
        let text = stage.plane.kubectl(ROOT, &["get", kinds, "-n", "catalog-short", "-o", "json"]).await.result()?;
        let all: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        let names: Vec<&str> =
            all["items"].as_array().into_iter().flatten().filter_map(|o| o["metadata"]["name"].as_str()).collect();
        if names == ["pending"] { Ok(()) } else { Err(format!("{names:?}")) }
    })
    .await;
    stage.can_look("alice", "short", false).await;
    assert!(!operator.log().contains("this is a bug"));
    stage.is_right("catalog-short").await;
}
