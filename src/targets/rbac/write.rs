//! Writes the bindings that carry grants: create, put right, delete.

use std::collections::BTreeMap;

use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding, RoleRef};

use crate::api::Subject;
use crate::api::labels::{MANAGED_BY, NAMESPACE_UID, OPERATOR};
use crate::domain::Key;
use crate::domain::catalog::RBAC;
use crate::domain::grant::GrantKey;
use crate::domain::resource::{Scope, Target};
use crate::error::Error;
use crate::writer::bindings::{Writable, emptied};
use crate::writer::{Writer, post};

use super::joining::Joining;
use super::name;
use super::plan::Write;

fn role_ref(target: &Target) -> RoleRef {
    RoleRef { api_group: Some(RBAC.to_owned()), kind: format!("{:?}", target.role.kind), name: target.role.name.clone() }
}

fn key(scope: &Scope, name: &str) -> Key {
    match scope {
        Scope::Cluster => Key::new("", name),
        Scope::Namespace(namespace) => Key::new(namespace, name),
    }
}

/// Where a write of a grant goes.
struct Where<'a> {
    grant: &'a GrantKey,
    target: &'a Target,
    name: &'a str,
    /// Uid of the namespace as it was when the write was decided.
    uid: Option<&'a String>,
}

impl Where<'_> {
    /// The binding as it should be.
    fn binding<B: Writable>(&self, subjects: &[Subject]) -> B {
        let mut wanted = new::<B>(self.grant, self.target, self.name, subjects);
        // The API server refuses it in a namespace that was made anew since.
        let uid = self.uid.map(|uid| (NAMESPACE_UID.to_owned(), uid.clone()));
        wanted.meta_mut().annotations.get_or_insert_default().extend(uid);
        wanted
    }
}

impl Writer {
    /// Carries out one write of a grant, and returns what failed. `uids`: of the namespaces as they were when it was decided, by name.
    pub async fn binding(&self, grant: &GrantKey, write: &Write, uids: &BTreeMap<String, String>) -> Vec<Error> {
        let (Write::Put { target, name, .. } | Write::Delete { target, name }) = write;
        let place = |uid| Where { grant, target, name, uid };
        match &target.scope {
            Scope::Cluster => self.write::<ClusterRoleBinding>(place(None), write).await,
            Scope::Namespace(name) => self.write::<RoleBinding>(place(uids.get(name)), write).await,
        }
    }

    async fn write<B: Writable>(&self, place: Where<'_>, write: &Write) -> Vec<Error> {
        match write {
            Write::Put { subjects, joining, exists, .. } => {
                self.join::<B>(&place, Joining::new(subjects, *joining), *exists).await
            }
            Write::Delete { target, name } => {
                let found = B::store(&self.cache.read()).get(&key(&target.scope, name)).cloned();
                let Some(found) = found else { return Vec::new() };
                let gone = self.take_away(B::api(self, &target.scope), &*found, place.binding(&[])).await;
                gone.err().into_iter().collect()
            }
        }
    }

    /// Writes a binding with its newcomers; whoever cannot be bound keeps nobody else out.
    async fn join<B: Writable>(&self, place: &Where<'_>, mut joining: Joining, exists: bool) -> Vec<Error> {
        let (mut failures, mut exists) = (Vec::new(), exists);
        while let Some(subjects) = joining.attempt() {
            let wanted = place.binding::<B>(&subjects);
            let written = match exists {
                true => self.replace(place.target, wanted).await,
                false => self.create(place.target, wanted).await,
            };
            match written {
                Ok(()) => {
                    joining.taken();
                    exists = true;
                }
                Err(error) if error.is_refusal() => failures.extend(joining.refused().then_some(error)),
                Err(error) => {
                    failures.push(error);
                    break;
                }
            }
        }
        failures
    }

    async fn create<B: Writable>(&self, target: &Target, wanted: B) -> Result<(), Error> {
        let (key, api) = (Key::of(&wanted), B::api(self, &target.scope));
        match self.timed(format!("create {} {key}", B::kind(&())), api.create(&post(), &wanted)).await {
            Ok(created) => {
                self.cache.put(created);
                Ok(())
            }
            Err(error) if error.is_conflict() => self.reclaim(target, wanted).await,
            Err(error) => Err(error),
        }
    }

    /// Something of that name is there which the cache does not show: ours with stripped labels, or somebody else's.
    async fn reclaim<B: Writable>(&self, target: &Target, mut wanted: B) -> Result<(), Error> {
        let (key, api) = (Key::of(&wanted), B::api(self, &target.scope));
        let found = self.timed(format!("read {} {key}", B::kind(&())), api.get(&key.name)).await?;
        let meta = found.meta();
        let managed = meta.labels.as_ref().and_then(|l| l.get(MANAGED_BY)).is_some_and(|by| by == OPERATOR);
        let ours = name::key_of(None, meta.annotations.as_ref()) == name::key_of(None, wanted.meta().annotations.as_ref());
        if !managed && !ours {
            return Err(Error::NameTaken(format!("{} {key}", B::kind(&()))));
        }
        if *found.role_ref() != *wanted.role_ref() {
            // The role of a binding cannot be changed; the next reconciliation creates it anew.
            return self.take_away(api, &found, emptied(&found)).await;
        }
        wanted.meta_mut().resource_version = meta.resource_version.clone();
        let replaced = self.timed(format!("replace {} {key}", B::kind(&())), api.replace(&key.name, &post(), &wanted)).await?;
        self.cache.put(replaced);
        Ok(())
    }

    /// Writes over exactly the version that was seen.
    async fn replace<B: Writable>(&self, target: &Target, mut wanted: B) -> Result<(), Error> {
        let (key, api) = (Key::of(&wanted), B::api(self, &target.scope));
        let Some(found) = B::store(&self.cache.read()).get(&key).cloned() else { return Ok(()) };
        wanted.meta_mut().resource_version = found.meta().resource_version.clone();
        wanted.meta_mut().uid = found.meta().uid.clone();
        let replaced = self.timed(format!("replace {} {key}", B::kind(&())), api.replace(&key.name, &post(), &wanted)).await?;
        self.cache.refresh(replaced);
        Ok(())
    }
}

fn new<B: Writable>(grant: &GrantKey, target: &Target, binding: &str, subjects: &[Subject]) -> B {
    let mut wanted = B::default();
    let meta = wanted.meta_mut();
    meta.name = Some(binding.to_owned());
    meta.namespace = if let Scope::Namespace(namespace) = &target.scope { Some(namespace.clone()) } else { None };
    meta.labels = Some(name::labels(grant));
    meta.annotations = Some(name::annotations(grant));
    wanted.fill(role_ref(target), subjects);
    wanted
}
