//! Status: written by server-side apply, only when it differs, and only over the version that was seen.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Resource;
use kube::api::{Api, Patch, PatchParams};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::api::labels::OPERATOR;
use crate::api::{AccessPackage, AccessRequest, ApprovalDecision, Assignment, Catalog, CatalogResource, Policy};
use crate::domain::Key;
use crate::error::Error;
use crate::observe::wakes::Watched;

use super::{Act, merge};

/// A kind with a status of ours.
pub trait HasStatus: Watched + Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned {
    /// Its status.
    type Status: Serialize + PartialEq + Clone + Send;
    /// The status as it was seen.
    fn status(&self) -> Option<&Self::Status>;
    /// The conditions in a status.
    fn conditions(status: &mut Self::Status) -> &mut Vec<Condition>;
    /// Where the object lives.
    fn api(act: &Act, key: &Key) -> Api<Self>;
}

macro_rules! has_status {
    ($($kind:ty => $status:ty, |$client:ident, $key:ident| $api:expr;)*) => {$(
        impl HasStatus for $kind {
            type Status = $status;
            fn status(&self) -> Option<&Self::Status> {
                self.status.as_ref()
            }
            fn conditions(status: &mut Self::Status) -> &mut Vec<Condition> {
                &mut status.conditions
            }
            fn api(act: &Act, $key: &Key) -> Api<Self> {
                let $client = act.client.clone();
                $api
            }
        }
    )*};
}

has_status! {
    Catalog => crate::api::CatalogStatus, |client, _key| Api::all(client);
    CatalogResource => crate::api::CatalogResourceStatus, |client, key| Api::namespaced(client, &key.namespace);
    AccessPackage => crate::api::AccessPackageStatus, |client, key| Api::namespaced(client, &key.namespace);
    Policy => crate::api::PolicyStatus, |client, key| Api::namespaced(client, &key.namespace);
    AccessRequest => crate::api::AccessRequestStatus, |client, key| Api::namespaced(client, &key.namespace);
    ApprovalDecision => crate::api::ApprovalDecisionStatus, |client, key| Api::namespaced(client, &key.namespace);
    Assignment => crate::api::AssignmentStatus, |client, key| Api::namespaced(client, &key.namespace);
}

fn unwritable(what: &str, error: serde_json::Error) -> Error {
    Error::Api { what: what.to_owned(), source: Box::new(kube::Error::SerdeError(error)) }
}

/// The body of an apply, which the API server reads as YAML: characters that JSON has as they are and YAML does not admit are escaped. People
/// can write them into what a status repeats, such as a justification.
fn for_yaml(body: &serde_json::Value) -> Result<Box<RawValue>, serde_json::Error> {
    let mut escaped = String::new();
    for c in serde_json::to_string(body)?.chars() {
        match c {
            '\u{7f}'..='\u{9f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => escaped += &format!("\\u{:04x}", u32::from(c)),
            _ => escaped.push(c),
        }
    }
    RawValue::from_string(escaped)
}

impl Act {
    /// Writes a status when it differs from the one that was seen. Tells whether it did.
    ///
    /// A decision that was taken on an old version is refused by the API server (409), not written over a newer one.
    pub async fn status<K: HasStatus>(&self, object: &Arc<K>, status: &K::Status) -> Result<bool, Error> {
        if object.status() == Some(status) {
            return Ok(false);
        }
        let key = Key::of(&**object);
        let meta = object.meta();
        let body = json!({
            "apiVersion": K::api_version(&()),
            "kind": K::kind(&()),
            "metadata": {"name": meta.name, "namespace": meta.namespace, "uid": meta.uid, "resourceVersion": meta.resource_version},
            "status": status,
        });
        let params = PatchParams::apply(OPERATOR).force();
        let api = K::api(self, &key);
        let what = format!("write status of {} {key}", K::kind(&()));
        let body = for_yaml(&body).map_err(|error| unwritable(&what, error))?;
        let written = self.timed(what.clone(), api.patch_status(&key.name, &params, &Patch::Apply(body))).await;
        let written = match written {
            Err(error) if error.is_too_large() => self.replace_status(what, api, &**object, status).await,
            other => other,
        };
        self.hub.refresh(written?);
        Ok(true)
    }

    /// Writes a status where server-side apply cannot: somebody filled `metadata.managedFields`, which the API server drops for any other write
    /// that would be too large.
    async fn replace_status<K: HasStatus>(&self, what: String, api: Api<K>, object: &K, status: &K::Status) -> Result<K, Error> {
        let (key, version) = (Key::of(object), object.meta().resource_version.clone());
        let patch = json!([
            {"op": "test", "path": "/metadata/resourceVersion", "value": version},
            {"op": "add", "path": "/status", "value": status},
        ]);
        let patch = serde_json::from_value(patch).map_err(|error| unwritable(&what, error))?;
        self.timed(what, api.patch_status(&key.name, &merge(), &Patch::<()>::Json(patch))).await
    }
}
