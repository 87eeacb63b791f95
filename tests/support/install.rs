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

/// Objects that a policy must correct or refuse, one for each that judges a creation.
const FORGERIES: &[Forgery] = &[
    Forgery {
        yaml: "{kind: AccessRequest, spec: {accessPackage: none, requestor: {username: forged-name}}}",
        end: End::Without("forged-name"),
    },
    Forgery {
        yaml: "{kind: ApprovalDecision, spec: {accessRequest: none, decision: Deny, approver: {username: forged-name}}}",
        end: End::Without("forged-name"),
    },
    Forgery {
        yaml: "{kind: CatalogResource, spec: {kubernetes: {clusterWide: true}, author: {username: forged-name},
                roles: [{name: none, kubernetes: {roleRef: {kind: ClusterRole, name: none}}}]}}",
        end: End::Without("forged-name"),
    },
    Forgery {
        yaml: "{kind: Assignment, spec: {accessPackage: none, policy: none, subject: {kind: User, name: none}, source: Request}}",
        end: End::Without("source: Request"),
    },
    Forgery { yaml: "{kind: Catalog, spec: {displayName: None}}", end: End::With("owners:") },
    Forgery {
        yaml: "{kind: Assignment, spec: {accessPackage: none, policy: none, subject: {kind: User, name: none}, accessRequest: none}}",
        end: End::Refused,
    },
    Forgery { yaml: "{kind: AccessRequest, spec: {accessPackage: none, cancelled: true}}", end: End::Refused },
    Forgery {
        yaml: "{kind: ApprovalDecision, metadata: {finalizers: [example.com/none]}, spec: {accessRequest: none, decision: Deny}}",
        end: End::Refused,
    },
];

struct Forgery {
    yaml: &'static str,
    end: End,
}

/// What must become of a forgery.
#[derive(Clone, Copy)]
enum End {
    /// A policy refuses it.
    Refused,
    /// It is corrected: this is not in the answer.
    Without(&'static str),
    /// It is completed: this is in the answer.
    With(&'static str),
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
        let mut object: serde_json::Value = serde_yaml::from_str(forgery.yaml).expect("a forgery is YAML");
        object["apiVersion"] = "entitlement.dev/v1alpha1".into();
        object["metadata"]["name"] = "forged".into();
        let args = ["create", "--dry-run=server", "-o", "yaml", "-f", "-"];
        let output = plane.kubectl_with_input(ROOT, &args, &object.to_string()).await;
        let (stored, refused) = (output.status.success(), output.stderr.contains("denied request"));
        let met = match forgery.end {
            End::Refused => refused,
            End::Without(lie) => refused || stored && !output.stdout.contains(lie),
            End::With(truth) => refused || stored && output.stdout.contains(truth),
        };
        if !met {
            return Err(format!("a forgery is neither refused nor corrected: {output}"));
        }
    }
    Ok(())
}
