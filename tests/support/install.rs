//! The shipped manifests in a control plane, the way a reader installs them.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::plane::{Plane, ROOT};
use super::wait::eventually;

const MANIFESTS: &str = "config/default";
const WITHIN: Duration = Duration::from_secs(60);
/// From this age on of the youngest policy, whoever is created is believed.
const SETTLED: TimeDelta = TimeDelta::seconds(3);

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
        yaml: "{kind: CatalogResource, spec: {kubernetes: {clusterWide: true, author: {username: forged-name, groupsRef: 1}},
                roles: [{name: none, kubernetes: {roleRef: {kind: ClusterRole, name: none}}, author: {username: forged-name, groupsRef: 1}}],
                authorGroups: [{id: 1}]}}",
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
    eventually("the admission policies are old enough to be believed", WITHIN, async || policies_settled(plane).await).await;
}

/// Whether nothing of the admission policies was written in the last seconds: nobody is believed who came with them.
async fn policies_settled(plane: &Plane) -> Result<(), String> {
    let kinds = "validatingadmissionpolicies,validatingadmissionpolicybindings";
    let printed = plane.kubectl(ROOT, &["get", kinds, "--show-managed-fields", "-o", "json"]).await.result()?;
    let all: Value = serde_json::from_str(&printed).map_err(|e| e.to_string())?;
    let policies = all["items"].as_array().into_iter().flatten();
    let entries = policies.flat_map(|policy| policy["metadata"]["managedFields"].as_array().into_iter().flatten());
    let times = entries.filter(|entry| entry["subresource"].is_null()).filter_map(|entry| entry["time"].as_str());
    let youngest: Option<DateTime<Utc>> = times.filter_map(|time| time.parse().ok()).max();
    let age = Utc::now() - youngest.ok_or("there are no policies")?;
    if age >= SETTLED { Ok(()) } else { Err(format!("the youngest is {age} old")) }
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
