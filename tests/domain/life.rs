//! Whole lives: a small world in memory, in which people, time and an operator that may stop after any write do what they do.
//!
//! After every write the oracle says whether it may be so; when all has been reconciled until nothing is left to do, everything must be
//! as the rules of the design want it.

mod acts;
mod bindings;
mod by_kind;
mod edits;
mod effects;
mod facts;
mod grants;
mod honest;
mod mirror;
mod operator;
mod oracle;
mod order;
mod people;
mod plans;
mod process;
mod rivals;
mod rules;
mod server;
mod settle;
mod store;
mod terms;
mod triggers;

use chrono::TimeDelta;
use entitlement_operator::api::{
    AccessPackage, AccessRequest, ApprovalDecision, Assignment, Catalog, CatalogResource, condition,
};
use entitlement_operator::domain::Key;
use proptest::prelude::*;

use crate::chance;

use acts::{Act, Terms, acts, world};
use operator::{How, WHOLE};
use process::Process;
use rules::{GrantReports, WorkItem};
use server::{ApiServer, Kind};
use store::Store;

impl Store {
    fn thing_number(&self, number: u8) -> WorkItem {
        let mut all: Vec<WorkItem> = self.everything().into_iter().collect();
        all.sort_by_key(|work| !matches!(work, WorkItem::Request(_) | WorkItem::Assignment(_)));
        all.swap_remove(usize::from(number) % all.len())
    }

    /// A request or an assignment by number.
    fn rival_number(&self, number: u8) -> Option<WorkItem> {
        match number {
            0..160 => self.request_number(number).map(WorkItem::Request),
            _ => self.assignment_number(number - 160).map(WorkItem::Assignment),
        }
    }

    fn happens(&mut self, act: &Act) {
        match act {
            Act::Pass { seconds } => self.now += TimeDelta::seconds(*seconds),
            Act::Look { thing, how } => {
                let thing = self.thing_number(*thing);
                self.reconcile(&thing, *how);
            }
            Act::Crash { thing, writes } => self.crash(*thing, *writes),
            Act::LookAtBoth { first, second } => {
                let (first, second) = (self.rival_number(*first), self.rival_number(*second));
                if let (Some(first), Some(second)) = (&first, &second)
                    && first != second
                {
                    self.reconcile_both(first, second);
                }
            }
            Act::Rounds { order, without } => self.rounds(*order, *without),
            Act::Settle { order } => self.settle(*order),
            Act::Sleep { order } => {
                self.settle(*order);
                self.now = self.next_wake().unwrap_or(self.now);
                self.settle(order.wrapping_add(1));
            }
            _ => self.person_does(act),
        }
    }

    /// The operator stops after some writes, and another process goes on: that leads to where it leads when nothing stops.
    fn crash(&mut self, thing: u8, writes: usize) {
        let thing = self.thing_number(thing);
        let mut undisturbed = self.clone();
        undisturbed.process.reports = GrantReports::default(); // a process that has been there for long
        self.reconcile(&thing, How { writes, ..WHOLE });
        undisturbed.reconcile(&thing, WHOLE);
        for store in [&mut *self, &mut undisturbed] {
            store.process = Process::start(&store.api);
            (0..3).for_each(|_| {
                store.reconcile(&thing, WHOLE);
            });
        }
        assert!(self.same_as(&undisturbed), "{thing:?} after {writes} writes");
    }

    fn same_as(&self, other: &Self) -> bool {
        fn same<K: Kind + PartialEq>(one: &ApiServer, other: &ApiServer) -> bool {
            let whole = |api: &ApiServer| {
                let object = |(key, found): (&Key, &K)| {
                    let mut found = found.clone();
                    found.meta_mut().resource_version = None;
                    (key.clone(), found)
                };
                K::table(api).iter().map(object).collect::<Vec<_>>()
            };
            whole(one) == whole(other)
        }
        let verdicts = |store: &Self| -> Vec<(Key, Option<bool>)> {
            let counted = |d: &ApprovalDecision| d.status.as_ref().map(|s| condition::holds(&s.conditions, "Counted"));
            store.api.decisions.iter().map(|(key, d)| (key.clone(), counted(d))).collect()
        };
        let (one, two) = (&self.api, &other.api);
        same::<AccessRequest>(one, two)
            && same::<Assignment>(one, two)
            && same::<Catalog>(one, two)
            && same::<CatalogResource>(one, two)
            && same::<AccessPackage>(one, two)
            && one.bound() == two.bound()
            && verdicts(self) == verdicts(other)
    }
}

fn live((first, second, foe): (Terms, Terms, Option<u8>), acts: &[Act], order: u64) {
    let mut store = terms::begin(first, second, foe);
    store.settle(order);
    acts.iter().for_each(|act| store.happens(act));
    store.settle(order);
    store.now += TimeDelta::days(10);
    store.settle(order);
}

proptest! {
    #![proptest_config(chance(2_000))]

    #[test]
    fn short_lives_keep_every_rule(terms in world(), acts in acts(30), order in any::<u64>()) {
        live(terms, &acts, order);
    }
}

proptest! {
    #![proptest_config(chance(600))]

    #[test]
    fn long_lives_keep_every_rule(terms in world(), acts in acts(80), order in any::<u64>()) {
        live(terms, &acts, order);
    }
}
