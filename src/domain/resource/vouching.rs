//! Whether the API server vouches that the author of a resource wrote its spec as it is.
//!
//! While the admission policies are not in force, anybody who may write a resource can write it in any name. When a spec was written is not
//! recorded, so what was not judged before such a time, or in it, is not believed after it.

use chrono::{DateTime, Utc};

use crate::api::CatalogResource;
use crate::api::catalog_resource::AUTHORIZED;
use crate::api::condition;
use crate::api::time::created;
use crate::domain::schedule::show;

use super::judged;

/// Why a spec that has not been judged yet is not believed, if so. `objection`: the admission policies are not in force now. `since`: they
/// are, since that instant; none: nobody wants to know. `open`: it was [`stands_open`] when they came into force.
pub fn doubt(resource: &CatalogResource, objection: Option<&str>, since: Option<DateTime<Utc>>, open: bool) -> Option<String> {
    if judged(resource).is_some() {
        return None;
    }
    if let Some(objection) = objection {
        return Some(format!("it was written while the admission policies were not in force ({objection})"));
    }
    let since = since?;
    if open {
        return Some(format!(
            "nobody saw it written before the admission policies were in force as they are now ({})",
            show(since)
        ));
    }
    // When an older object was edited is not known, but it was seen, and not open when the policies came into force.
    let old = is_new(resource) && created(resource) < since;
    let text =
        || format!("it was created at {}, before the admission policies were in force as they are now", show(created(resource)));
    old.then(|| format!("{} ({})", text(), show(since)))
}

/// Whether a spec that is not judged may have been written while the admission policies were not in force, at the moment from which they
/// are. `watched`: we saw that they were not; else the policies may have changed while nobody looked, and did if they are others than when
/// the author was judged the last time.
pub fn stands_open(resource: &CatalogResource, since: DateTime<Utc>, watched: bool) -> bool {
    let before = resource.status.as_ref().and_then(|s| s.vouched_since);
    judged(resource).is_none() && (watched || !is_new(resource) && before != Some(since))
}

/// Nothing was ever said of an author.
fn is_new(resource: &CatalogResource) -> bool {
    resource.status.as_ref().and_then(|s| condition::get(&s.conditions, AUTHORIZED)).is_none()
}
