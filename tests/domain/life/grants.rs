//! What becomes of a grant, as these stories ask it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use entitlement_operator::domain::grant::damper::Damper;
use entitlement_operator::domain::grant::decide::{Input, decide};
use entitlement_operator::domain::grant::mass_revocation::MassRevocation;
use entitlement_operator::kinds;
use entitlement_operator::observe::Stores;
use entitlement_operator::observe::change::{Change, ReportChange, Triggers};
use entitlement_operator::targets::TargetSystem;
use entitlement_operator::targets::rbac::Rbac;

use super::rules::{GrantKey, GrantReport, Held, Rules, Target, WorkItem, Write};

/// Nothing in these stories is a mass revocation.
const NEVER: MassRevocation = MassRevocation { count: 1_000, percent: 100 };

/// What becomes of a grant.
pub struct GrantPlan {
    pub writes: Vec<Write>,
    pub damped: Option<DateTime<Utc>>,
    pub held: Option<Held>,
    pub repairs: Option<Damper>,
}

/// What has to be reconciled when something else is known of a grant than before.
pub fn of_report(
    stores: &Stores,
    grant: &GrantKey,
    before: &GrantReport,
    after: &GrantReport,
    all_reconciled: bool,
) -> BTreeSet<WorkItem> {
    let mut triggers = Triggers::default();
    kinds::dependents(stores, &Change::Report(ReportChange { grant, before, after, all_reconciled }), &mut triggers);
    triggers.ordinary
}

impl Rules<'_> {
    /// What is seen of a grant, and what becomes of it.
    pub fn grant(self, key: &GrantKey) -> (Input<Target>, GrantPlan) {
        let (input, observed) = self.stores.grant_input::<Rbac>(key, self.now);
        let writes = |allowed: &_| Rbac::plan(key, &input.wanted, allowed, &observed);
        let gives = |allowed: &_| writes(allowed).iter().any(Rbac::gives);
        let decided = decide(&input, &self.reports.of(key), self.trust, NEVER, self.now, gives);
        let plan =
            GrantPlan { writes: writes(&decided.allowed), damped: decided.damped, held: decided.held, repairs: decided.repairs };
        (input, plan)
    }
}
