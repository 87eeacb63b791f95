//! What the subject holds of the package, and asks for of it: one idea, seen from getting, extending and giving back.

use super::{Application, Asking, Case};
use crate::api::access_request::RequestType;
use crate::domain::meta::name;
use crate::domain::refusal::{Objection, Reason};

/// Nobody gets a package twice.
pub(super) fn is_not_held<A: Application>(case: &Case<'_, A>) -> Result<(), Objection> {
    match case.holdings.live(case.now) {
        None => Ok(()),
        Some(assignment) => {
            let text = format!("{} holds the package by assignment {:?}: extend that instead", case.subject, name(assignment));
            Err(Objection::refuse(Reason::AlreadyAssigned, text))
        }
    }
}

/// Only who does not hold the package gets it, and only who holds it extends it or gives it back.
pub(super) fn fits_the_type(case: &Case<'_, Asking>) -> Result<(), Objection> {
    match case.application.request.spec.kind {
        RequestType::Add => is_not_held(case),
        RequestType::Extend | RequestType::Remove if case.holdings.live(case.now).is_some() => Ok(()),
        RequestType::Extend | RequestType::Remove => {
            let text = format!("{} has no live assignment of the package", case.subject);
            Err(Objection::refuse(Reason::NotAssigned, text))
        }
    }
}

/// Of two requests for the same, the one that is further on goes first, and among equals the older one.
pub(super) fn goes_first(case: &Case<'_, Asking>) -> Result<(), Objection> {
    match case.holdings.duplicate(case.application.request, case.application.rank) {
        None => Ok(()),
        Some(rival) => {
            let text = format!(
                "request {:?} of the same subject for the package is older or further on: wait for it, or cancel it",
                name(rival)
            );
            Err(Objection::refuse(Reason::DuplicateRequest, text))
        }
    }
}
