//! Wanted sets against observed sets: what the writes lead to, in which order, and how many there are.

mod bindings;
mod decided;

use std::collections::{BTreeMap, BTreeSet};

use entitlement_operator::api::Subject;
use entitlement_operator::domain::grant::diff::Access;
use entitlement_operator::domain::resource::Target;
use entitlement_operator::targets::rbac::plan::{MOST_SUBJECTS, Observed, Write, plan};
use proptest::prelude::*;

use crate::chance;
use bindings::*;

proptest! {
    #![proptest_config(chance(1_500))]

    #[test]
    fn every_place_ends_with_exactly_those_who_may_be_there(case in case()) {
        let (before, after) = (store(&case.observed), case.after());
        for target in (0..4).map(place) {
            let (had, got) = (has(&before, &target), has(&after, &target));
            let stay: BTreeSet<Subject> = had.intersection(&case.wanted).cloned().collect();
            match case.places.get(&target) {
                Some(Access::Open) => prop_assert_eq!(&got, &case.wanted, "an open place"),
                Some(Access::Closed) => prop_assert_eq!(got, stay, "a closed place"),
                Some(Access::Void) | None => prop_assert!(got.is_empty(), "a place where nothing may be"),
            }
        }
        for binding in after.values() {
            prop_assert!(binding.labelled || store(&case.observed).get(&(binding.target.clone(), binding.name.clone())) == Some(binding));
            prop_assert!(binding.subjects.iter().all(Option::is_some), "subjects that cannot be ours have left");
            prop_assert!(!binding.subjects.is_empty(), "no binding is left empty");
            let named = after.values().filter(|b| b.target == binding.target).flat_map(|b| &b.subjects);
            let once = |s: &Option<Subject>| named.clone().filter(|other| *other == s).count() == 1;
            prop_assert!(binding.subjects.iter().all(once), "everybody is named once in a place");
        }
    }

    #[test]
    fn a_second_plan_has_nothing_to_do(case in case()) {
        let observed: Vec<Observed> = case.after().into_values().collect();
        prop_assert_eq!(plan(&key(), &case.wanted, &case.allowed(BTreeSet::new()), &observed), vec![]);
    }

    #[test]
    fn nobody_who_stays_is_absent_in_between_and_nobody_else_comes(case in case()) {
        let mut bindings = store(&case.observed);
        let places = case.places.iter().filter(|(_, place)| **place != Access::Void).map(|(target, _)| target);
        let stay: BTreeMap<Target, BTreeSet<Subject>> = places
            .map(|target| (target.clone(), has(&bindings, target).intersection(&case.wanted).cloned().collect()))
            .collect();
        for write in case.writes() {
            apply(&mut bindings, &write);
            for (target, subjects) in &stay {
                prop_assert!(has(&bindings, target).is_superset(subjects), "{write:?}");
            }
            if let Write::Put { subjects, .. } = &write {
                prop_assert!(subjects.iter().all(|s| case.wanted.contains(s)), "{write:?}");
            }
        }
    }

    #[test]
    fn who_loses_goes_before_who_gains_and_old_places_go_last(case in case()) {
        let before = store(&case.observed);
        let listed = |target: &Target| case.places.contains_key(target);
        let rank = |bindings: &Bindings, write: &Write| {
            let moves = |target: &Target, name: &String| {
                let subjects = &before[&(target.clone(), name.clone())].subjects;
                !listed(target) && subjects.iter().flatten().any(|s| case.wanted.contains(s))
            };
            let (target, name, subjects) = match write {
                Write::Delete { target, name } => return if moves(target, name) { 2 } else { 0 },
                Write::Put { target, name, subjects, .. } => (target, name, subjects),
            };
            let had = bindings.get(&(target.clone(), name.clone())).map(|b| b.subjects.clone()).unwrap_or_default();
            let twice = had.len() > subjects.len(); // somebody who was in it twice
            i32::from(!twice && had.iter().all(|s| s.as_ref().is_some_and(|s| subjects.contains(s))))
        };
        let mut bindings = before.clone();
        let ranks = case.writes().into_iter().map(|write| {
            let rank = rank(&bindings, &write);
            apply(&mut bindings, &write);
            rank
        });
        let ranks: Vec<i32> = ranks.collect();
        prop_assert!(ranks.is_sorted(), "{ranks:?}");
    }

    #[test]
    fn nobody_keeps_what_they_should_not_have_when_nothing_can_be_created(case in case()) {
        let mut bindings = store(&case.observed);
        let writes = case.writes();
        writes.iter().filter(|write| !matches!(write, Write::Put { exists: false, .. })).for_each(|write| apply(&mut bindings, write));
        for (of, binding) in &bindings {
            let strangers = binding.subjects.iter().filter(|s| s.as_ref().is_none_or(|s| !case.wanted.contains(s)));
            prop_assert_eq!(strangers.count(), 0, "{:?}", of);
        }
    }

    /// Whatever is refused of what makes somebody a newcomer, for whatever reason, those who leave are gone.
    #[test]
    fn whatever_is_refused_the_leavers_are_gone(case in case(), refuses in proptest::collection::vec(any::<bool>(), 40)) {
        let mut bindings = store(&case.observed);
        for (write, refused) in case.writes().iter().zip(refuses) {
            match write {
                Write::Put { joining, .. } if *joining > 0 && refused => {}
                // Not there, because what would have made it was refused.
                Write::Put { target, name, exists: true, .. } if !bindings.contains_key(&(target.clone(), name.clone())) => {}
                write => apply(&mut bindings, write),
            }
        }
        for (of, binding) in &bindings {
            let strangers = binding.subjects.iter().filter(|s| s.as_ref().is_none_or(|s| !case.wanted.contains(s)));
            prop_assert_eq!(strangers.count(), 0, "{:?}", of);
        }
    }

    #[test]
    fn a_write_that_takes_somebody_away_carries_nobody_new(case in case()) {
        let mut bindings = store(&case.observed);
        for write in case.writes() {
            if let Write::Put { target, name, subjects, joining, .. } = &write {
                let had = bindings.get(&(target.clone(), name.clone())).map(|b| b.subjects.clone()).unwrap_or_default();
                let leaves = had.iter().any(|s| s.as_ref().is_none_or(|s| !subjects.contains(s)));
                let newcomers = subjects.iter().filter(|s| !had.contains(&Some((*s).clone()))).count();
                prop_assert_eq!(newcomers, *joining);
                prop_assert!(!leaves || *joining == 0, "{:?}", write);
            }
            apply(&mut bindings, &write);
        }
    }

    #[test]
    fn a_binding_that_is_being_deleted_is_no_place_to_stay(mut case in case(), closing in any::<u8>()) {
        for (number, binding) in case.observed.iter_mut().enumerate() {
            binding.closing = closing & (1 << (number % 8)) != 0;
        }
        let (before, after) = (store(&case.observed), case.after());
        for (target, _) in case.places.iter().filter(|(_, place)| **place == Access::Open) {
            prop_assert_eq!(&has(&after, target), &case.wanted);
            let kept = |(of, binding): (&(Target, String), &Observed)| of.0 == *target && before.get(of).is_some_and(|b| b.closing) && !binding.subjects.is_empty();
            prop_assert!(!after.iter().any(kept), "{:?}", after);
        }
    }

    #[test]
    fn a_binding_where_all_is_well_is_not_written(case in case()) {
        let mut named: BTreeMap<(Target, Subject), usize> = BTreeMap::new();
        for binding in &case.observed {
            binding.subjects.iter().flatten().for_each(|s| *named.entry((binding.target.clone(), s.clone())).or_default() += 1);
        }
        let room_is_needed = |target: &Target| {
            case.places.get(target) == Some(&Access::Open) && !case.wanted.is_subset(&has(&store(&case.observed), target))
        };
        let listed = |target: &Target| case.places.get(target).is_some_and(|place| *place != Access::Void);
        let fine = |binding: &&Observed| {
            let once = |s: &Subject| named[&(binding.target.clone(), s.clone())] == 1 && case.wanted.contains(s);
            binding.labelled
                && !binding.subjects.is_empty()
                && binding.subjects.iter().all(|s| s.as_ref().is_some_and(once))
                && listed(&binding.target)
                && !room_is_needed(&binding.target)
        };
        for binding in case.observed.iter().filter(fine) {
            let written = |write: &Write| matches!(write, Write::Put { target, name, .. } | Write::Delete { target, name } if (target, name) == (&binding.target, &binding.name));
            prop_assert!(!case.writes().iter().any(written), "{binding:?}");
        }
    }
}

proptest! {
    #![proptest_config(chance(500))]

    #[test]
    fn those_who_are_kept_stay_where_they_are_and_come_nowhere(case in case(), kept in proptest::collection::btree_set((0..30_u16).prop_map(person), 0..30)) {
        let before = store(&case.observed);
        let mut after = before.clone();
        plan(&key(), &case.wanted, &case.allowed(kept.clone()), &case.observed).iter().for_each(|write| apply(&mut after, write));
        for target in (0..4).map(place) {
            let had = has(&before, &target);
            let stay: BTreeSet<Subject> = had.iter().filter(|s| kept.contains(*s) || case.wanted.contains(*s)).cloned().collect();
            let due = match case.places.get(&target) {
                Some(Access::Open) => stay.union(&case.wanted).cloned().collect(),
                Some(Access::Closed) => stay,
                Some(Access::Void) | None => BTreeSet::new(),
            };
            prop_assert_eq!(has(&after, &target), due);
        }
    }
}

fn everywhere_open() -> BTreeMap<Target, Access> {
    [(place(0), Access::Open)].into()
}

/// The bindings that carry so many people.
fn full(count: u16) -> Vec<Observed> {
    Case { wanted: people(0..count), places: everywhere_open(), observed: Vec::new() }.after().into_values().collect()
}

proptest! {
    #![proptest_config(chance(24))]

    #[test]
    fn no_binding_ever_has_more_than_its_most(count in 0..1_700_u16, gone in proptest::collection::btree_set(0..1_700_u16, 0..900), come in 0..900_u16) {
        let wanted = people((0..count + come).filter(|n| !gone.contains(n)));
        let case = Case { wanted, places: everywhere_open(), observed: full(count) };
        let mut bindings = store(&case.observed);
        for write in case.writes() {
            apply(&mut bindings, &write);
            prop_assert!(bindings.values().all(|b| b.subjects.len() <= MOST_SUBJECTS), "{:?}", target_of(&write));
        }
        prop_assert_eq!(has(&bindings, &place(0)), case.wanted);
    }
}

#[test]
fn newcomers_take_one_write_for_each_binding_they_fill() {
    for (count, writes) in [(0, 0), (1, 1), (500, 1), (501, 2), (1_200, 3)] {
        let case = Case { wanted: people(0..count), places: everywhere_open(), observed: Vec::new() };
        assert_eq!(case.writes().len(), writes, "{count} people");
    }
    let more = Case { wanted: people(0..480), places: everywhere_open(), observed: full(400) };
    assert!(matches!(more.writes().as_slice(), [Write::Put { exists: true, subjects, .. }] if subjects.len() == 480));
}

#[test]
fn so_many_ends_in_one_binding_take_one_write() {
    let case = |stay: std::ops::Range<u16>| Case { wanted: people(stay), places: everywhere_open(), observed: full(500) };
    assert!(matches!(case(0..1).writes().as_slice(), [Write::Put { exists: true, subjects, .. }] if subjects.len() == 1));
    assert!(matches!(case(0..0).writes().as_slice(), [Write::Delete { .. }]));
    let thousand = Case { wanted: people(0..200), places: everywhere_open(), observed: full(1_200) };
    assert_eq!(thousand.writes().len(), 3, "two bindings go, one shrinks");
}

#[test]
fn a_binding_that_somebody_overfilled_comes_back_under_its_most_and_keeps_all_who_are_wanted() {
    let case = Case { wanted: people(0..700), places: everywhere_open(), observed: vec![bound(place(0), "big", people(0..700))] };
    let after = case.after();
    assert_eq!(has(&after, &place(0)), case.wanted);
    assert!(after.values().all(|b| b.subjects.len() <= MOST_SUBJECTS));
}

#[test]
fn a_role_that_moves_is_there_before_the_old_place_goes() {
    let old = vec![bound(place(1), "old", people(0..3))];
    let case = Case { wanted: people(0..3), places: everywhere_open(), observed: old };
    assert!(matches!(case.writes().as_slice(), [Write::Put { exists: false, .. }, Write::Delete { name, .. }] if name == "old"));
}

#[test]
fn stripped_labels_are_put_right() {
    let stripped = Observed { labelled: false, ..bound(place(0), "mine", people(0..3)) };
    let case = Case { wanted: people(0..3), places: everywhere_open(), observed: vec![stripped] };
    assert!(matches!(case.writes().as_slice(), [Write::Put { exists: true, name, .. }] if name == "mine"));
}
