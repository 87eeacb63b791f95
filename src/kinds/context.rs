//! What every reconciliation works with, and how its plan is carried out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use k8s_openapi::api::core::v1::ObjectReference;

use crate::admission::Admission;
use crate::domain::grant::mass_revocation::MassRevocation;
use crate::domain::grant::report::GrantReports;
use crate::domain::request::Bounds;
use crate::domain::{Effect, Key, Notice, Plan, readiness};
use crate::error::Error;
use crate::observe::{Cache, Watched, WorkItem};
use crate::runtime::clock::Clock;
use crate::runtime::queue::{Action, Lane};
use crate::runtime::recorder::{Announcement, EventType, Recorder};
use crate::runtime::telemetry::Metrics;
use crate::writer::Writer;
use crate::writer::status::HasStatus;

/// What every reconciliation works with.
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
    pub admission: Admission,
    reports: Mutex<GrantReports>,
    /// What could not be done for an object the last time, by kind and key: shown in conditions.
    failed: Mutex<BTreeMap<(&'static str, Key), String>>,
    deciding: Mutex<()>,
}

/// What can be set from outside.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long ended objects are kept.
    pub retention: TimeDelta,
    /// How many requests one requestor may have.
    pub bounds: Bounds,
    /// From when an edit waits for a confirmation.
    pub mass_revocation: MassRevocation,
}

impl Context {
    /// A context; nothing has failed yet.
    pub fn new(
        writer: Writer,
        events: Recorder,
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
        settings: Settings,
        admission: Admission,
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
            reports: Mutex::default(),
            failed: Mutex::default(),
            deciding: Mutex::default(),
        }
    }

    /// What is known of grants; whoever holds the caches may wait for it, and never the other way round.
    pub fn reports(&self) -> MutexGuard<'_, GrantReports> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failures(&self) -> MutexGuard<'_, BTreeMap<(&'static str, Key), String>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn of one decision about a request or an assignment: others wait, and the caches can be read meanwhile.
    pub fn deciding(&self) -> MutexGuard<'_, ()> {
        self.deciding.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to reconcile: what a former leader said about grants stands until they are reconciled.
    pub fn begin(&self) {
        let (all, ending) = {
            let stores = self.cache.read();
            (stores.grant_keys(), stores.grants_that_end(self.clock.now()))
        };
        ending.into_iter().for_each(|key| self.cache.queue.push_urgent(WorkItem::Grant(key)));
        all.iter().for_each(|key| self.cache.queue.push(WorkItem::Grant(key.clone())));
        self.reports().begin(all);
    }

    /// What could not be done for an object the last time.
    pub fn failed<K: Watched>(&self, key: &Key) -> Option<String> {
        self.failures().get(&(K::NAME, key.clone())).cloned()
    }

    /// An object is not there, and neither is what failed for it.
    pub fn gone<K: Watched>(&self, key: &Key) -> Result<Action, Error> {
        self.failures().remove(&(K::NAME, key.clone()));
        Ok(Action::AwaitChange)
    }

    /// Writes the status, tells people, carries out the effects.
    pub async fn carry_out<K: HasStatus>(&self, object: &Arc<K>, plan: Plan<K::Status>) -> Result<Action, Error> {
        self.write_status(object, plan.status, plan.notices).await?;
        self.follow(object, plan.effects, plan.requeue_at).await
    }

    /// Writes the status when it differs, and tells people what changed. What could not be done the last time stands in it.
    pub async fn write_status<K: HasStatus>(
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
    pub async fn follow<K: HasStatus>(
        &self,
        object: &Arc<K>,
        effects: Vec<Effect>,
        requeue_at: Option<DateTime<Utc>>,
    ) -> Result<Action, Error> {
        let (done, what) = (self.writer.effects(object, effects).await, (K::NAME, Key::of(&**object)));
        let news = match &done {
            Ok(()) => self.failures().remove(&what).is_some(),
            // Our cache is behind, which says nothing.
            Err(error) if error.is_conflict() || error.is_not_found() => false,
            Err(error) => {
                self.failures().insert(what, error.message());
                false
            }
        };
        done?;
        let requeue_at = if news { Some(self.clock.now()) } else { requeue_at };
        Ok(requeue_at.map_or(Action::AwaitChange, |at| Action::RequeueAt(at, Lane::Ordinary)))
    }

    /// Publishes an Event about an object, and counts a change of phase.
    pub fn publish<K>(&self, object: &K, notice: Notice)
    where
        K: Watched + kube::Resource<DynamicType = ()>,
    {
        if let Some(why) = notice.entered {
            self.metrics.transitioned(K::NAME, notice.reason.as_str(), why);
        }
        if !notice.quiet {
            self.publish_about(object.object_ref(&()), notice);
        }
    }

    /// Publishes an Event.
    pub fn publish_about(&self, regarding: ObjectReference, notice: Notice) {
        self.events.publish(Announcement {
            regarding,
            kind: if notice.warning { EventType::Warning } else { EventType::Normal },
            reason: notice.reason.as_str().to_owned(),
            action: "Reconcile".to_owned(),
            message: notice.message,
        });
    }
}
