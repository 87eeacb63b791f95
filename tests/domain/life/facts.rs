//! What is so, read from what is stored and without the operator's words.

use entitlement_operator::api::access_package::PackageRole;
use entitlement_operator::api::{AccessPackage, AccessRequest, ApprovalDecision, Assignment};
use entitlement_operator::domain::Key;
use entitlement_operator::domain::holdings::package_of;
use entitlement_operator::domain::separation::{Foe, foes};

use super::rules::GrantKey;
use super::store::Store;

/// Whether a decision names a request.
pub fn asks_about(decision: &ApprovalDecision, request: &Key) -> bool {
    request_of(decision) == *request
}

/// The request that a decision is about.
pub fn request_of(decision: &ApprovalDecision) -> Key {
    Key::new(decision.metadata.namespace.clone().unwrap_or_default(), &decision.spec.access_request)
}

impl Store {
    /// Packages that must not be held together with one, whichever of the two says so.
    pub fn incompatible(&self, package: &Key) -> Vec<Foe> {
        let names = |key: &Key, found: &AccessPackage| -> Vec<Key> {
            let references = found.spec.incompatible_with.iter().flat_map(|rule| &rule.access_packages);
            let namespace = |catalog: &Option<String>| match catalog {
                Some(catalog) => format!("catalog-{catalog}"),
                None => key.namespace.clone(),
            };
            references.map(|r| Key::new(namespace(&r.catalog), &r.name)).collect()
        };
        let packages = &self.api.packages;
        let own = packages.get(package).map(|found| names(package, found)).unwrap_or_default();
        let others = packages.iter().filter(|(key, found)| names(key, found).contains(package)).map(|(key, _)| key.clone());
        foes(own, others.map(|other| (other.clone(), other.namespace == package.namespace)))
    }

    /// The request that an assignment came from, when it still exists.
    pub fn origin(&self, key: &Key, assignment: &Assignment) -> Option<&AccessRequest> {
        let name = assignment.spec.access_request.as_deref()?;
        let found = self.api.requests.get(&Key::new(&key.namespace, name));
        found.filter(|r| r.metadata.uid == assignment.spec.access_request_uid)
    }

    /// Assignments whose package has a role.
    pub fn givers<'a>(&'a self, grant: &'a GrantKey) -> impl Iterator<Item = &'a Assignment> {
        let role = PackageRole { resource: grant.resource.clone(), role: grant.role.clone() };
        let content =
            |package: &Key| self.api.packages.get(package).map(|p| p.spec.resource_roles.as_slice()).unwrap_or_default();
        let has = move |a: &&Assignment| {
            a.metadata.namespace.as_deref() == Some(&grant.namespace) && content(&package_of(a)).contains(&role)
        };
        self.api.assignments.values().filter(has)
    }
}
