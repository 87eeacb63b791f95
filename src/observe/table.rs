//! A cache of one kind with secondary indexes.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use kube::Resource;

use crate::api::Subject;
use crate::domain::Key;
use crate::domain::resource::Target;
use crate::grants::GrantKey;

/// Something by which objects are found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Term {
    /// In this namespace.
    Namespace(String),
    /// Names this AccessPackage.
    Package(Key),
    /// Names this CatalogResource.
    Resource(Key),
    /// Names this AccessRequest.
    Request(Key),
    /// Names this Assignment.
    Assignment(Key),
    /// Is for this subject.
    Subject(Subject),
    /// Binds in this namespace, or asks for it.
    Uses(String),
    /// Binds this role.
    Role(Target),
    /// Carries this grant.
    Grant(GrantKey),
    /// Has rules about separation of duties.
    Separates,
}

/// A kind that can be cached: by which terms an object is found.
pub trait Indexed: Resource {
    /// The terms of an object.
    fn terms(&self) -> Vec<Term>;
}

/// All objects of one kind.
pub struct Table<K> {
    objects: HashMap<Key, Arc<K>>,
    index: HashMap<Term, BTreeSet<Key>>,
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self { objects: HashMap::new(), index: HashMap::new() }
    }
}

/// A change of one object in the cache.
pub struct Change<K> {
    /// The version before, if there was one.
    pub old: Option<Arc<K>>,
    /// The version now.
    pub new: Arc<K>,
}

/// The version of an object as a number, as far as it is one; the API server counts upwards.
pub fn version<K: Resource>(object: &K) -> Option<u64> {
    object.meta().resource_version.as_deref()?.parse().ok()
}

impl<K: Indexed> Table<K> {
    /// An object by its key.
    pub fn get(&self, key: &Key) -> Option<&Arc<K>> {
        self.objects.get(key)
    }

    /// All objects.
    pub fn all(&self) -> impl Iterator<Item = &Arc<K>> {
        self.objects.values()
    }

    /// All keys.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.objects.keys()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Objects by a term, in the order of their keys.
    pub fn find<'t>(&'t self, term: &Term) -> impl Iterator<Item = &'t Arc<K>> + use<'t, K> {
        self.index.get(term).into_iter().flatten().filter_map(|key| self.objects.get(key))
    }

    /// Enters a version of an object; `None` when it is there already, or a later one.
    pub fn put(&mut self, object: K) -> Option<Change<K>> {
        let key = Key::of(&object);
        let old = self.objects.get(&key).cloned();
        if let Some(old) = &old
            && old.meta().uid == object.meta().uid
            && version(&**old) >= version(&object)
        {
            return None;
        }
        let new = Arc::new(object);
        self.reindex(&key, old.as_deref(), Some(&*new));
        self.objects.insert(key, new.clone());
        Some(Change { old, new })
    }

    /// Takes an object out.
    pub fn remove(&mut self, key: &Key) -> Option<Arc<K>> {
        let old = self.objects.remove(key)?;
        self.reindex(key, Some(&*old), None);
        Some(old)
    }

    fn reindex(&mut self, key: &Key, old: Option<&K>, new: Option<&K>) {
        let (before, after) = (old.map(Indexed::terms).unwrap_or_default(), new.map(Indexed::terms).unwrap_or_default());
        for term in before.iter().filter(|term| !after.contains(term)) {
            if let Some(keys) = self.index.get_mut(term) {
                keys.remove(key);
                if keys.is_empty() {
                    self.index.remove(term);
                }
            }
        }
        for term in after.into_iter().filter(|term| !before.contains(term)) {
            self.index.entry(term).or_default().insert(key.clone());
        }
    }
}
