//! What must be said of each kind that is watched, apart from who depends on it. Each kind has its room in `src/kinds`.

use std::fmt::Debug;

use kube::Resource;
use serde::de::DeserializeOwned;

use crate::domain::Key;
use crate::runtime::queue::Lane;

use super::change::{Change, Delta};
use super::store::{Indexed, Store};
use super::stores::Stores;

/// A kind that has a store; made from the table of kinds.
pub trait Stored: Sized {
    /// Its store.
    fn store(stores: &Stores) -> &Store<Self>;
    /// Its store, to write.
    fn store_mut(stores: &mut Stores) -> &mut Store<Self>;
    /// A change of one of its objects.
    fn change(delta: Delta<'_, Self>) -> Change<'_>;
}

/// A kind that is watched.
pub trait Watched: Indexed + Stored {
    /// Its kind.
    const NAME: &'static str;

    /// The times in its `managedFields` are of use; of other kinds they are not kept.
    const DATED: bool = false;

    /// One that cannot be read counts as one that is not there; otherwise its last version that could be read stays.
    const UNREADABLE_IS_GONE: bool = false;

    /// Where its ordinary work lines up.
    const LANE: Lane = Lane::Ordinary;

    /// Whether the object matters to us; others are not kept.
    fn matters(&self) -> bool {
        true
    }

    /// Lets go of what nobody reads.
    fn trim(&mut self) {}

    /// Keeps, as long as it is so, that an object cannot be read.
    fn enter_unreadable(_: &mut Stores, _: &Key, _: bool) {}

    /// Enters a change into what else the caches keep of it.
    fn derive(_: &mut Stores, _: Delta<'_, Self>) {}
}

/// A kind that is watched, with all that it takes to read it.
pub trait Kind: Watched + Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static {}

impl<K: Watched + Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static> Kind for K {}
