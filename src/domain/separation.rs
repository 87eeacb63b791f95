//! Separation of duties: which packages must not be held together. Whether somebody does is asked by [`super::guards`].

use crate::api::AccessPackage;

use super::meta::{Key, namespace};

/// Packages that one package names as incompatible. `namespace_of` finds the namespace of a catalog by its name.
pub fn named_by(package: &AccessPackage, namespace_of: impl Fn(&str) -> Option<String>) -> Vec<Key> {
    let references = package.spec.incompatible_with.iter().flat_map(|i| &i.access_packages);
    references
        .filter_map(|reference| {
            let of = match &reference.catalog {
                Some(catalog) => namespace_of(catalog)?,
                None => namespace(package).to_owned(),
            };
            Some(Key::new(of, &reference.name))
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
