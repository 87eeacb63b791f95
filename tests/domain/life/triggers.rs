//! After any change everything that comes out differently is reconciled: what nobody triggers stays as it was for ever.

use entitlement_operator::api::access_request::{RequestPhase, RequestType};
use entitlement_operator::api::catalog_resource::{ResourceRole, RoleKind};
use entitlement_operator::api::labels::IN_USE;
use entitlement_operator::api::{AccessPackage, AccessRequest, Assignment, Catalog, CatalogResource, Policy};
use entitlement_operator::domain::Key;
use entitlement_operator::domain::resource::Offer;
use proptest::prelude::*;

use crate::builders::*;
use crate::chance;

use super::acts::{Act, Terms, Wish, acts, deeds, world};
use super::mirror::Mirror;
use super::store::{Kind, Store};
use super::terms;

/// What the people of the other stories do not do.
#[derive(Clone, Debug)]
enum Edit {
    /// A resource loses its first role, or gets it back as another one.
    Role { resource: u8, name: u8 },
    /// A resource binds in one more namespace, or in one less.
    Namespace { resource: u8, name: u8 },
    /// A namespace is there, or is not.
    Vanish { namespace: u8 },
    /// A catalog follows the rules of the other one about what must not be held together, or does not.
    Honor { catalog: u8 },
    /// An object goes: at once, or when it is released.
    Delete { kind: u8, number: u8, held: bool },
    /// An object is deleted and made anew as if nothing had happened, and nobody saw it in between.
    MakeAnew { kind: u8, number: u8 },
    /// An assignment is deleted, and another one takes its name.
    Replace { assignment: u8, package: u8, subject: u8 },
}

fn edit() -> impl Strategy<Value = Edit> {
    let any = any::<u8>;
    prop_oneof![
        2 => (any(), any()).prop_map(|(resource, name)| Edit::Role { resource, name }),
        2 => (any(), any()).prop_map(|(resource, name)| Edit::Namespace { resource, name }),
        1 => any().prop_map(|namespace| Edit::Vanish { namespace }),
        1 => any().prop_map(|catalog| Edit::Honor { catalog }),
        3 => (any(), any(), proptest::bool::ANY).prop_map(|(kind, number, held)| Edit::Delete { kind, number, held }),
        3 => (0..3_u8, any(), proptest::bool::ANY).prop_map(|(kind, number, held)| Edit::Delete { kind, number, held }),
        3 => (any(), any()).prop_map(|(kind, number)| Edit::MakeAnew { kind, number }),
        2 => (any(), any(), any()).prop_map(|(assignment, package, subject)| Edit::Replace { assignment, package, subject }),
    ]
}

fn nth<T: Clone>(all: impl IntoIterator<Item = T>, number: u8) -> Option<T> {
    let all: Vec<T> = all.into_iter().collect();
    all.get(usize::from(number) % all.len().max(1)).cloned()
}

const NAMESPACES: [&str; 3] = ["payments", "jobs", "audit"];

impl Store {
    fn edit_resource(&mut self, number: u8, change: impl FnOnce(&mut CatalogResource)) {
        let Some(key) = nth(self.resources.keys().cloned(), number) else { return };
        self.edit::<CatalogResource>(&key, change);
        self.offers.insert(key.clone(), Offer::of(&self.resources[&key]));
    }

    fn remove<K: Kind>(&mut self, number: u8, held: bool) {
        let Some(key) = nth(K::table(self).keys().cloned(), number) else { return };
        if held && K::table(self)[&key].meta().deletion_timestamp.is_none() {
            self.finalizer::<K>(&key, IN_USE, true);
        }
        self.delete::<K>(&key);
        self.offers.retain(|key, _| self.resources.contains_key(key));
    }

    fn make_anew<K: Kind>(&mut self, number: u8, change: impl FnOnce(&mut K)) {
        let Some(mut found) = nth(K::table(self).values().cloned(), number) else { return };
        K::table(self).remove(&Key::of(&found));
        change(&mut found);
        self.create(found);
    }

    fn edited(&mut self, edit: &Edit) {
        match edit {
            Edit::Role { resource, name } => self.edit_resource(*resource, |found| match found.spec.roles.len() {
                0 | 1 => found.spec.roles.push(ResourceRole {
                    name: ["viewer", "reader", "operator"][usize::from(name % 3)].to_owned(),
                    ..site::role("any", RoleKind::ClusterRole, "prod-viewer", "carol")
                }),
                _ => drop(found.spec.roles.remove(0)),
            }),
            Edit::Namespace { resource, name } => self.edit_resource(*resource, |found| {
                let (name, places) = (NAMESPACES[usize::from(name % 3)], found.spec.kubernetes.get_or_insert_default());
                let all = &mut places.namespaces;
                if all.iter().any(|one| one == name) { all.retain(|one| one != name) } else { all.push(name.to_owned()) }
            }),
            Edit::Vanish { namespace } => {
                let name = NAMESPACES[usize::from(namespace % 3)].to_owned();
                if !self.vanished.remove(&name) {
                    self.vanished.insert(name);
                }
            }
            Edit::Honor { catalog } => self.honor(*catalog),
            Edit::Delete { kind, number, held } => self.delete_any(*kind, *number, *held),
            Edit::MakeAnew { kind, number } => self.make_any_anew(*kind, *number),
            Edit::Replace { assignment, package, subject } => self.make_anew::<Assignment>(*assignment, |found| {
                found.spec.access_package = ["oncall", "payer", "tools"][usize::from(package % 3)].to_owned();
                found.spec.subject = [user("alice"), user("bob"), group("engineering")][usize::from(subject % 3)].clone();
                found.status = None;
            }),
        }
    }

    fn honor(&mut self, catalog: u8) {
        let names = ["payments", "audit"];
        let (own, other) = (names[usize::from(catalog % 2)], names[usize::from(1 - catalog % 2)]);
        self.edit::<Catalog>(&Key::new("", own), |found| {
            let all = &mut found.spec.honors_separation_from;
            if all.is_empty() { all.push(other.to_owned()) } else { all.clear() }
        });
    }

    fn delete_any(&mut self, kind: u8, number: u8, held: bool) {
        match kind % 6 {
            0 => self.remove::<Catalog>(number, held),
            1 => self.remove::<CatalogResource>(number, held),
            2 => self.remove::<AccessPackage>(number, held),
            3 => self.remove::<Policy>(number, held),
            4 => self.remove::<AccessRequest>(number, held),
            _ => self.remove::<Assignment>(number, held),
        }
    }

    fn make_any_anew(&mut self, kind: u8, number: u8) {
        match kind % 6 {
            0 => self.make_anew::<Catalog>(number, |_| {}),
            1 => self.make_anew::<CatalogResource>(number, |_| {}),
            2 => self.make_anew::<AccessPackage>(number, |found| found.status = None),
            3 => self.make_anew::<Policy>(number, |_| {}),
            4 => self.make_anew::<AccessRequest>(number, |found| found.status = None),
            _ => self.make_anew::<Assignment>(number, |found| found.status = None),
        }
    }
}

proptest! {
    #![proptest_config(chance(50))]

    #[test]
    fn whatever_a_change_alters_is_triggered_by_it(
        terms in world(), acts in acts(20), deeds in deeds(12), edits in proptest::collection::vec(edit(), 0..8),
        order in any::<u64>(), unseen in any::<u32>(),
    ) {
        let (first, second, foe) = terms;
        let mut store = terms::begin(first, second, foe);
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
    let mut mirror = Mirror::of(&store);
    let delete = |kind: u8, number: u8, held: bool| Edit::Delete { kind, number, held };
    // The catalog payments and its resource prod; then the package that uses it, and the other resource.
    for edit in [delete(0, 1, true), delete(1, 1, true), delete(2, 1, false), delete(1, 2, false)] {
        store.edited(&edit);
        mirror.follow(&store, 0);
    }
}

#[test]
fn people_can_read_a_disabled_policy_as_long_as_they_wait_under_it() {
    let disabled = Terms { enabled: false, ..GENEROUS };
    let mut store = terms::begin(GENEROUS, disabled, None);
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
    let ended: Vec<_> = store.requests.values().map(|request| request.phase()).collect();
    assert_eq!(ended, [RequestPhase::Cancelled]);
}
