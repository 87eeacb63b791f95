//! A cache of one kind with secondary indexes.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use kube::Resource;

use crate::api::Subject;
use crate::domain::Key;
use crate::domain::resource::Target;

/// Something by which objects are found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IndexKey {
    /// In this namespace.
    Namespace(String),
    /// Names this AccessPackage.
    Package(Key),
    /// Names this CatalogResource.
    Resource(Key),
    /// Names this AccessRequest.
    Request(Key),
    /// Named this AccessRequest, and did not count.
    Settled(Key),
    /// Was asked for by this user.
    Requestor(String),
    /// Waits for approval in this namespace.
    Waiting(String),
    /// Has something under way under this Policy.
    Policy(Key),
    /// Names this Assignment.
    Assignment(Key),
    /// Is for this subject.
    Subject(Subject),
    /// Binds in this namespace, or asks for it.
    Uses(String),
    /// Binds this role.
    Role(Target),
    /// Has rules about separation of duties.
    Separates,
    /// Must not be held with this AccessPackage of the same catalog.
    Excludes(Key),
    /// Must not be held with the AccessPackage of this name in the Catalog of the first name.
    ExcludesIn(String, String),
}

/// A kind that can be cached.
pub trait Indexed: Resource {
    /// By what an object is found, beside its key.
    fn index_keys(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}

/// All objects of one kind. Keys are shared: there are many objects, each is found by several terms, and a node of a [`BTreeSet`]
/// has room for eleven.
pub struct Store<K> {
    objects: HashMap<Arc<Key>, Arc<K>>,
    index: HashMap<IndexKey, BTreeSet<Arc<Key>>>,
}

impl<K> Default for Store<K> {
    fn default() -> Self {
        Self { objects: HashMap::new(), index: HashMap::new() }
    }
}

/// What entering an object changed.
pub struct Entered<K> {
    /// The version before, if there was one.
    pub old: Option<Arc<K>>,
    /// The version now.
    pub new: Arc<K>,
}

/// The version of an object as a number, as far as it is one; the API server counts upwards.
pub fn version<K: Resource>(object: &K) -> Option<u64> {
    object.meta().resource_version.as_deref()?.parse().ok()
}

impl<K: Indexed> Store<K> {
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
        self.objects.keys().map(|key| &**key)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Objects by an index key, in the order of their keys.
    pub fn find<'t>(&'t self, index_key: &IndexKey) -> impl Iterator<Item = &'t Arc<K>> + use<'t, K> {
        self.index.get(index_key).into_iter().flatten().filter_map(|key| self.objects.get(key))
    }

    /// Enters a version of an object; `None` when it is there already, or a later one.
    pub fn put(&mut self, object: K) -> Option<Entered<K>> {
        let key = Key::of(&object);
        let (key, old) = match self.objects.get_key_value(&key) {
            Some((key, old)) => (key.clone(), Some(old.clone())),
            None => (Arc::new(key), None),
        };
        if let Some(old) = &old
            && old.meta().uid == object.meta().uid
            && version(&**old) >= version(&object)
        {
            return None;
        }
        let new = Arc::new(object);
        self.reindex(&key, old.as_deref(), Some(&*new));
        self.objects.insert(key, new.clone());
        Some(Entered { old, new })
    }

    /// Takes an object out.
    pub fn remove(&mut self, key: &Key) -> Option<Arc<K>> {
        let (key, old) = self.objects.remove_entry(key)?;
        self.reindex(&key, Some(&*old), None);
        Some(old)
    }

    fn reindex(&mut self, key: &Arc<Key>, old: Option<&K>, new: Option<&K>) {
        let (before, after) =
            (old.map(Indexed::index_keys).unwrap_or_default(), new.map(Indexed::index_keys).unwrap_or_default());
        for index_key in before.iter().filter(|index_key| !after.contains(index_key)) {
            if let Some(keys) = self.index.get_mut(index_key) {
                keys.remove(key);
                if keys.is_empty() {
                    self.index.remove(index_key);
                }
            }
        }
        for index_key in after.into_iter().filter(|index_key| !before.contains(index_key)) {
            self.index.entry(index_key).or_default().insert(key.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::{Policy, PolicySpec};

    fn policy(name: u8, package: u8, version: u64) -> Option<Policy> {
        let spec = serde_json::json!({
            "accessPackage": format!("p{package}"), "requestors": {"scope": "None"}, "expiration": {"never": true},
        });
        let mut policy = Policy::new(&format!("n{name}"), serde_json::from_value::<PolicySpec>(spec).ok()?);
        policy.metadata.namespace = Some("space".to_owned());
        policy.metadata.resource_version = Some(version.to_string());
        Some(policy)
    }

    proptest! {
        /// Whatever comes and goes, in whatever order of versions, the index finds what a scan finds.
        #[test]
        fn the_index_agrees_with_a_scan(steps in proptest::collection::vec((0..6_u8, 0..3_u8, 0..40_u64, any::<bool>()), 1..60)) {
            let mut store = Store::<Policy>::default();
            for (name, package, version, stays) in steps {
                match stays {
                    true => drop(policy(name, package, version).and_then(|policy| store.put(policy))),
                    false => drop(store.remove(&Key::new("space", format!("n{name}")))),
                }
                for package in 0..3_u8 {
                    let key = Key::new("space", format!("p{package}"));
                    let found: BTreeSet<Key> = store.find(&IndexKey::Package(key.clone())).map(|p| Key::of(&**p)).collect();
                    let scanned = store.all().filter(|p| p.spec.access_package == key.name).map(|p| Key::of(&**p)).collect();
                    prop_assert_eq!(found, scanned);
                }
            }
        }

        #[test]
        fn an_older_version_never_replaces_a_newer_one(first in 0..100_u64, second in 0..100_u64) {
            let mut store = Store::<Policy>::default();
            store.put(policy(0, 0, first).ok_or_else(|| TestCaseError::fail("a policy"))?);
            let changed = store.put(policy(0, 1, second).ok_or_else(|| TestCaseError::fail("a policy"))?).is_some();
            prop_assert_eq!(changed, second > first);
        }
    }
}
