//! What can be reconciled.

use crate::domain::Key;
use crate::domain::grant::GrantKey;
use crate::runtime::queue::{Job, Lane};
use crate::table::kinds;

use super::watched::Watched;

macro_rules! work_items {
    (reconciled { $($(#[$doc1:meta])* $field1:ident: $name:ident = $kind:ty, $scope:ident, $room:ident;)* }
     watched { $($rest:tt)* }) => {
        /// One thing to reconcile. What one change triggers is reconciled in this order: access before what is said about it, so that an edit of a
        /// package with many holders reaches all of them before the first status is written.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum WorkItem {
            /// The admission policies.
            Admission,
            /// The members of one role of one resource.
            Grant(GrantKey),
            $($(#[$doc1])* $name(Key),)*
            /// An object of this kind that cannot be read.
            Unreadable(&'static str, Key),
        }

        impl WorkItem {
            /// Its kind, as a label of metrics and logs.
            pub fn kind(&self) -> &'static str {
                match self {
                    Self::Admission => "Admission",
                    Self::Grant(_) => "Grant",
                    $(Self::$name(_) => <$kind>::NAME,)*
                    Self::Unreadable(..) => "Unreadable",
                }
            }

            /// The object, where it is one.
            fn object(&self) -> Option<&Key> {
                match self {
                    Self::Admission | Self::Grant(_) => None,
                    $(Self::$name(key) => Some(key),)*
                    Self::Unreadable(_, key) => Some(key),
                }
            }

            /// Where ordinary work of its kind lines up.
            fn own_lane(&self) -> Lane {
                match self {
                    $(Self::$name(_) => <$kind>::LANE,)*
                    Self::Admission | Self::Grant(_) | Self::Unreadable(..) => Lane::Ordinary,
                }
            }
        }
    };
}
kinds!(work_items);

impl Job for WorkItem {
    /// The catalog, by its namespace, or what has no namespace by its name: what one tenant makes waits behind what the others make.
    fn flow(&self) -> &str {
        match (self, self.object()) {
            (Self::Grant(key), _) => &key.namespace,
            (_, Some(key)) if key.namespace.is_empty() => &key.name,
            (_, Some(key)) => &key.namespace,
            (_, None) => "",
        }
    }

    fn lane(&self, pushed: Lane) -> Lane {
        if pushed == Lane::Ordinary { self.own_lane() } else { pushed }
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
