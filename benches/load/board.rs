//! What is seen of the cluster while it works: who is bound, and how far requests and assignments are.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{Api, DynamicObject};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, ResourceExt};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::site::resource;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// What is seen at a moment.
#[derive(Default)]
pub struct Seen {
    bindings: HashMap<String, Vec<String>>,
    /// In how many bindings each user is.
    pub held: HashMap<String, usize>,
    /// How many subjects all bindings have together.
    pub subjects: usize,
    phases: HashMap<(&'static str, String), String>,
    /// How many objects of a kind are in a phase.
    pub count: BTreeMap<(&'static str, String), usize>,
}

/// The same, kept up to date by watches.
#[derive(Clone, Default)]
pub struct Board {
    seen: Arc<Mutex<Seen>>,
    news: Arc<Notify>,
}

impl Seen {
    fn bind(&mut self, name: String, subjects: Vec<String>) {
        self.subjects += subjects.len();
        for subject in &subjects {
            *self.held.entry(subject.clone()).or_default() += 1;
        }
        for subject in self.bindings.insert(name, subjects).into_iter().flatten() {
            self.subjects -= 1;
            if let Some(count) = self.held.get_mut(&subject) {
                *count -= 1;
                if *count == 0 {
                    self.held.remove(&subject);
                }
            }
        }
    }

    fn enter(&mut self, kind: &'static str, name: String, phase: String) {
        *self.count.entry((kind, phase.clone())).or_default() += 1;
        if let Some(old) = self.phases.insert((kind, name), phase) {
            *self.count.entry((kind, old)).or_default() -= 1;
        }
    }

    /// How many objects of a kind are in a phase.
    pub fn in_phase(&self, kind: &'static str, phase: &str) -> usize {
        self.count.get(&(kind, phase.to_owned())).copied().unwrap_or(0)
    }

    /// Whether an object was seen.
    pub fn is_there(&self, kind: &'static str, name: &str) -> bool {
        self.phases.contains_key(&(kind, name.to_owned()))
    }

    /// The phase of an object; empty when it has none, or was not seen yet.
    pub fn phase(&self, kind: &'static str, name: &str) -> &str {
        self.phases.get(&(kind, name.to_owned())).map_or("", String::as_str)
    }
}

impl Board {
    /// Starts the watches: of the bindings in one namespace, and of requests and assignments in another, that of a catalog.
    pub fn watch(client: &Client, bound: &'static str, catalog: &'static str) -> Self {
        let board = Self::default();
        tokio::spawn(board.clone().watch_bindings(Api::namespaced(client.clone(), bound)));
        for kind in ["AccessRequest", "Assignment"] {
            let api = Api::namespaced_with(client.clone(), catalog, &resource(kind));
            tokio::spawn(board.clone().watch_phases(api, kind));
        }
        board
    }

    fn change(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        self.news.notify_waiters();
    }

    async fn watch_bindings(self, api: Api<RoleBinding>) {
        let mut events = watcher(api, watcher::Config::default()).default_backoff().boxed();
        while let Some(event) = events.next().await {
            let (name, subjects) = match event {
                Ok(Event::Apply(binding) | Event::InitApply(binding)) => {
                    (binding.name_any(), binding.subjects.unwrap_or_default())
                }
                Ok(Event::Delete(binding)) => (binding.name_any(), Vec::new()),
                _ => continue,
            };
            self.change(|seen| seen.bind(name, subjects.into_iter().map(|subject| subject.name).collect()));
        }
    }

    async fn watch_phases(self, api: Api<DynamicObject>, kind: &'static str) {
        let mut events = watcher(api, watcher::Config::default()).default_backoff().boxed();
        while let Some(event) = events.next().await {
            if let Ok(Event::Apply(object) | Event::InitApply(object)) = event {
                let phase = object.data["status"]["phase"].as_str().unwrap_or_default().to_owned();
                self.change(|seen| seen.enter(kind, object.name_any(), phase));
            }
        }
    }

    /// Reads something.
    pub fn look<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until something is so, and tells since when.
    pub async fn until(&self, what: &str, is: impl Fn(&Seen) -> bool) -> Instant {
        let wait = async {
            loop {
                let news = self.news.notified();
                tokio::pin!(news);
                news.as_mut().enable();
                if self.look(&is) {
                    return Instant::now();
                }
                news.await;
            }
        };
        timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
    }
}
