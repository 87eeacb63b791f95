//! Writes the bindings that carry grants: create, put right, delete.

use std::collections::BTreeMap;

use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding, RoleRef as RbacRoleRef};
use kube::Resource;
use kube::api::Api;

use crate::api::labels::{MANAGED_BY, NAMESPACE_UID, OPERATOR};
use crate::api::subject::Subject;
use crate::domain::Key;
use crate::domain::catalog::{RBAC, rbac_subject};
use crate::domain::resource::{Scope, Target};
use crate::error::Error;
use crate::grants::plan::Write;
use crate::grants::{GrantKey, name};
use crate::observe::binding::Binding;
use crate::observe::wakes::Watched;

use super::{Act, post};

/// A binding of either kind, to write.
trait Writable:
    Binding
    + Watched
    + Resource<DynamicType = ()>
    + Clone
    + std::fmt::Debug
    + serde::Serialize
    + serde::de::DeserializeOwned
    + Default
{
    fn fill(&mut self, role: RbacRoleRef, subjects: &[Subject]);
    fn api(act: &Act, scope: &Scope) -> Api<Self>;
}

impl Writable for RoleBinding {
    fn fill(&mut self, role: RbacRoleRef, subjects: &[Subject]) {
        self.role_ref = role;
        self.subjects = Some(subjects.iter().map(rbac_subject).collect());
    }

    fn api(act: &Act, scope: &Scope) -> Api<Self> {
        let namespace = if let Scope::Namespace(name) = scope { name.as_str() } else { "" };
        Api::namespaced(act.client.clone(), namespace)
    }
}

impl Writable for ClusterRoleBinding {
    fn fill(&mut self, role: RbacRoleRef, subjects: &[Subject]) {
        self.role_ref = role;
        self.subjects = Some(subjects.iter().map(rbac_subject).collect());
    }

    fn api(act: &Act, _: &Scope) -> Api<Self> {
        Api::all(act.client.clone())
    }
}

fn role_ref(target: &Target) -> RbacRoleRef {
    RbacRoleRef { api_group: Some(RBAC.to_owned()), kind: format!("{:?}", target.role.kind), name: target.role.name.clone() }
}

fn key(scope: &Scope, name: &str) -> Key {
    match scope {
        Scope::Cluster => Key::new("", name),
        Scope::Namespace(namespace) => Key::new(namespace, name),
    }
}

impl Act {
    /// Carries out one write of a grant. `uids`: of the namespaces as they were when it was decided, by name.
    pub async fn binding(&self, grant: &GrantKey, write: &Write, uids: &BTreeMap<String, String>) -> Result<(), Error> {
        let (Write::Put { target, .. } | Write::Delete { target, .. }) = write;
        match &target.scope {
            Scope::Cluster => self.write::<ClusterRoleBinding>(grant, write, None).await,
            Scope::Namespace(name) => self.write::<RoleBinding>(grant, write, uids.get(name)).await,
        }
    }

    async fn write<B: Writable>(&self, grant: &GrantKey, write: &Write, uid: Option<&String>) -> Result<(), Error> {
        match write {
            Write::Put { target, name, subjects, exists } => {
                let mut wanted = new::<B>(grant, target, name, subjects);
                // The API server refuses it in a namespace that was made anew since.
                let uid = uid.map(|uid| (NAMESPACE_UID.to_owned(), uid.clone()));
                wanted.meta_mut().annotations.get_or_insert_default().extend(uid);
                if *exists { self.replace(target, wanted).await } else { self.create(target, wanted).await }
            }
            Write::Delete { target, name } => {
                let key = key(&target.scope, name);
                let found = B::table(&mut self.hub.write()).get(&key).cloned();
                match found {
                    Some(found) => self.delete(B::api(self, &target.scope), &*found).await,
                    None => Ok(()),
                }
            }
        }
    }

    async fn create<B: Writable>(&self, target: &Target, wanted: B) -> Result<(), Error> {
        let (key, api) = (Key::of(&wanted), B::api(self, &target.scope));
        match self.timed(format!("create {} {key}", B::kind(&())), api.create(&post(), &wanted)).await {
            Ok(created) => {
                self.hub.put(created);
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
            return Err(Error::Conflict(format!("{} {key}", B::kind(&()))));
        }
        if *found.role_ref() != *wanted.role_ref() {
            // The role of a binding cannot be changed; the next look creates it anew.
            return self.delete(api, &found).await;
        }
        wanted.meta_mut().resource_version = meta.resource_version.clone();
        let replaced = self.timed(format!("replace {} {key}", B::kind(&())), api.replace(&key.name, &post(), &wanted)).await?;
        self.hub.put(replaced);
        Ok(())
    }

    /// Writes over exactly the version that was seen.
    async fn replace<B: Writable>(&self, target: &Target, mut wanted: B) -> Result<(), Error> {
        let (key, api) = (Key::of(&wanted), B::api(self, &target.scope));
        let Some(found) = B::table(&mut self.hub.write()).get(&key).cloned() else { return Ok(()) };
        wanted.meta_mut().resource_version = found.meta().resource_version.clone();
        wanted.meta_mut().uid = found.meta().uid.clone();
        let replaced = self.timed(format!("replace {} {key}", B::kind(&())), api.replace(&key.name, &post(), &wanted)).await?;
        self.hub.put(replaced);
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
