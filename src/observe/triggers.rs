//! What has to be reconciled when an object changes. One too many costs a reconciliation; one too few is a bug.

/// Which store is that of a kind.
macro_rules! stored {
    ($field:ident) => {
        fn store(stores: &Stores) -> &Store<Self> {
            &stores.$field
        }

        fn store_mut(stores: &mut Stores) -> &mut Store<Self> {
            &mut stores.$field
        }
    };
}

mod access;
mod cluster;
mod content;
mod report;

pub use report::of_report;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use kube::Resource;
use serde::de::DeserializeOwned;

use crate::api::{Catalog, CatalogResource};
use crate::domain::Key;
use crate::domain::resource::Offer;
use crate::grants::GrantKey;

use super::WorkItem;
use super::store::{IndexKey, Indexed, Store};
use super::stores::Stores;

/// What has to be reconciled; urgent work takes access away.
#[derive(Default)]
pub struct Triggers {
    /// Served first.
    pub urgent: BTreeSet<WorkItem>,
    /// The rest.
    pub ordinary: BTreeSet<WorkItem>,
}

impl Triggers {
    /// What has to be reconciled after a change. Another object that has taken the name of one whose end nobody saw is an end and a beginning.
    pub fn of<K: Watched>(stores: &Stores, old: Option<&K>, new: Option<&K>) -> Self {
        let mut triggers = Self::default();
        let uid = |object: Option<&K>| object.and_then(|o| o.meta().uid.clone());
        if old.is_some() && new.is_some() && uid(old) != uid(new) {
            K::triggers(stores, old, None, &mut triggers);
            K::triggers(stores, None, new, &mut triggers);
        } else {
            K::triggers(stores, old, new, &mut triggers);
        }
        triggers
    }

    fn push(&mut self, work: WorkItem) {
        self.ordinary.insert(work);
    }

    fn extend(&mut self, works: impl IntoIterator<Item = WorkItem>) {
        self.ordinary.extend(works);
    }
}

/// A kind that is watched.
pub trait Watched: Indexed + Sized {
    /// Its kind.
    const NAME: &'static str;

    /// The times in its `managedFields` are of use; of other kinds they are not kept.
    const DATED: bool = false;

    /// One that cannot be read counts as one that is not there; otherwise its last version that could be read stays.
    const UNREADABLE_IS_GONE: bool = false;

    /// Its store.
    fn store(stores: &Stores) -> &Store<Self>;

    /// Its store, to write.
    fn store_mut(stores: &mut Stores) -> &mut Store<Self>;

    /// Whether the object matters to us; others are not kept.
    fn matters(&self) -> bool {
        true
    }

    /// Lets go of what nobody reads.
    fn trim(&mut self) {}

    /// Keeps, as long as it is so, that an object cannot be read.
    fn enter_unreadable(_: &mut Stores, _: &Key, _: bool) {}

    /// Enters a change into what else the caches keep of it.
    fn derive(_: &mut Stores, _: Option<&Self>, _: Option<&Self>) {}

    /// What has to be reconciled when one that cannot be read comes or goes, of which no version is known.
    fn triggers_by_key(_: &Stores, _: &Key) -> Triggers {
        Triggers::default()
    }

    /// What has to be reconciled after a change from `old` to `new`; the caches show `new` already.
    fn triggers(stores: &Stores, old: Option<&Self>, new: Option<&Self>, triggers: &mut Triggers);
}

/// A kind that is watched, with all that it takes to read it.
pub trait Kind: Watched + Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static {}

impl<K: Watched + Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static> Kind for K {}

fn keys<K: Indexed>(store: &Store<K>, index_key: &IndexKey) -> Vec<Key> {
    store.find(index_key).map(|object| Key::of(&**object)).collect()
}

/// Requests of a namespace that have not ended.
fn open_requests(stores: &Stores, index_key: &IndexKey) -> Vec<WorkItem> {
    let open = stores.requests.find(index_key).filter(|r| !r.phase().is_terminal());
    open.map(|r| WorkItem::Request(Key::of(&**r))).collect()
}

/// Assignments that have not ended.
fn open_assignments(stores: &Stores, index_key: &IndexKey) -> Vec<WorkItem> {
    let open = stores.assignments.find(index_key).filter(|a| !a.phase().is_terminal());
    open.map(|a| WorkItem::Assignment(Key::of(&**a))).collect()
}

/// Whether somebody wrote the object's spec, or its annotations, which may confirm a mass revocation.
fn is_edited<K: kube::Resource>(old: Option<&K>, new: Option<&K>) -> bool {
    fn written<K: kube::Resource>(object: &K) -> impl PartialEq + '_ {
        (object.meta().generation, &object.meta().annotations)
    }
    old.map(written) != new.map(written)
}

/// What others depend on.
fn catalog_relevant_part(catalog: &Catalog) -> impl PartialEq + '_ {
    let spec = &catalog.spec;
    (&catalog.metadata.uid, catalog.namespace(), spec.enabled, &spec.owners, &spec.honors_separation_from)
}

/// What others depend on: not when it was asked about.
fn resource_relevant_part(resource: &CatalogResource) -> impl PartialEq + '_ {
    let said = resource.status.as_ref().map(|status| (&status.roles, &status.conditions));
    let meta = &resource.metadata;
    (&resource.spec, said, &meta.uid, &meta.deletion_timestamp, &meta.annotations)
}

impl Watched for Catalog {
    const NAME: &str = "Catalog";

    stored!(catalogs);

    fn triggers(stores: &Stores, old: Option<&Self>, new: Option<&Self>, triggers: &mut Triggers) {
        for catalog in [old, new].into_iter().flatten() {
            triggers.push(WorkItem::Catalog(Key::of(catalog)));
        }
        if old.map(catalog_relevant_part) == new.map(catalog_relevant_part) {
            return;
        }
        triggers.extend(keys(&stores.packages, &IndexKey::Separates).into_iter().map(WorkItem::Package));
        let place = |c: &Self| (c.metadata.uid.clone(), c.namespace().map(str::to_owned));
        let moved = old.map(place) != new.map(place);
        let namespaces: BTreeSet<String> = [old, new].into_iter().flatten().map(Self::wanted_namespace).collect();
        for namespace in namespaces {
            let index_key = IndexKey::Namespace(namespace);
            if moved {
                cluster::trigger_resources(stores, &index_key, triggers); // nobody has what was granted for another catalog
            }
            triggers.extend(keys(&stores.resources, &index_key).into_iter().map(WorkItem::Resource));
            triggers.extend(keys(&stores.packages, &index_key).into_iter().map(WorkItem::Package));
            triggers.extend(keys(&stores.policies, &index_key).into_iter().map(WorkItem::Policy));
            triggers.extend(open_requests(stores, &index_key));
            triggers.extend(open_assignments(stores, &index_key));
        }
    }
}

impl Watched for CatalogResource {
    const NAME: &str = "CatalogResource";
    const UNREADABLE_IS_GONE: bool = true;

    stored!(resources);

    /// Whoever has one of its roles keeps it, nobody gains it.
    fn enter_unreadable(stores: &mut Stores, key: &Key, is: bool) {
        match is {
            true => drop(stores.offers.insert(key.clone(), Arc::new(Offer::unreadable(key)))),
            false => drop(stores.offers.remove(key)),
        }
    }

    fn derive(stores: &mut Stores, old: Option<&Self>, new: Option<&Self>) {
        match (old, new) {
            (_, Some(resource)) => drop(stores.offers.insert(Key::of(resource), Arc::new(Offer::of(resource)))),
            (Some(resource), None) => drop(stores.offers.remove(&Key::of(resource))),
            (None, None) => {}
        }
    }

    /// Its grants stay as they are while it cannot be read, and go with it.
    fn triggers_by_key(stores: &Stores, key: &Key) -> Triggers {
        let mut triggers = Triggers::default();
        triggers.extend(stores.members.keys_of(key).cloned().map(WorkItem::Grant));
        for package in keys(&stores.packages, &IndexKey::Resource(key.clone())) {
            triggers.extend(open_assignments(stores, &IndexKey::Package(package.clone())));
            triggers.extend(open_requests(stores, &IndexKey::Package(package.clone())));
            triggers.push(WorkItem::Package(package));
        }
        triggers
    }

    fn triggers(stores: &Stores, old: Option<&Self>, new: Option<&Self>, triggers: &mut Triggers) {
        let Some(key) = new.or(old).map(Key::of) else { return };
        if old.map(resource_relevant_part) == new.map(resource_relevant_part) {
            return triggers.push(WorkItem::Resource(key)); // only when it was asked about
        }
        if is_edited(old, new) {
            // Also what an edit before took out of it, and a mass revocation keeps.
            triggers.extend(stores.members.keys_of(&key).cloned().map(WorkItem::Grant));
        }
        for resource in [old, new].into_iter().flatten() {
            let key = Key::of(resource);
            triggers.push(WorkItem::Resource(key.clone()));
            for role in &resource.spec.roles {
                triggers.push(WorkItem::Grant(GrantKey::new(&key.namespace, &key.name, &role.name)));
            }
            if old.is_some() != new.is_some() {
                // A Catalog that is being deleted waits for its resources.
                triggers
                    .extend(keys(&stores.catalogs, &IndexKey::Uses(key.namespace.clone())).into_iter().map(WorkItem::Catalog));
            }
            for package in keys(&stores.packages, &IndexKey::Resource(key)) {
                triggers.extend(open_assignments(stores, &IndexKey::Package(package.clone())));
                // Approvers are asked about what the roles are.
                triggers.extend(open_requests(stores, &IndexKey::Package(package.clone())));
                triggers.push(WorkItem::Package(package));
            }
        }
    }
}
