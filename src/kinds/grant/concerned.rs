//! Which grants a resource, a package or an assignment concerns.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::api::assignment::AssignmentPhase;
use crate::api::{AccessPackage, Assignment, CatalogResource};
use crate::domain::grant::GrantKey;
use crate::domain::holdings;
use crate::domain::meta::{name, namespace};
use crate::observe::Stores;
use crate::targets;

/// The grants that an assignment's status names.
pub fn grants_recorded(assignment: &Assignment) -> impl Iterator<Item = GrantKey> + '_ {
    let grants = assignment.status.iter().flat_map(|status| &status.grants);
    grants.map(|grant| GrantKey::new(namespace(assignment), &grant.resource, &grant.role))
}

/// The grants of a package as it is written.
pub fn grants_of(package: &AccessPackage) -> impl Iterator<Item = GrantKey> + '_ {
    package.spec.resource_roles.iter().map(|r| GrantKey::new(namespace(package), &r.resource, &r.role))
}

/// The grants of a resource as it is written.
pub fn grants_written(resource: &CatalogResource) -> impl Iterator<Item = GrantKey> + '_ {
    resource.spec.roles.iter().map(|role| GrantKey::new(namespace(resource), name(resource), &role.name))
}

impl Stores {
    /// The grants of an assignment: those of its package, and those that its status names.
    pub fn grants_of<'s>(&'s self, assignment: &'s Assignment) -> impl Iterator<Item = GrantKey> + use<'s> {
        let package = self.packages.get(&holdings::package_of(assignment));
        package.into_iter().flat_map(|package| grants_of(package)).chain(grants_recorded(assignment))
    }

    /// Every role of every resource, and every grant that somebody has.
    pub fn grant_keys(&self) -> BTreeSet<GrantKey> {
        self.resources.all().flat_map(|resource| grants_written(resource)).chain(targets::held(self).cloned()).collect()
    }

    /// The grants in which somebody's access has ended and may still be there.
    pub fn grants_that_end(&self, now: DateTime<Utc>) -> BTreeSet<GrantKey> {
        let has_ended = |a: &&Arc<Assignment>| {
            let had = a.phase().is_granting() || a.phase() == AssignmentPhase::Revoking;
            had && !holdings::gives(a, now)
        };
        let ended = self.assignments.all().filter(has_ended);
        ended.flat_map(|a| self.grants_of(a)).collect()
    }
}
