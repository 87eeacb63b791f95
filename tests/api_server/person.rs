//! One of the people at the API server, speaking JSON as kubectl does.

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, Error};
use serde_json::{Value, json};

/// Works for the payments department and asks for access; so does Dave.
pub const ALICE: &str = "alice@example.com";
pub const DAVE: &str = "dave@example.com";
/// Works there too, with a client certificate and therefore without a uid.
pub const ZOE: &str = "zoe@example.com";
/// Payments leads: they approve.
pub const BOB: &str = "bob@example.com";
pub const ERIN: &str = "erin@example.com";
/// May create catalogs and owns the departments'.
pub const CAROL: &str = "carol@example.com";
/// An engineer whom policies except.
pub const MALLORY: &str = "mallory@example.com";
/// In no group.
pub const OLGA: &str = "olga@example.com";
/// In a group that nobody asks about.
pub const PETER: &str = "peter@example.com";
/// The administrator of entitlements, but not of the cluster.
pub const ADMIN: &str = "admin@example.com";

/// What the API server answers when it does not do something.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub code: u16,
    pub message: String,
}

/// An answer of the API server.
pub type Answer = Result<Value, Refusal>;

/// Somebody with a connection.
#[derive(Clone)]
pub struct Person {
    pub client: Client,
}

/// The resource of a kind that the tests know.
pub fn resource_of(kind: &str) -> ApiResource {
    let (group, version) = match kind {
        "Namespace" | "Secret" | "Pod" | "ServiceAccount" => ("", "v1"),
        "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding" => ("rbac.authorization.k8s.io", "v1"),
        "Event" => ("events.k8s.io", "v1"),
        _ => ("entitlement.dev", "v1alpha1"),
    };
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

impl Person {
    /// The API of a kind; in no namespace when that is empty.
    pub fn api(&self, kind: &str, namespace: &str) -> Api<DynamicObject> {
        let resource = resource_of(kind);
        match namespace {
            "" => Api::all_with(self.client.clone(), &resource),
            _ => Api::namespaced_with(self.client.clone(), namespace, &resource),
        }
    }

    /// Creates an object of the kind and the namespace that it names itself.
    pub async fn create(&self, mut manifest: Value) -> Answer {
        let kind = manifest["kind"].as_str().expect("a kind").to_owned();
        let namespace = manifest["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
        manifest["apiVersion"] = json!(resource_of(&kind).api_version);
        let object = serde_json::from_value(manifest).expect("an object");
        answer(self.api(&kind, &namespace).create(&PostParams::default(), &object).await)
    }

    /// Reads an object.
    pub async fn get(&self, kind: &str, namespace: &str, name: &str) -> Answer {
        answer(self.api(kind, namespace).get(name).await)
    }

    /// Reads all objects of a kind, in a namespace or, when that is empty, everywhere.
    pub async fn list(&self, kind: &str, namespace: &str) -> Result<Vec<Value>, Refusal> {
        let found = self.api(kind, namespace).list(&ListParams::default()).await;
        found.map_err(refusal)?.items.into_iter().map(|object| answer(Ok(object))).collect()
    }

    /// Changes an object by a merge patch.
    pub async fn patch(&self, kind: &str, namespace: &str, name: &str, change: Value) -> Answer {
        answer(self.api(kind, namespace).patch(name, &PatchParams::default(), &Patch::Merge(change)).await)
    }

    /// Changes the status of an object by a merge patch.
    pub async fn patch_status(&self, kind: &str, namespace: &str, name: &str, status: Value) -> Answer {
        let change = Patch::Merge(json!({ "status": status }));
        answer(self.api(kind, namespace).patch_status(name, &PatchParams::default(), &change).await)
    }

    /// Deletes an object.
    pub async fn delete(&self, kind: &str, namespace: &str, name: &str) -> Result<(), Refusal> {
        let deleted = self.api(kind, namespace).delete(name, &DeleteParams::default()).await;
        deleted.map(|_| ()).map_err(refusal)
    }

    /// Whether they may do something in a namespace: `kubectl auth can-i`.
    pub async fn can(&self, wish: ResourceAttributes) -> bool {
        let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(wish), ..Default::default() };
        let review = SelfSubjectAccessReview { spec, ..Default::default() };
        let api: Api<SelfSubjectAccessReview> = Api::all(self.client.clone());
        let answer = api.create(&PostParams::default(), &review).await;
        answer.expect("everybody may ask about themselves").status.is_some_and(|status| status.allowed)
    }
}

fn answer(result: Result<DynamicObject, Error>) -> Answer {
    result.map(|object| serde_json::to_value(object).expect("an object is JSON")).map_err(refusal)
}

fn refusal(error: Error) -> Refusal {
    match error {
        Error::Api(status) => Refusal { code: status.code, message: status.message },
        other => panic!("the API server did not answer: {other}"),
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.message)
    }
}

/// A condition of an object as `status reason`, such as `False NotAnApprover`.
pub fn condition(object: &Value, kind: &str) -> String {
    let found = object["status"]["conditions"].as_array().into_iter().flatten().find(|c| c["type"] == kind);
    let word = |field: &str| found.and_then(|c| c[field].as_str()).unwrap_or("-").to_owned();
    format!("{} {}", word("status"), word("reason"))
}

/// Phase and reason of an object, such as `Denied NotEligible`.
pub fn phase(object: &Value) -> String {
    let word = |field: &str| object["status"][field].as_str().unwrap_or_default().to_owned();
    format!("{} {}", word("phase"), word("reason")).trim().to_owned()
}

/// The name of an object.
pub fn name(object: &Value) -> String {
    object["metadata"]["name"].as_str().expect("a stored object has a name").to_owned()
}
