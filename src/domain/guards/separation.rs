//! Separation of duties: nobody holds together what excludes each other. One idea, by where the other thing is found: in the groups of the
//! subject, in what they hold, in what they ask for. `incompatible` holds the packages that this one names and those that name it.

use super::{Application, Asking, Case};
use crate::domain::meta::{name, namespace};
use crate::domain::refusal::{Objection, Reason};

/// Groups are judged from the identity that the API server saw. Of a person for whom somebody else asks they are not known, and so the
/// request is refused: otherwise asking through a colleague would be a way round.
pub(super) fn excludes_no_group(case: &Case<'_, Asking>) -> Result<(), Objection> {
    let excluded = || case.package.iter().filter_map(|p| p.spec.incompatible_with.as_ref()).flat_map(|rule| &rule.groups);
    if excluded().next().is_none() {
        return Ok(());
    }
    let text = match case.application.people.identity() {
        None => format!(
            "the package excludes members of groups, and the groups of {} are not known: they must ask in person",
            case.subject
        ),
        Some(identity) => match excluded().find(|group| identity.groups.contains(group)) {
            Some(group) => format!("members of group {group:?} cannot have the package"),
            None => return Ok(()),
        },
    };
    Err(Objection::refuse(Reason::Incompatible, text))
}

/// The subject holds nothing that excludes the package.
pub(super) fn holds_nothing_incompatible<A: Application>(case: &Case<'_, A>) -> Result<(), Objection> {
    match case.holdings.holds(case.incompatible, case.now) {
        None => Ok(()),
        Some(assignment) => {
            let text = format!(
                "{} holds the incompatible access package {:?} of namespace {:?}: give it back first",
                case.subject,
                assignment.spec.access_package,
                namespace(assignment)
            );
            Err(Objection::refuse(Reason::Incompatible, text))
        }
    }
}

/// The subject asks for nothing that excludes the package and goes before.
pub(super) fn asks_for_nothing_incompatible<A: Application>(case: &Case<'_, A>) -> Result<(), Objection> {
    match case.holdings.asks(case.incompatible, |rival| A::yields_to(&case.application, rival)) {
        None => Ok(()),
        Some(rival) => {
            let text = format!(
                "request {:?} for the incompatible access package {:?} of namespace {:?} is older or further on: cancel it first",
                name(rival),
                rival.spec.access_package,
                namespace(rival)
            );
            Err(Objection::refuse(Reason::Incompatible, text))
        }
    }
}
