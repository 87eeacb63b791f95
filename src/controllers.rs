//! Thin controllers, one per kind: gather the input, call `decide`, hand the plan to the writer. No business rule lives here.

pub mod admission;
mod authority;
mod catalog;
mod content;
mod grant;
mod request;
pub mod runner;
mod unreadable;

pub use self::catalog::DEFAULT as DEFAULT_CATALOG;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use k8s_openapi::api::core::v1::ObjectReference;

use crate::clock::Clock;
use crate::domain::request::Bounds;
use crate::domain::{Effect, Key, Notice, Plan, readiness};
use crate::error::Error;
use crate::grants::GrantKey;
use crate::grants::damper::Damper;
use crate::grants::mass_revocation::MassRevocation;
use crate::observe::gather::GrantReports;
use crate::observe::triggers::Watched;
use crate::observe::{Cache, WorkItem};
use crate::queue::{Action, Lane};
use crate::telemetry::Metrics;
use crate::writer::Writer;
use crate::writer::recorder::{self, EventType, Recorder};
use crate::writer::status::HasStatus;

/// What every controller works with.
pub struct Context {
    /// The write side.
    pub writer: Writer,
    /// The read side.
    pub cache: Arc<Cache>,
    /// Events for people.
    pub events: Recorder,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What can be set from outside.
    pub settings: Settings,
    /// Whether identities can be trusted.
    pub admission: admission::Admission,
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
    pub mass_revocation: MassRevocation,
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
    grants: GrantReports,
    conflicts: BTreeMap<GrantKey, String>,
    /// Grants that somebody else keeps changing.
    repairs: BTreeMap<GrantKey, Damper>,
    /// What could not be done for an object, by kind and key.
    effects: BTreeMap<(&'static str, Key), String>,
}

impl Context {
    /// A context; nothing has failed yet.
    pub fn new(
        writer: Writer,
        events: Recorder,
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
        settings: Settings,
        admission: admission::Admission,
    ) -> Self {
        let cache = writer.cache.clone();
        Self {
            writer,
            cache,
            events,
            metrics,
            clock,
            settings,
            admission,
            problems: Mutex::default(),
            deciding: Mutex::default(),
        }
    }

    fn problems(&self) -> std::sync::MutexGuard<'_, Problems> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn of one decision about a request or an assignment: others wait, and the caches can be read meanwhile.
    fn deciding(&self) -> std::sync::MutexGuard<'_, ()> {
        self.deciding.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to reconcile: what a former leader said about grants stands until they are reconciled.
    fn begin(&self) {
        let all = self.cache.read().grant_keys();
        all.iter().for_each(|key| self.cache.queue.push(WorkItem::Grant(key.clone())));
        self.problems().grants.not_reconciled = all;
    }

    /// Whether a grant of a resource, or of any in its namespace, was not reconciled yet, so that what is said about it must stand.
    fn is_unsure(&self, namespace: &str, resource: Option<&str>) -> bool {
        let (namespace, name) = (namespace.to_owned(), resource.unwrap_or_default().to_owned());
        let first = GrantKey { namespace, resource: name, role: String::new() };
        let problems = self.problems();
        let next = problems.grants.not_reconciled.range(&first..).next();
        next.is_some_and(|key| key.namespace == first.namespace && resource.is_none_or(|resource| key.resource == resource))
    }

    /// Mass revocations that wait and match, as role and number of subjects. They are reconciled again, for a confirmation may have come.
    fn held(&self, matches: impl Fn(&GrantKey, &Held) -> bool) -> Vec<(String, usize)> {
        let problems = self.problems();
        let held = problems.held.iter().filter(|(key, held)| matches(key, held));
        held.map(|(key, held)| {
            self.cache.queue.push(WorkItem::Grant(key.clone()));
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
    fn gone<K: Watched>(&self, key: &Key) -> Result<Action, Error> {
        self.problems().effects.remove(&(K::NAME, key.clone()));
        Ok(Action::AwaitChange)
    }

    /// Writes the status, tells people, carries out the effects.
    async fn carry_out<K: HasStatus>(&self, object: &Arc<K>, plan: Plan<K::Status>) -> Result<Action, Error> {
        self.write_status(object, plan.status, plan.notices).await?;
        self.follow(object, plan.effects, plan.requeue_at).await
    }

    /// Writes the status when it differs, and tells people what changed. What could not be done the last time stands in it.
    async fn write_status<K: HasStatus>(
        &self,
        object: &Arc<K>,
        mut status: K::Status,
        mut notices: Vec<Notice>,
    ) -> Result<(), Error> {
        let failed = self.failed::<K>(&Key::of(&**object));
        readiness::write_failed(K::conditions(&mut status), &mut notices, &**object, failed, self.clock.now());
        if self.writer.status(object, &status).await? {
            notices.into_iter().for_each(|notice| self.publish(&**object, notice));
        }
        Ok(())
    }

    /// Carries out the effects, and says when to reconcile again.
    async fn follow<K: HasStatus>(
        &self,
        object: &Arc<K>,
        effects: Vec<Effect>,
        requeue_at: Option<DateTime<Utc>>,
    ) -> Result<Action, Error> {
        let (done, what) = (self.writer.effects(object, effects).await, (K::NAME, Key::of(&**object)));
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
        let requeue_at = if news { Some(self.clock.now()) } else { requeue_at };
        Ok(requeue_at.map_or(Action::AwaitChange, |at| Action::RequeueAt(at, Lane::Ordinary)))
    }

    /// Publishes an Event about an object, and counts a change of phase.
    fn publish<K>(&self, object: &K, notice: Notice)
    where
        K: Watched + kube::Resource<DynamicType = ()>,
    {
        if let Some(why) = notice.entered {
            self.metrics.transitioned(K::NAME, notice.reason, why);
        }
        if !notice.quiet {
            self.publish_about(object.object_ref(&()), notice);
        }
    }

    /// Publishes an Event.
    fn publish_about(&self, regarding: ObjectReference, notice: Notice) {
        self.events.publish(recorder::Announcement {
            regarding,
            kind: if notice.warning { EventType::Warning } else { EventType::Normal },
            reason: notice.reason.to_owned(),
            action: "Reconcile".to_owned(),
            message: notice.message,
        });
    }
}

/// Reconciles one thing.
pub async fn reconcile(context: &Context, work: &WorkItem) -> Result<Action, Error> {
    match work {
        WorkItem::Catalog(key) => catalog::reconcile(context, key).await,
        WorkItem::Resource(key) => content::resource(context, key).await,
        WorkItem::Package(key) => content::package(context, key).await,
        WorkItem::Policy(key) => content::policy(context, key).await,
        WorkItem::Request(key) => request::request(context, key).await,
        WorkItem::Decision(key) => request::decision(context, key).await,
        WorkItem::Assignment(key) => request::assignment(context, key).await,
        WorkItem::Grant(key) => grant::reconcile(context, key).await,
        WorkItem::Admission => admission::reconcile(context).await,
        WorkItem::Unreadable(kind, key) => unreadable::reconcile(context, kind, key).await,
    }
}
