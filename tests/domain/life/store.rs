//! What an API server keeps: objects with uid, generation and time of creation, finalizers, and bindings.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entitlement_operator::api::catalog_resource::{
    Author, AuthorGroups, KubernetesPlace, KubernetesRole, KubernetesTarget, PlaceStatus, ResourceRole, RoleKind, RoleRef,
    RoleState, RoleStatus,
};
use entitlement_operator::api::condition::State;
use entitlement_operator::api::time::to_meta;
use entitlement_operator::api::{
    AccessPackage, AccessRequest, ApprovalDecision, Assignment, Catalog, CatalogResource, CatalogResourceSpec,
    CatalogResourceStatus, Policy, Subject,
};
use entitlement_operator::domain::Key;
use entitlement_operator::domain::Trust;
use entitlement_operator::domain::grant::GrantKey;
use entitlement_operator::domain::resource::{Cluster, Offer, OfferedRole, Target};
use entitlement_operator::targets::rbac::plan::{Observed, Write};

use crate::builders::*;

/// Everything that is stored, and the time.
#[derive(Clone)]
pub struct Store {
    pub now: DateTime<Utc>,
    pub catalogs: BTreeMap<Key, Catalog>,
    pub resources: BTreeMap<Key, CatalogResource>,
    /// The same, parsed.
    pub offers: BTreeMap<Key, Offer>,
    pub packages: BTreeMap<Key, AccessPackage>,
    pub policies: BTreeMap<Key, Policy>,
    pub requests: BTreeMap<Key, AccessRequest>,
    pub decisions: BTreeMap<Key, ApprovalDecision>,
    pub assignments: BTreeMap<Key, Assignment>,
    /// Bindings that carry grants, with the grant they carry.
    pub bindings: BTreeMap<(Target, String), (GrantKey, Observed)>,
    /// Places where nothing can be added now.
    pub closed: BTreeSet<Target>,
    /// Namespaces that do not exist.
    pub vanished: BTreeSet<String>,
    /// Who is in which groups at present.
    pub members: BTreeMap<&'static str, BTreeSet<&'static str>>,
    /// Since when the API server vouches for who asks and decides.
    pub trust: Trust,
    births: BTreeMap<(&'static str, Key), u32>,
}

/// Kinds that people and the operator write.
pub trait Kind: kube::Resource<DynamicType = ()> + Clone + PartialEq {
    const NAME: &'static str;
    fn table(store: &mut Store) -> &mut BTreeMap<Key, Self>;
}

macro_rules! kinds {
    ($($kind:ty, $name:literal, $table:ident;)*) => {$(
        impl Kind for $kind {
            const NAME: &'static str = $name;
            fn table(store: &mut Store) -> &mut BTreeMap<Key, Self> {
                &mut store.$table
            }
        }
    )*};
}

kinds! {
    Catalog, "catalog", catalogs;
    CatalogResource, "resource", resources;
    AccessPackage, "package", packages;
    Policy, "policy", policies;
    AccessRequest, "request", requests;
    ApprovalDecision, "decision", decisions;
    Assignment, "assignment", assignments;
}

/// People of these stories.
pub const PEOPLE: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];
/// Their groups.
pub const GROUPS: [&str; 3] = ["engineering", "leads", "security"];

impl Store {
    /// Two catalogs with their resources, and nobody who asked for anything yet.
    pub fn new() -> Self {
        let members =
            [("alice", "engineering"), ("bob", "engineering"), ("carol", "leads"), ("dave", "leads"), ("erin", "security")];
        let mut store = Self {
            now: at(0),
            catalogs: BTreeMap::new(),
            resources: BTreeMap::new(),
            offers: BTreeMap::new(),
            packages: BTreeMap::new(),
            policies: BTreeMap::new(),
            requests: BTreeMap::new(),
            decisions: BTreeMap::new(),
            assignments: BTreeMap::new(),
            bindings: BTreeMap::new(),
            closed: BTreeSet::new(),
            vanished: BTreeSet::new(),
            members: members.into_iter().map(|(person, group)| (person, [group].into())).collect(),
            trust: Trust::Waived,
            births: BTreeMap::new(),
        };
        store.create(catalog("payments").owned_by(&[user("carol")]));
        store.create(catalog("audit").owned_by(&[user("erin")]));
        for resource in [
            resource(PAYMENTS, "prod", &["viewer", "deployer"], &["payments", "jobs"]),
            resource(PAYMENTS, "tools", &["operator"], &[]),
            resource(AUDIT, "books", &["reader"], &["audit"]),
        ] {
            let key = Key::of(&resource);
            store.create(resource);
            store.judge_authors(&key, State::True);
        }
        store
    }

    /// Stores a new object, unless one of its name is there. Tells whether it did.
    pub fn create<K: Kind>(&mut self, mut object: K) -> bool {
        let key = Key::of(&object);
        if K::table(self).contains_key(&key) {
            return false;
        }
        let birth = self.births.entry((K::NAME, key.clone())).or_default();
        *birth += 1;
        let meta = object.meta_mut();
        meta.uid = Some(format!("{}-{}-{birth}", K::NAME, key.name));
        meta.generation = Some(1);
        meta.creation_timestamp = Some(to_meta(self.now));
        K::table(self).insert(key, object);
        true
    }

    /// How often an object of that name was created.
    pub fn births_of<K: Kind>(&self, key: &Key) -> u32 {
        self.births.get(&(K::NAME, key.clone())).copied().unwrap_or_default()
    }

    /// Changes a spec. Tells whether it changed.
    pub fn edit<K: Kind>(&mut self, key: &Key, change: impl FnOnce(&mut K)) -> bool {
        let Some(found) = K::table(self).get_mut(key) else { return false };
        let before = found.clone();
        change(found);
        let changed = *found != before;
        if changed {
            found.meta_mut().generation = before.meta().generation.map(|generation| generation + 1);
        }
        changed
    }

    /// Deletes an object: at once, or when its finalizers are gone. Tells whether anything changed.
    pub fn delete<K: Kind>(&mut self, key: &Key) -> bool {
        let since = to_meta(self.now);
        let Some(found) = K::table(self).get_mut(key) else { return false };
        let meta = found.meta_mut();
        if meta.finalizers.iter().flatten().next().is_none() {
            K::table(self).remove(key);
            return true;
        }
        let fresh = meta.deletion_timestamp.is_none();
        meta.deletion_timestamp.get_or_insert(since);
        fresh
    }

    /// Puts a finalizer on an object or takes it off; the last one lets a deleted object go. Tells whether anything changed.
    pub fn finalizer<K: Kind>(&mut self, key: &Key, finalizer: &str, hold: bool) -> bool {
        let Some(found) = K::table(self).get_mut(key) else { return false };
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
        if free {
            K::table(self).remove(key);
        }
        true
    }

    /// Carries out one write of a grant.
    pub fn bind(&mut self, grant: &GrantKey, write: &Write) {
        match write {
            Write::Put { target, name, subjects, exists, .. } => {
                let subjects = subjects.iter().cloned().map(Some).collect();
                let put = Observed { target: target.clone(), name: name.clone(), subjects, labelled: true, closing: false };
                let before = self.bindings.insert((target.clone(), name.clone()), (grant.clone(), put));
                assert_eq!(before.is_some(), *exists, "{name}");
            }
            Write::Delete { target, name } => {
                self.bindings.remove(&(target.clone(), name.clone()));
            }
        }
    }

    /// The bindings of a grant.
    pub fn observed(&self, grant: &GrantKey) -> Vec<Observed> {
        self.bindings.values().filter(|(carries, _)| carries == grant).map(|(_, binding)| binding.clone()).collect()
    }

    /// Who has a grant in a place.
    pub fn has(&self, grant: &GrantKey, target: &Target) -> BTreeSet<Subject> {
        let here = self.bindings.values().filter(|(carries, binding)| carries == grant && binding.target == *target);
        here.flat_map(|(_, binding)| binding.subjects.iter().flatten().cloned()).collect()
    }

    /// Every role of every resource.
    pub fn grants(&self) -> Vec<GrantKey> {
        let of = |(key, resource): (&Key, &CatalogResource)| {
            let (namespace, resource_name) = (key.namespace.clone(), key.name.clone());
            let roles: Vec<String> = resource.spec.roles.iter().map(|role| role.name.clone()).collect();
            roles.into_iter().map(move |role| GrantKey { namespace: namespace.clone(), resource: resource_name.clone(), role })
        };
        self.resources.iter().flat_map(of).collect()
    }

    /// Every place of every role.
    pub fn places(&self) -> Vec<Target> {
        self.offers.values().flat_map(|offer| offer.roles.values().flat_map(|role| role.targets())).collect()
    }

    /// What the operator found of the authors of a resource: they may, they may not, or nobody asked yet.
    pub fn judge_authors(&mut self, key: &Key, may: State) {
        let Some(found) = self.resources.get(key).cloned() else { return };
        let offer = Offer::of(&found);
        let judged = |target: Target| KubernetesPlace {
            namespace: target.scope.namespace().map(str::to_owned),
            namespace_uid: target.scope.namespace().and_then(|name| self.namespace_uid(name)),
            role_ref: target.role,
            role_uid: None,
        };
        let answer = |target: Target| PlaceStatus {
            kubernetes: Some(judged(target)),
            catalog_uid: self.catalog_uid(&key.namespace),
            authors: offer.roles.values().find_map(|role| role.authors.clone()).unwrap(),
            allowed: may == State::True,
            message: if may == State::True { String::new() } else { "as the story wants it".to_owned() },
            ..PlaceStatus::default()
        };
        let role = |(name, role): (&String, &OfferedRole)| RoleStatus {
            name: name.clone(),
            state: if may == State::True { RoleState::Ready } else { RoleState::NotAuthorized },
            message: "as the story wants it".to_owned(),
            digest: role.digest.clone(),
            places: if may == State::Unknown { Vec::new() } else { role.targets().into_iter().map(answer).collect() },
            ..RoleStatus::default()
        };
        let status = CatalogResourceStatus { roles: offer.roles.iter().map(role).collect(), ..CatalogResourceStatus::default() };
        let found = CatalogResource { status: Some(status), ..found };
        self.offers.insert(key.clone(), Offer::of(&found));
        self.resources.insert(key.clone(), found);
    }
}

/// Every namespace and role exists, apart from those that vanished and the closed places; catalogs are what they were.
impl Cluster for Store {
    fn namespace_uid(&self, name: &str) -> Option<String> {
        (!self.vanished.contains(name)).then(|| format!("uid of {name}"))
    }

    fn is_closing(&self, _: &str) -> bool {
        false
    }

    fn role_uid(&self, target: &Target) -> Option<String> {
        (!self.closed.contains(target)).then(|| "uid of a role".to_owned())
    }

    fn catalog_uid(&self, namespace: &str) -> Option<String> {
        self.catalogs.values().find(|c| c.namespace() == Some(namespace))?.metadata.uid.clone()
    }
}

fn author() -> Author {
    Author { username: "carol".to_owned(), uid: None, groups_ref: 1 }
}

fn resource(namespace: &str, name: &str, roles: &[&str], namespaces: &[&str]) -> CatalogResource {
    let role_ref = |role: &str| RoleRef { kind: RoleKind::ClusterRole, name: format!("{name}-{role}") };
    let spec = CatalogResourceSpec {
        kubernetes: Some(KubernetesTarget {
            namespaces: namespaces.iter().map(|n| (*n).to_owned()).collect(),
            cluster_wide: namespaces.is_empty(),
            author: Some(author()),
        }),
        author_groups: vec![AuthorGroups { id: 1, groups: vec!["leads".to_owned()] }],
        roles: roles
            .iter()
            .map(|role| ResourceRole {
                name: (*role).to_owned(),
                kubernetes: Some(KubernetesRole { role_ref: role_ref(role) }),
                author: Some(author()),
                ..ResourceRole::default()
            })
            .collect(),
        ..CatalogResourceSpec::default()
    };
    stored(CatalogResource::new(name, spec), namespace)
}
