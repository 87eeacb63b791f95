//! What somebody else did to the bindings of a grant.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::api::Subject;
use crate::api::assignment::GrantState;
use crate::domain::holdings;
use crate::grants::GrantKey;
use crate::grants::plan::Observed;
use crate::observe::store::IndexKey;
use crate::observe::stores::Stores;

impl Stores {
    /// What somebody else changed in our bindings: delivered subjects that are missing, and subjects that no assignment explains.
    pub(super) fn drifted(
        &self,
        key: &GrantKey,
        wanted: &BTreeSet<Subject>,
        observed: &[Arc<Observed>],
        now: DateTime<Utc>,
    ) -> Vec<String> {
        let mut told = Vec::new();
        let of = |subject: &Subject| {
            let own: Vec<_> = self.assignments.find(&IndexKey::Subject(subject.clone())).cloned().collect();
            own.into_iter()
                .filter(|a| a.metadata.namespace.as_deref() == Some(key.namespace.as_str()) && !a.phase().is_terminal())
        };
        for subject in wanted.iter().filter(|s| self.members.of(key, s).is_empty()) {
            let had = of(subject).filter(|a| holdings::gives(a, now)).any(|a| {
                let grants = a.status.iter().flat_map(|s| &s.grants);
                grants.into_iter().any(|g| g.resource == key.resource && g.role == key.role && g.state == GrantState::Delivered)
            });
            if had {
                told.push(format!("{subject} was missing"));
            }
        }
        for observed in observed {
            if !observed.labelled {
                told.push(format!("labels of {} were changed", observed.name));
            }
            let foreign = observed.subjects.iter().flatten().filter(|s| !wanted.contains(*s) && of(s).next().is_none());
            told.extend(foreign.map(|s| format!("{s} was added to {}", observed.name)));
        }
        told
    }
}
