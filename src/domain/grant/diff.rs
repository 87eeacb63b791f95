//! The difference between those who should have a role and those who do, in each place of a target system.
//!
//! What a place and an account are is the target system's business. How the differences are written is, too, but in this order: first who
//! leaves, then who joins, last the places that are no longer wanted. Where a role moves, the new place is there before the old one goes;
//! who should not have the role at all loses it in the old place first, because that must not wait for a new place that cannot be made.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::Hash;

/// What may be done in a place. Whoever is in any other place is taken away, after the new places had their turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever should have the role has it.
    Open,
    /// Nobody is added; who should not have the role loses it.
    Closed,
    /// Nobody has it, at once.
    Void,
}

/// What may be done about a grant, in all its places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed<P, A> {
    /// What may be done in each place; places that are not here are to be left.
    pub places: BTreeMap<P, Access>,
    /// Those who stay where they are though they should not have the role; nowhere are they added.
    pub kept: BTreeSet<A>,
}

/// What becomes of the members of one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<'a, A: Eq + Hash> {
    /// Everybody else leaves, then `join` come.
    Keep {
        /// Members who stay.
        stay: HashSet<&'a A>,
        /// Who should be a member and is not, in order.
        join: Vec<&'a A>,
    },
    /// Everybody leaves at once.
    Clear,
    /// Everybody else leaves at once, and these when the other places had their turn.
    Leave {
        /// Members who should have the role, somewhere.
        stay: HashSet<&'a A>,
    },
}

/// Compares who should have a role with who does: `members` of each place.
pub fn diff<'a, P: Ord + Clone, A: Ord + Hash>(
    wanted: &'a BTreeSet<A>,
    allowed: &Allowed<P, A>,
    members: &BTreeMap<&'a P, Vec<&'a A>>,
) -> BTreeMap<P, Change<'a, A>> {
    let stays = |account: &&A| wanted.contains(*account) || allowed.kept.contains(*account);
    let in_place = |place: &P| members.get(place).into_iter().flatten().copied().filter(stays).collect::<HashSet<&A>>();
    let listed = allowed.places.iter().map(|(place, access)| {
        let change = match access {
            Access::Void => Change::Clear,
            Access::Closed => Change::Keep { stay: in_place(place), join: Vec::new() },
            Access::Open => {
                let stay = in_place(place);
                let join = wanted.iter().filter(|account| !stay.contains(account)).collect();
                Change::Keep { stay, join }
            }
        };
        (place.clone(), change)
    });
    let left = members.keys().filter(|place| !allowed.places.contains_key(**place));
    let left = left.map(|place| ((*place).clone(), Change::Leave { stay: in_place(place) }));
    listed.chain(left).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set() -> impl Strategy<Value = BTreeSet<u8>> {
        proptest::collection::btree_set(0..12_u8, 0..10)
    }

    fn access() -> impl Strategy<Value = Access> {
        prop_oneof![3 => Just(Access::Open), 2 => Just(Access::Closed), 1 => Just(Access::Void)]
    }

    proptest! {
        /// Whatever places and accounts are: nobody new where it is closed, nobody stays who may not, everybody comes where it is open.
        #[test]
        fn every_place_ends_as_it_may(
            wanted in set(),
            kept in set(),
            places in proptest::collection::btree_map(0..4_u8, access(), 0..4),
            members in proptest::collection::btree_map(0..4_u8, set(), 0..4),
        ) {
            let allowed = Allowed { places, kept };
            let found = members.iter().map(|(place, all)| (place, all.iter().collect::<Vec<_>>())).collect();
            let changes = diff(&wanted, &allowed, &found);
            for (place, change) in &changes {
                let had = members.get(place).cloned().unwrap_or_default();
                let may_stay: BTreeSet<u8> = had.iter().filter(|a| wanted.contains(*a) || allowed.kept.contains(*a)).copied().collect();
                let (access, plain) = (allowed.places.get(place), |all: &HashSet<&u8>| all.iter().map(|a| **a).collect::<BTreeSet<_>>());
                match change {
                    Change::Clear => prop_assert_eq!(access, Some(&Access::Void)),
                    Change::Leave { stay } => prop_assert!(access.is_none() && plain(stay) == may_stay),
                    Change::Keep { stay, join } => {
                        prop_assert_eq!(&plain(stay), &may_stay);
                        let missing: Vec<&u8> = wanted.iter().filter(|a| !had.contains(*a)).collect();
                        prop_assert_eq!(join, &if access == Some(&Access::Open) { missing } else { Vec::new() });
                    }
                }
            }
            let all: BTreeSet<&u8> = allowed.places.keys().chain(members.keys()).collect();
            prop_assert_eq!(changes.keys().collect::<BTreeSet<_>>(), all, "no place is forgotten");
        }
    }
}
