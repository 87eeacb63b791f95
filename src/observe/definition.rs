//! Whether a kind of ours is still defined.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::Api;
use kube::{Client, Resource};

use crate::api::GROUP;

/// Whether nobody defines the kind any more. What vanished with its definition is told by no watch, and what waits for it would wait for
/// ever. That the kind is merely not served, for a moment or in this version, is no reason to take anything away.
pub async fn is_gone<K: Resource<DynamicType = ()>>(client: &Client) -> bool {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let name = format!("{}.{}", K::plural(&()), K::group(&()));
    K::group(&()) == GROUP && matches!(definitions.get_metadata_opt(&name).await, Ok(None))
}
