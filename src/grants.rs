//! Grants as level-triggered sets: for each role of each resource, the subjects that should have it against the subjects that do.

pub mod damper;
pub mod decide;
pub mod joining;
pub mod mass_revocation;
pub mod name;
pub mod plan;
pub mod report;

use std::fmt;

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

impl fmt::Display for GrantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.namespace, self.resource, self.role)
    }
}
