//! The bindings of one role of one resource.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::api::assignment::GrantState;
use crate::api::{Assignment, Subject};
use crate::domain::resource::{Standing, Target};
use crate::domain::schedule::show;
use crate::domain::{Key, Notice, Trust, holdings};
use crate::error::Error;
use crate::grants::GrantKey;
use crate::grants::damper::Damper;
use crate::grants::mass_revocation::kept;
use crate::grants::name;
use crate::grants::plan::{Observed, Place, Write, plan};
use crate::observe::gather::GrantInput;
use crate::observe::store::IndexKey;
use crate::observe::{Stores, WorkItem};
use crate::queue::{Action, Lane};

use super::{Context, Held};

pub(super) async fn reconcile(context: &Context, key: &GrantKey) -> Result<Action, Error> {
    let now = context.clock.now();
    let trust = context.admission.trust(); // nothing is tried until the admission policies are judged
    let (input, overdue, drifted) = {
        let stores = context.cache.read();
        let input = stores.grant_input(key, now);
        let (overdue, drifted) = (overdue(&stores, key, now), drifted(&stores, key, &input, now));
        (input, overdue, drifted)
    };
    let (kept, places) = mass_revocation(context, key, &input, trust.objection().is_none());
    let mut writes = plan(key, &input.wanted, &kept, &places, &input.observed);
    let (mut failures, mut unanswered) = (Vec::new(), false);
    let damped = damp(context, key, !drifted.is_empty() && writes.iter().any(gives), now);
    if damped.is_some() {
        writes = plan(key, &input.wanted, &kept, &as_it_is(key, places, &input.observed, true), &input.observed);
    }
    for write in &writes {
        // An old place goes when the new one is there, or is refused; the plan has such deletions at its end. Where nobody answered, both wait
        // for the next try.
        if unanswered && matches!(write, Write::Delete { .. }) {
            continue;
        }
        // One that fails does not hold up the others, least of all those that take access away.
        let failed = context.writer.binding(key, write, &input.namespace_uids).await;
        unanswered |= matches!(write, Write::Put { exists: false, .. }) && failed.iter().any(|error| !error.is_refusal());
        failures.extend(failed);
    }
    if failures.is_empty() && !writes.is_empty() {
        overdue.into_iter().for_each(|end| context.metrics.revoked(context.clock.since(end).as_secs_f64()));
        tell_drift(context, key, drifted);
    }
    remember_conflict(context, key, failures.iter().find(|e| matches!(e, Error::Conflict(_))).map(Error::message));
    let fought =
        damped.map(|until| format!("somebody else keeps undoing it, so that it is restored again at {} only", show(until)));
    remember(context, key, failures.first().filter(|e| !e.is_conflict()).map(Error::message).or(fought));
    if trust != Trust::Undecided {
        reconciled(context, key);
    }
    let more = failures.len().saturating_sub(1);
    match failures.into_iter().next() {
        Some(first) if more > 0 => Err(Error::Several { first: Box::new(first), more }),
        Some(first) => Err(first),
        None => Ok([input.next_end, damped]
            .into_iter()
            .flatten()
            .min()
            .map_or(Action::AwaitChange, |at| Action::RequeueAt(at, Lane::Urgent))),
    }
}

/// Whether a write makes somebody a member.
fn gives(write: &Write) -> bool {
    matches!(write, Write::Put { joining, .. } if *joining > 0)
}

/// Until when nothing is given because somebody else undoes it as fast as it is written.
fn damp(context: &Context, key: &GrantKey, repairs: bool, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if !repairs {
        return None;
    }
    let mut problems = context.problems();
    problems.repairs.retain(|_, damper| !damper.is_calm(now));
    problems.repairs.entry(key.clone()).or_insert_with(|| Damper::new(now)).repair(now).err()
}

/// What may be done in each place. While identities cannot be trusted nobody gains anything anywhere, and no role becomes another one.
fn places(input: &GrantInput, trusted: bool) -> BTreeMap<Target, Place> {
    let place = |(target, standing): (&Target, &Standing)| {
        let place = match standing {
            Standing::Open if trusted => Place::Open,
            Standing::Leaving if trusted || input.scopes.is_empty() => return None,
            Standing::Open | Standing::Held(_) | Standing::Leaving => Place::Closed,
            Standing::Void(_) => Place::Void,
        };
        Some((target.clone(), place))
    };
    input.places.iter().filter_map(place).collect()
}

/// The places where whoever is bound by us stays where we put them: nobody joins them in an old place, nor, if `closed`, anywhere.
fn as_it_is(
    key: &GrantKey,
    mut places: BTreeMap<Target, Place>,
    observed: &[Arc<Observed>],
    closed: bool,
) -> BTreeMap<Target, Place> {
    for place in places.values_mut().filter(|place| closed && **place == Place::Open) {
        *place = Place::Closed;
    }
    for binding in observed.iter().filter(|o| name::is_genuine(key, &o.target, &o.name)) {
        places.entry(binding.target.clone()).or_insert(Place::Closed);
    }
    places
}

/// Whom the brake lets keep the role until somebody confirms, and where the role may be granted.
fn mass_revocation(
    context: &Context,
    key: &GrantKey,
    input: &GrantInput,
    trusted: bool,
) -> (BTreeSet<Subject>, BTreeMap<Target, Place>) {
    let mut places = places(input, trusted);
    let losers: BTreeSet<Subject> = input.losers.keys().cloned().collect();
    // What is held stays held when some of them go for good, and over a restart.
    let still = !losers.is_empty() && (input.held || context.problems().held.contains_key(key));
    let kept = kept(context.settings.mass_revocation, input.present, &losers).or(still.then_some(&losers));
    if kept.is_some() {
        places = as_it_is(key, places, &input.observed, false);
    }
    hold(context, key, kept.map(|kept| Held { count: kept.len(), packages: input.losers.values().cloned().collect() }));
    (kept.cloned().unwrap_or_default(), places)
}

/// Keeps what the brake holds back, for the conditions of resource and packages.
fn hold(context: &Context, key: &GrantKey, held: Option<Held>) {
    let before = match held.clone() {
        Some(held) => context.problems().held.insert(key.clone(), held),
        None => context.problems().held.remove(key),
    };
    if before != held {
        context.cache.queue.push(WorkItem::Resource(Key::new(&key.namespace, &key.resource)));
        let packages = before.into_iter().chain(held).flat_map(|h| h.packages);
        packages.for_each(|package| context.cache.queue.push(WorkItem::Package(package)));
    }
}

/// Ends of assignments whose access is being taken away now.
fn overdue(stores: &Stores, key: &GrantKey, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let packages = stores.packages.find(&IndexKey::Resource(Key::new(&key.namespace, &key.resource)));
    let assignments = packages.flat_map(|p| stores.assignments.find(&IndexKey::Package(Key::of(&**p))));
    assignments.filter(|a| a.phase().is_granting()).filter_map(|a| a.end()).filter(|end| *end <= now).collect()
}

/// What somebody else changed in our bindings: delivered subjects that are missing, and subjects that no assignment explains.
fn drifted(stores: &Stores, key: &GrantKey, input: &GrantInput, now: DateTime<Utc>) -> Vec<String> {
    if !input.places.values().any(|standing| *standing == Standing::Open) {
        return Vec::new();
    }
    let mut told = Vec::new();
    let of = |subject: &Subject| {
        let own: Vec<_> = stores.assignments.find(&IndexKey::Subject(subject.clone())).cloned().collect();
        own.into_iter().filter(|a| a.metadata.namespace.as_deref() == Some(key.namespace.as_str()) && !a.phase().is_terminal())
    };
    for subject in input.wanted.iter().filter(|s| stores.members.of(key, s).is_empty()) {
        let had = of(subject).filter(|a| holdings::gives(a, now)).any(|a| {
            let grants = a.status.iter().flat_map(|s| &s.grants);
            grants.into_iter().any(|g| g.resource == key.resource && g.role == key.role && g.state == GrantState::Delivered)
        });
        if had {
            told.push(format!("{subject} was missing"));
        }
    }
    for observed in &input.observed {
        if !observed.labelled {
            told.push(format!("labels of {} were changed", observed.name));
        }
        let foreign = observed.subjects.iter().flatten().filter(|s| !input.wanted.contains(*s) && of(s).next().is_none());
        told.extend(foreign.map(|s| format!("{s} was added to {}", observed.name)));
    }
    told
}

fn tell_drift(context: &Context, key: &GrantKey, drifted: Vec<String>) {
    if drifted.is_empty() {
        return;
    }
    context.metrics.drift_repaired(drifted.len());
    let resource = context.cache.read().resources.get(&Key::new(&key.namespace, &key.resource)).cloned();
    if let Some(resource) = resource {
        let message = format!("role {:?} was changed by somebody else and is repaired: {}", key.role, drifted.join("; "));
        context.publish(&*resource, Notice { warning: true, reason: "DriftRepaired", message, ..Notice::default() });
    }
}

/// Keeps or forgets something about a grant; tells whether it is news.
fn keep(known: &mut BTreeMap<GrantKey, String>, key: &GrantKey, found: Option<String>) -> bool {
    let news = known.get(key) != found.as_ref();
    match found {
        Some(text) => known.insert(key.clone(), text),
        None => known.remove(key),
    };
    news
}

/// Keeps what is in the way, for the condition of the resource.
fn remember_conflict(context: &Context, key: &GrantKey, found: Option<String>) {
    if keep(&mut context.problems().conflicts, key, found) {
        context.cache.queue.push(WorkItem::Resource(Key::new(&key.namespace, &key.resource)));
    }
}

/// What is said about a grant can be relied on from its first reconciliation on.
fn reconciled(context: &Context, key: &GrantKey) {
    if !context.problems().grants.not_reconciled.remove(key) {
        return;
    }
    let (stores, queue) = (context.cache.read(), &context.cache.queue);
    let resource = Key::new(&key.namespace, &key.resource);
    let users = stores.packages.find(&IndexKey::Resource(resource.clone()));
    let failed = |a: &&Arc<Assignment>| a.status.iter().flat_map(|s| &s.grants).any(|g| g.state == GrantState::Failed);
    let waiting = users.flat_map(|package| stores.assignments.find(&IndexKey::Package(Key::of(&**package)))).filter(failed);
    waiting.for_each(|a| queue.push(WorkItem::Assignment(Key::of(&**a))));
    queue.push(WorkItem::Resource(resource));
    if !context.is_unsure(&key.namespace, None) {
        let packages = stores.packages.find(&IndexKey::Namespace(key.namespace.clone()));
        packages.for_each(|package| queue.push(WorkItem::Package(Key::of(&**package))));
    }
}

/// Keeps what failed, for the conditions of the assignments that wait for it.
fn remember(context: &Context, key: &GrantKey, problem: Option<String>) {
    let changed = keep(&mut context.problems().grants.last, key, problem);
    if changed {
        let stores = context.cache.read();
        let packages = stores.packages.find(&IndexKey::Resource(Key::new(&key.namespace, &key.resource)));
        let waiting = packages
            .flat_map(|p| stores.assignments.find(&IndexKey::Package(Key::of(&**p))))
            .filter(|a| !a.phase().is_terminal());
        waiting.for_each(|a| context.cache.queue.push(WorkItem::Assignment(Key::of(&**a))));
    }
}
