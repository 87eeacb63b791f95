//! What a hostile review did to the operator, step by step, and what must come of it.

mod authority;
mod connectors;
mod ends;
mod fence;
mod people;
mod places;
mod record;
mod unstamped;

use serde_json::{Value, json};

use crate::department::{Department, ONCALL};
use crate::person::{ALICE, CAROL};
use crate::support::{ROOT, eventually};
use crate::terms::at_once;
use crate::world::WITHIN;

impl Department<'_> {
    /// Engineers get [`ONCALL`] at once, and Alice has it.
    async fn with_alice(self) -> Self {
        self.policy("engineers", &at_once()).await;
        let request = self.asks(ALICE).await;
        self.request_is(&request, "Delivered").await;
        self.can_look_in_becomes(ALICE, true).await;
        self
    }

    /// Carol changes an object in the catalog.
    async fn carol_changes(&self, kind: &str, name: &str, change: Value) -> Value {
        let changed = self.person(CAROL).await.patch(kind, &self.catalog(), name, change).await;
        changed.unwrap_or_else(|refusal| panic!("carol may change {kind} {name}: {refusal}"))
    }

    /// Carol assigns [`ONCALL`] to somebody directly; the name of the assignment.
    async fn assigned(&self, subject: Value) -> String {
        let metadata = json!({"generateName": "direct-", "namespace": self.catalog()});
        let spec = json!({"accessPackage": ONCALL, "policy": "engineers", "subject": subject});
        crate::person::name(&self.make(CAROL, json!({"kind": "Assignment", "metadata": metadata, "spec": spec})).await)
    }

    /// How a role of the resource `production` stands, such as `Ready AuthorMayBind`.
    async fn role_is(&self, role: &str, want: &str) -> Value {
        eventually(&format!("role {role} is {want}"), WITHIN, async || {
            let resource = self.read("CatalogResource", "production").await;
            let all = resource["status"]["roles"].as_array().cloned().unwrap_or_default();
            let found = all.iter().find(|r| r["name"] == role).cloned().unwrap_or_default();
            let words = format!("{} {}", found["state"].as_str().unwrap_or("-"), found["reason"].as_str().unwrap_or("-"));
            if words == want { Ok(resource) } else { Err(resource["status"].to_string()) }
        })
        .await
    }

    /// Nothing of this catalog is bound to a role, in any place.
    async fn binds_nothing_to(&self, bound: &str) {
        let root = self.person(ROOT).await;
        for kind in ["RoleBinding", "ClusterRoleBinding"] {
            let all = root.list(kind, "").await.unwrap();
            let of_ours = |b: &&Value| b["metadata"]["labels"]["entitlement.dev/catalog-namespace"] == self.catalog();
            let found = all.iter().filter(of_ours).find(|b| b["roleRef"]["name"] == bound);
            assert!(found.is_none(), "{found:?}");
        }
    }
}
