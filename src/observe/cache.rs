//! Where news arrives: enters it into the caches and triggers what has to be reconciled.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::domain::Key;
use crate::runtime::queue::Queue;

use super::WorkItem;
use super::change::{Change, Delta, Dependents, Triggers};
use super::store::Entered;
use super::stores::Stores;
use super::trim;
use super::unreadable::Unreadable;
use super::watched::Watched;

/// The caches and the queue behind them.
pub struct Cache {
    stores: RwLock<Stores>,
    dependents: Dependents,
    /// What has to be reconciled.
    pub queue: Queue<WorkItem>,
}

impl Cache {
    /// Empty caches in front of a queue, which gets what depends on a change.
    pub fn new(queue: Queue<WorkItem>, dependents: Dependents) -> Arc<Self> {
        Arc::new(Self { stores: RwLock::default(), dependents, queue })
    }

    /// The caches, to read.
    pub fn read(&self) -> RwLockReadGuard<'_, Stores> {
        // A panic while the lock was held was reported by its task; the maps themselves are never left half written.
        self.stores.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The caches, to write. News is entered by [`Cache::put`].
    pub fn write(&self) -> RwLockWriteGuard<'_, Stores> {
        self.stores.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a version of an object, from a watch or as a write returned it.
    pub fn put<K: Watched>(&self, object: K) {
        let object = trimmed(object);
        self.enter(&mut self.write(), object);
    }

    fn enter<K: Watched>(&self, stores: &mut Stores, object: K) {
        if !object.matters() {
            return self.leave::<K>(stores, &Key::of(&object));
        }
        if let Some(Entered { old, new }) = K::store_mut(stores).put(object) {
            if stores.leave_unreadable::<K>(&Key::of(&*new)) {
                // Whatever waits for it to be read is reconciled again, whatever differs from the version before.
                self.trigger::<K>(stores, Delta { old: old.as_deref(), new: None });
            }
            self.changed(stores, Delta { old: old.as_deref(), new: Some(&*new) });
        }
    }

    /// Enters a version of an object that cannot be read.
    pub fn unreadable<K: Watched>(&self, key: &Key, found: Unreadable) {
        let mut stores = self.write();
        let old = stores.enter_unreadable::<K>(key, found);
        match old {
            Some(old) => self.trigger::<K>(&stores, Delta { old: Some(&*old), new: None }),
            None => self.trigger_for(&stores, &Change::Unreadable(K::NAME, key)),
        }
        self.queue.push(WorkItem::Unreadable(K::NAME, key.clone()));
    }

    /// Enters what a write of our own returned. An object that is not in the cache any more was deleted meanwhile and stays out.
    pub fn refresh<K: Watched>(&self, object: K) {
        let object = trimmed(object);
        let mut stores = self.write();
        if K::store(&stores).get(&Key::of(&object)).is_some_and(|old| old.meta().uid == object.meta().uid) {
            self.enter(&mut stores, object);
        }
    }

    /// Takes an object out.
    pub fn remove<K: Watched>(&self, key: &Key) {
        self.leave::<K>(&mut self.write(), key);
    }

    fn leave<K: Watched>(&self, stores: &mut Stores, key: &Key) {
        let was_unreadable = stores.leave_unreadable::<K>(key);
        match K::store_mut(stores).remove(key) {
            Some(old) => self.changed(stores, Delta { old: Some(&*old), new: None }),
            None if was_unreadable => self.trigger_for(stores, &Change::Unreadable(K::NAME, key)),
            None => {}
        }
    }

    /// Takes out what a fresh list did not show: it vanished while nobody watched.
    pub fn keep_only<K: Watched>(&self, listed: &HashSet<Key>) {
        let vanished: Vec<Key> = {
            let stores = self.read();
            let read: HashSet<Key> = K::store(&stores).keys().cloned().collect();
            let unread = stores.unreadable.keys().filter(|(kind, _)| *kind == K::NAME).map(|(_, key)| key.clone());
            read.into_iter().chain(unread).filter(|key| !listed.contains(key)).collect()
        };
        vanished.iter().for_each(|key| self.remove::<K>(key));
    }

    fn changed<K: Watched>(&self, stores: &mut Stores, delta: Delta<'_, K>) {
        K::derive(stores, delta);
        self.trigger(stores, delta);
    }

    fn trigger<K: Watched>(&self, stores: &Stores, delta: Delta<'_, K>) {
        self.push(Triggers::of(self.dependents, stores, delta));
    }

    /// Triggers what depends on something that no object shows.
    pub fn trigger_for(&self, stores: &Stores, change: &Change<'_>) {
        let mut triggers = Triggers::default();
        (self.dependents)(stores, change, &mut triggers);
        self.push(triggers);
    }

    fn push(&self, Triggers { urgent, ordinary }: Triggers) {
        ordinary.into_iter().filter(|work| !urgent.contains(work)).for_each(|work| self.queue.push(work));
        urgent.into_iter().for_each(|work| self.queue.push_urgent(work));
    }
}

/// An object without what nobody reads.
fn trimmed<K: Watched>(mut object: K) -> K {
    trim::metadata(object.meta_mut(), K::DATED);
    object.trim();
    object
}
