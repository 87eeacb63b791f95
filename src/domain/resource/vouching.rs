//! Whether the API server vouches that the authors of a role wrote it as it is.
//!
//! While the admission policies are not in force, anybody who may write a resource can write it in any name. When a role was written is not
//! recorded, so what was not judged before such a time, or in it, is not believed after it.

use chrono::{DateTime, Utc};

use crate::api::CatalogResource;
use crate::api::time::created;
use crate::domain::Trust;
use crate::domain::schedule::show;

use super::offer::{Offer, OfferedRole};

/// Why a role that was not judged as it is written is not believed, if so. `open`: it was among [`stands_open`] when the policies came into
/// force.
pub fn doubt(resource: &CatalogResource, role: &OfferedRole, trust: &Trust, open: bool) -> Option<String> {
    if role.is_settled() {
        return None;
    }
    if let Some(objection) = trust.objection() {
        return Some(format!("it was written while the admission policies were not in force ({objection})"));
    }
    let Trust::Enforced { since } = trust else { return None };
    if open {
        return Some(format!(
            "nobody saw it written before the admission policies were in force as they are now ({})",
            show(*since)
        ));
    }
    // When an older object was edited is not known, but it was seen, and not open when the policies came into force.
    let old = is_new(resource) && created(resource) < *since;
    let text =
        || format!("it was created at {}, before the admission policies were in force as they are now", show(created(resource)));
    old.then(|| format!("{} ({})", text(), show(*since)))
}

/// Roles that are not judged as they are written, and may have been written while the admission policies were not in force, at the moment
/// from which they are; by name and digest. `watched`: we saw that they were not; else the policies may have changed while no operator ran, and
/// did if they are others than when an author was judged the last time.
pub fn stands_open(resource: &CatalogResource, offer: &Offer, since: DateTime<Utc>, watched: bool) -> Vec<(String, String)> {
    let before = resource.status.as_ref().and_then(|s| s.identity_enforced_since);
    if !watched && (is_new(resource) || before == Some(since)) {
        return Vec::new();
    }
    let open = offer.roles.iter().filter(|(_, role)| !role.is_settled());
    open.map(|(name, role)| (name.clone(), role.digest.clone())).collect()
}

/// Nothing was ever said of an author.
fn is_new(resource: &CatalogResource) -> bool {
    resource.status.as_ref().is_none_or(|status| status.roles.is_empty())
}
