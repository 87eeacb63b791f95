//! The same world in the real caches: whatever differs from what they were shown last is entered, one object after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entitlement_operator::api::catalog_resource::RoleKind;
use entitlement_operator::api::{
    AccessPackage, AccessRequest, ApprovalDecision, Assignment, Catalog, CatalogResource, Policy, Subject,
};
use entitlement_operator::domain::catalog::{RBAC, new_namespace, rbac_subject};
use entitlement_operator::domain::grant::GrantKey;
use entitlement_operator::domain::resource::{Scope, Target};
use entitlement_operator::domain::{Key, Trust};
use entitlement_operator::observe::Watched;
use entitlement_operator::observe::{Cache, WorkItem};
use entitlement_operator::runtime::clock::ManualClock;
use entitlement_operator::runtime::queue::{Action, Lane, Queue};
use entitlement_operator::targets::rbac::name;
use entitlement_operator::targets::rbac::plan::Observed;
use futures::FutureExt as _;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, RoleBinding, RoleRef as RbacRoleRef, Subject as RbacSubject};
use kube::core::{ObjectMeta, PartialObjectMeta, PartialObjectMetaExt as _};

use super::plans::Plans;
use super::store::Store;

/// Everything that the API server tells those who watch.
#[derive(Clone, Default)]
struct World {
    catalogs: BTreeMap<Key, Catalog>,
    resources: BTreeMap<Key, CatalogResource>,
    packages: BTreeMap<Key, AccessPackage>,
    policies: BTreeMap<Key, Policy>,
    requests: BTreeMap<Key, AccessRequest>,
    decisions: BTreeMap<Key, ApprovalDecision>,
    assignments: BTreeMap<Key, Assignment>,
    namespaces: BTreeMap<Key, Namespace>,
    cluster_roles: BTreeMap<Key, ObjectMeta>,
    role_bindings: BTreeMap<Key, RoleBinding>,
    cluster_role_bindings: BTreeMap<Key, ClusterRoleBinding>,
}

/// Enters a version of one object.
type Enter = Box<dyn FnOnce(&Cache, u64)>;

/// One object that came, changed or went.
struct News {
    about: String,
    enter: Enter,
}

fn news<T: Clone + PartialEq + 'static, K: Watched + 'static>(
    before: &BTreeMap<Key, T>,
    after: &BTreeMap<Key, T>,
    made: fn(T) -> K,
) -> Vec<News> {
    let put = |(key, object): (&Key, &T)| {
        let object = object.clone();
        let enter = move |cache: &Cache, version: u64| {
            let mut object = made(object);
            object.meta_mut().resource_version = Some(version.to_string());
            cache.put(object);
        };
        News { about: format!("{} {key}", K::NAME), enter: Box::new(enter) }
    };
    let gone = |key: &Key| {
        let key = key.clone();
        News { about: format!("the end of {} {key}", K::NAME), enter: Box::new(move |cache, _| cache.remove::<K>(&key)) }
    };
    let changed = after.iter().filter(|(key, object)| before.get(key) != Some(object)).map(put);
    changed.chain(before.keys().filter(|key| !after.contains_key(key)).map(gone)).collect()
}

impl World {
    fn of(store: &Store) -> Self {
        let mut world = Self {
            catalogs: store.catalogs.clone(),
            resources: store.resources.clone(),
            packages: store.packages.clone(),
            policies: store.policies.clone(),
            requests: store.requests.clone(),
            decisions: store.decisions.clone(),
            assignments: store.assignments.clone(),
            ..Self::default()
        };
        for catalog in store.catalogs.values() {
            world.namespace(new_namespace(catalog));
        }
        for target in store.places() {
            if let Some(found) = target.scope.namespace().filter(|found| !store.vanished.contains(*found)) {
                let metadata = ObjectMeta { name: Some(found.to_owned()), ..ObjectMeta::default() };
                world.namespace(Namespace { metadata, ..Namespace::default() });
            }
            if target.role.kind == RoleKind::ClusterRole && !store.closed.iter().any(|closed| closed.role == target.role) {
                let key = Key::new("", &target.role.name);
                let meta =
                    ObjectMeta { name: Some(key.name.clone()), uid: Some("uid of a role".to_owned()), ..ObjectMeta::default() };
                world.cluster_roles.insert(key, meta);
            }
        }
        for (grant, observed) in store.bindings.values() {
            world.bind(grant, observed);
        }
        world
    }

    fn namespace(&mut self, mut found: Namespace) {
        found.metadata.uid = Some(format!("uid of {}", found.metadata.name.clone().unwrap()));
        self.namespaces.insert(Key::of(&found), found);
    }

    fn bind(&mut self, grant: &GrantKey, observed: &Observed) {
        let stranger = || RbacSubject { kind: "Stranger".to_owned(), name: "nobody".to_owned(), ..RbacSubject::default() };
        let subject = |subject: &Option<Subject>| subject.as_ref().map_or_else(stranger, rbac_subject);
        let subjects = Some(observed.subjects.iter().map(subject).collect());
        let Target { scope, role } = &observed.target;
        let metadata = ObjectMeta {
            name: Some(observed.name.clone()),
            namespace: scope.namespace().map(str::to_owned),
            uid: Some(format!("uid of {}", observed.name)),
            labels: observed.labelled.then(|| name::labels(grant)),
            annotations: Some(name::annotations(grant)),
            ..ObjectMeta::default()
        };
        let role_ref =
            RbacRoleRef { api_group: Some(RBAC.to_owned()), kind: format!("{:?}", role.kind), name: role.name.clone() };
        let key = Key::new(scope.namespace().unwrap_or_default(), &observed.name);
        match scope {
            Scope::Namespace(_) => drop(self.role_bindings.insert(key, RoleBinding { metadata, role_ref, subjects })),
            Scope::Cluster => drop(self.cluster_role_bindings.insert(key, ClusterRoleBinding { metadata, role_ref, subjects })),
        }
    }

    /// What there is to tell whoever was told of the world as it was before.
    fn news_since(&self, before: &Self) -> Vec<News> {
        fn same<T>(object: T) -> T {
            object
        }
        let meta = |meta: ObjectMeta| -> PartialObjectMeta<ClusterRole> { meta.into_response_partial() };
        [
            news(&before.catalogs, &self.catalogs, same),
            news(&before.resources, &self.resources, same),
            news(&before.packages, &self.packages, same),
            news(&before.policies, &self.policies, same),
            news(&before.requests, &self.requests, same),
            news(&before.decisions, &self.decisions, same),
            news(&before.assignments, &self.assignments, same),
            news(&before.namespaces, &self.namespaces, same),
            news(&before.cluster_roles, &self.cluster_roles, meta),
            news(&before.role_bindings, &self.role_bindings, same),
            news(&before.cluster_role_bindings, &self.cluster_role_bindings, same),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The real caches with their queue, and what they were shown.
pub struct Mirror {
    cache: Arc<Cache>,
    shown: World,
    version: u64,
    /// The time, and who is trusted, when they were shown something last.
    at: (DateTime<Utc>, Trust),
    /// What was triggered and has not been carried out.
    waiting: BTreeSet<WorkItem>,
}

/// Whether the operator of these stories carries out what becomes of it; what it leaves to do would hide what nobody triggers.
fn is_carried_out(work: &WorkItem) -> bool {
    !matches!(work, WorkItem::Catalog(_) | WorkItem::Resource(_) | WorkItem::Policy(_))
}

impl Mirror {
    /// The caches after the first lists, when everything has been reconciled.
    pub fn of(store: &Store) -> Self {
        let queue = Queue::new(Arc::new(ManualClock::new(store.now)), usize::MAX);
        let mut mirror = Self {
            cache: Cache::new(queue, entitlement_operator::kinds::dependents),
            shown: World::default(),
            version: 0,
            at: (store.now, store.trust.clone()),
            waiting: BTreeSet::new(),
        };
        for news in mirror.news(store) {
            mirror.enter(news);
        }
        mirror.waiting = mirror.triggered();
        mirror
    }

    fn news(&mut self, store: &Store) -> Vec<News> {
        let world = World::of(store);
        let news = world.news_since(&self.shown);
        self.shown = world;
        news
    }

    fn enter(&mut self, news: News) {
        self.version += 1;
        (news.enter)(&self.cache, self.version);
    }

    /// Takes everything out of the queue.
    fn triggered(&self) -> BTreeSet<WorkItem> {
        let next = || self.cache.queue.next(Lane::Urgent..=Lane::Asking).now_or_never().flatten();
        let mut all = BTreeSet::new();
        while let Some(work) = next() {
            self.cache.queue.done(&work, Action::AwaitChange);
            all.insert(work);
        }
        all
    }

    fn plans(&self, store: &Store) -> Plans {
        Plans::of(&self.cache.read(), &store.trust, store.now)
    }

    /// Enters what has changed in the meantime, in some order: whatever comes out differently after an object has changed was triggered by it.
    pub fn follow(&mut self, store: &Store, order: u64) {
        let mut news = self.news(store);
        super::settle::shuffle(&mut news, order);
        let mut before = self.plans(store);
        if self.at != (store.now, store.trust.clone()) {
            self.at = (store.now, store.trust.clone());
            self.waiting.extend(before.left_to_do()); // whatever is due by now was planned
        }
        for news in news {
            let about = news.about.clone();
            self.enter(news);
            let triggered = self.triggered();
            let after = self.plans(store);
            self.waiting.retain(|work| is_carried_out(work) && before.leave_to_do(work));
            self.waiting.extend(triggered);
            for (work, old, new) in after.news_since(&before) {
                assert!(self.waiting.contains(&work), "{about} did not trigger {work:?}:\n  was {old:?}\n  is  {new:?}");
            }
            before = after;
        }
    }
}
