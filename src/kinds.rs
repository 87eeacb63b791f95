//! A room for each kind: how it is found, what of it is cached, on what it depends, what its rules see, what the API server is asked for it, and
//! how it is reconciled. No business rule lives here; what a kind is on the wire is in [`crate::api`], what follows from it in [`crate::domain`].
//!
//! The kinds are listed once, in the table of kinds (`src/table.rs`).

mod admission;
mod assignment;
mod catalog;
mod context;
mod decision;
pub mod grant;
mod holdings;
mod namespace;
mod package;
mod policy;
mod request;
mod resource;
mod unreadable;

pub use catalog::DEFAULT as DEFAULT_CATALOG;
pub use context::{Context, Settings};

use std::sync::Arc;

use crate::domain::Key;
use crate::error::Error;
use crate::observe::store::{IndexKey, Indexed, Store};
use crate::observe::{Change, Kind, Stores, Triggers, WorkItem};
use crate::runtime::queue::{Action, Queue};
use crate::runtime::telemetry::Metrics;
use crate::runtime::worker::Reconciler;
use crate::table::kinds;

/// Something that is done with each kind.
pub trait EachKind {
    /// Does it with one.
    fn kind<K: Kind>(&mut self);
}

macro_rules! rooms {
    (reconciled { $($(#[$doc1:meta])* $field1:ident: $name:ident = $kind1:ty, $scope:ident, $room:ident;)* }
     watched { $($(#[$doc2:meta])* $field2:ident: $name2:ident = $kind2:ty;)* }) => {
        /// Does something with each kind that is watched.
        pub fn each(visitor: &mut impl EachKind) {
            $(visitor.kind::<$kind1>();)*
            $(visitor.kind::<$kind2>();)*
        }

        /// Asks each kind what of it depends on a change; see [`crate::observe::change::Dependents`].
        pub fn dependents(stores: &Stores, change: &Change<'_>, triggers: &mut Triggers) {
            admission::dependents(change, triggers);
            grant::dependents(stores, change, triggers);
            $($room::dependents(stores, change, triggers);)*
        }

        impl Reconciler for Context {
            type Item = WorkItem;

            fn queue(&self) -> &Queue<WorkItem> {
                &self.cache.queue
            }

            fn metrics(&self) -> &Metrics {
                &self.metrics
            }

            fn kind(work: &WorkItem) -> &'static str {
                work.kind()
            }

            async fn reconcile(self: Arc<Self>, work: WorkItem) -> Result<Action, Error> {
                let context = &*self;
                match work {
                    WorkItem::Admission => admission::reconcile(context).await,
                    WorkItem::Grant(key) => grant::reconcile(context, &key).await,
                    // What cannot be read is told of by itself; what is planned from its last version would be refused.
                    $(WorkItem::$name(key) if context.cache.read().is_unreadable::<$kind1>(&key) => Ok(Action::AwaitChange),)*
                    $(WorkItem::$name(key) => $room::reconcile(context, &key).await,)*
                    WorkItem::Unreadable(kind, key) => unreadable::reconcile(context, kind, &key).await,
                }
            }
        }
    };
}
kinds!(rooms);

/// Keys of the objects that an index key finds.
fn keys<K: Indexed>(store: &Store<K>, index_key: &IndexKey) -> Vec<Key> {
    store.find(index_key).map(|object| Key::of(&**object)).collect()
}
