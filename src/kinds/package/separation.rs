//! Which packages must not be held together.

use std::collections::BTreeSet;

use crate::api::{AccessPackage, Assignment};
use crate::domain::meta::namespace;
use crate::domain::separation::{self, Foe};
use crate::domain::{Key, holdings};
use crate::observe::store::IndexKey;
use crate::observe::stores::Stores;

impl Stores {
    /// Packages that must not be held together with one, in either direction.
    pub(in crate::kinds) fn incompatible(&self, package: &Key) -> Vec<Foe> {
        let names = |p: &AccessPackage| separation::named_by(p, |catalog| self.namespace_of(catalog));
        let named = self.packages.get(package).map(|p| names(p)).unwrap_or_default();
        let own = self.catalog_of(&package.namespace);
        let outside =
            own.and_then(|c| c.metadata.name.clone()).map(|catalog| IndexKey::ExcludesIn(catalog, package.name.clone()));
        let terms = outside.into_iter().chain([IndexKey::Excludes(package.clone())]);
        let others: BTreeSet<Key> = terms.flat_map(|index_key| self.packages.find(&index_key)).map(|p| Key::of(&**p)).collect();
        let honored = own.map(|c| c.spec.honors_separation_from.as_slice()).unwrap_or_default();
        let binds = |other: &Key| {
            let stating = self.catalog_of(&other.namespace).and_then(|c| c.metadata.name.as_ref());
            other.namespace == package.namespace || stating.is_some_and(|catalog| honored.contains(catalog))
        };
        separation::foes(named, others.into_iter().map(|other| (other.clone(), binds(&other))))
    }

    /// What a package names as incompatible and does not exist.
    pub fn unknown_foes(&self, package: &AccessPackage) -> Vec<String> {
        let own = namespace(package);
        let references = package.spec.incompatible_with.iter().flat_map(|rule| &rule.access_packages);
        let unknown = references.filter_map(|reference| {
            let (namespace, of) = match &reference.catalog {
                None => (own.to_owned(), String::new()),
                Some(catalog) => match self.namespace_of(catalog) {
                    None => return Some(format!("catalog {catalog:?}")),
                    Some(namespace) => (namespace, format!(" of catalog {catalog:?}")),
                },
            };
            let found = self.packages.get(&Key::new(namespace, &reference.name));
            found.is_none().then(|| format!("access package {:?}{of}", reference.name))
        });
        unknown.collect()
    }

    /// Whether the subject of an assignment asked for it in person.
    pub(in crate::kinds) fn is_in_person(&self, assignment: &Assignment) -> bool {
        let spec = &assignment.spec;
        let request = spec.access_request.as_ref().and_then(|name| self.requests.get(&Key::new(namespace(assignment), name)));
        request.is_some_and(|r| r.metadata.uid == spec.access_request_uid && holdings::is_in_person(r))
    }
}
