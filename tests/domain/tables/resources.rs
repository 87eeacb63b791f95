//! Each role in each place by itself: how it stands, what is asked, and whether anybody vouches for its authors.

mod connectors;

use entitlement_operator::api::access_package::PackageRole;
use entitlement_operator::api::catalog_resource::{RoleKind, RoleState};
use entitlement_operator::api::condition;
use entitlement_operator::domain::Trust;
use entitlement_operator::domain::resource::{MOST_QUESTIONS, Offer, Scope, Standing, Target, doubt, grantable, stands_open};

use crate::builders::site::*;
use crate::builders::{StoredWords, at};

fn broken() -> Trust {
    Trust::Broken("x is missing".to_owned())
}

fn since(seconds: i64) -> Trust {
    Trust::Enforced { since: at(seconds) }
}

/// How the role `viewer` stands in a namespace, bound to a ClusterRole.
fn stands(site: &Site, namespace: &str, role: &str) -> Standing {
    let target = Target { scope: Scope::Namespace(namespace.to_owned()), role: cluster_role(role) };
    let offer = Offer::of(&site.resource);
    grantable(&PackageRole { resource: "production".to_owned(), role: "viewer".to_owned() }, Some(&offer))
        .in_place(&target, &site.ground)
}

/// Nobody gains it, for a reason that contains this.
fn is_held(standing: &Standing, why: &str) -> bool {
    matches!(standing, Standing::Held(text) | Standing::Void(text) if text.contains(why))
}

fn states(site: &Site) -> Vec<(String, RoleState, String)> {
    let roles = site.resource.status.iter().flat_map(|status| &status.roles);
    roles.map(|role| (role.name.clone(), role.state, role.reason.clone())).collect()
}

fn word(site: &Site, kind: &str) -> String {
    let conditions = &site.resource.status.as_ref().unwrap().conditions;
    condition::get(conditions, kind).map(|c| format!("{} {}", c.status, c.reason)).unwrap()
}

#[test]
fn what_was_judged_as_it_is_now_is_open_and_asks_nothing_more() {
    let mut site = site();
    assert_eq!(stands(&site, "payments", "view"), Standing::Held(String::new()), "nobody asked yet");
    site.settle();
    assert_eq!(stands(&site, "payments", "view"), Standing::Open);
    assert_eq!((word(&site, "Authorized"), word(&site, "Ready")), ("True AuthorMayBind".to_owned(), "True Available".to_owned()));
    assert_eq!(site.questions().len(), 0);
    site.resource.spec.description = "another one".to_owned();
    site.resource.metadata.generation = Some(2);
    assert_eq!(site.questions().len(), 0, "an edit of a description asks nobody");
    assert_eq!(stands(&site, "payments", "view"), Standing::Open, "and takes nobody's access");
}

#[test]
fn a_role_that_is_refused_or_missing_holds_up_no_other() {
    let mut site = site();
    site.resource.spec.roles.push(role("root", RoleKind::ClusterRole, "cluster-admin", "olga"));
    site.resource.spec.roles.push(role("ghost", RoleKind::ClusterRole, "no-such-role", "carol"));
    site.settle();
    let expected = [
        ("viewer".to_owned(), RoleState::Ready, "AuthorMayBind".to_owned()),
        ("root".to_owned(), RoleState::NotAuthorized, "AuthorCannotBind".to_owned()),
        ("ghost".to_owned(), RoleState::NotFound, "RoleNotFound".to_owned()),
    ];
    assert_eq!(states(&site), expected);
    assert_eq!(stands(&site, "payments", "view"), Standing::Open);
    assert_eq!(word(&site, "Authorized"), "False AuthorCannotBind");
}

#[test]
fn an_edit_of_a_role_by_somebody_who_may_not_hand_it_out_changes_nothing() {
    let mut site = site();
    site.settle();
    site.resource.spec.roles = vec![role("viewer", RoleKind::ClusterRole, "cluster-admin", "olga")];
    for _ in 0..2 {
        assert_eq!(stands(&site, "payments", "view"), Standing::Held(String::new()), "who has it keeps what it was");
        assert!(is_held(&stands(&site, "payments", "cluster-admin"), ""));
        site.settle();
    }
    assert!(is_held(&stands(&site, "payments", "cluster-admin"), "olga may not"));
    assert_eq!(word(&site, "Authorized"), "False AuthorCannotBind");
    site.resource.spec.roles = vec![role("viewer", RoleKind::ClusterRole, "view", "carol")];
    assert_eq!(stands(&site, "payments", "view"), Standing::Open, "undone, it stands under the answer of before");
}

#[test]
fn an_edit_while_the_resource_is_being_deleted_is_judged_like_any_other() {
    let mut site = site();
    site.settle();
    site.resource = site.resource.being_deleted(at(9));
    site.resource.metadata.generation = Some(2);
    site.settle();
    site.resource.spec.roles = vec![role("viewer", RoleKind::ClusterRole, "cluster-admin", "olga")];
    site.resource.metadata.generation = Some(3);
    assert!(is_held(&stands(&site, "payments", "cluster-admin"), ""));
    site.settle();
    assert!(is_held(&stands(&site, "payments", "cluster-admin"), ""));
}

#[test]
fn an_edit_that_takes_a_place_away_takes_it_whatever_else_it_says() {
    let mut site = site();
    site.settle();
    site.resource.spec.kubernetes = Some(namespaces(&["jobs".to_owned()], "olga"));
    assert_eq!(stands(&site, "payments", "view"), Standing::Held(String::new()), "the new place may come first");
    site.settle();
    assert_eq!(stands(&site, "payments", "view"), Standing::Leaving);
    assert!(is_held(&stands(&site, "jobs", "view"), "olga may not"));
}

#[test]
fn what_is_made_anew_is_judged_anew_and_until_then_nobody_has_anything_in_it() {
    type Change = fn(&mut Site);
    let anew: [(Change, RoleKind, &str); 3] = [
        (|site| site.ground.namespace("payments", Some("another")), RoleKind::ClusterRole, "view"),
        (|site| site.ground.catalog = Some("another".to_owned()), RoleKind::ClusterRole, "view"),
        (|site| site.ground.role("payments", "deployer", Some("another")), RoleKind::Role, "deployer"),
    ];
    for (change, kind, name) in anew {
        let mut site = site();
        site.resource.spec.roles = vec![role("viewer", kind, name, "carol")];
        site.settle();
        let target = Target {
            scope: Scope::Namespace("payments".to_owned()),
            role: site.resource.spec.roles[0].kubernetes.clone().unwrap().role_ref,
        };
        let stands = |site: &Site| {
            let offer = Offer::of(&site.resource);
            let wanted = PackageRole { resource: "production".to_owned(), role: "viewer".to_owned() };
            grantable(&wanted, Some(&offer)).in_place(&target, &site.ground)
        };
        assert_eq!(stands(&site), Standing::Open, "{name}");
        change(&mut site);
        assert!(matches!(stands(&site), Standing::Void(_)), "{name}");
        assert_eq!(site.questions().len(), 1, "it is asked about again");
        site.settle();
        assert_eq!(stands(&site), Standing::Open, "{name}");
        site.powers.clear();
        change(&mut site);
        site.ground.namespace("payments", Some("a third"));
        site.settle();
        assert!(matches!(stands(&site), Standing::Void(_)), "who may not any more does not hand it out there: {name}");
    }
}

#[test]
fn a_yes_outlives_its_author_and_a_no_is_asked_again_now_and_then() {
    let mut site = site();
    site.settle();
    site.powers.clear();
    site.now = at(1_000_000);
    assert_eq!(site.questions().len(), 0, "nobody asks, so an author who leaves takes nobody's access along");
    site.resource.spec.roles.push(role("root", RoleKind::ClusterRole, "cluster-admin", "olga"));
    site.settle();
    assert_eq!(site.questions().len(), 0);
    site.now += chrono::TimeDelta::minutes(1);
    assert_eq!(site.questions().len(), 1);
}

#[test]
fn outside_a_catalog_nothing_is_asked_and_nothing_is_taken() {
    let mut site = site();
    site.settle();
    site.ground.catalog = None;
    assert!(matches!(stands(&site, "payments", "view"), Standing::Held(_)));
    site.settle();
    assert_eq!(word(&site, "Ready"), "False NoCatalog");
    site.ground.catalog = Some("catalog".to_owned());
    assert_eq!(stands(&site, "payments", "view"), Standing::Open);
}

#[test]
fn a_role_without_an_author_is_offered_to_nobody() {
    let mut site = site();
    site.resource.spec.roles[0].author = None;
    site.settle();
    assert_eq!(states(&site), [("viewer".to_owned(), RoleState::NotAuthorized, "AuthorUnknown".to_owned())]);
    assert!(is_held(&stands(&site, "payments", "view"), "author"));
}

#[test]
fn what_is_as_old_as_the_policies_is_believed_and_what_is_older_is_not() {
    let site = site();
    let offer = Offer::of(&site.resource);
    let role = &offer.roles["viewer"];
    assert_eq!(doubt(&site.resource, role, &since(5), false), None);
    assert_eq!(doubt(&site.resource, role, &Trust::Waived, false), None, "nobody wants to know");
    let why = doubt(&site.resource, role, &since(6), false).unwrap();
    assert!(why.contains("before the admission policies were in force"), "{why}");
}

#[test]
fn what_is_written_while_the_policies_are_not_in_force_is_not_believed_then_or_later() {
    let fresh = site();
    let mut edited = site();
    edited.settle();
    edited.resource.spec.roles = vec![role("viewer", RoleKind::ClusterRole, "edit", "carol")];
    for site in [fresh, edited] {
        let offer = Offer::of(&site.resource);
        let role = &offer.roles["viewer"];
        let why = doubt(&site.resource, role, &broken(), false).unwrap();
        assert!(why.contains("x is missing"), "{why}");
        assert_eq!(stands_open(&site.resource, &offer, at(100), true), [("viewer".to_owned(), role.digest.clone())]);
        assert!(doubt(&site.resource, role, &since(100), true).is_some());
        assert_eq!(doubt(&site.resource, role, &Trust::Waived, true), None, "nobody wants to know");
    }
}

#[test]
fn what_nobody_vouches_for_stays_out_until_it_is_written_anew() {
    let mut site = site();
    site.trust = broken();
    site.settle();
    assert_eq!(states(&site), [("viewer".to_owned(), RoleState::NotAuthorized, "AuthorUnknown".to_owned())]);
    site.trust = Trust::Waived;
    site.settle();
    assert_eq!(states(&site), [("viewer".to_owned(), RoleState::NotAuthorized, "AuthorUnknown".to_owned())]);
    site.resource.spec.description = "another one".to_owned();
    site.settle();
    assert_eq!(word(&site, "Authorized"), "Unknown AuthorUnknown", "a description vouches for nothing");
    site.resource.spec.roles = vec![role("viewer", RoleKind::ClusterRole, "edit", "carol")];
    site.settle();
    assert_eq!(states(&site), [("viewer".to_owned(), RoleState::Ready, "AuthorMayBind".to_owned())]);
}

#[test]
fn an_edit_that_nobody_watched_is_believed_while_the_policies_are_those_of_the_last_judgement() {
    let mut site = site();
    site.trust = Trust::Enforced { since: at(3) };
    site.settle();
    site.resource.spec.roles = vec![role("viewer", RoleKind::ClusterRole, "edit", "carol")];
    let offer = Offer::of(&site.resource);
    assert_eq!(stands_open(&site.resource, &offer, at(3), false), []);
    assert_eq!(stands_open(&site.resource, &offer, at(4), false).len(), 1);
    let new = crate::builders::site::site();
    let offer = Offer::of(&new.resource);
    assert_eq!(stands_open(&new.resource, &offer, at(4), false), [], "of a new object the time is known");
}

/// A place more than one reconciliation asks about.
fn many_places(site: &mut Site) -> Vec<String> {
    let names: Vec<String> = (0..=MOST_QUESTIONS).map(|number| format!("place-{number:03}")).collect();
    for name in &names {
        site.ground.namespace(name, Some(&format!("uid of {name}")));
        site.powers.insert(("carol".to_owned(), Some(name.clone()), "view".to_owned()));
    }
    names
}

/// One reconciliation, with its answers.
fn decide(site: &mut Site) -> usize {
    let questions = site.questions();
    let count = questions.len();
    let answers = questions.into_iter().map(|q| (q.clone(), site.answer(&q))).collect();
    site.resource = site.judged(answers);
    count
}

#[test]
fn a_large_resource_is_asked_about_a_part_at_a_time_and_moves_when_all_is_answered() {
    let mut site = site();
    site.settle();
    let names = many_places(&mut site);
    site.resource.spec.kubernetes = Some(namespaces(&names, "carol"));
    let (first, last) = (names.first().unwrap(), names.last().unwrap());
    assert_eq!(decide(&mut site), MOST_QUESTIONS);
    assert_eq!(stands(&site, first, "view"), Standing::Open);
    assert!(is_held(&stands(&site, last, "view"), ""), "it is not judged yet");
    assert!(is_held(&stands(&site, "payments", "view"), ""), "the old place waits for the new ones");
    assert_eq!(decide(&mut site), 1);
    assert_eq!((stands(&site, last, "view"), stands(&site, "payments", "view")), (Standing::Open, Standing::Leaving));
    assert_eq!(site.questions().len(), 0);
}

#[test]
fn what_was_refused_in_many_places_is_asked_again_in_turns() {
    let mut site = site();
    let names = many_places(&mut site);
    site.powers.clear();
    site.resource.spec.kubernetes = Some(namespaces(&names, "carol"));
    site.settle();
    let mut asked = std::collections::BTreeSet::new();
    for round in 1..=80 {
        site.now = at(round * 700);
        let questions = site.questions();
        assert_eq!(questions.len(), MOST_QUESTIONS);
        asked.extend(questions.into_iter().map(|question| question.place));
        decide(&mut site);
    }
    assert_eq!(asked.len(), names.len());
}
