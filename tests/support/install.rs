//! The shipped manifests in a control plane, the way a reader installs them.

use std::time::Duration;

use super::plane::{Plane, ROOT};
use super::wait::eventually;

const MANIFESTS: &str = "config/default";
const WITHIN: Duration = Duration::from_secs(60);

/// Who may do what across catalogs, which is for the administrator of a
/// cluster to decide and therefore not among the shipped manifests.
const BINDINGS: &str = r"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: test-entitlement-administrators
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: entitlement-administrator}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: entitlement-admins}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: test-entitlement-catalog-creators
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: entitlement-catalog-creator}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: carol@example.com}
";

/// Objects that lie about who wrote them, and how the lie is seen to fail.
const FORGERIES: &[Forgery] = &[
    Forgery {
        yaml: r"
apiVersion: entitlement.dev/v1alpha1
kind: AccessRequest
metadata: {name: forged, namespace: default}
spec:
  accessPackage: none
  subject: {kind: User, name: alice@example.com}
  requestor: {username: forged-name}
",
        lie: Some("forged-name"),
    },
    Forgery {
        yaml: r"
apiVersion: entitlement.dev/v1alpha1
kind: Assignment
metadata: {name: forged, namespace: default}
spec:
  accessPackage: none
  policy: none
  subject: {kind: User, name: alice@example.com}
  source: Request
",
        lie: None,
    },
];

struct Forgery {
    yaml: &'static str,
    /// What must not survive in the answer; none: a policy must refuse.
    lie: Option<&'static str>,
}

/// Installs everything and waits until it is in force.
pub async fn install(plane: &Plane) {
    eventually("the manifests are applied", WITHIN, async || {
        let args = ["apply", "--server-side", "--force-conflicts", "-k", MANIFESTS];
        plane.kubectl(ROOT, &args).await.result()
    })
    .await;
    let args = ["wait", "crd", "--all", "--for=condition=Established", "--timeout=60s"];
    plane.kubectl(ROOT, &args).await.ok();
    plane.kubectl_apply(ROOT, BINDINGS).await.ok();
    eventually("the admission policies are enforced", WITHIN, async || policies_enforced(plane).await).await;
}

/// Whether the API server has taken up the admission policies, which it does
/// some time after they are created: no forgery gets through a dry run, not
/// even for the administrator of the cluster.
async fn policies_enforced(plane: &Plane) -> Result<(), String> {
    for forgery in FORGERIES {
        let args = ["create", "--dry-run=server", "-o", "yaml", "-f", "-"];
        let output = plane.kubectl_with_input(ROOT, &args, forgery.yaml).await;
        let refused = output.stderr.contains("denied the request") || output.stderr.contains("denied request");
        let stamped = output.status.success() && forgery.lie.is_some_and(|lie| !output.stdout.contains(lie));
        if !refused && !stamped {
            return Err(format!("a forgery is neither refused nor corrected: {output}"));
        }
    }
    Ok(())
}
