//! Objects that the API server stores and that cannot be read: written before the schema refused them, or past it. They fail towards
//! revocation: what cannot be read gives nothing and lets nothing new happen, is counted, told, and counts again when it is written properly.

use std::sync::Arc;

use kube::core::ObjectMeta;

use crate::domain::Key;

use super::stores::Stores;
use super::watched::Watched;

/// One of them, as far as its metadata tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// What is wrong with it.
    pub why: String,
    /// Somebody deleted it.
    pub deleting: bool,
}

impl Unreadable {
    /// An object by its metadata.
    pub fn new(meta: &ObjectMeta, why: String) -> Self {
        Self { why, deleting: meta.deletion_timestamp.is_some() }
    }
}

impl Stores {
    /// Whether an object is there and cannot be read.
    pub fn is_unreadable<K: Watched>(&self, key: &Key) -> bool {
        self.unreadable.contains_key(&(K::NAME, key.clone()))
    }

    /// Enters an object that cannot be read.
    pub fn enter_unreadable<K: Watched>(&mut self, key: &Key, found: Unreadable) -> Option<Arc<K>> {
        let old = match K::UNREADABLE_IS_GONE {
            true => K::store_mut(self).remove(key),
            false => K::store(self).get(key).cloned(),
        };
        K::enter_unreadable(self, key, true);
        self.unreadable.insert((K::NAME, key.clone()), found);
        old
    }

    /// An object can be read again, or is gone. Tells whether it was unreadable.
    pub fn leave_unreadable<K: Watched>(&mut self, key: &Key) -> bool {
        let known = self.unreadable.remove(&(K::NAME, key.clone())).is_some();
        if known {
            K::enter_unreadable(self, key, false);
        }
        known
    }
}
