//! The world of a story: what is stored, who is who, the time, and the operator that watches it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use entitlement_operator::api::catalog_resource::{
    Author, AuthorGroups, CatalogResourceSpec, KubernetesRole, KubernetesTarget, ResourceRole,
};
use entitlement_operator::api::{Catalog, CatalogResource};
use entitlement_operator::domain::{Key, Trust};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::{ClusterRole, RoleBinding};
use kube::core::object::HasStatus;
use kube::core::{ObjectMeta, PartialObjectMeta, PartialObjectMetaExt as _};

use crate::builders::*;

use super::process::Process;
use super::rules::{AUTHORS, FoundOpen, GrantKey, RoleKind, RoleRef, Target, all_targets};
use super::server::{ApiServer, Kind};

/// Everything.
pub struct Store {
    pub now: DateTime<Utc>,
    pub api: ApiServer,
    /// Who is in which groups at present.
    pub members: BTreeMap<&'static str, BTreeSet<&'static str>>,
    /// Since when the API server vouches for who asks and decides.
    pub trust: Trust,
    /// Roles that may have been written before.
    pub open: FoundOpen,
    pub process: Process,
}

/// Another world in which the same is stored; its operator has just read it.
impl Clone for Store {
    fn clone(&self) -> Self {
        Self {
            now: self.now,
            api: self.api.clone(),
            members: self.members.clone(),
            trust: self.trust.clone(),
            open: self.open.clone(),
            process: Process::start(&self.api),
        }
    }
}

/// People of these stories.
pub const PEOPLE: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];
/// Their groups.
pub const GROUPS: [&str; 3] = ["engineering", "leads", "security"];
/// Namespaces in which roles are bound.
pub const NAMESPACES: [&str; 3] = ["payments", "jobs", "audit"];

impl Store {
    /// Two catalogs with their resources, as the operator made them, and nobody who asked for anything yet.
    pub fn new() -> Self {
        static MADE: OnceLock<ApiServer> = OnceLock::new();
        let made = MADE.get_or_init(|| {
            let mut store = Self::on(ApiServer::default());
            store.make_catalogs();
            store.settle(0);
            store.api
        });
        Self::on(made.clone())
    }

    fn on(api: ApiServer) -> Self {
        let members =
            [("alice", "engineering"), ("bob", "engineering"), ("carol", "leads"), ("dave", "leads"), ("erin", "security")];
        Self {
            now: at(0),
            members: members.into_iter().map(|(person, group)| (person, [group].into())).collect(),
            trust: Trust::Waived,
            open: FoundOpen::new(),
            process: Process::start(&api),
            api,
        }
    }

    fn make_catalogs(&mut self) {
        NAMESPACES.into_iter().for_each(|name| self.create_namespace(name));
        for (name, owner) in [("payments", "carol"), ("audit", "erin")] {
            self.create(Catalog { status: None, ..catalog(name).owned_by(&[user(owner)]) });
        }
        for resource in [
            resource(PAYMENTS, "prod", &["viewer", "deployer"], &["payments", "jobs"]),
            resource(PAYMENTS, "tools", &["operator"], &[]),
            resource(AUDIT, "books", &["reader"], &["audit"]),
        ] {
            all_targets(&resource.spec).into_iter().for_each(|target| self.create_cluster_role(&target.role.name));
            self.create(resource);
        }
    }

    /// The watch shows the operator what became of an object.
    fn show<K: Kind>(&mut self, key: &Key) {
        self.process.show::<K>(&self.api, key);
    }

    /// Stores a new object, unless one of its name is there. Tells whether it did.
    pub fn create<K: Kind>(&mut self, object: K) -> bool {
        let key = Key::of(&object);
        let created = self.api.create(object, self.now);
        self.show::<K>(&key);
        created
    }

    /// Changes a spec. Tells whether it changed.
    pub fn edit<K: Kind + PartialEq>(&mut self, key: &Key, change: impl FnOnce(&mut K)) -> bool {
        let changed = self.api.edit(key, change);
        self.show::<K>(key);
        changed
    }

    /// Writes a status over the version that was seen, unless there is another one. Tells whether it did.
    pub fn write_status<K: Kind + PartialEq + HasStatus>(&mut self, seen: &K, status: K::Status) -> bool {
        let written = self.api.write_status(seen, status);
        self.show::<K>(&Key::of(seen));
        written
    }

    /// Deletes an object: at once, or when its finalizers are gone. Tells whether anything changed.
    pub fn delete<K: Kind>(&mut self, key: &Key) -> bool {
        let changed = self.api.delete::<K>(key, self.now);
        self.show::<K>(key);
        changed
    }

    /// Takes an object out, whatever holds it.
    pub fn forget<K: Kind>(&mut self, key: &Key) {
        self.api.forget::<K>(key);
        self.show::<K>(key);
    }

    /// An object is deleted and made anew before anybody sees it.
    pub fn replace<K: Kind>(&mut self, key: &Key, change: impl FnOnce(&mut K)) {
        let Some(mut found) = self.api.forget::<K>(key) else { return };
        change(&mut found);
        found.meta_mut().deletion_timestamp = None;
        self.create(found);
    }

    /// Puts a finalizer on an object or takes it off; the last one lets a deleted object go. Tells whether anything changed.
    pub fn finalizer<K: Kind>(&mut self, key: &Key, finalizer: &str, hold: bool) -> bool {
        let changed = self.api.finalizer::<K>(key, finalizer, hold);
        self.show::<K>(key);
        changed
    }

    /// The operator does not see a request yet, although it exists; or does.
    pub fn hide_or_show<K: Kind>(&mut self, key: &Key, hide: bool) {
        match hide {
            true => self.process.hide::<K>(key),
            false => self.show::<K>(key),
        }
    }

    /// Somebody makes a namespace.
    pub fn create_namespace(&mut self, name: &str) {
        let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
        self.create(Namespace { metadata, ..Namespace::default() });
    }

    /// A namespace goes, and all bindings in it.
    pub fn delete_namespace(&mut self, name: &str) {
        let bindings = self.api.role_bindings.keys().filter(|key| key.namespace == name).cloned().collect::<Vec<_>>();
        bindings.iter().for_each(|key| self.forget::<RoleBinding>(key));
        self.forget::<Namespace>(&Key::new("", name));
    }

    /// Somebody makes a ClusterRole.
    pub fn create_cluster_role(&mut self, name: &str) {
        let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
        self.create::<PartialObjectMeta<ClusterRole>>(metadata.into_response_partial());
    }

    /// Every role of every resource.
    pub fn grants(&self) -> Vec<GrantKey> {
        let of = |(key, resource): (&Key, &CatalogResource)| {
            let key = key.clone();
            let roles: Vec<String> = resource.spec.roles.iter().map(|role| role.name.clone()).collect();
            roles.into_iter().map(move |role| GrantKey::new(&key.namespace, &key.name, role))
        };
        self.api.resources.iter().flat_map(of).collect()
    }

    /// Every place of every role.
    pub fn places(&self) -> Vec<Target> {
        self.api.resources.values().flat_map(|resource| all_targets(&resource.spec)).collect()
    }

    /// Somebody writes a resource anew.
    pub fn write_in_name_of(&mut self, resource: &Key, name: &str) {
        self.edit::<CatalogResource>(resource, |found| {
            found.spec.kubernetes.as_mut().unwrap().author = Some(author(name));
            found.spec.roles.iter_mut().for_each(|role| role.author = Some(author(name)));
        });
    }
}

fn author(name: &str) -> Author {
    Author { username: name.to_owned(), uid: None, groups_ref: 1 }
}

fn resource(namespace: &str, name: &str, roles: &[&str], namespaces: &[&str]) -> CatalogResource {
    let role_ref = |role: &str| RoleRef { kind: RoleKind::ClusterRole, name: format!("{name}-{role}") };
    let [owner, ..] = AUTHORS;
    let spec = CatalogResourceSpec {
        kubernetes: Some(KubernetesTarget {
            namespaces: namespaces.iter().map(|n| (*n).to_owned()).collect(),
            cluster_wide: namespaces.is_empty(),
            author: Some(author(owner)),
        }),
        author_groups: vec![AuthorGroups { id: 1, groups: vec!["leads".to_owned()] }],
        roles: roles
            .iter()
            .map(|role| ResourceRole {
                name: (*role).to_owned(),
                kubernetes: Some(KubernetesRole { role_ref: role_ref(role) }),
                author: Some(author(owner)),
                ..ResourceRole::default()
            })
            .collect(),
        ..CatalogResourceSpec::default()
    };
    stored(CatalogResource::new(name, spec), namespace)
}
