//! What is seen of a catalog: its namespace, its people, and who asks and decides in it.

use std::collections::BTreeMap;

use crate::api::access_request::PinnedPolicy;
use crate::api::{Catalog, Policy};
use crate::domain::Key;
use crate::domain::catalog::{self, Offering};
use crate::observe::store::IndexKey;
use crate::observe::stores::Stores;

impl Stores {
    /// For [`catalog::decide`].
    pub fn catalog_input<'a>(&'a self, catalog: &'a Catalog) -> catalog::Input<'a> {
        let namespace = catalog.wanted_namespace();
        let index_key = IndexKey::Namespace(namespace.clone());
        let bindings = self.role_bindings.find(&index_key).map(|b| (b.metadata.name.clone().unwrap_or_default(), &**b));
        catalog::Input {
            catalog,
            namespace: self.namespaces.get(&Key::new("", &namespace)).map(|n| &**n),
            bindings: bindings.collect(),
            packages: self.packages.find(&index_key).count(),
            resources: self.resources.find(&index_key).count(),
            policies: self.policies.find(&index_key).map(|p| self.offering(p)).collect(),
            waiting: self.waiting(&namespace),
            last_failure: None,
        }
    }

    fn offering<'a>(&self, policy: &'a Policy) -> Offering<'a> {
        Offering { policy, in_use: policy.spec.enabled || self.is_in_use(policy) }
    }

    /// Whether somebody has something under way under a policy: they must be able to read it, to withdraw it or to give it back.
    fn is_in_use(&self, policy: &Policy) -> bool {
        let under = IndexKey::Policy(Key::of(policy));
        self.requests.find(&under).next().is_some() || self.assignments.find(&under).next().is_some()
    }

    /// The terms of requests that wait for approval, each version of a policy once.
    fn waiting(&self, namespace: &str) -> Vec<&PinnedPolicy> {
        let pinned =
            self.requests.find(&IndexKey::Waiting(namespace.to_owned())).filter_map(|r| r.status.as_ref()?.policy.as_ref());
        let versions: BTreeMap<(&str, i64), &PinnedPolicy> = pinned.map(|p| ((p.uid.as_str(), p.generation), p)).collect();
        versions.into_values().collect()
    }
}
