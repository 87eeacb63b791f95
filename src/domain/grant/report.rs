//! What this process knows of grants beside what the caches show. It lives in memory only: a restart finds it anew by reconciling every grant.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::api::Assignment;
use crate::api::assignment::{GrantState, GrantStatus};
use crate::domain::Key;

use super::damper::Damper;
use super::{GrantKey, within};

/// A mass revocation that waits for a confirmation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// How many subjects keep the role until then.
    pub count: usize,
    /// The packages through which they got it.
    pub packages: BTreeSet<Key>,
}

/// What came of a grant the last time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantReport {
    /// This process has not reconciled it yet, so that what a former one said stands.
    pub not_reconciled: bool,
    /// What its bindings could not be written for.
    pub failure: Option<String>,
    /// A binding of somebody else that has the name of one of its own.
    pub conflict: Option<String>,
    /// A mass revocation that waits.
    pub held: Option<Held>,
    /// Repairs of what somebody else keeps changing.
    pub repairs: Option<Damper>,
}

/// One report for each grant of which there is something to say.
#[derive(Debug, Default)]
pub struct GrantReports(BTreeMap<GrantKey, GrantReport>);

impl GrantReports {
    /// Nothing is known of these grants yet.
    pub fn begin(&mut self, all: BTreeSet<GrantKey>) {
        let report = GrantReport { not_reconciled: true, ..GrantReport::default() };
        self.0 = all.into_iter().map(|key| (key, report.clone())).collect();
    }

    /// The report of a grant.
    pub fn of(&self, key: &GrantKey) -> GrantReport {
        self.0.get(key).cloned().unwrap_or_default()
    }

    /// Keeps a new report of a grant, and returns the one before. Repairs of others that have been calm for long enough are forgotten with it: a
    /// grant that is gone is not reconciled again.
    pub fn replace(&mut self, key: &GrantKey, report: GrantReport, now: DateTime<Utc>) -> GrantReport {
        if report.repairs.is_some() {
            self.0.values_mut().for_each(|other| other.repairs = other.repairs.filter(|repairs| !repairs.is_calm(now)));
            self.0.retain(|_, other| *other != GrantReport::default());
        }
        let before = match report == GrantReport::default() {
            true => self.0.remove(key),
            false => self.0.insert(key.clone(), report),
        };
        before.unwrap_or_default()
    }

    /// What the bindings of a grant could not be written for.
    pub fn failure(&self, key: &GrantKey) -> Option<&str> {
        self.0.get(key)?.failure.as_deref()
    }

    /// Why a grant fails; until it is reconciled, what the status of an assignment says.
    pub fn failure_told(&self, key: &GrantKey, assignment: &Assignment) -> Option<String> {
        let report = self.0.get(key)?;
        if !report.not_reconciled {
            return report.failure.clone();
        }
        let mut said = assignment.status.iter().flat_map(|s| &s.grants);
        let same = |g: &&GrantStatus| g.resource == key.resource && g.role == key.role && g.state == GrantState::Failed;
        said.find(same).map(|grant| grant.message.clone())
    }

    /// Whether a grant of a resource, or of any in its namespace, was not reconciled yet, so that what is said about it must stand.
    pub fn is_unsure(&self, namespace: &str, resource: Option<&str>) -> bool {
        within(&self.0, namespace, resource).any(|(_, report)| report.not_reconciled)
    }

    /// Mass revocations that wait and match, as role and number of subjects.
    pub fn held(&self, matches: impl Fn(&GrantKey, &Held) -> bool) -> Vec<(String, usize)> {
        let held = self.0.iter().filter_map(|(key, report)| Some((key, report.held.as_ref()?)));
        held.filter(|(key, held)| matches(key, held))
            .map(|(key, held)| (format!("{}/{}", key.resource, key.role), held.count))
            .collect()
    }

    /// Bindings of others that are in the way of a resource's grants.
    pub fn conflicts(&self, resource: &Key) -> Vec<String> {
        let own = within(&self.0, &resource.namespace, Some(&resource.name));
        own.filter_map(|(_, report)| report.conflict.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repairs_of_a_grant_that_is_gone_are_forgotten_when_another_is_repaired() {
        let at = |seconds: i64| DateTime::from_timestamp(1_000_000 + seconds, 0).unwrap();
        let repaired = |seconds| GrantReport { repairs: Some(Damper::new(at(seconds))), ..GrantReport::default() };
        let mut reports = GrantReports::default();
        for number in 0..10 {
            reports.replace(&GrantKey::new("space", number.to_string(), "role"), repaired(number), at(number));
        }
        reports.replace(&GrantKey::new("space", "late", "role"), repaired(1_000), at(1_000));
        assert_eq!(reports.0.len(), 1);
    }
}
