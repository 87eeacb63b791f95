//! Roles and bindings as they are cached, and what depends on a change of them.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::Resource;
use kube::core::PartialObjectMeta;

use crate::api::Subject;
use crate::api::catalog_resource::{RoleKind, RoleRef};
use crate::api::labels::{MANAGED_BY, OPERATOR};
use crate::domain::Key;
use crate::domain::grant::GrantKey;
use crate::domain::meta::namespace;
use crate::domain::resource::{Scope, Target};
use crate::observe::binding::Binding;
use crate::observe::store::{IndexKey, Indexed};
use crate::observe::{Change, Delta, Stores, Watched};

use super::binding;

impl Indexed for PartialObjectMeta<Role> {}

impl Watched for PartialObjectMeta<Role> {
    const NAME: &str = "Role";
}

impl Indexed for PartialObjectMeta<ClusterRole> {}

impl Watched for PartialObjectMeta<ClusterRole> {
    const NAME: &str = "ClusterRole";
}

impl Indexed for RoleBinding {
    fn index_keys(&self) -> Vec<IndexKey> {
        match binding::grant(self) {
            Some(_) => Vec::new(), // found by Stores::members
            None => vec![IndexKey::Namespace(namespace(self).to_owned())],
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

impl Indexed for ClusterRoleBinding {}

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

/// Grants of which a binding changed, and who came into it or went.
pub fn membership(change: &Change<'_>) -> BTreeMap<GrantKey, BTreeSet<Subject>> {
    fn of<B: Binding>(delta: Delta<'_, B>) -> BTreeMap<GrantKey, BTreeSet<Subject>> {
        let (before, after) = (binding::people(delta.old), binding::people(delta.new));
        let moved: BTreeSet<Subject> = before.symmetric_difference(&after).cloned().collect();
        delta.versions().filter_map(binding::grant).map(|grant| (grant, moved.clone())).collect()
    }
    match change {
        Change::RoleBinding(delta) => of(*delta),
        Change::ClusterRoleBinding(delta) => of(*delta),
        _ => BTreeMap::new(),
    }
}

/// Resources that stand on a namespace or a role that changed. What was deleted and made anew has another uid; what is in a role is asked about
/// when somebody is.
pub fn standing(stores: &Stores, change: &Change<'_>) -> Vec<Key> {
    let role = |kind: RoleKind, key: Key| {
        let scope = if kind == RoleKind::Role { Scope::Namespace(key.namespace) } else { Scope::Cluster };
        IndexKey::Role(Target { scope, role: RoleRef { kind, name: key.name } })
    };
    let index_key = match change {
        Change::Namespace(delta) => delta.latest().map(|n| IndexKey::Uses(Key::of(n).name)),
        Change::Role(delta) if delta.differs(|r| &r.metadata.uid) => delta.latest().map(|r| role(RoleKind::Role, Key::of(r))),
        Change::ClusterRole(delta) if delta.differs(|r| &r.metadata.uid) => {
            delta.latest().map(|r| role(RoleKind::ClusterRole, Key::of(r)))
        }
        _ => None,
    };
    let found = index_key.iter().flat_map(|index_key| stores.resources.find(index_key));
    found.map(|resource| Key::of(&**resource)).collect()
}
