//! Where news arrives: enters it into the caches and wakes whoever has to look again.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::domain::Key;
use crate::queue::Queue;

use super::Work;
use super::slim;
use super::table::Change;
use super::unreadable::Unreadable;
use super::wakes::{Wakes, Watched};
use super::world::World;

/// The caches and the queue behind them.
pub struct Hub {
    world: RwLock<World>,
    /// What has to be looked at.
    pub queue: Queue<Work>,
}

impl Hub {
    /// An empty hub in front of a queue.
    pub fn new(queue: Queue<Work>) -> Arc<Self> {
        Arc::new(Self { world: RwLock::default(), queue })
    }

    /// The caches, to read.
    pub fn read(&self) -> RwLockReadGuard<'_, World> {
        // A panic while the lock was held was reported by its task; the maps themselves are never left half written.
        self.world.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The caches, to decide and claim in one go. News is entered by [`Hub::put`].
    pub fn write(&self) -> RwLockWriteGuard<'_, World> {
        self.world.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a version of an object, from a watch or as a write returned it.
    pub fn put<K: Watched>(&self, mut object: K) {
        slim::metadata(object.meta_mut(), K::DATED);
        object.slim();
        if !object.matters() {
            return self.remove::<K>(&Key::of(&object));
        }
        let mut world = self.write();
        if let Some(Change { old, new }) = K::table(&mut world).put(object) {
            if world.leave_unreadable::<K>(&Key::of(&*new)) {
                // Whoever waits for it to be read looks again, whatever differs from the version before.
                self.wake::<K>(&world, old.as_deref(), None);
            }
            self.changed(&mut world, old.as_deref(), Some(&*new));
        }
    }

    /// Enters a version of an object that cannot be read.
    pub fn unreadable<K: Watched>(&self, key: &Key, found: Unreadable) {
        let mut world = self.write();
        let old = world.enter_unreadable::<K>(key, found);
        self.wake::<K>(&world, old.as_deref(), None);
        self.queue.push(Work::Unreadable(K::NAME, key.clone()));
    }

    /// Enters what a write of our own returned. An object that is not in the cache any more was deleted meanwhile and stays out.
    pub fn refresh<K: Watched>(&self, object: K) {
        let mut world = self.write();
        let known = K::table(&mut world).get(&Key::of(&object)).is_some_and(|old| old.meta().uid == object.meta().uid);
        drop(world);
        if known {
            self.put(object);
        }
    }

    /// Takes an object out.
    pub fn remove<K: Watched>(&self, key: &Key) {
        let mut world = self.write();
        world.leave_unreadable::<K>(key);
        if let Some(old) = K::table(&mut world).remove(key) {
            self.changed(&mut world, Some(&*old), None);
        }
    }

    /// Takes out what a fresh list did not show: it vanished while nobody watched.
    pub fn keep_only<K: Watched>(&self, listed: &HashSet<Key>) {
        let vanished: Vec<Key> = {
            let mut world = self.write();
            let read: HashSet<Key> = K::table(&mut world).keys().cloned().collect();
            let unread = world.unreadable.keys().filter(|(kind, _)| *kind == K::NAME).map(|(_, key)| key.clone());
            read.into_iter().chain(unread).filter(|key| !listed.contains(key)).collect()
        };
        vanished.iter().for_each(|key| self.remove::<K>(key));
    }

    fn changed<K: Watched>(&self, world: &mut World, old: Option<&K>, new: Option<&K>) {
        K::note(world, old, new);
        self.wake(world, old, new);
    }

    fn wake<K: Watched>(&self, world: &World, old: Option<&K>, new: Option<&K>) {
        let mut wakes = Wakes::default();
        K::wakes(world, old, new, &mut wakes);
        let Wakes { urgent, ordinary } = wakes;
        ordinary.into_iter().filter(|work| !urgent.contains(work)).for_each(|work| self.queue.push(work));
        urgent.into_iter().for_each(|work| self.queue.push_urgent(work));
    }
}
