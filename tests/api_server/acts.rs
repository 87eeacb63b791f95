//! What people do to a department in these tests, and what can be seen of it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::checker::{list, text};
use crate::department::{Department, ONCALL};
use crate::person::{BOB, CAROL, condition, name, phase};
use crate::support::{ROOT, eventually};
use crate::terms::at_once;
use crate::world::{SOON, WITHIN};

/// The policy that every department here has: engineers get [`ONCALL`] at once, for 30 days.
pub const ENGINEERS: &str = "engineers";

/// The Kubernetes roles behind the roles `viewer` and `editor` of the resource `production`.
pub const VIEW: &str = "view";
pub const EDIT: &str = "edit";

pub fn viewer() -> Value {
    json!({"resource": "production", "role": "viewer"})
}

pub fn editor() -> Value {
    json!({"resource": "production", "role": "editor"})
}

/// A role of a CatalogResource, and the ClusterRole behind it.
pub fn role(name: &str, bound: &str) -> Value {
    json!({"name": name, "kubernetes": {"roleRef": {"kind": "ClusterRole", "name": bound}}})
}

impl Department<'_> {
    /// Engineers may ask, and get it at once.
    pub async fn open_to_engineers(self) -> Self {
        self.policy(ENGINEERS, &at_once()).await;
        self
    }

    /// Somebody gets [`ONCALL`] by asking; the name of the assignment.
    pub async fn gets_by_asking(&self, who: &str) -> String {
        let request = self.asks(who).await;
        let request = self.request_is(&request, "Delivered").await;
        text(&request, "/status/assignment").to_owned()
    }

    /// Bob assigns a package to somebody; `more` are further fields of spec. The name of the assignment.
    pub async fn assigns_with(&self, package: &str, who: &str, more: Value) -> String {
        let mut spec = json!({"accessPackage": package, "policy": ENGINEERS, "subject": {"kind": "User", "name": who}});
        if let (Some(spec), Value::Object(more)) = (spec.as_object_mut(), more) {
            spec.extend(more);
        }
        let metadata = json!({"generateName": "direct-", "namespace": self.catalog()});
        name(&self.make(BOB, json!({"kind": "Assignment", "metadata": metadata, "spec": spec})).await)
    }

    /// Bob assigns [`ONCALL`] to somebody, who then has it.
    pub async fn assigns(&self, who: &str) -> String {
        let assignment = self.assigns_with(ONCALL, who, json!({})).await;
        self.reaches("Assignment", &assignment, "Delivered").await;
        assignment
    }

    /// Somebody changes an object in the catalog.
    pub async fn changes(&self, who: &str, kind: &str, name: &str, change: Value) -> Value {
        let changed = self.person(who).await.patch(kind, &self.catalog(), name, change).await;
        changed.unwrap_or_else(|refusal| panic!("{who} may change {kind} {name}: {refusal}"))
    }

    /// Carol changes what is in a package.
    pub async fn fills(&self, package: &str, roles: Value) {
        self.changes(CAROL, "AccessPackage", package, json!({"spec": {"resourceRoles": roles}})).await;
    }

    /// Carol changes where the roles of the resource `production` are.
    pub async fn moves_to(&self, namespaces: &[&str]) {
        self.changes(CAROL, "CatalogResource", "production", json!({"spec": {"kubernetes": {"namespaces": namespaces}}})).await;
    }

    /// Bob ends somebody's access and keeps the record.
    pub async fn revokes(&self, assignment: &str) {
        let change = json!({"spec": {"revoked": {"by": BOB, "reason": "changed teams"}}});
        self.changes(BOB, "Assignment", assignment, change).await;
    }

    /// Root deletes an object in the catalog.
    pub async fn deletes(&self, kind: &str, name: &str) {
        let deleted = self.person(ROOT).await.delete(kind, &self.catalog(), name).await;
        deleted.unwrap_or_else(|refusal| panic!("root may delete {kind} {name}: {refusal}"));
    }

    /// Waits until an object in the catalog is no more.
    pub async fn goes(&self, kind: &str, name: &str) {
        let root = self.person(ROOT).await;
        eventually(&format!("{kind} {name} is gone"), WITHIN, async || match root.get(kind, &self.catalog(), name).await {
            Err(refusal) if refusal.code == 404 => Ok(()),
            Err(refusal) => Err(refusal.to_string()),
            Ok(object) => Err(object["status"]["conditions"].to_string()),
        })
        .await;
    }

    /// One more namespace in which Carol may hand out roles.
    pub async fn builds(&self, namespace: &str) {
        self.make(ROOT, json!({"kind": "Namespace", "metadata": {"name": namespace}})).await;
        self.leads(namespace).await;
    }

    /// Carol may hand out roles in a namespace.
    pub async fn leads(&self, namespace: &str) {
        self.make(
            ROOT,
            json!({
                "kind": "RoleBinding",
                "metadata": {"name": "department-head", "namespace": namespace},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": CAROL}],
            }),
        )
        .await;
    }

    /// Everybody whom any binding in a namespace gives a role, in the form of a moment.
    pub async fn holders(&self, namespace: &str, bound: &str) -> BTreeSet<String> {
        let all = self.person(ROOT).await.list("RoleBinding", namespace).await.expect("root may list");
        let binding = all.iter().filter(|b| text(b, "/roleRef/name") == bound);
        binding.flat_map(|b| list(b, "/subjects")).map(|s| text(s, "/name").to_owned()).collect()
    }

    /// Waits until exactly these people have a role in a namespace.
    pub async fn is_held_by(&self, namespace: &str, bound: &str, who: &[&str]) {
        let want: BTreeSet<String> = who.iter().map(|&name| name.to_owned()).collect();
        eventually(&format!("{bound} in {namespace} is held by {want:?}"), WITHIN, async || {
            let found = self.holders(namespace, bound).await;
            if found == want { Ok(()) } else { Err(format!("{found:?}")) }
        })
        .await;
    }

    /// Waits until one grant of an assignment is in a state.
    pub async fn grant_is(&self, assignment: &str, resource: &str, state: &str) {
        self.grant_says(assignment, resource, state, "").await;
    }

    /// Waits until one grant of an assignment is in a state and its message has these words.
    pub async fn grant_says(&self, assignment: &str, resource: &str, state: &str, words: &str) {
        let root = self.person(ROOT).await;
        eventually(&format!("grant on {resource} is {state}: {words}"), SOON, async || {
            let object = root.get("Assignment", &self.catalog(), assignment).await.map_err(|refusal| refusal.to_string())?;
            let mut grants = list(&object, "/status/grants").filter(|g| g["resource"] == resource && g["state"] == state);
            let found = grants.any(|g| text(g, "/message").contains(words));
            if found { Ok(()) } else { Err(object["status"]["grants"].to_string()) }
        })
        .await;
    }

    /// Waits until an Event about an object in the catalog tells a reason, and of it a part of the text. Events are posted in the background, and
    /// an earlier one may have the same reason.
    pub async fn is_told(&self, kind: &str, about: &str, reason: &str, part: &str) {
        let root = self.person(ROOT).await;
        eventually(&format!("an Event {reason} about {kind} {about} says {part:?}"), SOON, async || {
            let all = root.list("Event", &self.catalog()).await.map_err(|refusal| refusal.to_string())?;
            let own = all.iter().filter(|e| text(e, "/regarding/kind") == kind && text(e, "/regarding/name") == about);
            let told: Vec<_> = own.map(|e| (text(e, "/reason"), text(e, "/note"))).collect();
            let found = told.iter().any(|(why, note)| *why == reason && note.contains(part));
            if found { Ok(()) } else { Err(format!("{told:?}")) }
        })
        .await;
    }

    /// The binding by which the operator gives the role `viewer` in a namespace.
    pub async fn binding(&self, namespace: &str) -> Value {
        let all = self.person(ROOT).await.list("RoleBinding", namespace).await.expect("root may list");
        let prefix = format!("entitlement:{}:production:viewer:", self.catalog());
        all.into_iter().find(|b| text(b, "/metadata/name").starts_with(&prefix)).expect("viewers have a binding")
    }

    /// A condition of an object in the catalog, such as `False InUse`.
    pub async fn condition(&self, kind: &str, name: &str, which: &str) -> String {
        condition(&self.read(kind, name).await, which)
    }

    /// Phase and reason of an object in the catalog.
    pub async fn phase(&self, kind: &str, name: &str) -> String {
        phase(&self.read(kind, name).await)
    }

    /// The message of a condition of an object in the catalog.
    pub async fn message(&self, kind: &str, name: &str, which: &str) -> String {
        let object = self.read(kind, name).await;
        let found = list(&object, "/status/conditions").find(|c| c["type"] == which);
        found.map(|c| text(c, "/message").to_owned()).unwrap_or_default()
    }
}
