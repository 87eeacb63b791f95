//! Who has which of the shipped ClusterRoles in a catalog's namespace: the people of its spec, whoever its policies let ask, and whoever may
//! decide what waits.

use std::collections::BTreeSet;

use crate::api::Policy;
use crate::api::policy::{Approver, ApproverKind, Scope, Stage};
use crate::api::subject::{Subject, SubjectKind};

use super::Input;

/// The group of everybody whom the API server knows.
const EVERYBODY: &str = "system:authenticated";
/// The group of all service accounts; those of one namespace follow after a colon.
const ACCOUNTS: &str = "system:serviceaccounts";

/// Roles for whoever asks and decides, which groups of Kubernetes itself can have where a policy names them.
const OF_POLICIES: [&str; 3] = ["entitlement-requestor", "entitlement-requestor-account", "entitlement-approver"];

/// Whom each role is bound to.
pub(super) fn wanted(input: &Input<'_>) -> Vec<(&'static str, BTreeSet<Subject>)> {
    named(input).into_iter().map(|(role, all)| (role, all.into_iter().filter(|s| is_bound(role, s)).collect())).collect()
}

/// Whom the spec or a policy names and nothing is bound to.
pub(super) fn unbound(input: &Input<'_>) -> BTreeSet<Subject> {
    named(input).into_iter().flat_map(|(role, all)| all.into_iter().filter(move |s| !is_bound(role, s))).collect()
}

fn named(input: &Input<'_>) -> Vec<(&'static str, BTreeSet<Subject>)> {
    let spec = &input.catalog.spec;
    let set = |subjects: &[Subject]| subjects.iter().cloned().collect::<BTreeSet<_>>();
    let asking: BTreeSet<Subject> =
        input.policies.iter().filter(|offering| offering.in_use).flat_map(|offering| asking(offering.policy)).collect();
    let accounts = asking.iter().filter(|s| is_account(s)).cloned().collect();
    vec![
        ("entitlement-catalog-owner", set(&spec.owners)),
        ("entitlement-access-package-manager", set(&spec.access_package_managers)),
        ("entitlement-assignment-manager", set(&spec.assignment_managers)),
        ("entitlement-catalog-reader", set(&spec.readers)),
        ("entitlement-requestor", asking),
        ("entitlement-requestor-account", accounts),
        ("entitlement-approver", deciding(input)),
    ]
}

/// Whether the operator binds somebody to a role: the API server refuses it users and groups of Kubernetes itself.
fn is_bound(role: &str, subject: &Subject) -> bool {
    let of_accounts = |name: &str| name.strip_prefix(ACCOUNTS).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'));
    let by_policy = OF_POLICIES.contains(&role) && (subject.name == EVERYBODY || of_accounts(&subject.name));
    !subject.is_system() || (subject.kind == SubjectKind::Group && by_policy)
}

/// Service accounts and groups of them.
fn is_account(subject: &Subject) -> bool {
    match subject.kind {
        SubjectKind::ServiceAccount => true,
        SubjectKind::Group => subject.name.starts_with(ACCOUNTS),
        SubjectKind::User => false,
    }
}

/// Whom a policy lets ask.
fn asking(policy: &Policy) -> BTreeSet<Subject> {
    let terms = &policy.spec.requestors;
    let scope = match terms.scope {
        Scope::Specific => terms.subjects.clone(),
        Scope::AllMembers | Scope::AllUsers | Scope::Anyone => vec![Subject::group(EVERYBODY)],
        Scope::None => Vec::new(),
    };
    scope.into_iter().chain(terms.on_behalf.iter().cloned()).collect()
}

/// Whom policies name as approvers, and stages that are open, or will open, of requests that wait: these keep what was pinned.
fn deciding(input: &Input<'_>) -> BTreeSet<Subject> {
    let pinned = input.waiting.iter().flat_map(|terms| &terms.stages);
    let stages = input.policies.iter().flat_map(|offering| &offering.policy.spec.approval.stages).chain(pinned);
    let (mut all, mut owners) = (BTreeSet::new(), false);
    for approver in stages.flat_map(approvers) {
        owners |= approver.kind == ApproverKind::CatalogOwners;
        all.extend(approver.subject());
    }
    all.extend(input.catalog.spec.owners.iter().filter(|_| owners).cloned());
    all
}

fn approvers(stage: &Stage) -> impl Iterator<Item = &Approver> {
    let escalation = stage.escalation.iter().flat_map(|e| &e.approvers);
    stage.approvers.iter().chain(&stage.fallback_approvers).chain(escalation)
}
