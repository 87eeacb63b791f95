//! Thin controllers, one per kind: gather what is seen, call `decide`, hand the plan to `act`. No business rule lives here.

mod authority;
mod catalog;
mod content;
mod grant;
pub mod guard;
mod request;
pub mod runner;
mod unreadable;

pub use self::catalog::DEFAULT as DEFAULT_CATALOG;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use k8s_openapi::api::core::v1::ObjectReference;

use crate::act::Act;
use crate::act::events::{self, Events, NoteKind};
use crate::act::status::HasStatus;
use crate::clock::Clock;
use crate::domain::request::Bounds;
use crate::domain::{Effect, Key, Note, Plan, readiness};
use crate::error::Error;
use crate::grants::GrantKey;
use crate::grants::brake::Brake;
use crate::grants::damper::Damper;
use crate::observe::seen::Failures;
use crate::observe::wakes::Watched;
use crate::observe::{Hub, Work};
use crate::queue::{Lane, Outcome};
use crate::telemetry::Metrics;

/// What every controller works with.
pub struct Context {
    /// The write side.
    pub act: Act,
    /// The read side.
    pub hub: Arc<Hub>,
    /// Events for people.
    pub events: Events,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What can be set from outside.
    pub settings: Settings,
    /// Whether identities can be trusted.
    pub guard: guard::Guard,
    problems: Mutex<Problems>,
    deciding: Mutex<()>,
}

/// What can be set from outside.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long ended objects are kept.
    pub retention: TimeDelta,
    /// How many requests one requestor may have.
    pub bounds: Bounds,
    /// The brake on mass revocation.
    pub brake: Brake,
}

/// A mass revocation that waits for a confirmation.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    /// How many subjects keep the role until then.
    count: usize,
    /// The packages through which they got it.
    packages: BTreeSet<Key>,
}

/// What failed last, until it succeeds: shown in conditions.
#[derive(Default)]
struct Problems {
    held: BTreeMap<GrantKey, Held>,
    grants: Failures,
    conflicts: BTreeMap<GrantKey, String>,
    /// Grants that somebody else keeps changing.
    repairs: BTreeMap<GrantKey, Damper>,
    /// What could not be done for an object, by kind and key.
    effects: BTreeMap<(&'static str, Key), String>,
}

impl Context {
    /// A context; nothing has failed yet.
    pub fn new(
        act: Act,
        events: Events,
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
        settings: Settings,
        guard: guard::Guard,
    ) -> Self {
        let hub = act.hub.clone();
        Self { act, hub, events, metrics, clock, settings, guard, problems: Mutex::default(), deciding: Mutex::default() }
    }

    fn problems(&self) -> std::sync::MutexGuard<'_, Problems> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn of one decision about a request or an assignment: others wait, and the caches can be read meanwhile.
    fn deciding(&self) -> std::sync::MutexGuard<'_, ()> {
        self.deciding.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to act: what a former leader said about grants stands until they are looked at.
    fn begin(&self) {
        let all = self.hub.read().grant_keys();
        all.iter().for_each(|key| self.hub.queue.push(Work::Grant(key.clone())));
        self.problems().grants.unlooked = all;
    }

    /// Whether a grant of a resource, or of any in its namespace, was not looked at yet, so that what is said about it must stand.
    fn is_unsure(&self, namespace: &str, resource: Option<&str>) -> bool {
        let (namespace, name) = (namespace.to_owned(), resource.unwrap_or_default().to_owned());
        let first = GrantKey { namespace, resource: name, role: String::new() };
        let problems = self.problems();
        let next = problems.grants.unlooked.range(&first..).next();
        next.is_some_and(|key| key.namespace == first.namespace && resource.is_none_or(|resource| key.resource == resource))
    }

    /// Mass revocations that wait and match, as role and number of subjects. They are looked at again, for a confirmation may have come.
    fn held(&self, matches: impl Fn(&GrantKey, &Held) -> bool) -> Vec<(String, usize)> {
        let problems = self.problems();
        let held = problems.held.iter().filter(|(key, held)| matches(key, held));
        held.map(|(key, held)| {
            self.hub.queue.push(Work::Grant(key.clone()));
            (format!("{}/{}", key.resource, key.role), held.count)
        })
        .collect()
    }

    /// Bindings of others that are in the way of a resource's grants.
    fn conflicts(&self, resource: &Key) -> Vec<String> {
        let ours = |grant: &GrantKey| grant.namespace == resource.namespace && grant.resource == resource.name;
        self.problems().conflicts.iter().filter(|(grant, _)| ours(grant)).map(|(_, text)| text.clone()).collect()
    }

    /// What could not be done for an object the last time.
    fn failed<K: Watched>(&self, key: &Key) -> Option<String> {
        self.problems().effects.get(&(K::NAME, key.clone())).cloned()
    }

    /// An object is not there (any more), and neither is what failed for it.
    fn gone<K: Watched>(&self, key: &Key) -> Result<Outcome, Error> {
        self.problems().effects.remove(&(K::NAME, key.clone()));
        Ok(Outcome::Idle)
    }

    /// Writes the status, tells people, carries out the effects.
    async fn carry_out<K: HasStatus>(&self, object: &Arc<K>, plan: Plan<K::Status>) -> Result<Outcome, Error> {
        self.write_status(object, plan.status, plan.notes).await?;
        self.follow(object, plan.effects, plan.wake_at).await
    }

    /// Writes the status when it differs, and tells people what changed. What could not be done the last time stands in it.
    async fn write_status<K: HasStatus>(
        &self,
        object: &Arc<K>,
        mut status: K::Status,
        mut notes: Vec<Note>,
    ) -> Result<(), Error> {
        let failed = self.failed::<K>(&Key::of(&**object));
        readiness::write_failed(K::conditions(&mut status), &mut notes, &**object, failed, self.clock.now());
        if self.act.status(object, &status).await? {
            notes.into_iter().for_each(|note| self.tell(&**object, note));
        }
        Ok(())
    }

    /// Carries out the effects, and says when to look again.
    async fn follow<K: HasStatus>(
        &self,
        object: &Arc<K>,
        effects: Vec<Effect>,
        wake_at: Option<DateTime<Utc>>,
    ) -> Result<Outcome, Error> {
        let (done, what) = (self.act.effects(object, effects).await, (K::NAME, Key::of(&**object)));
        let news = match &done {
            Ok(()) => self.problems().effects.remove(&what).is_some(),
            // Our cache is behind, which says nothing.
            Err(error) if error.is_conflict() || error.is_not_found() => false,
            Err(error) => {
                self.problems().effects.insert(what, error.message());
                false
            }
        };
        done?;
        let wake_at = if news { Some(self.clock.now()) } else { wake_at };
        Ok(wake_at.map_or(Outcome::Idle, |at| Outcome::At(at, Lane::Ordinary)))
    }

    /// Publishes an Event about an object, and counts a change of phase.
    fn tell<K>(&self, object: &K, note: Note)
    where
        K: Watched + kube::Resource<DynamicType = ()>,
    {
        if let Some(why) = note.entered {
            self.metrics.transitioned(K::NAME, note.reason, why);
        }
        if !note.quiet {
            self.tell_of(object.object_ref(&()), note);
        }
    }

    /// Publishes an Event.
    fn tell_of(&self, regarding: ObjectReference, note: Note) {
        self.events.publish(events::Note {
            regarding,
            kind: if note.warning { NoteKind::Warning } else { NoteKind::Normal },
            reason: note.reason.to_owned(),
            action: "Reconcile".to_owned(),
            message: note.message,
        });
    }
}

/// Looks at one thing.
pub async fn look(context: &Context, work: &Work) -> Result<Outcome, Error> {
    match work {
        Work::Catalog(key) => catalog::look(context, key).await,
        Work::Resource(key) => content::resource(context, key).await,
        Work::Package(key) => content::package(context, key).await,
        Work::Policy(key) => content::policy(context, key).await,
        Work::Request(key) => request::request(context, key).await,
        Work::Decision(key) => request::decision(context, key).await,
        Work::Assignment(key) => request::assignment(context, key).await,
        Work::Grant(key) => grant::look(context, key).await,
        Work::Guard => guard::look(context).await,
        Work::Unreadable(kind, key) => unreadable::look(context, kind, key).await,
    }
}
