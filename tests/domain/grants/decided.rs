//! What may be done about a grant, whatever its target system: places are only names here.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use entitlement_operator::domain::grant::Carrier;
use entitlement_operator::domain::grant::decide::{Decision, Input, decide};
use entitlement_operator::domain::grant::diff::Access::{self, Closed, Open, Void};
use entitlement_operator::domain::grant::mass_revocation::{MassRevocation, losers};
use entitlement_operator::domain::grant::report::{GrantReport, Held};
use entitlement_operator::domain::resource::Standing;
use entitlement_operator::domain::{Key, Trust};

use super::bindings::{people, person};
use crate::builders::at;

const LIMITS: MassRevocation = MassRevocation { count: 2, percent: 50 };
const TRUSTED: Trust = Trust::Waived;

fn held() -> Standing {
    Standing::Held(String::new())
}

/// A role in `new`, which it was moved to from `old`; `gone` was made anew, and `doubtful` is not judged.
fn input() -> Input<&'static str> {
    let standings =
        [("new", Standing::Open), ("old", Standing::Leaving), ("gone", Standing::Void(String::new())), ("doubtful", held())];
    Input {
        wanted: people(0..4),
        places: standings.into(),
        own: ["old"].into(),
        is_offered: true,
        present: 4,
        losers: BTreeMap::new(),
        held: false,
        next_end: None,
        overdue: Vec::new(),
        drifted: Vec::new(),
    }
}

fn losing(count: u16) -> Input<&'static str> {
    let losers = people(0..count).into_iter().map(|who| (who, Key::new("space", "package")));
    Input { losers: losers.collect(), ..input() }
}

fn decided(input: &Input<&'static str>, trust: &Trust) -> Decision<&'static str> {
    decide(input, &GrantReport::default(), trust, LIMITS, at(0), |_| true)
}

fn places(decision: &Decision<&'static str>) -> Vec<(&'static str, Access)> {
    decision.allowed.places.iter().map(|(place, access)| (*place, *access)).collect()
}

#[test]
fn each_place_is_what_its_standing_says() {
    let decision = decided(&input(), &TRUSTED);
    assert_eq!(places(&decision), [("doubtful", Closed), ("gone", Void), ("new", Open)], "and the old one is left");
    assert!(decision.allowed.kept.is_empty() && decision.held.is_none() && decision.damped.is_none());
}

#[test]
fn while_identities_are_not_trusted_nobody_gains_and_nothing_moves() {
    for trust in [Trust::Undecided, Trust::Broken("x is missing".to_owned())] {
        assert_eq!(places(&decided(&input(), &trust)), [("doubtful", Closed), ("gone", Void), ("new", Closed), ("old", Closed)]);
        let taken_out = Input { is_offered: false, ..input() };
        let left = places(&decided(&taken_out, &trust));
        assert!(!left.iter().any(|(place, _)| *place == "old"), "what is offered nowhere here is taken away all the same");
    }
}

#[test]
fn too_many_who_would_lose_it_by_an_edit_stay_where_they_are() {
    let decision = decided(&losing(3), &TRUSTED);
    assert_eq!(decision.allowed.kept, people(0..3));
    assert_eq!(places(&decision), [("doubtful", Closed), ("gone", Void), ("new", Open), ("old", Closed)], "nobody joins them");
    assert_eq!(decision.held, Some(Held { count: 3, packages: [Key::new("space", "package")].into() }));
    let few = decided(&losing(2), &TRUSTED);
    assert!(few.held.is_none() && few.allowed.kept.is_empty());
}

#[test]
fn what_waits_for_a_confirmation_waits_on_when_some_go_for_good() {
    let told = Input { held: true, ..losing(1) };
    assert_eq!(decided(&told, &TRUSTED).allowed.kept, people(0..1), "the resource says so");
    let report = GrantReport { held: Some(Held { count: 3, packages: BTreeSet::new() }), ..GrantReport::default() };
    assert_eq!(decide(&losing(1), &report, &TRUSTED, LIMITS, at(0), |_| true).allowed.kept, people(0..1), "it is remembered");
    assert!(decide(&input(), &report, &TRUSTED, LIMITS, at(0), |_| true).held.is_none(), "and is over with the last of them");
}

#[test]
fn what_somebody_undoes_again_and_again_is_given_more_and_more_slowly_and_taken_at_once() {
    let drifted = Input { drifted: vec!["somebody was missing".to_owned()], ..input() };
    let mut report = GrantReport::default();
    let damped = (0..10).map(|second| {
        let decision = decide(&drifted, &report, &TRUSTED, LIMITS, at(second), |_| true);
        report.repairs = decision.repairs;
        (decision.damped.is_some(), decision.allowed.places.get("new").copied(), decision.allowed.places.contains_key("old"))
    });
    let damped: Vec<_> = damped.collect();
    assert!(damped[..5].iter().all(|one| *one == (false, Some(Open), false)), "{damped:?}");
    assert!(damped[5..].contains(&(true, Some(Closed), true)), "as it is, apart from who leaves: {damped:?}");
    let takes_only = decide(&drifted, &report, &TRUSTED, LIMITS, at(9), |_| false);
    assert_eq!((takes_only.damped, places(&takes_only)), (None, places(&decided(&input(), &TRUSTED))));
    let later = decide(&input(), &report, &TRUSTED, LIMITS, at(9) + TimeDelta::minutes(3), |_| true);
    assert!(later.repairs.is_none(), "it is forgotten");
}

#[test]
fn only_an_edit_makes_losers() {
    let input = input();
    let all: Vec<_> = people(0..6).into_iter().map(Some).collect();
    let carrier = |place: &'static &'static str, genuine| Carrier { place, name: "x", members: &all, intact: true, genuine };
    let of = |carrier: Carrier<'_, &'static str>| {
        let giver = |who: &_| (*who != person(1)).then(|| Key::new("space", "package"));
        losers(&input.wanted, &input.places, &[carrier], giver).into_keys().collect::<BTreeSet<_>>()
    };
    assert_eq!(
        of(carrier(&"old", true)),
        people([0, 2, 3, 4, 5]),
        "the place was taken out; of person 1 nobody knows who gave it"
    );
    assert_eq!(of(carrier(&"new", true)), people([4, 5]), "who should have it stays");
    assert_eq!(of(carrier(&"gone", true)), people([]), "what is made anew is nobody's edit");
    assert_eq!(of(carrier(&"old", false)), people([]), "drift cannot be confirmed");
}
