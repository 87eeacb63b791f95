//! Kubernetes Events: told once, in the background, and never at the cost of the work that they tell of.
//!
//! A bounded channel and one task that posts one event after the other. When the channel is full or the API server refuses, the
//! event is dropped and counted: what happened is in the objects' status and timeline, events only announce it.

mod name;

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::sync::mpsc;
use tokio::time::timeout;

use self::name::Names;
use crate::api::time::to_meta;
use crate::runtime::clock::Clock;
use crate::runtime::telemetry::Metrics;

/// Who reports, on every event.
pub const REPORTING_CONTROLLER: &str = "entitlement.dev/entitlement-operator";

/// Bytes of a note that the API server admits.
const NOTE: usize = 1024;
/// Bytes of a reason, an action or an instance that the API server admits.
const WORD: usize = 128;
/// How long one post may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Whether an event is of the expected sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// What went as it should.
    Normal,
    /// What somebody must act on.
    Warning,
}

/// What there is to tell about an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Announcement {
    /// The object; its namespace is the event's, `default` for an object without one.
    pub regarding: ObjectReference,
    /// Normal or warning.
    pub kind: EventType,
    /// Why, in one CamelCase word; at most 128 bytes.
    pub reason: String,
    /// What was done, in one CamelCase word; at most 128 bytes.
    pub action: String,
    /// A sentence for people; cut after 1024 bytes.
    pub message: String,
}

/// The sending end, cheap to clone. The task ends when the last one is dropped and all that was published is posted.
#[derive(Clone)]
pub struct Recorder {
    notices: mpsc::Sender<(Announcement, MicroTime)>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
}

impl Recorder {
    /// The sending end and the task that posts, which the caller spawns. `instance` is the name of this process.
    pub fn new(
        client: Client,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
        instance: &str,
        capacity: usize,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (notices, queue) = mpsc::channel(capacity.max(1));
        let post = Post { client, metrics: metrics.clone(), instance: cut(instance.to_owned(), WORD), names: Names::new() };
        (Self { notices, clock, metrics }, post.run(queue))
    }

    /// Tells it, or drops and counts it when too much is waiting.
    pub fn publish(&self, notice: Announcement) {
        let at = MicroTime(to_meta(self.clock.now()).0);
        if self.notices.try_send((notice, at)).is_err() {
            self.metrics.event_dropped();
        }
    }
}

/// The task's own state.
struct Post {
    client: Client,
    metrics: Arc<Metrics>,
    instance: String,
    names: Names,
}

impl Post {
    async fn run(mut self, mut queue: mpsc::Receiver<(Announcement, MicroTime)>) {
        while let Some((notice, at)) = queue.recv().await {
            let event = self.event(notice, at);
            let namespace = event.metadata.namespace.clone().unwrap_or_default();
            let api: Api<Event> = Api::namespaced(self.client.clone(), &namespace);
            let error = match timeout(TIMEOUT, api.create(&PostParams::default(), &event)).await {
                Ok(Ok(_)) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(elapsed) => elapsed.to_string(),
            };
            self.metrics.event_dropped();
            tracing::debug!(error, namespace, reason = event.reason, "event dropped");
        }
    }

    fn event(&mut self, notice: Announcement, at: MicroTime) -> Event {
        let Announcement { regarding, kind, reason, action, message } = notice;
        let namespace = regarding.namespace.clone().filter(|namespace| !namespace.is_empty());
        Event {
            metadata: ObjectMeta {
                name: Some(self.names.next(regarding.name.as_deref().unwrap_or_default())),
                namespace: Some(namespace.unwrap_or_else(|| "default".into())),
                ..ObjectMeta::default()
            },
            event_time: Some(at),
            type_: Some(match kind {
                EventType::Normal => "Normal".into(),
                EventType::Warning => "Warning".into(),
            }),
            reason: Some(cut(reason, WORD)),
            action: Some(cut(action, WORD)),
            note: Some(cut(message, NOTE)),
            regarding: Some(regarding),
            reporting_controller: Some(REPORTING_CONTROLLER.into()),
            reporting_instance: Some(self.instance.clone()),
            ..Event::default()
        }
    }
}

/// At most that many bytes of a text, between two characters, with a sign that something is missing.
fn cut(mut text: String, most: usize) -> String {
    const MORE: &str = "…";
    if text.len() > most {
        let end = (0..=most.saturating_sub(MORE.len())).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or_default());
        text.push_str(MORE);
    }
    text
}

#[cfg(test)]
mod tests;
