//! What people do to the store.

mod asking;
mod deciding;
mod managing;

use entitlement_operator::api::policy::Policy;
use entitlement_operator::api::time::created;
use entitlement_operator::api::{AccessPackage, AccessRequest, Assignment, Identity, Subject};
use entitlement_operator::domain::Key;

use crate::builders::*;

use super::acts::Act;
use super::store::{GROUPS, PEOPLE, Store};

/// Packages: three in one catalog, of which two share a role, and one in another.
const PACKAGES: [(&str, &str); 4] = [(PAYMENTS, "oncall"), (PAYMENTS, "payer"), (AUDIT, "auditor"), (PAYMENTS, "tools")];
/// Policies, each with the package it is for.
const POLICIES: [(&str, usize); 4] = [("engineers", 0), ("others", 0), ("payers", 1), ("auditors", 2)];

fn subject_number(number: u8) -> Subject {
    match number {
        0..5 => user(PEOPLE[usize::from(number)]),
        5 => group("engineering"),
        _ => account("apps", "robot"),
    }
}

fn nth<'a, T>(mut all: impl ExactSizeIterator<Item = &'a T>, number: u8) -> Option<&'a T> {
    let count = all.len();
    if count == 0 { None } else { all.nth(usize::from(number) % count) }
}

impl Store {
    /// Somebody with the groups they are in at present.
    pub fn person(&self, name: &str) -> Identity {
        let groups: Vec<&str> = self.members.get(name).into_iter().flatten().copied().collect();
        who(name, &groups)
    }

    /// A request by number, the newest first.
    pub fn request_number(&self, number: u8) -> Option<Key> {
        let mut all: Vec<&AccessRequest> = self.api.requests.values().collect();
        all.sort_by_key(|r| (r.phase().is_terminal(), std::cmp::Reverse(created(*r)), r.metadata.name.clone()));
        // Most is done to the newest.
        let number = if number < 160 { number % 2 } else { number };
        nth(all.iter(), number).map(|r| Key::of(*r))
    }

    /// An assignment by number, the live ones first.
    pub fn assignment_number(&self, number: u8) -> Option<Key> {
        let mut all: Vec<&Assignment> = self.api.assignments.values().collect();
        all.sort_by_key(|a| a.phase().is_terminal());
        let number = if number < 200 { number % 2 } else { number };
        nth(all.iter(), number).map(|a| Key::of(*a))
    }

    /// What a person does. Acts of the operator and of time are none of these.
    pub fn person_does(&mut self, act: &Act) {
        match act {
            Act::Ask { .. } => self.ask(act),
            Act::AskAgain { assignment, kind, wish } => self.ask_again(*assignment, *kind, *wish),
            Act::Vote { request, approver, yes } => self.vote(*request, *approver, *yes),
            Act::Decide { .. } => self.decide(act),
            Act::Cancel { request } => {
                if let Some(key) = self.request_number(*request) {
                    self.edit::<AccessRequest>(&key, |found| found.spec.cancelled = true);
                }
            }
            Act::DeleteRequest { request } => {
                self.request_number(*request).into_iter().for_each(|key| {
                    self.delete::<AccessRequest>(&key);
                });
            }
            Act::ApplyPolicy { slot, terms } => self.apply_policy(*slot, *terms),
            Act::DeletePolicy { slot } => {
                let (name, package) = POLICIES[usize::from(*slot)];
                self.delete::<Policy>(&Key::new(PACKAGES[package].0, name));
            }
            Act::ApplyPackage { slot, roles, foe, group } => self.apply_package(*slot, *roles, *foe, *group),
            Act::DeletePackage { slot } => {
                let (namespace, name) = PACKAGES[usize::from(*slot)];
                self.delete::<AccessPackage>(&Key::new(namespace, name));
            }
            Act::Join { who, group } => {
                let groups = self.members.entry(PEOPLE[usize::from(*who)]).or_default();
                let group = GROUPS[usize::from(*group)];
                if !groups.remove(group) {
                    groups.insert(group);
                }
            }
            _ => self.manager_does(act),
        }
    }
}
