//! What an API server keeps: objects with uid, version, generation and time of creation, finalizers that hold up a deletion.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entitlement_operator::api::time::to_meta;
use entitlement_operator::api::{AccessPackage, AccessRequest, ApprovalDecision, Assignment, Catalog, CatalogResource, Policy};
use entitlement_operator::domain::Key;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::core::PartialObjectMeta;
use kube::core::object::HasStatus;

use super::rules::Watched;

/// Everything that is stored.
#[derive(Clone, Default)]
pub struct ApiServer {
    pub catalogs: BTreeMap<Key, Catalog>,
    pub resources: BTreeMap<Key, CatalogResource>,
    pub packages: BTreeMap<Key, AccessPackage>,
    pub policies: BTreeMap<Key, Policy>,
    pub requests: BTreeMap<Key, AccessRequest>,
    pub decisions: BTreeMap<Key, ApprovalDecision>,
    pub assignments: BTreeMap<Key, Assignment>,
    pub namespaces: BTreeMap<Key, Namespace>,
    pub roles: BTreeMap<Key, PartialObjectMeta<Role>>,
    pub cluster_roles: BTreeMap<Key, PartialObjectMeta<ClusterRole>>,
    pub role_bindings: BTreeMap<Key, RoleBinding>,
    pub cluster_role_bindings: BTreeMap<Key, ClusterRoleBinding>,
    /// Objects that are written so that nobody can read them.
    pub unreadable: BTreeSet<(&'static str, Key)>,
    version: u64,
    births: BTreeMap<(&'static str, Key), u32>,
}

/// Kinds that are stored and watched.
pub trait Kind: Watched + kube::Resource<DynamicType = ()> + Clone + 'static {
    fn table(api: &ApiServer) -> &BTreeMap<Key, Self>;
    fn table_mut(api: &mut ApiServer) -> &mut BTreeMap<Key, Self>;
}

/// Something to do with each kind.
pub trait EachKind {
    fn kind<K: Kind>(&mut self);
}

macro_rules! kinds {
    ($($kind:ty, $table:ident;)*) => {
        $(impl Kind for $kind {
            fn table(api: &ApiServer) -> &BTreeMap<Key, Self> {
                &api.$table
            }

            fn table_mut(api: &mut ApiServer) -> &mut BTreeMap<Key, Self> {
                &mut api.$table
            }
        })*

        /// Does something with each kind.
        pub fn each_kind(todo: &mut impl EachKind) {
            $(todo.kind::<$kind>();)*
        }
    };
}

kinds! {
    Catalog, catalogs;
    CatalogResource, resources;
    AccessPackage, packages;
    Policy, policies;
    AccessRequest, requests;
    ApprovalDecision, decisions;
    Assignment, assignments;
    Namespace, namespaces;
    PartialObjectMeta<Role>, roles;
    PartialObjectMeta<ClusterRole>, cluster_roles;
    RoleBinding, role_bindings;
    ClusterRoleBinding, cluster_role_bindings;
}

impl ApiServer {
    /// Stores a new object, unless one of its name is there. Tells whether it did.
    pub fn create<K: Kind>(&mut self, mut object: K, now: DateTime<Utc>) -> bool {
        let key = Key::of(&object);
        if K::table(self).contains_key(&key) {
            return false;
        }
        let birth = self.births.entry((K::NAME, key.clone())).or_default();
        *birth += 1;
        let meta = object.meta_mut();
        meta.uid = Some(format!("{}-{}-{birth}", K::NAME, key.name));
        meta.generation = Some(1);
        meta.creation_timestamp = Some(to_meta(now));
        self.put(object);
        true
    }

    /// How often an object of that name was created.
    pub fn births_of<K: Kind>(&self, key: &Key) -> u32 {
        self.births.get(&(K::NAME, key.clone())).copied().unwrap_or_default()
    }

    /// Stores the next version of an object.
    fn put<K: Kind>(&mut self, mut object: K) {
        self.version += 1;
        object.meta_mut().resource_version = Some(self.version.to_string());
        K::table_mut(self).insert(Key::of(&object), object);
    }

    /// Changes an object. Tells whether it changed.
    fn change<K: Kind + PartialEq>(&mut self, key: &Key, change: impl FnOnce(&mut K)) -> bool {
        let Some(found) = K::table(self).get(key) else { return false };
        let mut changed = found.clone();
        change(&mut changed);
        let differs = changed != *found;
        if differs {
            self.put(changed);
        }
        differs
    }

    /// Changes a spec. Tells whether it changed.
    pub fn edit<K: Kind + PartialEq>(&mut self, key: &Key, edit: impl FnOnce(&mut K)) -> bool {
        self.change::<K>(key, |found| {
            let before = found.clone();
            edit(found);
            if *found != before {
                found.meta_mut().generation = before.meta().generation.map(|generation| generation + 1);
            }
        })
    }

    /// Writes a status over the version that was seen, unless there is another one. Tells whether it did.
    pub fn write_status<K: Kind + PartialEq + HasStatus>(&mut self, seen: &K, status: K::Status) -> bool {
        let key = Key::of(seen);
        let is_seen = |found: &K| found.meta().resource_version == seen.meta().resource_version;
        K::table(self).get(&key).is_some_and(is_seen) && self.change::<K>(&key, |found| *found.status_mut() = Some(status))
    }

    /// Deletes an object: at once, or when its finalizers are gone. Tells whether anything changed.
    pub fn delete<K: Kind>(&mut self, key: &Key, now: DateTime<Utc>) -> bool {
        let Some(mut found) = K::table(self).get(key).cloned() else { return false };
        let meta = found.meta_mut();
        if meta.finalizers.iter().flatten().next().is_none() {
            self.forget::<K>(key);
            return true;
        }
        let fresh = meta.deletion_timestamp.is_none();
        if fresh {
            meta.deletion_timestamp = Some(to_meta(now));
            self.put(found);
        }
        fresh
    }

    /// Takes an object out, whatever holds it.
    pub fn forget<K: Kind>(&mut self, key: &Key) -> Option<K> {
        self.unreadable.remove(&(K::NAME, key.clone()));
        K::table_mut(self).remove(key)
    }

    /// Puts a finalizer on an object or takes it off; the last one lets a deleted object go. Tells whether anything changed.
    pub fn finalizer<K: Kind>(&mut self, key: &Key, finalizer: &str, hold: bool) -> bool {
        let Some(mut found) = K::table(self).get(key).cloned() else { return false };
        let meta = found.meta_mut();
        let mut all = meta.finalizers.clone().unwrap_or_default();
        if all.iter().any(|f| f == finalizer) == hold {
            return false;
        }
        assert!(!hold || meta.deletion_timestamp.is_none(), "no finalizer is added to what is being deleted");
        all.retain(|f| f != finalizer);
        all.extend(hold.then(|| finalizer.to_owned()));
        let free = all.is_empty() && meta.deletion_timestamp.is_some();
        meta.finalizers = Some(all);
        match free {
            true => drop(self.forget::<K>(key)),
            false => self.put(found),
        }
        true
    }

    /// Somebody writes an object so that nobody can read it, or properly again.
    pub fn garble<K: Kind>(&mut self, key: &Key) {
        let Some(found) = K::table(self).get(key).cloned() else { return };
        let entry = (K::NAME, key.clone());
        if !self.unreadable.remove(&entry) {
            self.unreadable.insert(entry);
        }
        self.put(found);
    }
}
