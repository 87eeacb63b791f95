//! Catalogs and their packages.

use entitlement_operator::api::access_package::{IncompatibleWith, PackageReference, PackageRole};
use entitlement_operator::api::catalog::NotedOwner;
use entitlement_operator::api::condition::{self, READY, State};
use entitlement_operator::api::time::to_meta;
use entitlement_operator::api::{
    AccessPackage, AccessPackageSpec, AccessPackageStatus, Catalog, CatalogSpec, CatalogStatus, Subject,
};

use super::people::at;

/// Namespace of the catalog in which most stories play.
pub const PAYMENTS: &str = "catalog-payments";
/// Namespace of another catalog.
pub const AUDIT: &str = "catalog-audit";

/// An object as the API server stores it: at the beginning of time, in its first generation.
pub fn stored<K: kube::Resource>(mut object: K, namespace: &str) -> K {
    let meta = object.meta_mut();
    meta.uid = Some(format!("uid-{}", meta.name.clone().unwrap_or_default()));
    meta.namespace = Some(namespace.to_owned()).filter(|namespace| !namespace.is_empty());
    meta.generation = Some(1);
    meta.creation_timestamp = Some(to_meta(at(0)));
    object
}

/// A catalog that is enabled, and owns the namespace `catalog-<name>`.
pub fn catalog(name: &str) -> Catalog {
    let mut catalog = stored(Catalog::new(name, CatalogSpec { enabled: true, ..CatalogSpec::default() }), "");
    catalog.status = Some(CatalogStatus { namespace: Some(format!("catalog-{name}")), ..CatalogStatus::default() });
    catalog
}

/// What a catalog can be besides.
pub trait CatalogWords {
    fn disabled(self) -> Self;
    fn owned_by(self, owners: &[Subject]) -> Self;
}

impl CatalogWords for Catalog {
    fn disabled(mut self) -> Self {
        self.spec.enabled = false;
        self
    }

    fn owned_by(mut self, owners: &[Subject]) -> Self {
        self.spec.owners = owners.to_vec();
        let noted = |subject: &Subject| NotedOwner { subject: subject.clone(), since: at(0) };
        self.status.get_or_insert_default().owners = owners.iter().map(noted).collect();
        self
    }
}

/// A package of the catalog payments that is Ready.
pub fn package(name: &str) -> AccessPackage {
    stored(AccessPackage::new(name, AccessPackageSpec::default()), PAYMENTS).ready(true)
}

/// What a package can be besides.
pub trait PackageWords {
    fn ready(self, ready: bool) -> Self;
    fn with_role(self, resource: &str, role: &str) -> Self;
    fn not_with(self, catalog: Option<&str>, package: &str) -> Self;
    fn not_for_group(self, group: &str) -> Self;
}

impl PackageWords for AccessPackage {
    fn ready(mut self, ready: bool) -> Self {
        let mut status = AccessPackageStatus::default();
        let generation = self.metadata.generation.unwrap_or_default();
        condition::set(&mut status.conditions, READY, State::from(ready), "Said", "", generation, at(0));
        self.status = Some(status);
        self
    }

    fn with_role(mut self, resource: &str, role: &str) -> Self {
        self.spec.resource_roles.push(PackageRole { resource: resource.to_owned(), role: role.to_owned() });
        self
    }

    fn not_with(mut self, catalog: Option<&str>, package: &str) -> Self {
        let rule = self.spec.incompatible_with.get_or_insert_with(IncompatibleWith::default);
        rule.access_packages.push(PackageReference { catalog: catalog.map(str::to_owned), name: package.to_owned() });
        self
    }

    fn not_for_group(mut self, group: &str) -> Self {
        self.spec.incompatible_with.get_or_insert_with(IncompatibleWith::default).groups.push(group.to_owned());
        self
    }
}
