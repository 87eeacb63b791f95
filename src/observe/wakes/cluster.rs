//! Who has to look again when something of Kubernetes itself changes: namespaces, roles, bindings, admission policies.

use std::collections::BTreeSet;

use k8s_openapi::api::admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::core::PartialObjectMeta;

use crate::api::catalog_resource::{RoleKind, RoleRef};
use crate::api::labels::{MANAGED_BY, OPERATOR};
use crate::api::{CatalogResource, Subject};
use crate::domain::Key;
use crate::domain::resource::{Scope, Target};
use crate::grants::GrantKey;

use super::{Wakes, Watched, keys};
use crate::observe::Work;
use crate::observe::binding::{self, Binding};
use crate::observe::table::{Table, Term};
use crate::observe::world::World;

impl Watched for Namespace {
    const NAME: &str = "Namespace";

    fn table(world: &mut World) -> &mut Table<Self> {
        &mut world.namespaces
    }

    fn wakes(world: &World, old: Option<&Self>, new: Option<&Self>, wakes: &mut Wakes) {
        let Some(name) = new.or(old).and_then(|n| n.metadata.name.clone()) else { return };
        let term = Term::Uses(name);
        wakes.extend(keys(&world.catalogs, &term).into_iter().map(Work::Catalog));
        wake_resources(world, &term, wakes);
    }
}

/// Resources that stand on something that changed, with their grants.
fn wake_resources(world: &World, term: &Term, wakes: &mut Wakes) {
    for resource in world.resources.find(term) {
        <CatalogResource as Watched>::wakes(world, None, Some(&**resource), wakes);
    }
}

/// What was deleted and made anew has another one.
fn uid<K: kube::Resource>(object: Option<&K>) -> Option<&str> {
    object?.meta().uid.as_deref()
}

impl Watched for PartialObjectMeta<Role> {
    const NAME: &str = "Role";

    fn table(world: &mut World) -> &mut Table<Self> {
        &mut world.roles
    }

    fn wakes(world: &World, old: Option<&Self>, new: Option<&Self>, wakes: &mut Wakes) {
        if uid(old) != uid(new)
            && let Some(key) = new.or(old).map(Key::of)
        {
            let role = RoleRef { kind: RoleKind::Role, name: key.name };
            wake_resources(world, &Term::Role(Target { scope: Scope::Namespace(key.namespace), role }), wakes);
        }
    }
}

impl Watched for PartialObjectMeta<ClusterRole> {
    const NAME: &str = "ClusterRole";

    fn table(world: &mut World) -> &mut Table<Self> {
        &mut world.cluster_roles
    }

    fn wakes(world: &World, old: Option<&Self>, new: Option<&Self>, wakes: &mut Wakes) {
        if uid(old) != uid(new)
            && let Some(key) = new.or(old).map(Key::of)
        {
            let role = RoleRef { kind: RoleKind::ClusterRole, name: key.name };
            wake_resources(world, &Term::Role(Target { scope: Scope::Cluster, role }), wakes);
        }
    }
}

/// Whether a binding is ours: by its label, or by the marks of a grant.
fn is_ours<B: kube::Resource>(binding: &B) -> bool {
    let managed = binding.meta().labels.as_ref().and_then(|labels| labels.get(MANAGED_BY)).is_some_and(|by| by == OPERATOR);
    managed || binding::grant(binding).is_some()
}

/// Keeps what a binding says of a grant.
fn note_grant<B: Binding>(world: &mut World, old: Option<&B>, new: Option<&B>) {
    if let Some((found, grant)) = old.and_then(|b| Some((b, binding::grant(b)?))) {
        let name = found.meta().name.as_deref().unwrap_or_default();
        world.carriers.leave(&grant, &binding::target(found), name);
    }
    if let Some((found, grant)) = new.and_then(|b| Some((b, binding::grant(b)?))) {
        world.carriers.enter(grant.clone(), binding::observe(&grant, found));
    }
}

/// A binding changed: its grant, and the assignments of whoever came or went.
fn wake_grant(world: &World, grant: GrantKey, before: &BTreeSet<Subject>, after: &BTreeSet<Subject>, wakes: &mut Wakes) {
    for subject in before.symmetric_difference(after) {
        let own = world.assignments.find(&Term::Subject(subject.clone()));
        let here = own.filter(|a| a.metadata.namespace.as_deref() == Some(grant.namespace.as_str()) && !a.phase().is_terminal());
        wakes.extend(here.map(|a| Work::Assignment(Key::of(&**a))));
    }
    let resource = Key::new(&grant.namespace, &grant.resource);
    if world.resources.get(&resource).is_some_and(|r| r.metadata.deletion_timestamp.is_some()) {
        wakes.push(Work::Resource(resource)); // its deletion waits for its grants
    }
    wakes.push(Work::Grant(grant));
}

impl Watched for RoleBinding {
    const NAME: &str = "RoleBinding";

    fn table(world: &mut World) -> &mut Table<Self> {
        &mut world.role_bindings
    }

    fn matters(&self) -> bool {
        is_ours(self)
    }

    fn note(world: &mut World, old: Option<&Self>, new: Option<&Self>) {
        note_grant(world, old, new);
    }

    fn wakes(world: &World, old: Option<&Self>, new: Option<&Self>, wakes: &mut Wakes) {
        let (before, after) = (binding::people(old), binding::people(new));
        for found in [old, new].into_iter().flatten() {
            match binding::grant(found) {
                Some(grant) => wake_grant(world, grant, &before, &after, wakes),
                None => {
                    let namespace = found.metadata.namespace.clone().unwrap_or_default();
                    wakes.extend(keys(&world.catalogs, &Term::Uses(namespace)).into_iter().map(Work::Catalog));
                }
            }
        }
    }
}

impl Watched for ClusterRoleBinding {
    const NAME: &str = "ClusterRoleBinding";

    fn table(world: &mut World) -> &mut Table<Self> {
        &mut world.cluster_role_bindings
    }

    fn matters(&self) -> bool {
        is_ours(self)
    }

    fn note(world: &mut World, old: Option<&Self>, new: Option<&Self>) {
        note_grant(world, old, new);
    }

    fn wakes(world: &World, old: Option<&Self>, new: Option<&Self>, wakes: &mut Wakes) {
        let (before, after) = (binding::people(old), binding::people(new));
        for found in [old, new].into_iter().flatten() {
            if let Some(grant) = binding::grant(found) {
                wake_grant(world, grant, &before, &after, wakes);
            }
        }
    }
}

impl Watched for ValidatingAdmissionPolicy {
    const NAME: &str = "ValidatingAdmissionPolicy";
    const DATED: bool = true;

    fn table(world: &mut World) -> &mut Table<Self> {
        &mut world.checks
    }

    fn wakes(_: &World, _: Option<&Self>, _: Option<&Self>, wakes: &mut Wakes) {
        wakes.push(Work::Guard);
    }
}

impl Watched for ValidatingAdmissionPolicyBinding {
    const NAME: &str = "ValidatingAdmissionPolicyBinding";
    const DATED: bool = true;

    fn table(world: &mut World) -> &mut Table<Self> {
        &mut world.check_bindings
    }

    fn wakes(_: &World, _: Option<&Self>, _: Option<&Self>, wakes: &mut Wakes) {
        wakes.push(Work::Guard);
    }
}
