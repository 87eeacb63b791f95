//! Ready, and the other conditions that several kinds share; how a deletion waits for what stands on an object.

use chrono::{DateTime, Utc};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::catalog::{BINDINGS_PENDING, NAMESPACE_PENDING};
use crate::api::catalog_resource::{self, CONFLICT, NAME_TAKEN};
use crate::api::condition::shared::{
    AVAILABLE, CONFIRMATION_REQUIRED, IN_USE as STILL_IN_USE, MASS_REVOCATION_HELD, NO_CATALOG, NOT_YET_JUDGED, events,
};
use crate::api::condition::{self, READY, State, TRIED_AGAIN, WRITE_FAILED};
use crate::api::labels::{CONFIRM_MASS_REVOCATION, IN_USE};
use crate::api::word::EventReason;
use crate::api::{AccessPackage, Word};

use super::meta::{generation, has_finalizer, is_being_deleted, name, namespace};
use super::plan::{Effect, Notice};

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
        let event = if state == State::True { events::READY } else { events::NOT_READY };
        let text = if message.is_empty() { "ready for use" } else { &message };
        let notice = Notice::new(event, text);
        notices.push(Notice { warning: notice.warning && !PASSING.contains(&reason), ..notice });
    }
    condition::set(conditions, READY, state, reason, message, generation, now);
}

/// How it stands with the deletion of an object on which others stand.
pub struct Deletion {
    /// Our finalizer goes on while nobody deletes the object, and off once nothing stands on it.
    pub finalizer: Option<Effect>,
    /// What `Ready` has to say of it: nothing while nobody deletes it.
    pub ready: Result<(), Wrong>,
}

/// Guards the deletion of an object. `users`: how many of what stand on it.
pub fn deletion<K: kube::Resource>(object: &K, users: &[(usize, &str)]) -> Deletion {
    let guarded = has_finalizer(object, IN_USE);
    if !is_being_deleted(object) {
        return Deletion { finalizer: (!guarded).then_some(Effect::AddFinalizer(IN_USE)), ready: Ok(()) };
    }
    let users: Vec<String> =
        users.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let (finalizer, text) = match users.is_empty() {
        true => (guarded.then_some(Effect::RemoveFinalizer(IN_USE)), "being deleted".to_owned()),
        false => (None, format!("deletion waits for {}", users.join(" and "))),
    };
    Deletion { finalizer, ready: Err(Wrong::new(STILL_IN_USE, text)) }
}

/// Sets or removes the condition [`WRITE_FAILED`].
pub fn write_failed<K: kube::Resource>(
    conditions: &mut Vec<Condition>,
    notices: &mut Vec<Notice>,
    object: &K,
    failed: Option<String>,
    now: DateTime<Utc>,
) {
    while_it_holds(
        conditions,
        notices,
        (WRITE_FAILED, TRIED_AGAIN, condition::events::WRITE_FAILED),
        failed,
        generation(object),
        now,
    );
}

/// Sets or removes a condition that is there only while it holds, with its reason, and tells of the event when it comes.
pub(super) fn while_it_holds(
    conditions: &mut Vec<Condition>,
    notices: &mut Vec<Notice>,
    (kind, reason, event): (Word, Word, EventReason),
    message: Option<String>,
    generation: i64,
    now: DateTime<Utc>,
) {
    let Some(message) = message else { return conditions.retain(|c| c.type_ != kind.as_str()) };
    if condition::get(conditions, kind).is_none() {
        notices.push(Notice::new(event, message.clone()));
    }
    condition::set(conditions, kind, State::True, reason, message, generation, now);
}

/// Sets or removes the condition [`MASS_REVOCATION_HELD`]; `waiting` are the roles that the edit would take, each with the number of subjects.
pub fn mass_revocation_held<K: kube::Resource<DynamicType = ()>>(
    conditions: &mut Vec<Condition>,
    notices: &mut Vec<Notice>,
    object: &K,
    waiting: &[(String, usize)],
    now: DateTime<Utc>,
) {
    let what: Vec<String> = waiting.iter().map(|(role, count)| format!("{role} from {count} subjects")).collect();
    let message = || {
        format!(
            "this edit would take {}; they keep it until it is undone, or confirmed by: kubectl annotate {} {} -n {} --overwrite {CONFIRM_MASS_REVOCATION}={}",
            what.join(", "),
            K::plural(&()),
            name(object),
            namespace(object),
            generation(object),
        )
    };
    let message = (!waiting.is_empty()).then(message);
    let sign = (MASS_REVOCATION_HELD, CONFIRMATION_REQUIRED, events::MASS_REVOCATION_HELD);
    while_it_holds(conditions, notices, sign, message, generation(object), now);
}

/// Sets or removes the condition [`CONFLICT`]; `found` are the bindings that are in the way.
pub fn name_taken<K: kube::Resource>(
    conditions: &mut Vec<Condition>,
    notices: &mut Vec<Notice>,
    object: &K,
    found: &[String],
    now: DateTime<Utc>,
) {
    let message = (!found.is_empty()).then(|| found.join("; "));
    while_it_holds(
        conditions,
        notices,
        (CONFLICT, NAME_TAKEN, catalog_resource::events::CONFLICT),
        message,
        generation(object),
        now,
    );
}

/// Objects of a catalog outside a catalog's namespace do nothing.
pub fn in_catalog(has_catalog: bool) -> Result<(), Wrong> {
    match has_catalog {
        true => Ok(()),
        false => Err(Wrong::new(NO_CATALOG, "this namespace belongs to no Catalog that is Ready")),
    }
}
