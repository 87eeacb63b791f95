//! Catalog: its namespace, and who has which role in it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::{RoleBinding, RoleRef, Subject as RbacSubject};
use kube::Resource;

use crate::api::catalog::{BINDINGS_PENDING, NAMESPACE_NOT_OURS, NAMESPACE_PENDING};
use crate::api::labels::{CATALOG, MANAGED_BY, OPERATOR};
use crate::api::subject::{Subject, SubjectKind};
use crate::api::{Catalog, CatalogStatus, Policy};

use super::plan::{Effect, Key, Note, Plan};
use super::readiness::{Wrong, deletion, generation, set_ready};

/// What a look at a catalog sees.
pub struct Seen<'a> {
    /// The catalog.
    pub catalog: &'a Catalog,
    /// The namespace it asks for.
    pub namespace: Option<&'a Namespace>,
    /// Our RoleBindings for people in that namespace, by name.
    pub bindings: BTreeMap<String, &'a RoleBinding>,
    /// How many packages are in the namespace.
    pub packages: usize,
    /// Policies in the namespace; their approvers may list requests.
    pub policies: Vec<&'a Policy>,
}

/// The group of everybody whom the API server knows.
const EVERYBODY: &str = "system:authenticated";

/// Decides what becomes of a catalog. `problem` is what went wrong when it was last carried out.
pub fn decide(seen: &Seen<'_>, problem: Option<&str>, now: DateTime<Utc>) -> Plan<CatalogStatus> {
    let mut plan = Plan::status(seen.catalog.status.clone().unwrap_or_default());
    let (effect, kept) = deletion(seen.catalog, &[(seen.packages, "access package(s) in its namespace")]);
    plan.effects.extend(effect);
    if let Err(wrong) = kept {
        // Nothing is built any more; what is there stays until it is released.
        set_ready(&mut plan.status.conditions, &mut plan.notes, Err(wrong), generation(seen.catalog), now);
        return plan;
    }
    let found = namespace(seen, &mut plan).and_then(|namespace| {
        plan.status.namespace = Some(namespace.clone());
        bindings(seen, &namespace, &mut plan.effects)
    });
    if matches!(&found, Err(wrong) if wrong.reason != BINDINGS_PENDING) {
        plan.status.namespace = None;
    }
    let found = found.map_err(|wrong| Wrong {
        message: problem.map_or(wrong.message.clone(), |problem| format!("{}; last failure: {problem}", wrong.message)),
        ..wrong
    });
    plan.status.observed_generation = Some(generation(seen.catalog));
    set_ready(&mut plan.status.conditions, &mut plan.notes, found, generation(seen.catalog), now);
    plan
}

fn name(catalog: &Catalog) -> &str {
    catalog.metadata.name.as_deref().unwrap_or_default()
}

/// The namespace, when it is there and ours to use: created by us, or labelled by somebody who may label it.
fn namespace(seen: &Seen<'_>, plan: &mut Plan<CatalogStatus>) -> Result<String, Wrong> {
    let wanted = seen.catalog.wanted_namespace();
    let Some(found) = seen.namespace else {
        plan.notes.push(Note {
            warning: false,
            reason: "CreatingNamespace",
            entered: None,
            message: format!("namespace {wanted:?} is created"),
        });
        plan.effects.push(Effect::CreateNamespace(wanted.clone()));
        return Err(Wrong::new(NAMESPACE_PENDING, format!("namespace {wanted:?} is being created")));
    };
    let label = found.metadata.labels.as_ref().and_then(|labels| labels.get(CATALOG));
    if label.map(String::as_str) != Some(name(seen.catalog)) {
        let text = format!(
            "namespace {wanted:?} exists and was not created for this Catalog: label it {CATALOG}={} to let the Catalog adopt it, or name another in spec.namespace",
            name(seen.catalog)
        );
        return Err(Wrong::new(NAMESPACE_NOT_OURS, text));
    }
    if found.metadata.deletion_timestamp.is_some() {
        return Err(Wrong::new(NAMESPACE_PENDING, format!("namespace {wanted:?} is being deleted")));
    }
    Ok(wanted)
}

/// The namespace of a catalog, as it is created: it goes with the Catalog.
pub fn new_namespace(catalog: &Catalog) -> Namespace {
    let mut namespace = Namespace::default();
    namespace.metadata.name = Some(catalog.wanted_namespace());
    namespace.metadata.labels =
        Some([(MANAGED_BY.to_owned(), OPERATOR.to_owned()), (CATALOG.to_owned(), name(catalog).to_owned())].into());
    namespace.metadata.owner_references = catalog.controller_owner_ref(&()).map(|owner| vec![owner]);
    namespace
}

/// Who has which of the shipped ClusterRoles in a catalog's namespace.
fn wanted(seen: &Seen<'_>) -> Vec<(&'static str, BTreeSet<Subject>)> {
    let spec = &seen.catalog.spec;
    let set = |subjects: &[Subject]| subjects.iter().cloned().collect::<BTreeSet<_>>();
    let stages = seen.policies.iter().flat_map(|policy| &policy.spec.approval.stages);
    let approvers = stages.flat_map(|stage| {
        let escalation = stage.escalation.iter().flat_map(|e| &e.approvers);
        stage.approvers.iter().chain(&stage.fallback_approvers).chain(escalation).filter_map(|a| a.subject())
    });
    vec![
        ("entitlement-catalog-owner", set(&spec.owners)),
        ("entitlement-access-package-manager", set(&spec.access_package_managers)),
        ("entitlement-assignment-manager", set(&spec.assignment_managers)),
        ("entitlement-catalog-reader", set(&spec.readers)),
        ("entitlement-requestor", BTreeSet::from([Subject::group(EVERYBODY)])),
        ("entitlement-approver", approvers.collect()),
    ]
}

/// Compares the bindings that should be with those that are.
fn bindings(seen: &Seen<'_>, namespace: &str, effects: &mut Vec<Effect>) -> Result<(), Wrong> {
    let mut missing = Vec::new();
    for (role, subjects) in wanted(seen) {
        let binding = binding(seen.catalog, namespace, role, &subjects);
        let found = seen.bindings.get(role);
        match (subjects.is_empty(), found) {
            (true, None) => {}
            (true, Some(_)) => effects.push(Effect::Unbind(Key::new(namespace, role))),
            (false, Some(found)) if same(found, &binding) => {}
            (false, _) => {
                missing.push(role);
                effects.push(Effect::Bind(Box::new(binding)));
            }
        }
    }
    match missing.is_empty() {
        true => Ok(()),
        false => Err(Wrong::new(
            BINDINGS_PENDING,
            format!("RoleBindings are being written in namespace {namespace:?}: {}", missing.join(", ")),
        )),
    }
}

/// Whether two bindings mean the same, apart from what others may add to the metadata.
fn same(found: &RoleBinding, wanted: &RoleBinding) -> bool {
    let labels = |b: &RoleBinding| b.metadata.labels.clone().unwrap_or_default();
    let has = labels(found);
    found.role_ref == wanted.role_ref
        && found.subjects == wanted.subjects
        && labels(wanted).iter().all(|(k, v)| has.get(k) == Some(v))
}

fn binding(catalog: &Catalog, namespace: &str, role: &str, subjects: &BTreeSet<Subject>) -> RoleBinding {
    let mut binding = RoleBinding {
        role_ref: cluster_role(role),
        subjects: Some(subjects.iter().map(rbac_subject).collect()),
        ..Default::default()
    };
    binding.metadata.name = Some(role.to_owned());
    binding.metadata.namespace = Some(namespace.to_owned());
    binding.metadata.labels =
        Some([(MANAGED_BY.to_owned(), OPERATOR.to_owned()), (CATALOG.to_owned(), name(catalog).to_owned())].into());
    binding.metadata.owner_references = catalog.controller_owner_ref(&()).map(|owner| vec![owner]);
    binding
}

fn cluster_role(name: &str) -> RoleRef {
    RoleRef { api_group: Some(RBAC.to_owned()), kind: "ClusterRole".to_owned(), name: name.to_owned() }
}

/// API group of Kubernetes' roles and bindings.
pub const RBAC: &str = "rbac.authorization.k8s.io";

/// A subject as RBAC writes it.
pub fn rbac_subject(subject: &Subject) -> RbacSubject {
    let kind = format!("{:?}", subject.kind);
    let api_group = if subject.kind == SubjectKind::ServiceAccount { String::new() } else { RBAC.to_owned() };
    RbacSubject {
        api_group: Some(api_group).filter(|g| !g.is_empty()),
        kind,
        name: subject.name.clone(),
        namespace: subject.namespace.clone(),
    }
}

/// A subject read back from RBAC; none for one that no Subject of ours can be.
pub fn from_rbac(subject: &RbacSubject) -> Option<Subject> {
    let kind = match subject.kind.as_str() {
        "User" => SubjectKind::User,
        "Group" => SubjectKind::Group,
        "ServiceAccount" => SubjectKind::ServiceAccount,
        _ => return None,
    };
    Some(Subject { kind, name: subject.name.clone(), namespace: subject.namespace.clone() })
}
