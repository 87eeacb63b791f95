//! People, as the API server is told to see them, and what they create.

use kube::Client;
use serde_json::Value;

use crate::site::resource;

/// Somebody who is impersonated.
#[derive(Clone)]
pub struct Person {
    name: String,
    group: Option<&'static str>,
}

impl Person {
    /// Somebody in no group but everybody's.
    pub fn alone(name: impl Into<String>) -> Self {
        Self { name: name.into(), group: None }
    }

    /// Somebody in a group besides everybody's.
    pub fn member(name: impl Into<String>, group: &'static str) -> Self {
        Self { name: name.into(), group: Some(group) }
    }

    /// Creates an object of ours in the namespace that it names. `dry_run`: it is judged and not stored.
    ///
    /// # Errors
    /// What the API server answers when it does not.
    pub async fn create(&self, client: &Client, object: &Value, dry_run: bool) -> kube::Result<Value> {
        let text = |value: &Value| value.as_str().expect("a name").to_owned();
        let (kind, namespace) = (text(&object["kind"]), text(&object["metadata"]["namespace"]));
        let (plural, query) = (resource(&kind).plural, if dry_run { "?dryRun=All" } else { "" });
        let path = format!("/apis/entitlement.dev/v1alpha1/namespaces/{namespace}/{plural}{query}");
        let request = axum::http::Request::post(path)
            .header("content-type", "application/json")
            .header("impersonate-user", &self.name)
            .header("impersonate-group", "system:authenticated");
        let request = self.group.into_iter().fold(request, |request, group| request.header("impersonate-group", group));
        client.request(request.body(serde_json::to_vec(object).expect("JSON")).expect("a request")).await
    }
}

/// An object of ours.
pub fn object(kind: &str, namespace: &str, name: &str, spec: Value) -> Value {
    let metadata = serde_json::json!({"name": name, "namespace": namespace});
    serde_json::json!({"apiVersion": "entitlement.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec})
}
