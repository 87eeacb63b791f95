//! Objects that cannot be read: what they are taken for is said in their status and in an Event, and nothing holds up their deletion.

use chrono::{DateTime, TimeDelta, Utc};
use kube::Resource;
use kube::api::{Api, ApiResource, DynamicObject, ListParams, Patch};
use serde_json::{Value, json};

use crate::api::access_request::RequestPhase;
use crate::api::assignment::AssignmentPhase;
use crate::api::condition::{self, READY, State, UNREADABLE};
use crate::api::labels::REVOKE;
use crate::api::{AccessRequest, Assignment, Subject};
use crate::domain::{Key, Notice};
use crate::error::Error;
use crate::observe::unreadable::Unreadable;
use crate::observe::{Stores, Watched};
use crate::runtime::queue::{Action, Lane};
use crate::table::kinds;
use crate::targets;
use crate::writer::merge;

use super::Context;

/// Instants that people write.
const INSTANTS: [&str; 3] = ["/spec/schedule/startTime", "/spec/schedule/endTime", "/spec/expiration/at"];

/// Pause before the next reconciliation of bindings that a deletion waits for.
const DELETION_RETRY_INTERVAL: TimeDelta = TimeDelta::seconds(2);

pub(super) async fn reconcile(context: &Context, kind: &'static str, key: &Key) -> Result<Action, Error> {
    let Some(known) = context.cache.read().unreadable.get(&(kind, key.clone())).cloned() else { return Ok(Action::AwaitChange) };
    let Some(api) = api(context, kind, key) else { return Ok(Action::AwaitChange) };
    // By its name in a list, which the operator may do without one more right.
    let named = ListParams::default().fields(&format!("metadata.name={}", key.name));
    let listed = context.writer.timed(format!("read {kind} {key}"), api.list(&named)).await?;
    let Some(found) = listed.items.into_iter().next() else { return Ok(Action::AwaitChange) };
    let now = context.clock.now();
    if kind == Assignment::kind(&()) && known.deleting {
        if still_has_something(&context.cache.read(), &found, key, now) || context.reports().is_unsure(&key.namespace, None) {
            return Ok(Action::RequeueAt(now + DELETION_RETRY_INTERVAL, Lane::Urgent));
        }
        release(context, &api, &found, key).await?;
        return Ok(Action::AwaitChange);
    }
    let message = message(&known, &found);
    if let Some(status) = status(kind, &found, &message, now) {
        let body = json!({"metadata": {"resourceVersion": found.metadata.resource_version}, "status": status});
        let what = format!("write status of {kind} {key}");
        let written = context.writer.timed(what, api.patch_status(&key.name, &merge(), &Patch::Merge(body))).await;
        publish(context, &found, kind, message);
        written?;
    }
    Ok(Action::AwaitChange)
}

macro_rules! definitions {
    (reconciled { $($(#[$doc1:meta])* $field1:ident: $name1:ident = $kind1:ty, $scope:ident, $room:ident;)* }
     watched { $($rest:tt)* }) => {
        /// Kind and definition of every kind of ours.
        fn definitions() -> Vec<(&'static str, ApiResource)> {
            vec![$((<$kind1>::NAME, ApiResource::erase::<$kind1>(&())),)*]
        }
    };
}
kinds!(definitions);

fn api(context: &Context, kind: &str, key: &Key) -> Option<Api<DynamicObject>> {
    let (_, resource) = definitions().into_iter().find(|(known, _)| *known == kind)?;
    let client = context.writer.client.clone();
    Some(match key.namespace.as_str() {
        "" => Api::all_with(client, &resource),
        namespace => Api::namespaced_with(client, namespace, &resource),
    })
}

/// What is wrong, and what to do.
fn message(known: &Unreadable, found: &DynamicObject) -> String {
    let wrong = INSTANTS.into_iter().find_map(|path| {
        let value = found.data.pointer(path).filter(|value| !value.is_null())?;
        let name = path.trim_start_matches('/').replace('/', ".");
        let is_instant = value.as_str().is_some_and(|text| text.parse::<DateTime<Utc>>().is_ok());
        (!is_instant).then(|| format!("{name} {value} is no instant"))
    });
    let wrong = wrong.unwrap_or_else(|| known.why.clone());
    format!(
        "{wrong}: the object cannot be read and counts for nothing until it is written properly, such as 2027-06-01T08:00:00Z"
    )
}

/// The status to write, unless it is there already.
fn status(kind: &str, found: &DynamicObject, message: &str, now: DateTime<Utc>) -> Option<Value> {
    let conditions = found.data.pointer("/status/conditions").cloned().unwrap_or_else(|| json!([]));
    let mut conditions: Vec<_> = serde_json::from_value(conditions).unwrap_or_default();
    let generation = found.metadata.generation.unwrap_or_default();
    let before = conditions.clone();
    condition::set(&mut conditions, READY, State::False, UNREADABLE, message, generation, now);
    if before == conditions {
        return None;
    }
    let message: String = message.chars().take(2_000).collect();
    Some(match phase(kind, found) {
        Some(phase) => json!({"conditions": conditions, "phase": phase, "reason": UNREADABLE.as_str(), "message": message}),
        None => json!({"conditions": conditions}),
    })
}

/// The phase that an object falls to: a request that was not decided is denied, an assignment has to be accepted again when it can be read.
fn phase(kind: &str, found: &DynamicObject) -> Option<String> {
    let phase = found.data.pointer("/status/phase").and_then(Value::as_str).unwrap_or_default();
    let of = |name: &str, phases: &[String]| kind == name && (phase.is_empty() || phases.iter().any(|p| p == phase));
    let requests = [RequestPhase::Submitted, RequestPhase::PendingApproval, RequestPhase::Scheduled].map(|p| format!("{p:?}"));
    let assignments = [
        AssignmentPhase::Scheduled,
        AssignmentPhase::Provisioning,
        AssignmentPhase::PartiallyDelivered,
        AssignmentPhase::Delivered,
    ];
    let assignments = assignments.map(|p| format!("{p:?}"));
    if of(&AccessRequest::kind(&()), &requests) {
        return Some(format!("{:?}", RequestPhase::Denied));
    }
    of(&Assignment::kind(&()), &assignments).then(|| format!("{:?}", AssignmentPhase::Pending))
}

fn publish(context: &Context, found: &DynamicObject, kind: &str, message: String) {
    let notice = Notice::new(condition::events::UNREADABLE, message);
    let mut regarding = found.object_ref(&ApiResource::erase::<Assignment>(&()));
    regarding.kind = Some(kind.to_owned());
    context.publish_about(regarding, notice);
}

/// Whether a binding of the catalog carries the subject of an unreadable assignment, and no other assignment gives it.
fn still_has_something(stores: &Stores, found: &DynamicObject, key: &Key, now: DateTime<Utc>) -> bool {
    let subject = found.data.pointer("/spec/subject").cloned().and_then(|s| serde_json::from_value::<Subject>(s).ok());
    let Some(subject) = subject else { return false }; // nobody whom we could have bound
    let carried = targets::held(stores).filter(|grant| grant.namespace == key.namespace);
    carried
        .filter(|grant| !targets::found(stores, grant, &subject).is_empty())
        .any(|grant| !stores.demand(grant, now).wanted.contains(&subject))
}

/// Lets an unreadable assignment go whose access is gone.
async fn release(context: &Context, api: &Api<DynamicObject>, found: &DynamicObject, key: &Key) -> Result<(), Error> {
    let mut all = found.metadata.finalizers.clone().unwrap_or_default();
    let held = all.len();
    all.retain(|finalizer| finalizer != REVOKE);
    if all.len() == held {
        return Ok(());
    }
    let body = json!({"metadata": {"resourceVersion": found.metadata.resource_version, "finalizers": all}});
    let (what, body, params) = (format!("release Assignment {key}"), Patch::Merge(body), merge());
    context.writer.timed(what, api.patch(&key.name, &params, &body)).await.map(|_| ())
}
