//! The read side: one watch per kind, typed caches with indexes, and who has to be reconciled when something changes.
//!
//! What is decided is decided from here, so that a reconcile with nothing to do sends no request; the API server itself is asked only what no
//! watch tells: what somebody may do, what a role permits, and whether what is missing here is really gone.

pub mod admission;
mod assumed;
pub mod binding;
pub mod cache;
pub mod figures;
pub mod gather;
pub mod grants;
pub mod store;
pub mod stores;
pub mod triggers;
mod trim;
pub mod unreadable;
pub mod watch;

pub use cache::Cache;
pub use stores::Stores;

use crate::domain::Key;
use crate::domain::grant::GrantKey;
use crate::runtime::queue::{Job, Lane};

/// One thing to reconcile. What one change triggers is reconciled in this order: access before what is said about it, so that an edit of a
/// package with many holders reaches all of them before the first status is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkItem {
    /// The admission policies.
    Admission,
    /// The bindings of one role of one resource.
    Grant(GrantKey),
    /// A Catalog, by name.
    Catalog(Key),
    /// A CatalogResource.
    Resource(Key),
    /// An AccessPackage.
    Package(Key),
    /// A Policy.
    Policy(Key),
    /// An AccessRequest.
    Request(Key),
    /// An ApprovalDecision.
    Decision(Key),
    /// An Assignment.
    Assignment(Key),
    /// An object of this kind that cannot be read.
    Unreadable(&'static str, Key),
}

impl WorkItem {
    /// Its kind, as a label of metrics and logs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Catalog(_) => "Catalog",
            Self::Resource(_) => "CatalogResource",
            Self::Package(_) => "AccessPackage",
            Self::Policy(_) => "Policy",
            Self::Request(_) => "AccessRequest",
            Self::Decision(_) => "ApprovalDecision",
            Self::Assignment(_) => "Assignment",
            Self::Grant(_) => "Grant",
            Self::Admission => "Admission",
            Self::Unreadable(..) => "Unreadable",
        }
    }
}

impl WorkItem {
    /// The object, where it is one.
    fn object(&self) -> Option<&Key> {
        match self {
            Self::Catalog(key)
            | Self::Resource(key)
            | Self::Package(key)
            | Self::Policy(key)
            | Self::Request(key)
            | Self::Decision(key)
            | Self::Assignment(key)
            | Self::Unreadable(_, key) => Some(key),
            Self::Grant(_) | Self::Admission => None,
        }
    }
}

impl Job for WorkItem {
    /// The catalog, by its namespace: what one tenant makes waits behind what the others make.
    fn flow(&self) -> &str {
        match self {
            Self::Grant(key) => &key.namespace,
            Self::Catalog(key) => &key.name,
            other => other.object().map_or("", |key| &key.namespace),
        }
    }

    fn lane(&self, pushed: Lane) -> Lane {
        if pushed == Lane::Ordinary && matches!(self, Self::Resource(_)) { Lane::Asking } else { pushed }
    }
}

impl std::fmt::Display for WorkItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self, self.object()) {
            (Self::Grant(key), _) => key.fmt(f),
            (_, Some(key)) => key.fmt(f),
            (_, None) => f.write_str("admission policies"),
        }
    }
}
