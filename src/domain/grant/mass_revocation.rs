//! Mass revocation: an edit of a package or a resource that would take a role from many people at once waits for a
//! confirmation. Ends, revocations and deletions of assignments are never held back.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::Subject;
use crate::domain::Key;
use crate::domain::resource::Standing;

use super::Carrier;

/// From when an edit counts as a mass revocation: both must be exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MassRevocation {
    /// More subjects than this would lose the role.
    pub count: usize,
    /// More than this share of those who have it, in percent.
    pub percent: usize,
}

/// Who keeps the role until somebody confirms: those whom an edit would take it from, when they are too many.
///
/// `present` have the role, `losers` are those of them who hold a live assignment that gave them the role until an edit that nobody
/// confirmed. Everybody else who leaves, leaves at once.
pub fn kept(mass_revocation: MassRevocation, present: usize, losers: &BTreeSet<Subject>) -> Option<&BTreeSet<Subject>> {
    let many = losers.len() > mass_revocation.count && losers.len() * 100 > present * mass_revocation.percent;
    many.then_some(losers)
}

/// Those whom an edit would take the role from, in some place, with the package that gave it. `giver` finds the package of a live assignment
/// through which a subject got the role, unless its change is confirmed.
pub fn losers<P: Ord>(
    wanted: &BTreeSet<Subject>,
    places: &BTreeMap<P, Standing>,
    carriers: &[Carrier<'_, P>],
    giver: impl Fn(&Subject) -> Option<Key>,
) -> BTreeMap<Subject, Key> {
    let mut losers = BTreeMap::new();
    for carrier in carriers {
        let standing = places.get(carrier.place);
        let stray = matches!(standing, Some(Standing::Leaving) | None);
        if matches!(standing, Some(Standing::Void(_))) {
            continue; // what is made anew is nobody's edit
        }
        if stray && !carrier.genuine {
            continue;
        }
        for subject in carrier.members.iter().flatten().filter(|s| stray || !wanted.contains(*s)) {
            losers.extend(giver(subject).map(|package| (subject.clone(), package)));
        }
    }
    losers
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn people(count: usize) -> BTreeSet<Subject> {
        (0..count).map(|number| Subject::user(format!("user-{number}"))).collect()
    }

    proptest! {
        #[test]
        fn holds_exactly_when_both_limits_are_exceeded(count in 0..40_usize, percent in 0..100_usize, losers in 0..60_usize, others in 0..60_usize) {
            let (mass_revocation, all) = (MassRevocation { count, percent }, people(losers));
            let held = kept(mass_revocation, losers + others, &all).is_some();
            prop_assert_eq!(held, losers > count && losers * 100 > (losers + others) * percent);
        }
    }
}
