//! The catalog: one idea, so that both of its guards are here.

use super::{Application, Case};
use crate::domain::meta::name;
use crate::domain::refusal::{Objection, Reason};

/// A catalog that is switched off takes no requests.
pub(super) fn is_enabled<A: Application>(case: &Case<'_, A>) -> Result<(), Objection> {
    match case.catalog {
        Some(catalog) if !catalog.spec.enabled => {
            let text = format!("catalog {:?} is disabled: nothing in it can be requested now", name(catalog));
            Err(Objection::refuse(Reason::CatalogDisabled, text))
        }
        _ => Ok(()),
    }
}

/// Nothing is given outside a catalog.
pub(super) fn is_there<A: Application>(case: &Case<'_, A>) -> Result<(), Objection> {
    match case.catalog {
        Some(_) => Ok(()),
        None => Err(Objection::wait(Reason::PackageNotFound, "this namespace belongs to no Catalog that is Ready")),
    }
}
