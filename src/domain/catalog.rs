//! Catalog: its namespace, and who has which role in it.
//!
//! | what is found | Ready | what is done |
//! |---|---|---|
//! | it is being deleted, and its namespace has packages or resources | `False`, `InUse` | nothing |
//! | it is being deleted, and nothing stands on it | `False`, `InUse` | a namespace that was created goes, an adopted one loses roles and label; the finalizer goes |
//! | no namespace, and it would be `catalog-<own name>` | `False`, `NamespacePending` | the namespace is created |
//! | no namespace, of another name | `False`, `NamespaceNotFound` | nothing: it is somebody else's to make |
//! | the namespace is not labelled as its own | `False`, `NamespaceNotOurs` | people's roles in it go |
//! | the namespace is being deleted | `False`, `NamespacePending` | nothing |
//! | people lack a role, or have one that is not theirs | `False`, `BindingsPending`, while roles are missing | roles are written and taken away |
//! | none of that | `True` | nothing |
//!
//! `SubjectsNotBound` stands beside Ready while somebody is named to whom nothing can be bound.

mod people;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::{RoleBinding, RoleRef, Subject as RbacSubject};

use crate::api::access_request::PinnedPolicy;
use crate::api::catalog::{
    BINDINGS_PENDING, NAMESPACE_NOT_FOUND, NAMESPACE_NOT_OURS, NAMESPACE_PENDING, NotedOwner, SUBJECTS_NOT_BOUND, SYSTEM_SUBJECT,
    events,
};
use crate::api::labels::{CATALOG, IN_USE, MANAGED_BY, OPERATOR};
use crate::api::subject::{Subject, SubjectKind};
use crate::api::time::created;
use crate::api::{Catalog, CatalogStatus, Policy};

use super::meta::{Key, generation, is_being_deleted, name};
use super::plan::{Effect, Notice, Plan};
use super::readiness::{Wrong, deletion, set_ready, while_it_holds};

/// What a catalog is reconciled from.
pub struct Input<'a> {
    /// The catalog.
    pub catalog: &'a Catalog,
    /// The namespace it asks for.
    pub namespace: Option<&'a Namespace>,
    /// Our RoleBindings for people in that namespace, by name.
    pub bindings: BTreeMap<String, &'a RoleBinding>,
    /// How many packages are in the namespace.
    pub packages: usize,
    /// How many resources are in the namespace.
    pub resources: usize,
    /// Policies in the namespace.
    pub policies: Vec<Offering<'a>>,
    /// Terms of requests that wait for approval, as they were pinned.
    pub waiting: Vec<&'a PinnedPolicy>,
    /// What went wrong when the effects of the last plan were carried out, if something did.
    pub last_failure: Option<&'a str>,
}

/// A policy, by who needs to read it.
pub struct Offering<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// Whether people can ask under it, or have something under way.
    pub in_use: bool,
}

/// Decides what becomes of a catalog.
pub fn decide(input: &Input<'_>, now: DateTime<Utc>) -> Plan<CatalogStatus> {
    let mut plan = Plan::unchanged(&input.catalog.status);
    let users =
        [(input.packages, "access package(s) in its namespace"), (input.resources, "catalog resource(s) in its namespace")];
    let deletion = deletion(input.catalog, &users);
    if deletion.finalizer == Some(Effect::RemoveFinalizer(IN_USE)) {
        plan.effects.extend(parting(input));
    }
    plan.effects.extend(deletion.finalizer);
    if let Err(wrong) = deletion.ready {
        // Nothing is built any more; what is there stays until it is released.
        set_ready(&mut plan.status.conditions, &mut plan.notices, Err(wrong), generation(input.catalog), now);
        return plan;
    }
    let found = namespace(input, &mut plan).and_then(|namespace| {
        plan.status.namespace = Some(namespace.clone());
        bindings(input, &namespace, &mut plan.effects)
    });
    if matches!(&found, Err(wrong) if wrong.reason != BINDINGS_PENDING) {
        plan.status.namespace = None;
    }
    let found = found.map_err(|wrong| Wrong {
        message: input.last_failure.map_or(wrong.message.clone(), |why| format!("{}; last failure: {why}", wrong.message)),
        ..wrong
    });
    plan.status.observed_generation = Some(generation(input.catalog));
    plan.status.owners = noted_owners(input.catalog, now);
    tell_unbound(input, &mut plan, now);
    set_ready(&mut plan.status.conditions, &mut plan.notices, found, generation(input.catalog), now);
    plan
}

/// The owners, each since they were seen first. Of those who were named before the first reconciliation nothing better is known than the creation.
fn noted_owners(catalog: &Catalog, now: DateTime<Utc>) -> Vec<NotedOwner> {
    let before = catalog.status.as_ref();
    let since = |owner: &Subject| {
        let noted = before?.owners.iter().find(|noted| noted.subject == *owner)?;
        Some(noted.since)
    };
    // Instants are whole seconds: what was decided in this very second may have been decided before.
    let first = if before.is_none() && generation(catalog) <= 1 { created(catalog) } else { now + TimeDelta::seconds(1) };
    let mut owners: Vec<NotedOwner> = Vec::new();
    for subject in &catalog.spec.owners {
        if !owners.iter().any(|known| known.subject == *subject) {
            owners.push(NotedOwner { subject: subject.clone(), since: since(subject).unwrap_or(first) });
        }
    }
    owners
}

/// Who is named and is bound to nothing, told as long as it is so.
fn tell_unbound(input: &Input<'_>, plan: &mut Plan<CatalogStatus>, now: DateTime<Utc>) {
    let unbound: Vec<String> = people::unbound(input).iter().map(Subject::to_string).collect();
    let text = || {
        format!(
            "the operator binds no users and groups of Kubernetes itself: {}; name people, groups of people or service accounts",
            unbound.join(", ")
        )
    };
    let (message, sign) = ((!unbound.is_empty()).then(text), (SUBJECTS_NOT_BOUND, SYSTEM_SUBJECT, events::SUBJECTS_NOT_BOUND));
    while_it_holds(&mut plan.status.conditions, &mut plan.notices, sign, message, generation(input.catalog), now);
}

/// Whether a label of something says that it belongs to the catalog.
fn belongs(labels: Option<&BTreeMap<String, String>>, catalog: &Catalog) -> bool {
    labels.and_then(|labels| labels.get(CATALOG)).is_some_and(|owner| owner == name(catalog))
}

fn is_managed(labels: Option<&BTreeMap<String, String>>) -> bool {
    labels.and_then(|labels| labels.get(MANAGED_BY)).is_some_and(|by| by == OPERATOR)
}

/// The namespace, when it is there and ours to use: created by us, or labelled by somebody who may label it.
fn namespace(input: &Input<'_>, plan: &mut Plan<CatalogStatus>) -> Result<String, Wrong> {
    let wanted = input.catalog.wanted_namespace();
    let Some(found) = input.namespace else { return Err(missing_namespace(input.catalog, wanted, plan)) };
    if !belongs(found.metadata.labels.as_ref(), input.catalog) {
        plan.effects.extend(unbind_all(input));
        let text = format!(
            "namespace {wanted:?} exists and was not created for this Catalog: label it {CATALOG}={} to let the Catalog adopt it, or name another in spec.namespace",
            name(input.catalog)
        );
        return Err(Wrong::new(NAMESPACE_NOT_OURS, text));
    }
    if is_being_deleted(found) {
        return Err(Wrong::new(NAMESPACE_PENDING, format!("namespace {wanted:?} is being deleted")));
    }
    Ok(wanted)
}

/// Only `catalog-<own name>` is created: a namespace of any other name is somebody else's to make.
fn missing_namespace(catalog: &Catalog, wanted: String, plan: &mut Plan<CatalogStatus>) -> Wrong {
    if !catalog.makes_its_namespace() {
        let text = format!(
            "namespace {wanted:?} (spec.namespace) does not exist: create it with the label {CATALOG}={}; the operator creates only catalog-{}",
            name(catalog),
            name(catalog)
        );
        return Wrong::new(NAMESPACE_NOT_FOUND, text);
    }
    let message = format!("namespace {wanted:?} is created");
    plan.notices.push(Notice::new(events::CREATING_NAMESPACE, message));
    plan.effects.push(Effect::CreateNamespace(wanted.clone()));
    Wrong::new(NAMESPACE_PENDING, format!("namespace {wanted:?} is being created"))
}

/// What is done before the last finalizer goes: the namespace that was created goes with the Catalog, any other is left as it was found.
fn parting(input: &Input<'_>) -> Vec<Effect> {
    let own = input.namespace.filter(|found| belongs(found.metadata.labels.as_ref(), input.catalog));
    let Some(found) = own else { return Vec::new() }; // gone, or never ours: nothing was made in it that is still ours
    let namespace = name(found).to_owned();
    let created = input.catalog.makes_its_namespace() && is_managed(found.metadata.labels.as_ref());
    if created && is_being_deleted(found) {
        return Vec::new();
    }
    if created {
        return vec![Effect::DeleteNamespace(namespace)];
    }
    let mut effects = unbind_all(input);
    effects.push(Effect::ReleaseNamespace(namespace));
    effects
}

/// Takes the people's roles in the namespace away.
fn unbind_all(input: &Input<'_>) -> Vec<Effect> {
    let namespace = input.catalog.wanted_namespace();
    let own = input.bindings.iter().filter(|(_, binding)| belongs(binding.metadata.labels.as_ref(), input.catalog));
    own.map(|(name, _)| Effect::Unbind(Key::new(&namespace, name))).collect()
}

/// The namespace of a catalog, as it is created.
///
/// It has no owner reference to the Catalog: a foreground deletion, which is what pipelines that prune send, would wipe it in front of our
/// finalizer.
pub fn new_namespace(catalog: &Catalog) -> Namespace {
    let mut namespace = Namespace::default();
    namespace.metadata.name = Some(catalog.wanted_namespace());
    namespace.metadata.labels =
        Some([(MANAGED_BY.to_owned(), OPERATOR.to_owned()), (CATALOG.to_owned(), name(catalog).to_owned())].into());
    namespace
}

/// Compares the bindings that should be with those that are.
fn bindings(input: &Input<'_>, namespace: &str, effects: &mut Vec<Effect>) -> Result<(), Wrong> {
    let mut missing = Vec::new();
    for (role, subjects) in people::wanted(input) {
        let binding = binding(input.catalog, namespace, role, &subjects);
        let found = input.bindings.get(role);
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
    let label = |b: &RoleBinding, key: &str| b.metadata.labels.as_ref()?.get(key).cloned();
    let mut labels = wanted.metadata.labels.iter().flatten();
    found.role_ref == wanted.role_ref
        && found.subjects == wanted.subjects
        && found.metadata.owner_references.iter().flatten().next().is_none()
        && labels.all(|(key, value)| label(found, key).as_ref() == Some(value))
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
    // It tells our binding from a foreign one when somebody stripped the labels.
    binding.metadata.annotations = Some([(CATALOG.to_owned(), name(catalog).to_owned())].into());
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
