//! One watch per kind, for as long as the process lives.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use backon::ExponentialBuilder;
use futures::StreamExt;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Client;
use kube::api::Api;
use kube::core::DeserializeGuard;
use kube::runtime::utils::ResetTimerBackoff;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as start};
use tokio::sync::oneshot;
use tracing::{info, warn};

use crate::api::GROUP;
use crate::domain::Key;

use super::cache::Cache;
use super::unreadable::Unreadable;
use super::watched::{Kind, Watched};

/// Pauses between two attempts to watch; they grow from the first to the longest, and jitter adds up to as much again. While a watch is
/// not there, what managers revoke is not seen: the longest is how blind an outage leaves us after its end.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// After a time without failures the pauses are short again.
const BACKOFF_RESET_AFTER: Duration = Duration::from_secs(60);

/// Watches all objects that `config` selects, and tells `synced` when the first list is in the cache.
///
/// An object that cannot be read stops nobody's watch; what it is taken for see [`super::unreadable`].
pub async fn watch<K: Kind>(
    api: Api<DeserializeGuard<K>>,
    config: watcher::Config,
    cache: Arc<Cache>,
    synced: oneshot::Sender<()>,
) {
    let kind = K::kind(&());
    let client = api.clone().into_client();
    let mut synced = Some(synced);
    let mut listed = HashSet::new();
    let pauses = ExponentialBuilder::default().with_min_delay(FIRST_PAUSE).with_max_delay(LONGEST_PAUSE);
    let pauses = watcher::ExponentialBackoff::from(pauses.with_jitter().without_max_times());
    let mut events = start(api, config).backoff(ResetTimerBackoff::new(pauses, BACKOFF_RESET_AFTER)).boxed();
    let mut undefined = false; // told once, not at every attempt
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => listed.clear(),
            Ok(Event::InitApply(object)) => {
                listed.insert(Key::of(&object));
                enter(&cache, object);
            }
            Ok(Event::InitDone) => {
                cache.keep_only::<K>(&listed);
                listed = HashSet::new();
                undefined = false;
                if let Some(synced) = synced.take() {
                    info!(%kind, "cache is filled");
                    let _ = synced.send(());
                }
            }
            Ok(Event::Apply(object)) => enter(&cache, object),
            Ok(Event::Delete(object)) => cache.remove::<K>(&Key::of(&object)),
            Err(error) if is_not_served(&error) && is_undefined::<K>(&client).await => {
                if !std::mem::replace(&mut undefined, true) {
                    warn!(%kind, "its CustomResourceDefinition is not installed, so there is nothing of this kind; waiting for it");
                }
                cache.keep_only::<K>(&HashSet::new());
            }
            Err(error) => warn!(%kind, %error, "watch failed, it is tried again"),
        }
    }
}

/// Whether the API server does not know the kind (now).
fn is_not_served(error: &watcher::Error) -> bool {
    use watcher::Error as E;
    let code = match error {
        E::InitialListFailed(kube::Error::Api(status)) | E::WatchStartFailed(kube::Error::Api(status)) => status.code,
        E::WatchError(status) => status.code,
        _ => return false,
    };
    code == 404
}

/// Whether nobody defines the kind any more. What vanished with its definition is told by no watch, and what waits for it would wait for
/// ever. That the kind is merely not served, for a moment or in this version, is no reason to take anything away.
pub async fn is_undefined<K: kube::Resource<DynamicType = ()>>(client: &Client) -> bool {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let name = format!("{}.{}", K::plural(&()), K::group(&()));
    K::group(&()) == GROUP && matches!(definitions.get_metadata_opt(&name).await, Ok(None))
}

fn enter<K: Watched>(cache: &Cache, guarded: DeserializeGuard<K>) {
    match guarded.0 {
        Ok(object) => cache.put(object),
        Err(error) => {
            let meta = error.metadata;
            let key = Key::new(meta.namespace.clone().unwrap_or_default(), meta.name.clone().unwrap_or_default());
            warn!(kind = K::NAME, object = %key, error = %error.error, "object cannot be read");
            cache.unreadable::<K>(&key, Unreadable::new(&meta, error.error));
        }
    }
}
