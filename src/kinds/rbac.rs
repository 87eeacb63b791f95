//! Roles and bindings of Kubernetes RBAC, in which grants are.

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::Resource;
use kube::core::PartialObjectMeta;

use crate::api::labels::{MANAGED_BY, OPERATOR};
use crate::observe::binding::{self, Binding};
use crate::observe::store::{IndexKey, Indexed};
use crate::observe::{Delta, Stores, Watched};

use super::namespace;

impl Indexed for PartialObjectMeta<Role> {
    fn index_keys(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}

impl Watched for PartialObjectMeta<Role> {
    const NAME: &str = "Role";
}

impl Indexed for PartialObjectMeta<ClusterRole> {
    fn index_keys(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}

impl Watched for PartialObjectMeta<ClusterRole> {
    const NAME: &str = "ClusterRole";
}

impl Indexed for RoleBinding {
    fn index_keys(&self) -> Vec<IndexKey> {
        match binding::grant(self) {
            Some(_) => Vec::new(), // found by Stores::members
            None => vec![IndexKey::Namespace(namespace(self))],
        }
    }
}

impl Watched for RoleBinding {
    const NAME: &str = "RoleBinding";

    fn matters(&self) -> bool {
        is_ours(self)
    }

    fn derive(stores: &mut Stores, delta: Delta<'_, Self>) {
        enter(stores, delta);
    }
}

impl Indexed for ClusterRoleBinding {
    fn index_keys(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}

impl Watched for ClusterRoleBinding {
    const NAME: &str = "ClusterRoleBinding";

    fn matters(&self) -> bool {
        is_ours(self)
    }

    fn derive(stores: &mut Stores, delta: Delta<'_, Self>) {
        enter(stores, delta);
    }
}

/// Whether a binding is ours: by its label, or by the marks of a grant.
fn is_ours<B: Resource>(binding: &B) -> bool {
    let managed = binding.meta().labels.as_ref().and_then(|labels| labels.get(MANAGED_BY)).is_some_and(|by| by == OPERATOR);
    managed || binding::grant(binding).is_some()
}

/// Keeps what a binding says of a grant.
fn enter<B: Binding>(stores: &mut Stores, delta: Delta<'_, B>) {
    if let Some((found, grant)) = delta.old.and_then(|b| Some((b, binding::grant(b)?))) {
        let name = found.meta().name.as_deref().unwrap_or_default();
        stores.members.leave(&grant, &binding::target(found), name);
    }
    if let Some((found, grant)) = delta.new.and_then(|b| Some((b, binding::grant(b)?))) {
        stores.members.enter(grant.clone(), binding::observe(&grant, found));
    }
}
