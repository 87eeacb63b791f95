//! What the people of the other stories do not do.

use entitlement_operator::api::catalog_resource::ResourceRole;
use entitlement_operator::api::labels::{CATALOG, IN_USE, MANAGED_BY};
use entitlement_operator::api::{AccessPackage, AccessRequest, ApprovalDecision, Assignment, Catalog, CatalogResource, Policy};
use entitlement_operator::domain::Key;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::core::{ObjectMeta, PartialObjectMeta, PartialObjectMetaExt as _};
use proptest::prelude::*;

use crate::builders::*;

use super::rules::{RoleKind, grant_of, rbac_subject};
use super::server::Kind;
use super::store::{NAMESPACES, Store};

/// One of them. Numbers choose among what there is.
#[derive(Clone, Debug)]
pub enum Edit {
    /// A resource loses its first role, or gets it back as another one, `namespaced` or not.
    Role { resource: u8, name: u8, namespaced: bool },
    /// A resource binds in one more namespace, or in one less.
    Namespace { resource: u8, name: u8 },
    /// A namespace is there, or is not.
    Vanish { namespace: u8 },
    /// A Role comes, or goes, or is made anew before anybody sees it.
    KubernetesRole { namespace: u8, anew: bool },
    /// A catalog follows the rules of the other one about what must not be held together, or does not.
    Honor { catalog: u8 },
    /// The namespace of a catalog belongs to nobody, or to it again.
    Label { namespace: u8 },
    /// Somebody changes a binding that lets people use a catalog.
    Rebind { binding: u8, how: u8 },
    /// An object goes: at once, or when it is released.
    Delete { kind: u8, number: u8, held: bool },
    /// An object is deleted and made anew as if nothing had happened, and nobody saw it in between.
    MakeAnew { kind: u8, number: u8 },
    /// An assignment is deleted, and another one takes its name.
    Replace { assignment: u8, package: u8, subject: u8 },
    /// An object is written so that it cannot be read, or properly again.
    Garble { kind: u8, number: u8 },
}

pub fn edit() -> impl Strategy<Value = Edit> {
    let any = any::<u8>;
    let either = || proptest::bool::ANY;
    prop_oneof![
        3 => (any(), any(), either()).prop_map(|(resource, name, namespaced)| Edit::Role { resource, name, namespaced }),
        2 => (any(), any()).prop_map(|(resource, name)| Edit::Namespace { resource, name }),
        1 => any().prop_map(|namespace| Edit::Vanish { namespace }),
        3 => (any(), either()).prop_map(|(namespace, anew)| Edit::KubernetesRole { namespace, anew }),
        1 => any().prop_map(|catalog| Edit::Honor { catalog }),
        1 => any().prop_map(|namespace| Edit::Label { namespace }),
        2 => (any(), any()).prop_map(|(binding, how)| Edit::Rebind { binding, how }),
        3 => (any(), any(), either()).prop_map(|(kind, number, held)| Edit::Delete { kind, number, held }),
        3 => (0..3_u8, any(), either()).prop_map(|(kind, number, held)| Edit::Delete { kind, number, held }),
        3 => (any(), any()).prop_map(|(kind, number)| Edit::MakeAnew { kind, number }),
        2 => (any(), any(), any()).prop_map(|(assignment, package, subject)| Edit::Replace { assignment, package, subject }),
        6 => (any(), any()).prop_map(|(kind, number)| Edit::Garble { kind, number }),
    ]
}

fn nth<T: Clone>(all: impl IntoIterator<Item = T>, number: u8) -> Option<T> {
    let all: Vec<T> = all.into_iter().collect();
    all.get(usize::from(number) % all.len().max(1)).cloned()
}

/// The Role that resources of these stories bind where they bind one.
const ROLE: &str = "deployer";

/// A role of a resource.
fn written(name: u8, namespaced: bool) -> ResourceRole {
    let (kind, bound) = if namespaced { (RoleKind::Role, ROLE) } else { (RoleKind::ClusterRole, "prod-viewer") };
    let name = ["viewer", "reader", "operator"][usize::from(name % 3)].to_owned();
    ResourceRole { name, ..site::role("any", kind, bound, "carol") }
}

/// Does something with objects of a kind by number.
macro_rules! of_kind {
    ($number:expr, $store:ident.$act:ident($($argument:expr),*)) => {
        match $number % 7 {
            0 => $store.$act::<Catalog>($($argument),*),
            1 => $store.$act::<CatalogResource>($($argument),*),
            2 => $store.$act::<AccessPackage>($($argument),*),
            3 => $store.$act::<Policy>($($argument),*),
            4 => $store.$act::<AccessRequest>($($argument),*),
            5 => $store.$act::<Assignment>($($argument),*),
            _ => $store.$act::<ApprovalDecision>($($argument),*),
        }
    };
}

impl Store {
    pub fn edited(&mut self, edit: &Edit) {
        match edit {
            Edit::Role { resource, name, namespaced } => self.edit_resource(*resource, |found| match found.spec.roles.len() {
                0 | 1 => found.spec.roles.push(written(*name, *namespaced)),
                _ => drop(found.spec.roles.remove(0)),
            }),
            Edit::Namespace { resource, name } => self.edit_resource(*resource, |found| {
                let name = NAMESPACES[usize::from(name % 3)];
                let all = &mut found.spec.kubernetes.as_mut().unwrap().namespaces;
                if all.iter().any(|one| one == name) { all.retain(|one| one != name) } else { all.push(name.to_owned()) }
            }),
            Edit::Vanish { namespace } => {
                let name = NAMESPACES[usize::from(namespace % 3)];
                match self.api.namespaces.contains_key(&Key::new("", name)) {
                    true => self.delete_namespace(name),
                    false => self.create_namespace(name),
                }
            }
            Edit::KubernetesRole { namespace, anew } => self.kubernetes_role(NAMESPACES[usize::from(namespace % 3)], *anew),
            Edit::Honor { catalog } => self.honor(*catalog),
            Edit::Label { namespace } => self.label(["payments", "audit"][usize::from(namespace % 2)]),
            Edit::Rebind { binding, how } => self.rebind(*binding, *how),
            Edit::Delete { kind, number, held } => of_kind!(*kind, self.remove(*number, *held)),
            Edit::MakeAnew { kind, number } => self.make_any_anew(*kind, *number),
            Edit::Replace { assignment, package, subject } => self.make_anew::<Assignment>(*assignment, |found| {
                found.spec.access_package = ["oncall", "payer", "tools"][usize::from(package % 3)].to_owned();
                found.spec.subject = [user("alice"), user("bob"), group("engineering")][usize::from(subject % 3)].clone();
                found.status = None;
            }),
            Edit::Garble { kind, number } => of_kind!(*kind, self.garble(*number)),
        }
    }

    fn edit_resource(&mut self, number: u8, change: impl FnOnce(&mut CatalogResource)) {
        let Some(key) = nth(self.api.resources.keys().cloned(), number) else { return };
        self.edit::<CatalogResource>(&key, change);
    }

    fn kubernetes_role(&mut self, namespace: &str, anew: bool) {
        let key = Key::new(namespace, ROLE);
        match self.api.roles.contains_key(&key) {
            true if anew => self.replace::<PartialObjectMeta<Role>>(&key, |_| {}),
            true => self.forget::<PartialObjectMeta<Role>>(&key),
            false => {
                let metadata = ObjectMeta { name: Some(key.name), namespace: Some(key.namespace), ..ObjectMeta::default() };
                self.create::<PartialObjectMeta<Role>>(metadata.into_response_partial());
            }
        }
    }

    fn honor(&mut self, catalog: u8) {
        let names = ["payments", "audit"];
        let (own, other) = (names[usize::from(catalog % 2)], names[usize::from(1 - catalog % 2)]);
        self.edit::<Catalog>(&Key::new("", own), |found| {
            let all = &mut found.spec.honors_separation_from;
            if all.is_empty() { all.push(other.to_owned()) } else { all.clear() }
        });
    }

    fn label(&mut self, catalog: &str) {
        self.edit::<Namespace>(&Key::new("", format!("catalog-{catalog}")), |found| {
            let labels = found.metadata.labels.get_or_insert_default();
            if labels.remove(CATALOG).is_none() {
                labels.insert(CATALOG.to_owned(), catalog.to_owned());
            }
        });
    }

    fn rebind(&mut self, number: u8, how: u8) {
        let of_people = self.api.role_bindings.iter().filter(|(_, binding)| grant_of(&binding.metadata).is_none());
        let Some(key) = nth(of_people.map(|(key, _)| key.clone()), number) else { return };
        let how = how % 4;
        if how == 0 {
            return self.forget::<RoleBinding>(&key);
        }
        self.edit::<RoleBinding>(&key, |found| match how {
            1 => found.subjects = None,
            2 => found.metadata.labels.iter_mut().for_each(|labels| drop(labels.remove(MANAGED_BY))),
            _ => found.subjects.get_or_insert_default().push(rbac_subject(&user("mallory"))),
        });
    }

    fn remove<K: Kind>(&mut self, number: u8, held: bool) {
        let Some(key) = nth(K::table(&self.api).keys().cloned(), number) else { return };
        if !held {
            return self.forget::<K>(&key); // somebody takes what holds it off by hand
        }
        if K::table(&self.api)[&key].meta().deletion_timestamp.is_none() {
            self.finalizer::<K>(&key, IN_USE, true);
        }
        self.delete::<K>(&key);
    }

    fn make_anew<K: Kind>(&mut self, number: u8, change: impl FnOnce(&mut K)) {
        let Some(key) = nth(K::table(&self.api).keys().cloned(), number) else { return };
        self.replace::<K>(&key, change);
    }

    fn make_any_anew(&mut self, kind: u8, number: u8) {
        match kind % 6 {
            0 => self.make_anew::<Catalog>(number, |_| {}),
            1 => self.make_anew::<CatalogResource>(number, |_| {}),
            2 => self.make_anew::<AccessPackage>(number, |found| found.status = None),
            3 => self.make_anew::<Policy>(number, |_| {}),
            4 => self.make_anew::<AccessRequest>(number, |found| found.status = None),
            _ => self.make_anew::<Assignment>(number, |found| found.status = None),
        }
    }

    fn garble<K: Kind>(&mut self, number: u8) {
        let Some(key) = nth(K::table(&self.api).keys().cloned(), number) else { return };
        self.api.garble::<K>(&key);
        self.hide_or_show::<K>(&key, false);
    }
}
