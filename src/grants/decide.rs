//! What becomes of a grant: the writes that make its bindings what they should be, unless trust, a mass revocation that nobody confirmed, or
//! somebody who undoes them as fast as they are written says otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::api::Subject;
use crate::domain::resource::{Scope, Standing, Target};
use crate::domain::{Key, Trust};

use super::damper::Damper;
use super::mass_revocation::{MassRevocation, kept};
use super::plan::{Observed, Place, Write, plan};
use super::report::{GrantReport, Held};
use super::{GrantKey, name};

/// What a grant is reconciled from.
pub struct GrantInput {
    /// Who should have it.
    pub wanted: BTreeSet<Subject>,
    /// How it stands in each of its places, and in those where a binding is.
    pub places: BTreeMap<Target, Standing>,
    /// Uids of the namespaces among them, as they were seen.
    pub namespace_uids: BTreeMap<String, String>,
    /// Where it is bound as it is written now.
    pub scopes: BTreeSet<Scope>,
    /// Bindings that are there.
    pub observed: Vec<Arc<Observed>>,
    /// How many subjects these have.
    pub present: usize,
    /// Those who hold a live assignment that gave them the role, and lose it, here or somewhere, because of an edit that nobody
    /// confirmed; with the package that gave it.
    pub losers: BTreeMap<Subject, Key>,
    /// The resource says that a mass revocation waits.
    pub held: bool,
    /// The next instant at which somebody's access ends.
    pub next_end: Option<DateTime<Utc>>,
    /// Ends of assignments whose access is being taken away now.
    pub overdue: Vec<DateTime<Utc>>,
    /// What somebody else changed in its bindings, in words.
    pub drifted: Vec<String>,
}

/// What is to be done about a grant.
pub struct GrantPlan {
    /// In this order.
    pub writes: Vec<Write>,
    /// Until when nothing is given, because somebody else undoes it as fast as it is written.
    pub damped: Option<DateTime<Utc>>,
    /// A mass revocation that waits for a confirmation.
    pub held: Option<Held>,
    /// Repairs of late, this one included.
    pub repairs: Option<Damper>,
}

/// Decides what becomes of a grant.
pub fn decide(
    key: &GrantKey,
    input: &GrantInput,
    report: &GrantReport,
    trust: &Trust,
    limits: MassRevocation,
    now: DateTime<Utc>,
) -> GrantPlan {
    let mut places = places(input, trust.objection().is_none());
    let losers: BTreeSet<Subject> = input.losers.keys().cloned().collect();
    // What is held stays held when some of them go for good, and over a restart.
    let still = !losers.is_empty() && (input.held || report.held.is_some());
    let kept = kept(limits, input.present, &losers).or(still.then_some(&losers));
    if kept.is_some() {
        places = as_it_is(key, places, &input.observed, false);
    }
    let held = kept.map(|kept| Held { count: kept.len(), packages: input.losers.values().cloned().collect() });
    let kept = kept.cloned().unwrap_or_default();
    let mut writes = plan(key, &input.wanted, &kept, &places, &input.observed);
    let mut repairs = report.repairs.filter(|damper| !damper.is_calm(now));
    let mut damped = None;
    if !input.drifted.is_empty() && writes.iter().any(gives) {
        damped = repairs.get_or_insert_with(|| Damper::new(now)).repair(now).err();
    }
    if damped.is_some() {
        writes = plan(key, &input.wanted, &kept, &as_it_is(key, places, &input.observed, true), &input.observed);
    }
    GrantPlan { writes, damped, held, repairs }
}

/// Whether a write makes somebody a member.
fn gives(write: &Write) -> bool {
    matches!(write, Write::Put { joining, .. } if *joining > 0)
}

/// What may be done in each place. While identities cannot be trusted nobody gains anything anywhere, and no role becomes another one.
fn places(input: &GrantInput, trusted: bool) -> BTreeMap<Target, Place> {
    let place = |(target, standing): (&Target, &Standing)| {
        let place = match standing {
            Standing::Open if trusted => Place::Open,
            Standing::Leaving if trusted || input.scopes.is_empty() => return None,
            Standing::Open | Standing::Held(_) | Standing::Leaving => Place::Closed,
            Standing::Void(_) => Place::Void,
        };
        Some((target.clone(), place))
    };
    input.places.iter().filter_map(place).collect()
}

/// The places where whoever is bound by us stays where we put them: nobody joins them in an old place, nor, if `closed`, anywhere.
fn as_it_is(
    key: &GrantKey,
    mut places: BTreeMap<Target, Place>,
    observed: &[Arc<Observed>],
    closed: bool,
) -> BTreeMap<Target, Place> {
    for place in places.values_mut().filter(|place| closed && **place == Place::Open) {
        *place = Place::Closed;
    }
    for binding in observed.iter().filter(|o| name::is_genuine(key, &o.target, &o.name)) {
        places.entry(binding.target.clone()).or_insert(Place::Closed);
    }
    places
}
