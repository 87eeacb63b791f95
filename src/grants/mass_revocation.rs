//! Mass revocation: an edit of a package or a resource that would take a role from many people at once waits for a
//! confirmation. Ends, revocations and deletions of assignments are never held back.

use std::collections::BTreeSet;

use crate::api::subject::Subject;

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
