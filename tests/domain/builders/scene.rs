//! One object with all that it is reconciled from.

mod asked;
mod assigned;

use entitlement_operator::api::timeline::TimelineEntry;
use entitlement_operator::api::{AccessPackage, AccessRequest};
use entitlement_operator::domain::Key;
use entitlement_operator::domain::holdings::Rival;
use entitlement_operator::domain::separation::Foe;

pub use asked::*;
pub use assigned::*;

use super::content::{PAYMENTS, PackageWords, package};

/// The package of most stories, with one role.
fn oncall() -> AccessPackage {
    package("oncall").with_role("prod", "viewer")
}

fn foes(both: &[Key], in_person: &[Key]) -> Vec<Foe> {
    let foe = |package: &Key, in_person| Foe { package: package.clone(), in_person };
    both.iter().map(|package| foe(package, false)).chain(in_person.iter().map(|package| foe(package, true))).collect()
}

fn rivals(all: &[(AccessRequest, bool)]) -> Vec<Rival<'_>> {
    all.iter().map(|(request, assumed)| Rival { request, assumed: *assumed }).collect()
}

/// The words of a timeline, in order.
pub fn events(timeline: &[TimelineEntry]) -> Vec<&str> {
    timeline.iter().map(|entry| entry.event.as_str()).collect()
}

/// The key of something in the catalog payments.
pub fn key(name: &str) -> Key {
    Key::new(PAYMENTS, name)
}
