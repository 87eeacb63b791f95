//! Bindings of either kind, to write: those that carry grants, and those of the people in a catalog.

use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding, RoleRef};
use kube::Resource;
use kube::api::{Api, Preconditions};

use crate::api::Subject;
use crate::domain::Key;
use crate::domain::catalog::rbac_subject;
use crate::domain::resource::Scope;
use crate::error::Error;
use crate::observe::Watched;
use crate::observe::binding::Binding;

use super::{Writer, post};

/// A binding of either kind, to write.
pub trait Writable:
    Binding
    + Watched
    + Resource<DynamicType = ()>
    + Clone
    + std::fmt::Debug
    + serde::Serialize
    + serde::de::DeserializeOwned
    + Default
{
    /// What it binds, and whom.
    fn fill(&mut self, role: RoleRef, subjects: &[Subject]);
    /// Where it is written.
    fn api(writer: &Writer, scope: &Scope) -> Api<Self>;
}

impl Writable for RoleBinding {
    fn fill(&mut self, role: RoleRef, subjects: &[Subject]) {
        self.role_ref = role;
        self.subjects = Some(subjects.iter().map(rbac_subject).collect());
    }

    fn api(writer: &Writer, scope: &Scope) -> Api<Self> {
        let namespace = if let Scope::Namespace(name) = scope { name.as_str() } else { "" };
        Api::namespaced(writer.client.clone(), namespace)
    }
}

impl Writable for ClusterRoleBinding {
    fn fill(&mut self, role: RoleRef, subjects: &[Subject]) {
        self.role_ref = role;
        self.subjects = Some(subjects.iter().map(rbac_subject).collect());
    }

    fn api(writer: &Writer, _: &Scope) -> Api<Self> {
        Api::all(writer.client.clone())
    }
}

impl Writer {
    /// Deletes a binding as it was seen. One that somebody's finalizer would keep is emptied first: as long as it is there, it binds.
    pub async fn take_away<B: Writable>(&self, api: Api<B>, found: &B, mut empty: B) -> Result<(), Error> {
        let (key, meta) = (Key::of(found), found.meta());
        let kept = meta.finalizers.iter().flatten().next().is_some() || meta.deletion_timestamp.is_some();
        if !kept {
            let seen = Preconditions { uid: meta.uid.clone(), resource_version: meta.resource_version.clone() };
            return self.delete_as(api, found, seen).await;
        }
        empty.meta_mut().resource_version = meta.resource_version.clone();
        empty.meta_mut().uid = meta.uid.clone();
        let emptied = self.timed(format!("empty {} {key}", B::kind(&())), api.replace(&key.name, &post(), &empty)).await;
        if let Ok(emptied) = &emptied {
            self.cache.refresh(emptied.clone()); // it may be gone with the last finalizer
        }
        let gone = self.delete(api, found).await;
        emptied.map(|_| ()).and(gone)
    }
}

/// A binding with nobody in it, which nobody keeps.
pub fn emptied<B: Writable>(found: &B) -> B {
    let mut empty = B::default();
    let meta = found.meta();
    empty.fill(found.role_ref().clone(), &[]);
    empty.meta_mut().name = meta.name.clone();
    empty.meta_mut().namespace = meta.namespace.clone();
    empty.meta_mut().labels = meta.labels.clone();
    empty.meta_mut().annotations = meta.annotations.clone();
    empty
}
