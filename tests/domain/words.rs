//! Every condition, reason and event that is written is one of those that the reference lists, at a place that it names.

use std::collections::BTreeSet;

use entitlement_operator::api::condition::State;
use entitlement_operator::api::condition::shared::events::NOT_READY;
use entitlement_operator::api::policy::{self, Expiration};
use entitlement_operator::api::word::{Severity, Vocabulary, Word, vocabularies};
use entitlement_operator::api::{KINDS, crd};
use entitlement_operator::domain::Plan;
use entitlement_operator::domain::policy::{Input, decide};
use serde::Serialize;
use serde_json::Value;

use crate::builders::*;

fn vocabulary(kind: &str) -> Vocabulary {
    vocabularies().into_iter().find(|(known, _)| *known == kind).unwrap().1
}

/// Fails when a status says something that the reference does not list.
pub fn are_listed<S: Serialize>(kind: &str, status: &S) {
    let status = serde_json::to_value(status).unwrap();
    let (words, phase) = (vocabulary(kind), text(&status, "phase"));
    let at = |word: &Word, place: &str| word.place().contains(&format!("`{place}`"));
    let listed = |reason: &str, place: &str| {
        words.reasons.iter().any(|word| word.as_str() == reason && (at(word, place) || at(word, phase)))
    };
    for condition in status["conditions"].as_array().into_iter().flatten() {
        let (kind, reason) = (text(condition, "type"), text(condition, "reason"));
        assert!(words.conditions.iter().any(|word| word.as_str() == kind), "{condition}");
        let place = format!("{kind}={}", text(condition, "status"));
        assert!(reason == phase || listed(reason, &place), "{reason} in {place}, phase {phase:?}");
    }
    let reason = text(&status, "reason");
    assert!(reason.is_empty() || listed(reason, phase), "{reason} in phase {phase}");
}

/// Fails when a plan tells something that the reference does not list, or not where or how it says.
pub fn are_told<S: Serialize>(kind: &str, plan: &Plan<S>) {
    are_listed(kind, &plan.status);
    let (status, events) = (serde_json::to_value(&plan.status).unwrap(), vocabulary(kind).events);
    let entries: Vec<&Value> = status["timeline"].as_array().into_iter().flatten().collect();
    for entry in &entries {
        let is_listed = events.iter().any(|e| e.as_str() == text(entry, "event") && e.place().contains("timeline"));
        assert!(is_listed, "{kind}: {entry}");
    }
    for notice in &plan.notices {
        assert!(events.contains(&notice.reason), "{kind}: {notice:?}");
        let depends = notice.reason == NOT_READY;
        assert!(depends || notice.warning == (notice.reason.severity() == Severity::Warning), "{kind}: {notice:?}");
        let is_entered = entries.iter().any(|entry| text(entry, "event") == notice.reason.as_str());
        assert_eq!(is_entered, notice.reason.place().contains("timeline"), "{kind}: {notice:?}");
    }
}

#[test]
fn what_is_wrong_with_a_policy_is_listed() {
    let late = stage("lead", &[by_group("leads")]).within("1d").escalating("2d", &[by_user("erin")]);
    let over = Expiration { at: Some(at(1)), ..Expiration::default() };
    let policies =
        [policy("p1"), policy("p1").stage(late), policy("p1").asking(question("q1").matching("(")), policy("p1").expiring(over)];
    let mut reasons = BTreeSet::new();
    for (policy, found, has_catalog) in policies.iter().flat_map(|p| [(p, true, true), (p, false, true), (p, true, false)]) {
        let package = package("oncall");
        let plan = decide(&Input { policy, package: Some(&package).filter(|_| found), has_catalog }, at(50));
        are_told("Policy", &plan);
        reasons.insert(plan.status.conditions[0].reason.clone());
    }
    assert_eq!(reasons.len(), policy::REASONS.len(), "{reasons:?}");
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

#[test]
fn every_kind_has_its_words_in_the_order_of_the_kinds() {
    let kinds: Vec<String> = crd::all().unwrap().into_iter().map(|crd| crd.spec.names.kind).collect();
    assert_eq!(kinds, KINDS);
    assert_eq!(vocabularies().map(|(kind, _)| kind), KINDS);
}

#[test]
fn every_word_is_explained_and_every_reason_has_its_place() {
    let states = [State::True, State::False, State::Unknown];
    for (kind, words) in vocabularies() {
        let places = words.conditions.iter().flat_map(|c| states.map(|state| format!("`{c}={}`", state.as_str())));
        let places: Vec<String> = places.collect();
        for word in words.conditions.iter().chain(&words.reasons) {
            assert!(word.meaning().ends_with('.') && word.as_str().chars().all(char::is_alphanumeric), "{kind}: {word:?}");
        }
        for word in &words.reasons {
            let place = word.place();
            assert!(place.starts_with("phase") || places.iter().any(|known| place.contains(known)), "{kind}: {word:?}");
        }
        for event in &words.events {
            assert!(event.meaning().ends_with('.') && event.as_str().chars().all(char::is_alphanumeric), "{kind}: {event:?}");
            assert!(["Event", "timeline and Event"].contains(&event.place()), "{kind}: {event:?}");
        }
        let told: BTreeSet<&str> = words.events.iter().map(|event| event.as_str()).collect();
        assert_eq!(told.len(), words.events.len(), "{kind}: each is told by one word");
        let mut seen = BTreeSet::new();
        let mut twice = words.reasons.iter().filter(|word| !seen.insert((word.as_str(), word.place())));
        assert_eq!(twice.next(), None, "{kind}");
    }
}
