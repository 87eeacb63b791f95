//! What has to be reconciled when something of Kubernetes itself changes: namespaces, roles, bindings, admission policies.

use std::collections::BTreeSet;

use k8s_openapi::api::admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::core::PartialObjectMeta;

use crate::api::catalog_resource::{RoleKind, RoleRef};
use crate::api::labels::{MANAGED_BY, OPERATOR};
use crate::api::{CatalogResource, Subject};
use crate::domain::Key;
use crate::domain::grant::GrantKey;
use crate::domain::resource::{Scope, Target};

use super::{Triggers, Watched, keys};
use crate::observe::WorkItem;
use crate::observe::binding::Binding;
use crate::observe::store::{IndexKey, Store};
use crate::observe::stores::Stores;
use crate::targets::rbac::binding;

impl Watched for Namespace {
    const NAME: &str = "Namespace";

    stored!(namespaces);

    fn triggers(stores: &Stores, old: Option<&Self>, new: Option<&Self>, triggers: &mut Triggers) {
        let Some(name) = new.or(old).and_then(|n| n.metadata.name.clone()) else { return };
        let index_key = IndexKey::Uses(name);
        triggers.extend(keys(&stores.catalogs, &index_key).into_iter().map(WorkItem::Catalog));
        trigger_resources(stores, &index_key, triggers);
    }
}

/// Resources that stand on something that changed, with their grants.
pub(super) fn trigger_resources(stores: &Stores, index_key: &IndexKey, triggers: &mut Triggers) {
    for resource in stores.resources.find(index_key) {
        <CatalogResource as Watched>::triggers(stores, None, Some(&**resource), triggers);
    }
}

/// What was deleted and made anew has another one.
fn uid<K: kube::Resource>(object: Option<&K>) -> Option<&str> {
    object?.meta().uid.as_deref()
}

impl Watched for PartialObjectMeta<Role> {
    const NAME: &str = "Role";

    stored!(roles);

    fn triggers(stores: &Stores, old: Option<&Self>, new: Option<&Self>, triggers: &mut Triggers) {
        if uid(old) != uid(new)
            && let Some(key) = new.or(old).map(Key::of)
        {
            let role = RoleRef { kind: RoleKind::Role, name: key.name };
            trigger_resources(stores, &IndexKey::Role(Target { scope: Scope::Namespace(key.namespace), role }), triggers);
        }
    }
}

impl Watched for PartialObjectMeta<ClusterRole> {
    const NAME: &str = "ClusterRole";

    stored!(cluster_roles);

    fn triggers(stores: &Stores, old: Option<&Self>, new: Option<&Self>, triggers: &mut Triggers) {
        if uid(old) != uid(new)
            && let Some(key) = new.or(old).map(Key::of)
        {
            let role = RoleRef { kind: RoleKind::ClusterRole, name: key.name };
            trigger_resources(stores, &IndexKey::Role(Target { scope: Scope::Cluster, role }), triggers);
        }
    }
}

/// Whether a binding is ours: by its label, or by the marks of a grant.
fn is_ours<B: kube::Resource>(binding: &B) -> bool {
    let managed = binding.meta().labels.as_ref().and_then(|labels| labels.get(MANAGED_BY)).is_some_and(|by| by == OPERATOR);
    managed || binding::grant(binding).is_some()
}

/// Keeps what a binding says of a grant.
fn enter_grant<B: Binding>(stores: &mut Stores, old: Option<&B>, new: Option<&B>) {
    if let Some((found, grant)) = old.and_then(|b| Some((b, binding::grant(b)?))) {
        let name = found.meta().name.as_deref().unwrap_or_default();
        stores.members.leave(&grant, &binding::target(found), name);
    }
    if let Some((found, grant)) = new.and_then(|b| Some((b, binding::grant(b)?))) {
        stores.members.enter(grant.clone(), binding::observe(&grant, found));
    }
}

/// A binding changed: its grant, and the assignments of whoever came or went.
fn trigger_grant(
    stores: &Stores,
    grant: GrantKey,
    before: &BTreeSet<Subject>,
    after: &BTreeSet<Subject>,
    triggers: &mut Triggers,
) {
    for subject in before.symmetric_difference(after) {
        let own = stores.assignments.find(&IndexKey::Subject(subject.clone()));
        let here = own.filter(|a| a.metadata.namespace.as_deref() == Some(grant.namespace.as_str()) && !a.phase().is_terminal());
        triggers.extend(here.map(|a| WorkItem::Assignment(Key::of(&**a))));
    }
    let resource = Key::new(&grant.namespace, &grant.resource);
    if stores.resources.get(&resource).is_some_and(|r| r.metadata.deletion_timestamp.is_some()) {
        triggers.push(WorkItem::Resource(resource)); // its deletion waits for its grants
    }
    triggers.push(WorkItem::Grant(grant));
}

impl Watched for RoleBinding {
    const NAME: &str = "RoleBinding";

    stored!(role_bindings);

    fn matters(&self) -> bool {
        is_ours(self)
    }

    fn derive(stores: &mut Stores, old: Option<&Self>, new: Option<&Self>) {
        enter_grant(stores, old, new);
    }

    fn triggers(stores: &Stores, old: Option<&Self>, new: Option<&Self>, triggers: &mut Triggers) {
        let (before, after) = (binding::people(old), binding::people(new));
        for found in [old, new].into_iter().flatten() {
            match binding::grant(found) {
                Some(grant) => trigger_grant(stores, grant, &before, &after, triggers),
                None => {
                    let namespace = found.metadata.namespace.clone().unwrap_or_default();
                    triggers.extend(keys(&stores.catalogs, &IndexKey::Uses(namespace)).into_iter().map(WorkItem::Catalog));
                }
            }
        }
    }
}

impl Watched for ClusterRoleBinding {
    const NAME: &str = "ClusterRoleBinding";

    stored!(cluster_role_bindings);

    fn matters(&self) -> bool {
        is_ours(self)
    }

    fn derive(stores: &mut Stores, old: Option<&Self>, new: Option<&Self>) {
        enter_grant(stores, old, new);
    }

    fn triggers(stores: &Stores, old: Option<&Self>, new: Option<&Self>, triggers: &mut Triggers) {
        let (before, after) = (binding::people(old), binding::people(new));
        for found in [old, new].into_iter().flatten() {
            if let Some(grant) = binding::grant(found) {
                trigger_grant(stores, grant, &before, &after, triggers);
            }
        }
    }
}

impl Watched for ValidatingAdmissionPolicy {
    const NAME: &str = "ValidatingAdmissionPolicy";
    const DATED: bool = true;

    stored!(checks);

    fn triggers(_: &Stores, _: Option<&Self>, _: Option<&Self>, triggers: &mut Triggers) {
        triggers.push(WorkItem::Admission);
    }
}

impl Watched for ValidatingAdmissionPolicyBinding {
    const NAME: &str = "ValidatingAdmissionPolicyBinding";
    const DATED: bool = true;

    stored!(check_bindings);

    fn triggers(_: &Stores, _: Option<&Self>, _: Option<&Self>, triggers: &mut Triggers) {
        triggers.push(WorkItem::Admission);
    }
}
