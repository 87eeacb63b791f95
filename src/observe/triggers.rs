//! Who has to be reconciled when an object changes. One too many costs a reconciliation; one too few is a bug.

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

use std::collections::BTreeSet;
use std::sync::Arc;

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
    /// Who has to be reconciled after a change. Another object that has taken the name of one whose end nobody saw is an end and a beginning.
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
    fn note_unreadable(_: &mut Stores, _: &Key, _: bool) {}

    /// Enters a change into what else the caches keep of it.
    fn derive(_: &mut Stores, _: Option<&Self>, _: Option<&Self>) {}

    /// Who has to be reconciled after a change from `old` to `new`; the caches show `new` already.
    fn triggers(stores: &Stores, old: Option<&Self>, new: Option<&Self>, triggers: &mut Triggers);
}

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
    let written = |object: Option<&K>| object.map(|o| (o.meta().generation, o.meta().annotations.clone()));
    written(old) != written(new)
}

impl Watched for Catalog {
    const NAME: &str = "Catalog";

    stored!(catalogs);

    fn triggers(stores: &Stores, old: Option<&Self>, new: Option<&Self>, triggers: &mut Triggers) {
        for catalog in [old, new].into_iter().flatten() {
            triggers.push(WorkItem::Catalog(Key::of(catalog)));
        }
        let relevant_part = |c: Option<&Self>| {
            c.map(|c| {
                let spec = &c.spec;
                (
                    c.metadata.uid.clone(),
                    c.namespace().map(str::to_owned),
                    spec.enabled,
                    spec.owners.clone(),
                    spec.honors_separation_from.clone(),
                )
            })
        };
        if relevant_part(old) == relevant_part(new) {
            return;
        }
        triggers.extend(keys(&stores.packages, &IndexKey::Separates).into_iter().map(WorkItem::Package));
        let place = |c: Option<&Self>| c.map(|c| (c.metadata.uid.clone(), c.namespace().map(str::to_owned)));
        let namespaces: BTreeSet<String> = [old, new].into_iter().flatten().map(Self::wanted_namespace).collect();
        for namespace in namespaces {
            let index_key = IndexKey::Namespace(namespace);
            if place(old) != place(new) {
                cluster::wake_resources(stores, &index_key, triggers); // nobody has what was granted for another catalog
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
    fn note_unreadable(stores: &mut Stores, key: &Key, is: bool) {
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

    fn triggers(stores: &Stores, old: Option<&Self>, new: Option<&Self>, triggers: &mut Triggers) {
        let relevant_part = |r: Option<&Self>| {
            r.map(|r| {
                let said = r.status.as_ref().map(|s| (s.roles.clone(), s.conditions.clone()));
                (
                    r.spec.clone(),
                    said,
                    r.metadata.uid.clone(),
                    r.metadata.deletion_timestamp.clone(),
                    r.metadata.annotations.clone(),
                )
            })
        };
        let same = relevant_part(old) == relevant_part(new);
        if let Some(key) = new.or(old).map(Key::of).filter(|_| same) {
            return triggers.push(WorkItem::Resource(key)); // only when it was asked about
        }
        if is_edited(old, new) {
            let carried = new.or(old).map(Key::of);
            let own = |grant: &&GrantKey| {
                carried.as_ref().is_some_and(|r| (&r.namespace, &r.name) == (&grant.namespace, &grant.resource))
            };
            triggers.extend(stores.members.keys().filter(own).cloned().map(WorkItem::Grant));
        }
        for resource in [old, new].into_iter().flatten() {
            let key = Key::of(resource);
            triggers.push(WorkItem::Resource(key.clone()));
            for role in &resource.spec.roles {
                let grant = GrantKey { namespace: key.namespace.clone(), resource: key.name.clone(), role: role.name.clone() };
                triggers.push(WorkItem::Grant(grant));
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
