//! A department with a catalog of its own: the fixture of most tests.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::api::authorization::v1::ResourceAttributes;
use serde_json::{Value, json};

use crate::checker;
use crate::person::{CAROL, OLGA, Person, condition, name, phase};
use crate::support::{Plane, ROOT, eventually};
use crate::terms::Terms;
use crate::world::WITHIN;

/// How long a cluster that nobody touches may take to come to rest.
const SETTLES_WITHIN: Duration = Duration::from_secs(60);

/// The package that every department has: read access to its namespace.
pub const ONCALL: &str = "oncall";

/// A catalog that Carol owns, the namespace `<name>` that it offers roles in, and the package [`ONCALL`].
pub struct Department<'p> {
    pub plane: &'p Plane,
    pub name: String,
    people: Mutex<BTreeMap<String, Person>>,
}

impl<'p> Department<'p> {
    /// A department that somebody else has made.
    pub fn existing(plane: &'p Plane, name: &str) -> Self {
        Self { plane, name: name.to_owned(), people: Mutex::default() }
    }

    /// A department without policies, ready for use.
    pub async fn open(plane: &'p Plane, name: &str) -> Self {
        let this = Self::existing(plane, name);
        this.make(ROOT, json!({"kind": "Namespace", "metadata": {"name": name}})).await;
        this.make(
            ROOT,
            json!({
                "kind": "RoleBinding",
                "metadata": {"name": "department-head", "namespace": name},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": CAROL}],
            }),
        )
        .await;
        this.make(
            CAROL,
            json!({
                "kind": "Catalog",
                "metadata": {"name": name},
                "spec": {"accessPackageManagers": [{"kind": "Group", "name": "payments-leads"}]},
            }),
        )
        .await;
        this.becomes("Catalog", "", name, "Ready", "True Available").await;
        this.may(CAROL, "create", "catalogresources", &this.catalog()).await;
        this.may(CAROL, "create", "policies", &this.catalog()).await;
        this.write(CAROL, "CatalogResource", "production", this.production()).await;
        let roles = json!({"resourceRoles": [{"resource": "production", "role": "viewer"}]});
        this.write(CAROL, "AccessPackage", ONCALL, roles).await;
        this.becomes("AccessPackage", &this.catalog(), ONCALL, "Ready", "True Available").await;
        this
    }

    fn production(&self) -> Value {
        let role =
            |name: &str, role: &str| json!({"name": name, "kubernetes": {"roleRef": {"kind": "ClusterRole", "name": role}}});
        json!({"kubernetes": {"namespaces": [self.name]}, "roles": [role("viewer", "view"), role("editor", "edit")]})
    }

    /// The namespace of its catalog.
    pub fn catalog(&self) -> String {
        format!("catalog-{}", self.name)
    }

    /// Waits for the judgement of the checker, the last act of a test.
    pub async fn is_right(&self) {
        let (root, catalog) = (self.person(ROOT).await.client, self.catalog());
        let what = format!("everything is right in {catalog}");
        eventually(&what, SETTLES_WITHIN, async || checker::judge(&root, Some(std::slice::from_ref(&catalog))).await).await;
    }

    /// One of the people, or root.
    pub async fn person(&self, who: &str) -> Person {
        if let Some(known) = self.known().get(who) {
            return known.clone();
        }
        let client = if who == ROOT { self.plane.admin().await } else { self.plane.user(who).await };
        let person = Person { client };
        self.known().insert(who.to_owned(), person.clone());
        person
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Person>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody creates an object, which must succeed.
    pub async fn make(&self, who: &str, manifest: Value) -> Value {
        let text = manifest.to_string();
        let person = self.person(who).await;
        // Rights that follow from a catalog or a policy take a moment.
        let made = async || match person.create(manifest.clone()).await {
            Err(refusal) if refusal.message.contains("cannot create resource") => Err(refusal.to_string()),
            other => Ok(other),
        };
        let made = eventually(&format!("{who} may create {text}"), WITHIN, made).await;
        made.unwrap_or_else(|refusal| panic!("{who} must be able to create {text}: {refusal}"))
    }

    /// Somebody creates an object in the catalog, which must succeed.
    pub async fn write(&self, who: &str, kind: &str, name: &str, spec: Value) -> Value {
        self.make(who, json!({"kind": kind, "metadata": {"name": name, "namespace": self.catalog()}, "spec": spec})).await
    }

    /// As if a policy named everybody: what somebody may not do here, they may not by rights that come from elsewhere.
    pub async fn open_to_everybody(self) -> Self {
        for role in ["entitlement-requestor", "entitlement-approver"] {
            let binding = json!({
                "kind": "RoleBinding",
                "metadata": {"name": format!("everybody-{role}"), "namespace": self.catalog()},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:authenticated"}],
            });
            self.make(ROOT, binding).await;
        }
        self.may(OLGA, "patch", "accessrequests", &self.catalog()).await;
        self
    }

    /// Carol writes a policy for the package [`ONCALL`].
    pub async fn policy(&self, name: &str, terms: &Terms) {
        self.write(CAROL, "Policy", name, terms.spec(ONCALL)).await;
        self.becomes("Policy", &self.catalog(), name, "Ready", "True Available").await;
    }

    /// A request for [`ONCALL`]; `more` are further fields of spec.
    pub fn wish(&self, more: Value) -> Value {
        let mut spec = json!({"accessPackage": ONCALL});
        if let (Some(spec), Value::Object(more)) = (spec.as_object_mut(), more) {
            spec.extend(more);
        }
        let metadata = json!({"generateName": "ask-", "namespace": self.catalog()});
        json!({"kind": "AccessRequest", "metadata": metadata, "spec": spec})
    }

    /// Somebody asks for [`ONCALL`]; the name of the request.
    pub async fn asks(&self, who: &str) -> String {
        self.asks_with(who, json!({})).await
    }

    /// Somebody asks, with further fields of spec; the name of the request.
    pub async fn asks_with(&self, who: &str, more: Value) -> String {
        name(&self.make(who, self.wish(more)).await)
    }

    /// Somebody decides a request; the name of the decision.
    pub async fn decides(&self, who: &str, request: &str, decision: &str) -> String {
        let metadata = json!({"generateName": "decision-", "namespace": self.catalog()});
        // Within the request's own second a decision counts only if it names the uid.
        let uid = self.read("AccessRequest", request).await["metadata"]["uid"].clone();
        let spec = json!({"accessRequest": request, "accessRequestUID": uid, "decision": decision});
        name(&self.make(who, json!({"kind": "ApprovalDecision", "metadata": metadata, "spec": spec})).await)
    }

    /// Waits until a request that waits for approval shows other roles than before, and decisions on them count.
    pub async fn content_settles(&self, request: &str) -> Value {
        eventually(&format!("approval of {request} begins anew"), WITHIN, async || {
            let found = self.read("AccessRequest", request).await;
            let since = found["status"]["contentChangedAt"].as_str().and_then(|at| chrono::DateTime::parse_from_rfc3339(at).ok());
            if since.is_some_and(|since| chrono::Utc::now() >= since) { Ok(found) } else { Err(found["status"].to_string()) }
        })
        .await
    }

    /// Reads an object in the catalog.
    pub async fn read(&self, kind: &str, name: &str) -> Value {
        let read = self.person(ROOT).await.get(kind, &self.catalog(), name).await;
        read.unwrap_or_else(|refusal| panic!("{kind} {name} is there: {refusal}"))
    }

    /// Waits until a condition of an object is `status reason`.
    pub async fn becomes(&self, kind: &str, namespace: &str, name: &str, condition_type: &str, want: &str) -> Value {
        let root = self.person(ROOT).await;
        eventually(&format!("{condition_type} of {kind} {name} is {want:?}"), WITHIN, async || {
            let object = root.get(kind, namespace, name).await.map_err(|refusal| refusal.to_string())?;
            if condition(&object, condition_type) == want { Ok(object) } else { Err(object["status"].to_string()) }
        })
        .await
    }

    /// Waits until a decision counts, or does not, for a reason.
    pub async fn counts(&self, decision: &str, want: &str) -> Value {
        self.becomes("ApprovalDecision", &self.catalog(), decision, "Counted", want).await
    }

    /// Waits until a request or an assignment is in a phase, and has a reason if there is one.
    pub async fn reaches(&self, kind: &str, name: &str, want: &str) -> Value {
        let root = self.person(ROOT).await;
        let namespace = self.catalog();
        eventually(&format!("{kind} {name} is {want}"), WITHIN, async || {
            let object = root.get(kind, &namespace, name).await.map_err(|refusal| refusal.to_string())?;
            if phase(&object).starts_with(want) { Ok(object) } else { Err(object["status"].to_string()) }
        })
        .await
    }

    /// Waits until a request is in a phase.
    pub async fn request_is(&self, request: &str, want: &str) -> Value {
        self.reaches("AccessRequest", request, want).await
    }

    /// Waits until somebody may do something with our kinds: the API server's authorizer is a moment behind what is stored.
    pub async fn may(&self, who: &str, verb: &str, resource: &str, namespace: &str) {
        let some = |text: &str| Some(text.to_owned());
        let wish = ResourceAttributes {
            verb: some(verb),
            group: some("entitlement.dev"),
            resource: some(resource),
            namespace: some(namespace),
            ..ResourceAttributes::default()
        };
        let person = self.person(who).await;
        eventually(&format!("{who} may {verb} {resource} in {namespace}"), WITHIN, async || {
            if person.can(wish.clone()).await { Ok(()) } else { Err("not yet".to_owned()) }
        })
        .await;
    }

    /// Whether somebody may read pods in the department's namespace, which [`ONCALL`] is for.
    pub async fn can_look_in(&self, who: &str) -> bool {
        let some = |text: &str| Some(text.to_owned());
        let wish = ResourceAttributes {
            verb: some("list"),
            resource: some("pods"),
            namespace: some(&self.name),
            ..ResourceAttributes::default()
        };
        self.person(who).await.can(wish).await
    }

    /// Waits until somebody may read pods there, or may not any more.
    pub async fn can_look_in_becomes(&self, who: &str, want: bool) {
        eventually(&format!("{who} can look into {}: {want}", self.name), WITHIN, async || {
            if self.can_look_in(who).await == want { Ok(()) } else { Err(format!("{}", !want)) }
        })
        .await;
    }

    /// The bindings by which the operator grants roles in the department's namespace.
    pub async fn grants(&self) -> Vec<Value> {
        let all = self.person(ROOT).await.list("RoleBinding", &self.name).await.expect("root may list");
        all.into_iter().filter(|b| b["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "entitlement-operator").collect()
    }
}

impl Drop for Department<'_> {
    /// A test that fails shows what the last operator said last.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let files = std::fs::read_dir(self.plane.logs()).into_iter().flatten().flatten();
        let logs = files.map(|file| file.path()).filter(|path| path.to_string_lossy().contains("operator-"));
        let last = logs.max_by_key(|path| path.metadata().and_then(|meta| meta.modified()).ok());
        let text = last.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        eprintln!("the operator's log ends with:\n{}", lines[lines.len().saturating_sub(20)..].join("\n"));
    }
}
