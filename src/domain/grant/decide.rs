//! What becomes of a grant in one target system: what may be done in each of its places, unless trust, a mass revocation that nobody
//! confirmed, or somebody who undoes it as fast as it is written says otherwise.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::api::Subject;
use crate::domain::resource::Standing;
use crate::domain::{Key, Trust};

use super::damper::Damper;
use super::diff::{Access, Allowed};
use super::mass_revocation::{MassRevocation, kept};
use super::report::{GrantReport, Held};

/// What a grant is reconciled from; `P` is a role in a place of the target system.
pub struct Input<P> {
    /// Who should have it.
    pub wanted: BTreeSet<Subject>,
    /// How it stands in each of its places, and in those where somebody has it.
    pub places: BTreeMap<P, Standing>,
    /// Places where somebody has it because we gave it there, and not by drift.
    pub own: BTreeSet<P>,
    /// The role has a place in this target system as it is written now.
    pub is_offered: bool,
    /// How many have it.
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
    /// What somebody else changed, in words.
    pub drifted: Vec<String>,
}

/// What is to be done about a grant.
pub struct Decision<P> {
    /// What may be done in each place, and who stays all the same.
    pub allowed: Allowed<P, Subject>,
    /// Until when nothing is given, because somebody else undoes it as fast as it is written.
    pub damped: Option<DateTime<Utc>>,
    /// A mass revocation that waits for a confirmation.
    pub held: Option<Held>,
    /// Repairs of late, this one included.
    pub repairs: Option<Damper>,
}

/// Decides what becomes of a grant. `gives`: whether somebody would gain it by what is allowed.
pub fn decide<P: Ord + Clone>(
    input: &Input<P>,
    report: &GrantReport,
    trust: &Trust,
    limits: MassRevocation,
    now: DateTime<Utc>,
    gives: impl Fn(&Allowed<P, Subject>) -> bool,
) -> Decision<P> {
    let mut places = places(input, trust.objection().is_none());
    let losers: BTreeSet<Subject> = input.losers.keys().cloned().collect();
    // What is held stays held when some of them go for good, and over a restart.
    let still = !losers.is_empty() && (input.held || report.held.is_some());
    let kept = kept(limits, input.present, &losers).or(still.then_some(&losers));
    if kept.is_some() {
        places = as_it_is(places, &input.own, false);
    }
    let held = kept.map(|kept| Held { count: kept.len(), packages: input.losers.values().cloned().collect() });
    let mut allowed = Allowed { places, kept: kept.cloned().unwrap_or_default() };
    let mut repairs = report.repairs.filter(|damper| !damper.is_calm(now));
    let mut damped = None;
    if !input.drifted.is_empty() && gives(&allowed) {
        damped = repairs.get_or_insert_with(|| Damper::new(now)).repair(now).err();
    }
    if damped.is_some() {
        allowed.places = as_it_is(allowed.places, &input.own, true);
    }
    Decision { allowed, damped, held, repairs }
}

/// What may be done in each place. While identities cannot be trusted nobody gains anything anywhere, and no role becomes another one.
fn places<P: Ord + Clone>(input: &Input<P>, trusted: bool) -> BTreeMap<P, Access> {
    let access = |(place, standing): (&P, &Standing)| {
        let access = match standing {
            Standing::Open if trusted => Access::Open,
            Standing::Leaving if trusted || !input.is_offered => return None,
            Standing::Open | Standing::Held(_) | Standing::Leaving => Access::Closed,
            Standing::Void(_) => Access::Void,
        };
        Some((place.clone(), access))
    };
    input.places.iter().filter_map(access).collect()
}

/// The places where whoever has it from us stays where we put them: nobody joins them in an old place, nor, if `closed`, anywhere.
fn as_it_is<P: Ord + Clone>(mut places: BTreeMap<P, Access>, own: &BTreeSet<P>, closed: bool) -> BTreeMap<P, Access> {
    for access in places.values_mut().filter(|access| closed && **access == Access::Open) {
        *access = Access::Closed;
    }
    for place in own {
        places.entry(place.clone()).or_insert(Access::Closed);
    }
    places
}
