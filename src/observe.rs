//! The read side: one watch per kind, typed caches with indexes, and who has to be reconciled when something changes.
//!
//! What is decided is decided from here, so that a reconcile with nothing to do sends no request; the API server itself is asked only what no
//! watch tells: what somebody may do, what a role permits, and whether what is missing here is really gone.

mod assumed;
pub mod binding;
pub mod cache;
pub mod change;
pub mod figures;
pub mod member_index;
pub mod store;
pub mod stores;
mod trim;
pub mod unreadable;
pub mod watch;
pub mod watched;
pub mod work_item;

pub use cache::Cache;
pub use change::{Change, Delta, Triggers};
pub use stores::Stores;
pub use watched::{Kind, Watched};
pub use work_item::WorkItem;
