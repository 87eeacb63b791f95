//! Separation of duties: what must not be held together.

use chrono::{DateTime, Utc};

use crate::api::AccessPackage;
use crate::api::access_package::IncompatibleWith;

use super::eligibility::People;
use super::guards::{Reason, Refusal};
use super::holdings::{Rank, goes_before};
use super::plan::Key;
use super::request::Input;

/// Packages that one package names as incompatible. `namespace_of` finds the namespace of a catalog by its name.
pub fn named_by(package: &AccessPackage, namespace_of: impl Fn(&str) -> Option<String>) -> Vec<Key> {
    let own = package.metadata.namespace.clone().unwrap_or_default();
    let references = package.spec.incompatible_with.iter().flat_map(|i| &i.access_packages);
    references
        .filter_map(|reference| {
            let namespace = match &reference.catalog {
                Some(catalog) => namespace_of(catalog)?,
                None => own.clone(),
            };
            Some(Key::new(namespace, &reference.name))
        })
        .collect()
}

/// A package that must not be held together with another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foe {
    /// The package.
    pub package: Key,
    /// It bars only by what the subject asked for in person: the rule is that of another catalog, and nobody here agreed to it.
    pub in_person: bool,
}

/// Everything that a package must not be held with. `others` are packages that name it, each with whether a rule of that catalog binds this
/// one (the same catalog, or one that this one honours).
pub fn foes(named: Vec<Key>, others: impl Iterator<Item = (Key, bool)>) -> Vec<Foe> {
    let mut all: Vec<Foe> = named.into_iter().map(|package| Foe { package, in_person: false }).collect();
    for (package, binds) in others {
        if !all.iter().any(|foe| foe.package == package) {
            all.push(Foe { package, in_person: !binds });
        }
    }
    all
}

/// Whether a request may go on beside what its subject holds and asks for. Symmetric: `input.incompatible` holds the packages that this
/// one names and those that name it.
pub fn check(input: &Input<'_>, people: &People<'_>, rank: Rank, now: DateTime<Utc>) -> Result<(), Refusal> {
    groups(input.package.and_then(|p| p.spec.incompatible_with.as_ref()), people)?;
    if let Some(assignment) = input.holdings.holds(&input.incompatible, now) {
        let text = format!(
            "{} holds the incompatible access package {:?} of namespace {:?}: give it back first",
            people.subject,
            assignment.spec.access_package,
            assignment.metadata.namespace.as_deref().unwrap_or_default()
        );
        return Err(Refusal::new(Reason::Incompatible, text));
    }
    if let Some(rival) = input.holdings.asks(&input.incompatible, |rival| goes_before(rival, input.request, rank)) {
        let text = format!(
            "request {:?} for the incompatible access package {:?} is older or further on: cancel it first",
            rival.metadata.name.as_deref().unwrap_or_default(),
            rival.spec.access_package
        );
        return Err(Refusal::new(Reason::Incompatible, text));
    }
    Ok(())
}

/// Groups are judged from the identity that the API server saw. Of a person for whom somebody else asks they are not known, and so the
/// request is refused: otherwise asking through a colleague would be a way round.
fn groups(rule: Option<&IncompatibleWith>, people: &People<'_>) -> Result<(), Refusal> {
    let Some(groups) = rule.map(|rule| &rule.groups).filter(|groups| !groups.is_empty()) else { return Ok(()) };
    let Some(identity) = people.identity() else {
        let text = format!(
            "the package excludes members of groups, and the groups of {} are not known: they must ask in person",
            people.subject
        );
        return Err(Refusal::new(Reason::Incompatible, text));
    };
    match groups.iter().find(|group| identity.groups.contains(group)) {
        Some(group) => Err(Refusal::new(Reason::Incompatible, format!("members of group {group:?} cannot have the package"))),
        None => Ok(()),
    }
}
