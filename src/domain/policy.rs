//! Policy: can anything be granted under its terms?
//!
//! | what is found | Ready |
//! |---|---|
//! | its namespace belongs to no Catalog | `False`, `NoCatalog` |
//! | its package does not exist | `False`, `PackageNotFound` |
//! | an escalation is not before the end of its stage | `False`, `EscalationTooLate` |
//! | a pattern cannot be compiled | `False`, `PatternInvalid` |
//! | its fixed end has passed | `False`, `ExpirationPassed` |
//! | none of that | `True`, until the fixed end |

use chrono::{DateTime, Utc};

use crate::api::policy::{ESCALATION_TOO_LATE, EXPIRATION_PASSED, PACKAGE_NOT_FOUND, PATTERN_INVALID};
use crate::api::{AccessPackage, Policy, PolicyStatus};

use super::meta::generation;
use super::pattern::flaw;
use super::plan::Plan;
use super::readiness::{Wrong, in_catalog, set_ready};
use super::schedule::show;

/// What a policy is reconciled from.
pub struct Input<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The package that it is for.
    pub package: Option<&'a AccessPackage>,
    /// Whether a Catalog owns the namespace.
    pub has_catalog: bool,
}

/// Decides what becomes of a policy.
pub fn decide(input: &Input<'_>, now: DateTime<Utc>) -> Plan<PolicyStatus> {
    let policy = input.policy;
    let mut plan = Plan::unchanged(&policy.status);
    let end = policy.spec.expiration.at;
    plan.status.observed_generation = Some(generation(policy));
    plan.status.stages = i32::try_from(policy.spec.approval.stages.len()).unwrap_or(i32::MAX);
    let found = in_catalog(input.has_catalog)
        .and_then(|()| package_there(input))
        .and_then(|()| terms(policy))
        .and_then(|()| not_over(end, now));
    set_ready(&mut plan.status.conditions, &mut plan.notices, found, generation(policy), now);
    plan.requeue(end.filter(|at| *at > now));
    plan
}

fn package_there(input: &Input<'_>) -> Result<(), Wrong> {
    if input.package.is_some() {
        return Ok(());
    }
    let name = &input.policy.spec.access_package;
    let text = format!("access package {name:?} (spec.accessPackage) does not exist in this namespace");
    Err(Wrong::new(PACKAGE_NOT_FOUND, text))
}

fn not_over(end: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<(), Wrong> {
    match end.filter(|at| *at <= now) {
        None => Ok(()),
        Some(at) => {
            let text = format!("expiration.at {} has passed: nothing can be granted any more", show(at));
            Err(Wrong::new(EXPIRATION_PASSED, text))
        }
    }
}

/// What can be wrong with the terms of a policy, apart from time and package.
pub fn terms(policy: &Policy) -> Result<(), Wrong> {
    for stage in &policy.spec.approval.stages {
        if let Some(escalation) = stage.escalation.as_ref().filter(|e| e.after >= stage.timeout) {
            let text = format!(
                "stage {:?}: escalation.after {} must be shorter than timeout {}",
                stage.name, escalation.after, stage.timeout
            );
            return Err(Wrong::new(ESCALATION_TOO_LATE, text));
        }
    }
    for question in &policy.spec.questions {
        if let Some(error) = question.pattern.as_deref().and_then(flaw) {
            return Err(Wrong::new(PATTERN_INVALID, format!("question {:?}: {error}", question.name)));
        }
    }
    Ok(())
}
