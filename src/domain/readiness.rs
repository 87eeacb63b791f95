//! Whether packages, policies and resources are what their specs ask for.

use chrono::{DateTime, Utc};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::access_package::{
    INCOMPATIBLE_NOT_FOUND, NOT_FOUND, RESOURCE_NOT_FOUND, RESOURCE_NOT_READY, ROLE_NOT_IN_RESOURCE,
};
use crate::api::catalog::{BINDINGS_PENDING, NAMESPACE_PENDING};
use crate::api::catalog_resource::{CONFLICT, NAME_TAKEN};
use crate::api::condition::shared::{
    AVAILABLE, CONFIRMATION_REQUIRED, IN_USE as STILL_IN_USE, MASS_REVOCATION_HELD, NO_CATALOG, NOT_YET_JUDGED,
};
use crate::api::condition::{self, READY, State, TRIED_AGAIN, WRITE_FAILED};
use crate::api::labels::{CONFIRM_MASS_REVOCATION, IN_USE};
use crate::api::policy::{ESCALATION_TOO_LATE, EXPIRATION_PASSED, PACKAGE_NOT_FOUND, PATTERN_INVALID};
use crate::api::{AccessPackage, AccessPackageStatus, Policy, PolicyStatus, Word};

use super::plan::{Effect, Notice, Plan};
use super::resource::{Cluster, Grantable, Offer, Standing, grantable};

/// What is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// For machines: one of the reasons documented beside the kind.
    pub reason: Word,
    /// For people.
    pub message: String,
}

impl Wrong {
    /// A reason and its message.
    pub fn new(reason: Word, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// An object's generation; 0 for one that was never stored.
pub fn generation<K: kube::Resource>(object: &K) -> i64 {
    object.meta().generation.unwrap_or_default()
}

/// Whether conditions say Ready of the present generation.
pub fn is_ready(conditions: &[Condition], generation: i64) -> bool {
    condition::get(conditions, READY).is_some_and(|c| c.status == "True" && c.observed_generation == Some(generation))
}

/// Whether the operator found this version of a package good.
pub fn package_is_ready(package: &AccessPackage) -> bool {
    package.status.as_ref().is_some_and(|status| is_ready(&status.conditions, generation(package)))
}

/// Reasons of `Ready=False` that pass by themselves in a moment, and so are nothing to warn of.
const PASSING: [Word; 5] = [NAMESPACE_PENDING, BINDINGS_PENDING, NOT_YET_JUDGED, NO_CATALOG, STILL_IN_USE];

/// Sets `Ready` and says so in an Event when it changes.
pub fn set_ready(
    conditions: &mut Vec<Condition>,
    notices: &mut Vec<Notice>,
    found: Result<(), Wrong>,
    generation: i64,
    now: DateTime<Utc>,
) {
    let before = condition::get(conditions, READY).map(|c| (c.status.clone(), c.reason.clone()));
    let (state, reason, message) = match found {
        Ok(()) => (State::True, AVAILABLE, String::new()),
        Err(wrong) => (State::False, wrong.reason, wrong.message),
    };
    if before != Some((state.as_str().to_owned(), reason.to_string())) {
        notices.push(Notice {
            warning: state == State::False && !PASSING.contains(&reason),
            reason: if state == State::True { "Ready" } else { "NotReady" },
            message: if message.is_empty() { "ready for use".to_owned() } else { message.clone() },
            ..Notice::default()
        });
    }
    condition::set(conditions, READY, state, reason, message, generation, now);
}

/// What can be wrong with the terms of a policy, apart from time.
pub fn policy_terms(policy: &Policy, package: Option<&AccessPackage>) -> Result<(), Wrong> {
    if package.is_none() {
        let text =
            format!("access package {:?} (spec.accessPackage) does not exist in this namespace", policy.spec.access_package);
        return Err(Wrong::new(PACKAGE_NOT_FOUND, text));
    }
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
        if let Some(error) = question.pattern.as_deref().and_then(super::guards::answers::flaw) {
            return Err(Wrong::new(PATTERN_INVALID, format!("question {:?}: {error}", question.name)));
        }
    }
    Ok(())
}

/// Guards the deletion of an object from below. Returns the finalizer's effect, and what stands in the way of a deletion.
pub fn deletion<K: kube::Resource>(object: &K, users: &[(usize, &str)]) -> (Option<Effect>, Result<(), Wrong>) {
    let meta = object.meta();
    let held = meta.finalizers.iter().flatten().any(|f| f == IN_USE);
    if meta.deletion_timestamp.is_none() {
        return ((!held).then_some(Effect::AddFinalizer(IN_USE)), Ok(()));
    }
    let users: Vec<String> =
        users.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    match users.is_empty() {
        true => (held.then_some(Effect::RemoveFinalizer(IN_USE)), Err(Wrong::new(STILL_IN_USE, "being deleted"))),
        false => (None, Err(Wrong::new(STILL_IN_USE, format!("deletion waits for {}", users.join(" and "))))),
    }
}

/// Sets or removes the condition [`WRITE_FAILED`].
pub fn write_failed<K: kube::Resource>(
    conditions: &mut Vec<Condition>,
    notices: &mut Vec<Notice>,
    object: &K,
    failed: Option<String>,
    now: DateTime<Utc>,
) {
    while_it_holds(conditions, notices, (WRITE_FAILED, TRIED_AGAIN), failed, generation(object), now);
}

/// Sets or removes a condition that is there only while it holds, and tells when it comes.
pub(super) fn while_it_holds(
    conditions: &mut Vec<Condition>,
    notices: &mut Vec<Notice>,
    (kind, reason): (Word, Word),
    message: Option<String>,
    generation: i64,
    now: DateTime<Utc>,
) {
    let Some(message) = message else { return conditions.retain(|c| c.type_ != kind.as_str()) };
    if condition::get(conditions, kind).is_none() {
        notices.push(Notice { warning: true, reason: kind.as_str(), message: message.clone(), ..Notice::default() });
    }
    condition::set(conditions, kind, State::True, reason, message, generation, now);
}

/// Sets or removes the condition [`MASS_REVOCATION_HELD`].
pub fn mass_revocation_held<K: kube::Resource<DynamicType = ()>>(
    conditions: &mut Vec<Condition>,
    notices: &mut Vec<Notice>,
    object: &K,
    held: &[(String, usize)],
    now: DateTime<Utc>,
) {
    let what: Vec<String> = held.iter().map(|(role, count)| format!("{role} from {count} subjects")).collect();
    let (generation, name) = (generation(object), object.meta().name.as_deref().unwrap_or_default());
    let message = || {
        format!(
            "this edit would take {}; they keep it until it is undone, or confirmed by: kubectl annotate {} {name} -n {} --overwrite {CONFIRM_MASS_REVOCATION}={generation}",
            what.join(", "),
            K::plural(&()),
            object.meta().namespace.as_deref().unwrap_or_default(),
        )
    };
    let message = (!held.is_empty()).then(message);
    while_it_holds(conditions, notices, (MASS_REVOCATION_HELD, CONFIRMATION_REQUIRED), message, generation, now);
}

/// Sets or removes the condition [`CONFLICT`]; `found` are the bindings that are in the way.
pub fn conflict<K: kube::Resource>(
    conditions: &mut Vec<Condition>,
    notices: &mut Vec<Notice>,
    object: &K,
    found: &[String],
    now: DateTime<Utc>,
) {
    let message = (!found.is_empty()).then(|| found.join("; "));
    while_it_holds(conditions, notices, (CONFLICT, NAME_TAKEN), message, generation(object), now);
}

/// Judges a policy.
pub fn policy(policy: &Policy, package: Option<&AccessPackage>, has_catalog: bool, now: DateTime<Utc>) -> Plan<PolicyStatus> {
    let mut status = policy.status.clone().unwrap_or_default();
    let mut notices = Vec::new();
    let mut found = in_catalog(has_catalog).and_then(|()| policy_terms(policy, package));
    let end = policy.spec.expiration.at;
    if let Some(at) = end.filter(|at| *at <= now && found.is_ok()) {
        found = Err(Wrong::new(
            EXPIRATION_PASSED,
            format!("expiration.at {} has passed: nothing can be granted any more", super::schedule::show(at)),
        ));
    }
    status.observed_generation = Some(generation(policy));
    status.stages = i32::try_from(policy.spec.approval.stages.len()).unwrap_or(i32::MAX);
    set_ready(&mut status.conditions, &mut notices, found, generation(policy), now);
    Plan { status, effects: Vec::new(), notices, requeue_at: end.filter(|at| *at > now) }
}

/// Where a package's roles come from: finds a CatalogResource of the same catalog by name, and what it stands on.
pub type Offers<'f, 'a> = (&'f dyn Fn(&str) -> Option<&'a Offer>, &'f dyn Cluster);

/// Judges a package.
pub fn package(
    package: &AccessPackage,
    offers: Offers<'_, '_>,
    has_catalog: bool,
    counts: (usize, usize),
    now: DateTime<Utc>,
) -> Plan<AccessPackageStatus> {
    let mut status = package.status.clone().unwrap_or_default();
    let mut notices = Vec::new();
    let (effect, kept) = deletion(package, &[(counts.1, "live assignment(s)"), (counts.0, "pending request(s)")]);
    let found = kept.and_then(|()| in_catalog(has_catalog)).and_then(|()| package_roles(package, offers));
    status.observed_generation = Some(generation(package));
    status.pending_requests = i32::try_from(counts.0).unwrap_or(i32::MAX);
    status.live_assignments = i32::try_from(counts.1).unwrap_or(i32::MAX);
    set_ready(&mut status.conditions, &mut notices, found, generation(package), now);
    Plan { status, effects: effect.into_iter().collect(), notices, requeue_at: None }
}

fn package_roles(package: &AccessPackage, (offer, cluster): Offers<'_, '_>) -> Result<(), Wrong> {
    for wanted in &package.spec.resource_roles {
        let found = grantable(wanted, offer(&wanted.resource));
        if let Some(text) = found.problem(wanted) {
            let reason = if matches!(found, Grantable::NoResource) { RESOURCE_NOT_FOUND } else { ROLE_NOT_IN_RESOURCE };
            return Err(Wrong::new(reason, text));
        }
        let closed = found.places().iter().find_map(|place| match found.in_place(place, cluster) {
            Standing::Open => None,
            Standing::Held(why) | Standing::Void(why) => Some(why),
            Standing::Leaving => Some(String::new()),
        });
        if let Some(why) = closed {
            let (reason, why) =
                if why.is_empty() { (NOT_YET_JUDGED, "not judged yet") } else { (RESOURCE_NOT_READY, why.as_str()) };
            let text = format!("role {:?} of catalog resource {:?} is not ready: {why}", wanted.role, wanted.resource);
            return Err(Wrong::new(reason, text));
        }
    }
    Ok(())
}

/// Tells of packages and catalogs that a package names as incompatible and that do not exist: a misspelt name bars nobody.
pub fn incompatible_found(plan: &mut Plan<AccessPackageStatus>, package: &AccessPackage, unknown: &[String], now: DateTime<Utc>) {
    let text = || format!("incompatibleWith names what does not exist, and so bars nothing: {}", unknown.join(", "));
    let (message, kind) = ((!unknown.is_empty()).then(text), (INCOMPATIBLE_NOT_FOUND, NOT_FOUND));
    while_it_holds(&mut plan.status.conditions, &mut plan.notices, kind, message, generation(package), now);
}

/// Objects of a catalog outside a catalog's namespace do nothing.
pub fn in_catalog(has_catalog: bool) -> Result<(), Wrong> {
    match has_catalog {
        true => Ok(()),
        false => Err(Wrong::new(NO_CATALOG, "this namespace belongs to no Catalog that is Ready")),
    }
}
