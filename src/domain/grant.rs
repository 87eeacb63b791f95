//! Grants as level-triggered sets: for each role of each resource, the subjects that should have it against the subjects that do. These
//! are the rules for every target system; what is particular to one is in [`crate::targets`].

pub mod damper;
pub mod decide;
pub mod diff;
pub mod drift;
pub mod mass_revocation;
pub mod report;

use std::collections::BTreeMap;
use std::fmt;

use crate::api::Subject;

/// One role of one CatalogResource; the unit in which grants are computed and written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantKey {
    /// Namespace of the catalog.
    pub namespace: String,
    /// Name of the CatalogResource.
    pub resource: String,
    /// Name of the role in it.
    pub role: String,
}

impl GrantKey {
    /// A key from its parts.
    pub fn new(namespace: impl Into<String>, resource: impl Into<String>, role: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), resource: resource.into(), role: role.into() }
    }
}

/// What carries members of a grant in a target system, as it was seen: one of several bindings, or a group.
#[derive(Clone, Copy, Debug)]
pub struct Carrier<'a, P> {
    /// Which role it carries, and where.
    pub place: &'a P,
    /// Its name.
    pub name: &'a str,
    /// Its members; `None` stands for one that no Subject of ours can be.
    pub members: &'a [Option<Subject>],
    /// Its marks are as we write them.
    pub intact: bool,
    /// It carries what we made it for. What it carries otherwise is drift, which nobody can confirm.
    pub genuine: bool,
}

/// What is kept of the grants of a resource, or of all in its namespace.
pub fn within<'m, V>(
    all: &'m BTreeMap<GrantKey, V>,
    namespace: &'m str,
    resource: Option<&'m str>,
) -> impl Iterator<Item = (&'m GrantKey, &'m V)> {
    let same = move |key: &GrantKey| key.namespace == namespace && resource.is_none_or(|name| key.resource == name);
    all.range(GrantKey::new(namespace, resource.unwrap_or_default(), "")..).take_while(move |(key, _)| same(key))
}

impl fmt::Display for GrantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.namespace, self.resource, self.role)
    }
}
