//! The terms of policies, and the world in which every life begins.

use chrono::TimeDelta;
use entitlement_operator::api::policy::{Expiration, Policy, Scope, Stage};

use crate::builders::*;

use super::acts::Terms;
use super::store::Store;

/// A policy with its terms.
pub fn written(policy: Policy, terms: Terms, store: &Store) -> Policy {
    let mut policy = match terms.scope {
        0 | 1 => policy.for_subject(group("engineering")).for_subject(user("alice")).for_subject(user("carol")),
        2 => policy.for_subject(user("alice")).for_subject(user("bob")).for_subject(account("apps", "robot")),
        3 => policy.for_scope(Scope::AllMembers).except(group("security")),
        _ => policy.for_scope(Scope::AllUsers),
    };
    policy = stages(terms.stages).into_iter().fold(policy, PolicyWords::stage);
    policy = policy.expiring(match terms.expiration {
        0 => after("8h"),
        1 => after("2s"),
        2 => never(),
        3 => Expiration { at: Some(store.now + TimeDelta::days(40)), ..Expiration::default() },
        _ => after("30d"),
    });
    policy.spec.enabled = terms.enabled;
    policy.spec.custom_schedule = terms.custom;
    policy.spec.extension.allowed = terms.extendable;
    policy.spec.approval.for_extension = terms.approve_extensions;
    policy = if terms.on_behalf { policy.on_behalf_by(user("carol")).on_behalf_by(group("engineering")) } else { policy };
    if terms.asking {
        policy.asking(question("ticket").required().matching("^OPS-")).requiring_justification()
    } else {
        policy.asking(question("ticket"))
    }
}

/// Stages from none to three.
fn stages(number: u8) -> Vec<Stage> {
    let lead = || stage("lead", &[by_group("leads")]);
    match number {
        0..=2 => vec![],
        8 => vec![lead()],
        3 => vec![lead().needing(2).escalating("7d", &[by_group("security")])],
        4 => vec![
            lead().within("1h").escalating("30m", &[by_user("erin")]),
            stage("security", &[by_group("security"), by_user("carol")]).wanting_reasons(),
        ],
        5 => vec![lead(), stage("security", &[by_group("engineering")]), stage("owner", &[by_owners(), by_user("dave")])],
        6 => vec![
            stage("lead", &[by_user("alice")]).falling_back_to(&[by_group("leads")]),
            stage("owner", &[by_owners()]).within("1h").escalating("30m", &[by_user("bob")]),
        ],
        _ => vec![stage("lead", &[by_user("alice")]).within("1h").escalating("30m", &[by_user("carol")])],
    }
}

/// A world in which something can be asked for.
pub fn begin(first: Terms, second: Terms, foe: Option<u8>) -> Store {
    let mut store = Store::new();
    for (slot, roles) in [(0, 3), (1, 1), (2, 1)] {
        store.apply_package(slot, roles, foe.filter(|_| slot == 0), false);
    }
    for (slot, terms) in [(0, first), (2, second), (3, Terms { scope: 4, stages: 0, ..first })] {
        store.apply_policy(slot, terms);
    }
    store
}
