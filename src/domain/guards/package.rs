//! The package: it exists, it stays, it is Ready. One idea in three steps, which different lists take differently far.

use super::{Application, Case};
use crate::api::AccessPackage;
use crate::domain::meta::is_being_deleted;
use crate::domain::readiness::package_is_ready;
use crate::domain::refusal::{Objection, Reason};

fn package<'a, A: Application>(case: &Case<'a, A>) -> Result<&'a AccessPackage, Objection> {
    let text = || format!("access package {:?} does not exist in this namespace", case.package_name);
    case.package.ok_or_else(|| Objection::wait(Reason::PackageNotFound, text()))
}

/// It exists.
pub(super) fn is_there<A: Application>(case: &Case<'_, A>) -> Result<(), Objection> {
    package(case).map(|_| ())
}

/// It is not being deleted.
pub(super) fn stays<A: Application>(case: &Case<'_, A>) -> Result<(), Objection> {
    match is_being_deleted(package(case)?) {
        false => Ok(()),
        true => {
            let text = format!("access package {:?} is being deleted", case.package_name);
            Err(Objection::refuse(Reason::PackageNotFound, text))
        }
    }
}

/// All of its roles can be granted.
pub(super) fn is_ready<A: Application>(case: &Case<'_, A>) -> Result<(), Objection> {
    match package_is_ready(package(case)?) {
        true => Ok(()),
        false => {
            let text = format!("access package {:?} is not Ready; its conditions say why", case.package_name);
            Err(Objection::wait(Reason::PackageNotReady, text))
        }
    }
}
