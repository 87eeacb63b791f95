//! What was accepted a moment ago and whose status is still being written: others must count it already, as in a scheduler's cache.

use std::sync::Arc;

use crate::domain::Key;

use super::cache::Cache;
use super::stores::Stores;
use super::watched::Watched;

/// An object that is assumed to be accepted, until this is dropped: whatever becomes of the write, the caches show it then.
pub struct Assumption {
    cache: Arc<Cache>,
    object: (&'static str, Key),
}

impl Drop for Assumption {
    fn drop(&mut self) {
        self.cache.write().assumed.remove(&self.object);
    }
}

impl Cache {
    /// Assumes that an object is accepted. Whoever holds the caches must let go of them before.
    pub fn assume<K: Watched>(self: &Arc<Self>, key: &Key) -> Assumption {
        let object = (K::NAME, key.clone());
        self.write().assumed.insert(object.clone());
        Assumption { cache: self.clone(), object }
    }
}

impl Stores {
    /// Whether an object is assumed to be accepted.
    pub fn is_assumed<K: Watched>(&self, key: &Key) -> bool {
        self.assumed.contains(&(K::NAME, key.clone()))
    }
}
