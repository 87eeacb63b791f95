//! One watch per kind, for as long as the process lives.

use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::Arc;

use futures::StreamExt;
use kube::api::Api;
use kube::core::DeserializeGuard;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as start};
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tracing::{info, warn};

use crate::domain::Key;

use super::hub::Hub;
use super::wakes::Watched;

/// An annotation that repeats the whole object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Watches all objects that `config` selects, and tells `synced` when the first list is in the cache.
///
/// An object that cannot be read keeps its last readable version: to treat it as gone would take access away, and to stop the whole watch
/// would stop everybody.
pub async fn watch<K>(api: Api<DeserializeGuard<K>>, config: watcher::Config, hub: Arc<Hub>, synced: oneshot::Sender<()>)
where
    K: Watched + kube::Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    let kind = K::kind(&());
    let mut synced = Some(synced);
    let mut listed = HashSet::new();
    let mut events = start(api, config).default_backoff().boxed();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => listed.clear(),
            Ok(Event::InitApply(object)) => {
                listed.insert(Key::of(&object));
                enter(&hub, object);
            }
            Ok(Event::InitDone) => {
                hub.keep_only::<K>(&listed);
                listed = HashSet::new();
                if let Some(synced) = synced.take() {
                    info!(%kind, "cache is filled");
                    let _ = synced.send(());
                }
            }
            Ok(Event::Apply(object)) => enter(&hub, object),
            Ok(Event::Delete(object)) => hub.remove::<K>(&Key::of(&object)),
            Err(error) => warn!(%kind, %error, "watch failed, it is tried again"),
        }
    }
}

fn enter<K: Watched>(hub: &Hub, guarded: DeserializeGuard<K>) {
    match guarded.0 {
        Ok(mut object) => {
            let meta = object.meta_mut();
            meta.managed_fields = None;
            if let Some(annotations) = &mut meta.annotations {
                annotations.remove(LAST_APPLIED);
            }
            hub.put(object);
        }
        Err(error) => {
            let (namespace, name) = (error.metadata.namespace.unwrap_or_default(), error.metadata.name.unwrap_or_default());
            warn!(%namespace, %name, error = %error.error, "object cannot be read and is left as it was");
        }
    }
}
