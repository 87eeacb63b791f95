//! Carries out effects. Each finds the object in the cache, compares, and writes only what is missing.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::Api;
use serde_json::json;

use crate::api::labels::{CATALOG, MANAGED_BY, OPERATOR};
use crate::api::{ApprovalDecisionStatus, Assignment, Catalog};
use crate::domain::schedule::later;
use crate::domain::{Effect, Key, catalog};
use crate::error::Error;

use super::bindings::emptied;
use super::status::HasStatus;
use super::{Writer, post};

impl Writer {
    /// Carries out the effects of reconciling an object, in their order. One that fails holds up those after it, but the bindings of people
    /// never hold up each other.
    pub async fn effects<K: HasStatus>(&self, object: &Arc<K>, effects: Vec<Effect>) -> Result<(), Error> {
        let mut failed = None;
        for effect in effects {
            let alone = matches!(effect, Effect::Bind(_) | Effect::Unbind(_));
            if failed.is_some() && !alone {
                break;
            }
            if let Err(error) = self.effect(object, effect).await {
                failed.get_or_insert(error);
                if !alone {
                    break;
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn effect<K: HasStatus>(&self, object: &Arc<K>, effect: Effect) -> Result<(), Error> {
        match effect {
            Effect::CreateAssignment(assignment) => self.create_assignment(&assignment).await,
            Effect::MoveEnd { assignment, end } => self.move_end(&assignment, end).await,
            Effect::EnterEnd { assignment, end } => self.enter_end(&assignment, end).await,
            Effect::Revoke { assignment, by, reason } => {
                self.change(&assignment, |_| Some(json!({"spec": {"revoked": {"by": by, "reason": reason}}}))).await
            }
            Effect::AddFinalizer(finalizer) => self.finalizer(object, finalizer, true).await,
            Effect::RemoveFinalizer(finalizer) => self.finalizer(object, finalizer, false).await,
            Effect::RecordDecision { decision, status } => self.judge(&decision, &status).await,
            Effect::DeleteSelf => self.delete(K::api(self, &Key::of(&**object)), object).await,
            Effect::CreateNamespace(_) => self.create_namespace(&Key::of(&**object)).await,
            Effect::DeleteNamespace(name) => self.delete_namespace(&name).await,
            Effect::ReleaseNamespace(name) => self.release_namespace(&name).await,
            Effect::Bind(binding) => self.bind(*binding).await,
            Effect::Unbind(key) => self.unbind(&key).await,
        }
    }

    fn assignment(&self, key: &Key) -> Option<Arc<Assignment>> {
        self.cache.read().assignments.get(key).cloned()
    }

    /// Changes an assignment that is in the cache; one that is gone needs no change.
    async fn change(&self, key: &Key, body: impl FnOnce(&Assignment) -> Option<serde_json::Value>) -> Result<(), Error> {
        let Some(found) = self.assignment(key) else { return Ok(()) };
        let Some(body) = body(&found) else { return Ok(()) };
        let changed = self.patch(Api::namespaced(self.client.clone(), &key.namespace), &*found, body).await?;
        self.cache.refresh(changed);
        Ok(())
    }

    async fn create_assignment(&self, wanted: &Assignment) -> Result<(), Error> {
        let key = Key::of(wanted);
        let api: Api<Assignment> = Api::namespaced(self.client.clone(), &key.namespace);
        match self.timed(format!("create Assignment {key}"), api.create(&post(), wanted)).await {
            Ok(created) => {
                self.cache.put(created);
                Ok(())
            }
            Err(error) if error.is_conflict() => {
                let found = self.timed(format!("read Assignment {key}"), api.get(&key.name)).await?;
                if found.spec.access_request_uid == wanted.spec.access_request_uid {
                    Ok(())
                } else {
                    Err(Error::NameTaken(format!("Assignment {key}")))
                }
            }
            Err(error) => Err(error),
        }
    }

    async fn move_end(&self, key: &Key, end: Option<DateTime<Utc>>) -> Result<(), Error> {
        self.change(key, |found| {
            let end = later(found.end(), end);
            (end != found.requested_end()).then(|| json!({"spec": {"schedule": {"endTime": end}}}))
        })
        .await
    }

    async fn enter_end(&self, key: &Key, end: DateTime<Utc>) -> Result<(), Error> {
        self.change(key, |found| {
            found.requested_end().is_none().then(|| json!({"spec": {"schedule": {"startTime": found.start(), "endTime": end}}}))
        })
        .await
    }

    /// Puts a finalizer on an object or takes it off.
    async fn finalizer<K: HasStatus>(&self, object: &Arc<K>, finalizer: &str, hold: bool) -> Result<(), Error> {
        let key = Key::of(&**object);
        // The status was written a moment ago; the cache has the version that came back.
        let Some(found) = K::store(&self.cache.read()).get(&key).cloned() else { return Ok(()) };
        let mut all = found.meta().finalizers.clone().unwrap_or_default();
        let held = all.iter().any(|f| f == finalizer);
        if held == hold {
            return Ok(());
        }
        all.retain(|f| f != finalizer);
        all.extend(hold.then(|| finalizer.to_owned()));
        let changed = self.patch(K::api(self, &key), &*found, json!({"metadata": {"finalizers": all}})).await?;
        self.cache.refresh(changed);
        Ok(())
    }

    async fn judge(&self, key: &Key, status: &ApprovalDecisionStatus) -> Result<(), Error> {
        let found = self.cache.read().decisions.get(key).cloned();
        match found {
            Some(decision) => self.status(&decision, status).await.map(|_| ()),
            None => Ok(()),
        }
    }

    async fn create_namespace(&self, catalog: &Key) -> Result<(), Error> {
        let found: Option<Arc<Catalog>> = self.cache.read().catalogs.get(catalog).cloned();
        let Some(found) = found else { return Ok(()) };
        let namespace = catalog::new_namespace(&found);
        let what = format!("create Namespace {}", found.wanted_namespace());
        match self.timed(what, Api::all(self.client.clone()).create(&post(), &namespace)).await {
            Ok(created) => {
                self.cache.put::<Namespace>(created);
                Ok(())
            }
            // Somebody else made it; the next reconciliation judges whether it is ours.
            Err(error) if error.is_conflict() => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn delete_namespace(&self, name: &str) -> Result<(), Error> {
        let found = self.cache.read().namespaces.get(&Key::new("", name)).cloned();
        match found {
            Some(found) => self.delete(Api::<Namespace>::all(self.client.clone()), &*found).await,
            None => Ok(()),
        }
    }

    async fn release_namespace(&self, name: &str) -> Result<(), Error> {
        let found = self.cache.read().namespaces.get(&Key::new("", name)).cloned();
        let Some(found) = found else { return Ok(()) };
        let off = json!({"metadata": {"labels": {CATALOG: null}}});
        let changed = self.patch(Api::<Namespace>::all(self.client.clone()), &*found, off).await?;
        self.cache.refresh(changed);
        Ok(())
    }

    /// Creates or repairs a RoleBinding for people in a catalog's namespace.
    async fn bind(&self, mut wanted: RoleBinding) -> Result<(), Error> {
        let key = Key::of(&wanted);
        let api: Api<RoleBinding> = Api::namespaced(self.client.clone(), &key.namespace);
        let found = match self.timed(format!("create RoleBinding {key}"), api.create(&post(), &wanted)).await {
            Ok(created) => {
                self.cache.put(created);
                return Ok(());
            }
            Err(error) if error.is_conflict() => self.timed(format!("read RoleBinding {key}"), api.get(&key.name)).await?,
            Err(error) => return Err(error),
        };
        let managed = found.metadata.labels.as_ref().and_then(|l| l.get(MANAGED_BY)).is_some_and(|by| by == OPERATOR);
        let marked = found.metadata.annotations.as_ref().and_then(|a| a.get(CATALOG))
            == wanted.metadata.annotations.as_ref().and_then(|a| a.get(CATALOG));
        if !managed && !marked {
            return Err(Error::NameTaken(format!("RoleBinding {key}")));
        }
        if found.role_ref != wanted.role_ref {
            return self.take_away(api, &found, emptied(&found)).await;
        }
        wanted.metadata.resource_version = found.metadata.resource_version.clone();
        let replace = async |wanted: &RoleBinding| {
            self.timed(format!("replace RoleBinding {key}"), api.replace(&key.name, &post(), wanted)).await
        };
        let mut replaced = replace(&wanted).await;
        let refused = match replaced {
            Err(error) if error.is_refusal() => {
                // Whoever leaves is gone, whatever is wrong with the newcomers.
                let had = found.subjects.unwrap_or_default();
                wanted.subjects.iter_mut().for_each(|subjects| subjects.retain(|subject| had.contains(subject)));
                replaced = replace(&wanted).await;
                Err(error)
            }
            _ => Ok(()),
        };
        self.cache.put(replaced?);
        refused
    }

    async fn unbind(&self, key: &Key) -> Result<(), Error> {
        let found = self.cache.read().role_bindings.get(key).cloned();
        match found {
            Some(found) => self.take_away(Api::namespaced(self.client.clone(), &key.namespace), &*found, emptied(&*found)).await,
            None => Ok(()),
        }
    }
}
