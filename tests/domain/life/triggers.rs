//! After any change everything that comes out differently is reconciled: what nobody triggers stays as it was for ever.

use std::collections::BTreeSet;

use entitlement_operator::api::access_request::{RequestPhase, RequestType};
use entitlement_operator::domain::Key;
use proptest::prelude::*;

use crate::chance;

use super::acts::{Act, Terms, Wish, acts, deeds, world};
use super::edits::{Edit, edit};
use super::mirror::Mirror;
use super::rules::{GrantKey, GrantReport, Held, WorkItem};
use super::store::Store;
use super::terms;

proptest! {
    #![proptest_config(chance(50))]

    #[test]
    fn whatever_a_change_alters_is_triggered_by_it(
        terms in world(), acts in acts(20), deeds in deeds(12), edits in proptest::collection::vec(edit(), 0..8),
        order in any::<u64>(), unseen in any::<u32>(),
    ) {
        let (first, second, foe) = terms;
        let mut store = terms::begin(first, second, foe);
        store.settle(order);
        let mut mirror = Mirror::of(&store);
        for (number, act) in acts.iter().enumerate() {
            store.happens(act);
            // The watches tell of some changes together, as of one.
            if unseen.rotate_left(number as u32) % 4 != 0 {
                mirror.follow(&store, order.wrapping_add(number as u64));
            }
        }
        for policy in [0, 0, 2, 3] {
            // Some of them stand in the way of the others.
            store.happens(&Act::Assign { policy, subject: 0, start: 0, end: None });
        }
        for deed in deeds {
            // Where nothing is left to do, nothing hides what a change did not trigger.
            store.settle(order);
            mirror.follow(&store, order);
            store.happens(&deed);
            mirror.follow(&store, order);
        }
        store.settle(order);
        mirror.follow(&store, order);
        for edit in edits {
            store.edited(&edit);
            mirror.follow(&store, order);
        }
    }
}

/// What became of a grant, as a process remembers it.
#[derive(Clone, Debug)]
struct Remembered {
    grant: u8,
    failure: bool,
    conflict: bool,
    /// How many packages of a mass revocation that waits.
    held: usize,
}

fn remembered() -> impl Strategy<Value = Remembered> {
    let often = || proptest::bool::weighted(0.3);
    (any::<u8>(), often(), often(), 0..3_usize).prop_map(|(grant, failure, conflict, held)| Remembered {
        grant,
        failure,
        conflict,
        held,
    })
}

impl Remembered {
    fn report(&self, store: &Store) -> (GrantKey, GrantReport) {
        let of_work = |work| if let WorkItem::Grant(key) = work { Some(key) } else { None };
        let mut all: Vec<GrantKey> = store.everything().into_iter().filter_map(of_work).collect();
        let grant = all.swap_remove(usize::from(self.grant) % all.len());
        let packages = store.api.packages.keys().filter(|key| key.namespace == grant.namespace).take(self.held).cloned();
        let packages: BTreeSet<Key> = packages.collect();
        let report = GrantReport {
            not_reconciled: false,
            failure: self.failure.then(|| "the API server refuses it".to_owned()),
            conflict: self.conflict.then(|| "somebody else has that name".to_owned()),
            held: (!packages.is_empty()).then_some(Held { count: 7, packages }),
            repairs: None,
        };
        (grant, report)
    }
}

proptest! {
    #![proptest_config(chance(100))]

    #[test]
    fn whatever_is_known_of_a_grant_triggers_where_it_is_told(
        terms in world(), acts in acts(20), restart in any::<bool>(), order in any::<u64>(),
        reports in proptest::collection::vec(remembered(), 1..16),
    ) {
        let (first, second, foe) = terms;
        let mut store = terms::begin(first, second, foe);
        acts.iter().for_each(|act| store.happens(act));
        for policy in [0, 2, 3] {
            store.happens(&Act::Assign { policy, subject: 0, start: 0, end: None });
        }
        store.settle(order);
        for (policy, subject) in [(0, 3), (2, 4), (3, 5)] {
            store.happens(&Act::Assign { policy, subject, start: 0, end: None });
        }
        store.rounds(order, 2); // these wait for their grants
        let mut mirror = Mirror::of(&store);
        mirror.follow(&store, order);
        if restart {
            mirror.forget_reports();
        }
        for remembered in reports {
            let (grant, report) = remembered.report(&store);
            mirror.report(&store, &grant, report);
        }
    }
}

/// Everybody may ask, for some hours, and nobody has to approve.
const GENEROUS: Terms = Terms {
    scope: 4,
    stages: 0,
    expiration: 0,
    enabled: true,
    custom: true,
    extendable: true,
    approve_extensions: false,
    on_behalf: false,
    asking: false,
};

#[test]
fn what_is_being_deleted_is_looked_at_when_something_that_it_waits_for_goes() {
    let mut store = terms::begin(GENEROUS, GENEROUS, None);
    store.settle(0);
    let mut mirror = Mirror::of(&store);
    let delete = |kind: u8, number: u8, held: bool| Edit::Delete { kind, number, held };
    // The catalog payments and its resource prod; then the package that uses it, and the other resource.
    for edit in [delete(0, 1, true), delete(1, 1, true), delete(2, 1, false), delete(1, 2, false)] {
        store.edited(&edit);
        mirror.follow(&store, 0);
    }
}

#[test]
fn the_grants_of_a_resource_go_with_it_although_it_cannot_be_read() {
    let mut store = terms::begin(GENEROUS, GENEROUS, None);
    store.settle(0);
    store.happens(&Act::Assign { policy: 0, subject: 0, start: 0, end: None });
    store.settle(0);
    let mut mirror = Mirror::of(&store);
    mirror.follow(&store, 0);
    // The resource prod.
    for edit in [Edit::Garble { kind: 1, number: 1 }, Edit::Delete { kind: 1, number: 1, held: false }] {
        store.edited(&edit);
        mirror.follow(&store, 0);
    }
}

#[test]
fn a_resource_is_judged_when_a_role_of_a_namespace_comes_and_when_it_is_made_anew_or_goes() {
    let mut store = terms::begin(GENEROUS, GENEROUS, None);
    store.settle(0);
    let mut mirror = Mirror::of(&store);
    // The resource books, which binds in the namespace audit.
    let role = |anew: bool| Edit::KubernetesRole { namespace: 2, anew };
    for edit in [Edit::Role { resource: 0, name: 0, namespaced: true }, role(false), role(true), role(false)] {
        store.settle(0);
        mirror.follow(&store, 0);
        store.edited(&edit);
        mirror.follow(&store, 0);
    }
}

#[test]
fn people_can_read_a_disabled_policy_as_long_as_they_wait_under_it() {
    let disabled = Terms { enabled: false, ..GENEROUS };
    let mut store = terms::begin(GENEROUS, disabled, None);
    store.settle(0);
    let mut mirror = Mirror::of(&store);
    let later = Wish::Start(8 * 3_600);
    let (subject, policy, kind) = (None, None, RequestType::Add);
    for act in [
        Act::Ask { who: 0, package: 0, kind, subject, policy, wish: later, complete: true, apt: false },
        Act::Settle { order: 0 },
        Act::ApplyPolicy { slot: 0, terms: disabled },
        Act::Cancel { request: 0 },
        Act::Settle { order: 0 },
    ] {
        store.happens(&act);
        mirror.follow(&store, 0);
    }
    let ended: Vec<_> = store.api.requests.values().map(|request| request.phase()).collect();
    assert_eq!(ended, [RequestPhase::Cancelled]);
}
