//! AccessPackage: can all of its roles be granted?
//!
//! | what is found | Ready |
//! |---|---|
//! | it is being deleted, and has live assignments or pending requests | `False`, `InUse`; they are waited for |
//! | it is being deleted, and has none | `False`, `InUse`; its finalizer goes |
//! | its namespace belongs to no Catalog | `False`, `NoCatalog` |
//! | a resource does not exist | `False`, `ResourceNotFound` |
//! | a resource has no such role, or cannot be read | `False`, `RoleNotInResource` |
//! | a role is not judged yet in one of its places | `False`, `NotYetJudged` |
//! | a role may not be granted in one of its places | `False`, `ResourceNotReady` |
//! | none of that | `True` |
//!
//! Beside Ready stand, while they hold, `IncompatibleNotFound` and `MassRevocationHeld`.

use chrono::{DateTime, Utc};

use crate::api::access_package::{
    INCOMPATIBLE_NOT_FOUND, NOT_FOUND, RESOURCE_NOT_FOUND, RESOURCE_NOT_READY, ROLE_NOT_IN_RESOURCE, events,
};
use crate::api::condition::shared::NOT_YET_JUDGED;
use crate::api::{AccessPackage, AccessPackageStatus};

use super::meta::generation;
use super::plan::Plan;
use super::readiness::{Wrong, deletion, in_catalog, mass_revocation_held, set_ready, while_it_holds};
use super::resource::{Cluster, Grantable, Offer, Standing, grantable};

/// What a package is reconciled from.
pub struct Input<'a> {
    /// The package.
    pub package: &'a AccessPackage,
    /// Finds a CatalogResource of the same catalog by name.
    pub offer: &'a dyn Fn(&str) -> Option<&'a Offer>,
    /// What the resources stand on.
    pub cluster: &'a dyn Cluster,
    /// Whether a Catalog owns the namespace.
    pub has_catalog: bool,
    /// How many requests for it have not ended.
    pub pending_requests: usize,
    /// How many of its assignments were accepted and have not ended.
    pub live_assignments: usize,
    /// What it names as incompatible and does not exist, as people read it.
    pub unknown_incompatible: Vec<String>,
    /// Roles that an edit of it would take from many, each with the number of subjects; `None`: that is not known yet, and what the status
    /// says of it stands.
    pub waiting_revocations: Option<Vec<(String, usize)>>,
}

/// Decides what becomes of a package.
pub fn decide(input: &Input<'_>, now: DateTime<Utc>) -> Plan<AccessPackageStatus> {
    let package = input.package;
    let mut plan = Plan::unchanged(&package.status);
    let users = [(input.live_assignments, "live assignment(s)"), (input.pending_requests, "pending request(s)")];
    let deletion = deletion(package, &users);
    plan.effects.extend(deletion.finalizer);
    plan.status.observed_generation = Some(generation(package));
    plan.status.pending_requests = i32::try_from(input.pending_requests).unwrap_or(i32::MAX);
    plan.status.live_assignments = i32::try_from(input.live_assignments).unwrap_or(i32::MAX);
    let found = deletion.ready.and_then(|()| in_catalog(input.has_catalog)).and_then(|()| every_role(input));
    set_ready(&mut plan.status.conditions, &mut plan.notices, found, generation(package), now);
    incompatible_found(input, &mut plan, now);
    if let Some(waiting) = &input.waiting_revocations {
        mass_revocation_held(&mut plan.status.conditions, &mut plan.notices, package, waiting, now);
    }
    plan
}

fn every_role(input: &Input<'_>) -> Result<(), Wrong> {
    for wanted in &input.package.spec.resource_roles {
        let found = grantable(wanted, (input.offer)(&wanted.resource));
        if let Some(text) = found.problem(wanted) {
            let reason = if matches!(found, Grantable::NoResource) { RESOURCE_NOT_FOUND } else { ROLE_NOT_IN_RESOURCE };
            return Err(Wrong::new(reason, text));
        }
        let closed = found.places().iter().find_map(|place| match found.in_place(place, input.cluster) {
            Standing::Open => None,
            Standing::Held(why) | Standing::Void(why) => Some(why),
            Standing::Leaving => Some(String::new()),
        });
        if let Some(why) = closed {
            let (reason, why) =
                if why.is_empty() { (NOT_YET_JUDGED, "not judged yet") } else { (RESOURCE_NOT_READY, why.as_str()) };
            let text = format!("role {:?} of catalog resource {:?} is not ready: {why}", wanted.role, wanted.resource);
            return Err(Wrong::new(reason, text));
        }
    }
    Ok(())
}

/// Tells of packages and catalogs that a package names as incompatible and that do not exist: a misspelt name bars nobody.
fn incompatible_found(input: &Input<'_>, plan: &mut Plan<AccessPackageStatus>, now: DateTime<Utc>) {
    let unknown = &input.unknown_incompatible;
    let text = || format!("incompatibleWith names what does not exist, and so bars nothing: {}", unknown.join(", "));
    let (message, sign) = ((!unknown.is_empty()).then(text), (INCOMPATIBLE_NOT_FOUND, NOT_FOUND, events::INCOMPATIBLE_NOT_FOUND));
    while_it_holds(&mut plan.status.conditions, &mut plan.notices, sign, message, generation(input.package), now);
}
