//! The write side: writes to the API server, and enters the answers into the caches. Whoever else writes (the lease; the condition of what
//! cannot be read; the default Catalog) does it through [`Writer::timed`], or alone.

pub mod access_review;
pub mod bindings;
pub mod effects;
pub mod status;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Client, Resource};
use serde::de::DeserializeOwned;

use crate::api::labels::OPERATOR;
use crate::domain::Key;
use crate::error::Error;
use crate::observe::Cache;
use crate::runtime::lease::Leadership;

/// Writes to the API server, and enters the answers into the caches.
#[derive(Clone)]
pub struct Writer {
    /// The connection.
    pub client: Client,
    /// The caches.
    pub cache: Arc<Cache>,
    /// Longest wait for one answer: the client itself would wait without an end.
    pub request_timeout: Duration,
    /// Asked right before every request: a deposed leader writes nothing.
    pub leadership: Leadership,
}

/// Parameters of a patch under our name.
pub fn merge() -> PatchParams {
    PatchParams { field_manager: Some(OPERATOR.to_owned()), ..PatchParams::default() }
}

/// Parameters of a create or replace under our name.
pub fn post() -> PostParams {
    PostParams { field_manager: Some(OPERATOR.to_owned()), ..PostParams::default() }
}

impl Writer {
    /// Waits for an answer, with request_timeout.
    pub async fn timed<T>(&self, what: String, call: impl Future<Output = Result<T, kube::Error>>) -> Result<T, Error> {
        if !self.leadership.is_leader() {
            return Err(Error::NotLeading(what));
        }
        match tokio::time::timeout(self.request_timeout, call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(source)) => Err(Error::Api { what, source: Box::new(source) }),
            Err(_) => Err(Error::Timeout(what)),
        }
    }

    /// Patches an object under the version that was seen, so that a change by somebody else meanwhile is noticed.
    pub async fn patch<K>(&self, api: Api<K>, object: &K, mut body: serde_json::Value) -> Result<K, Error>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
    {
        let key = Key::of(object);
        if let Some(map) = body.as_object_mut() {
            let metadata = map.entry("metadata").or_insert_with(|| serde_json::json!({}));
            if let Some(metadata) = metadata.as_object_mut() {
                metadata.insert("resourceVersion".to_owned(), serde_json::json!(object.meta().resource_version));
            }
        }
        let what = format!("change {} {key}", K::kind(&()));
        self.timed(what, api.patch(&key.name, &merge(), &Patch::Merge(body))).await
    }

    /// Deletes an object, exactly the one that was seen. One that is gone already is as good.
    pub async fn delete<K>(&self, api: Api<K>, object: &K) -> Result<(), Error>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
    {
        let same = Preconditions { uid: object.meta().uid.clone(), resource_version: None };
        self.delete_as(api, object, same).await
    }

    /// Deletes an object as long as it is as it was seen.
    async fn delete_as<K>(&self, api: Api<K>, object: &K, seen: Preconditions) -> Result<(), Error>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
    {
        let key = Key::of(object);
        let params = DeleteParams { preconditions: Some(seen), ..DeleteParams::default() };
        let deleted = self.timed(format!("delete {} {key}", K::kind(&())), api.delete(&key.name, &params)).await;
        match deleted {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }
}
