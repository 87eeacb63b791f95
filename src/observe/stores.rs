//! Everything that is known of the cluster.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::api::Catalog;
use crate::api::catalog_resource::RoleKind;
use crate::domain::Key;
use crate::domain::resource::{Cluster, Offer, Scope, Target};
use crate::table::kinds;

use super::change::{Change, Delta};
use super::member_index::MemberIndex;
use super::store::{IndexKey, Store};
use super::unreadable::Unreadable;
use super::watched::Stored;

macro_rules! stores {
    (reconciled { $($(#[$doc1:meta])* $field1:ident: $name1:ident = $kind1:ty, $scope:ident, $room:ident;)* }
     watched { $($(#[$doc2:meta])* $field2:ident: $name2:ident = $kind2:ty;)* }) => {
        /// The caches of all kinds.
        #[derive(Default)]
        pub struct Stores {
            $($(#[$doc1])* pub $field1: Store<$kind1>,)*
            $($(#[$doc2])* pub $field2: Store<$kind2>,)*
            /// CatalogResources, parsed.
            pub offers: HashMap<Key, Arc<Offer>>,
            /// What our bindings say, by grant and by subject.
            pub members: MemberIndex,
            /// Objects that cannot be read, by kind and key.
            pub unreadable: BTreeMap<(&'static str, Key), Unreadable>,
            /// Requests and assignments that were accepted a moment ago and whose status is being written: others must count them already.
            pub assumed: HashSet<(&'static str, Key)>,
        }

        $(stored!($field1: $name1 = $kind1);)*
        $(stored!($field2: $name2 = $kind2);)*
    };
}

macro_rules! stored {
    ($field:ident: $name:ident = $kind:ty) => {
        impl Stored for $kind {
            fn store(stores: &Stores) -> &Store<Self> {
                &stores.$field
            }

            fn store_mut(stores: &mut Stores) -> &mut Store<Self> {
                &mut stores.$field
            }

            fn change(delta: Delta<'_, Self>) -> Change<'_> {
                Change::$name(delta)
            }
        }
    };
}
kinds!(stores);

impl Stores {
    /// The catalog that owns a namespace.
    pub fn catalog_of(&self, namespace: &str) -> Option<&Catalog> {
        let owner = self.catalogs.find(&IndexKey::Uses(namespace.to_owned())).find(|c| c.namespace() == Some(namespace));
        owner.map(|c| &**c)
    }

    /// The namespace of a catalog, by its name.
    pub fn namespace_of(&self, catalog: &str) -> Option<String> {
        self.catalogs.get(&Key::new("", catalog))?.namespace().map(str::to_owned)
    }

    /// A resource, parsed.
    pub fn offer(&self, resource: &Key) -> Option<&Offer> {
        self.offers.get(resource).map(|offer| &**offer)
    }
}

impl Cluster for Stores {
    fn namespace_uid(&self, name: &str) -> Option<String> {
        self.namespaces.get(&Key::new("", name))?.metadata.uid.clone()
    }

    fn is_closing(&self, name: &str) -> bool {
        self.namespaces.get(&Key::new("", name)).is_some_and(|n| n.metadata.deletion_timestamp.is_some())
    }

    fn role_uid(&self, target: &Target) -> Option<String> {
        match (&target.scope, target.role.kind) {
            (Scope::Namespace(namespace), RoleKind::Role) => {
                self.roles.get(&Key::new(namespace, &target.role.name))?.metadata.uid.clone()
            }
            (_, RoleKind::ClusterRole) => self.cluster_roles.get(&Key::new("", &target.role.name))?.metadata.uid.clone(),
            (Scope::Cluster, RoleKind::Role) => None,
        }
    }

    fn catalog_uid(&self, namespace: &str) -> Option<String> {
        self.catalog_of(namespace)?.metadata.uid.clone()
    }
}
