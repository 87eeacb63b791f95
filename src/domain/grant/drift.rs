//! What somebody else did to the members of a grant.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Utc};

use crate::api::assignment::GrantState;
use crate::api::{Assignment, Subject};
use crate::domain::holdings;

use super::{Carrier, GrantKey};

/// What somebody else changed, in words: delivered subjects that are missing, and subjects that no assignment explains. `assignments` finds
/// those of a subject.
pub fn drift<'a, P>(
    key: &GrantKey,
    wanted: &BTreeSet<Subject>,
    carriers: &[Carrier<'_, P>],
    assignments: impl Fn(&Subject) -> Vec<&'a Assignment>,
    now: DateTime<Utc>,
) -> Vec<String> {
    let mut told = Vec::new();
    let of = |subject: &Subject| {
        let mut own = assignments(subject);
        own.retain(|a| a.metadata.namespace.as_deref() == Some(key.namespace.as_str()) && !a.phase().is_terminal());
        own
    };
    let members: HashSet<&Subject> = carriers.iter().flat_map(|carrier| carrier.members.iter().flatten()).collect();
    for subject in wanted.iter().filter(|subject| !members.contains(subject)) {
        let had = of(subject).into_iter().filter(|a| holdings::gives(a, now)).any(|a| {
            let grants = a.status.iter().flat_map(|s| &s.grants);
            grants.into_iter().any(|g| g.resource == key.resource && g.role == key.role && g.state == GrantState::Delivered)
        });
        if had {
            told.push(format!("{subject} was missing"));
        }
    }
    for carrier in carriers {
        if !carrier.intact {
            told.push(format!("labels of {} were changed", carrier.name));
        }
        let foreign = carrier.members.iter().flatten().filter(|s| !wanted.contains(*s) && of(s).is_empty());
        told.extend(foreign.map(|s| format!("{s} was added to {}", carrier.name)));
    }
    told
}
