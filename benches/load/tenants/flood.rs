//! The tenant that floods the site: what it sends, as people of whom each may do that.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use kube::api::{Api, DynamicObject};
use kube::{Client, Error};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::person::Person;
use crate::site::{Site, each, resource};
use crate::support::{ROOT, eventually, metrics};

/// The namespace of its catalog.
pub const NAMESPACE: &str = "catalog-flood";
/// The label of all that goes before the next flood.
const LABEL: &str = "load=flood";
const OPEN_WITHIN: Duration = Duration::from_secs(120);
/// The API server stores an object by then, however busy it is.
const STORED_WITHIN: Duration = Duration::from_secs(300);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(50);
/// A flood that is not absorbed by then is left as it is.
const ABSORBED_WITHIN: Duration = Duration::from_secs(600);
/// As `kubectl` writes it.
const CLOSED_WITHIN: &str = "--timeout=1200s";
/// How much of a refusal is shown, in characters.
const SHOWN: usize = 300;

/// Many objects that are created many at a time.
pub struct Wave {
    /// How many.
    pub count: usize,
    /// Each by its number, and who creates it.
    pub write: Box<dyn Fn(usize) -> (Person, Value)>,
}

/// What became of a flood.
#[derive(Default)]
pub struct Sent {
    /// How many objects are stored.
    pub stored: usize,
    /// How many bytes of JSON they were sent in.
    pub bytes: usize,
    /// How many were refused.
    pub refused: usize,
    /// What the first of them was refused with.
    pub refusal: Option<String>,
    /// Kind and name of the last that is stored.
    last: Option<(String, String)>,
}

/// Makes the catalog.
pub async fn open(site: &Site) {
    let apply = async || site.plane.kubectl_apply(ROOT, include_str!("flood.yaml")).await.result();
    eventually("the catalog of the flood is there", OPEN_WITHIN, apply).await;
    let args = ["wait", "--for=condition=Ready", "--all", "accesspackages.entitlement.dev", "-n", NAMESPACE, "--timeout=60s"];
    site.plane.kubectl(ROOT, &args).await.ok();
}

/// Deletes the catalog with everything in it, and waits until all of it is gone.
pub async fn close(site: &Site) {
    site.plane.kubectl(ROOT, &["delete", "catalogs.entitlement.dev", "flood", "--wait=false"]).await.ok();
    site.plane.kubectl(ROOT, &["delete", "namespaces", "-l", LABEL, CLOSED_WITHIN]).await.ok();
    site.plane.kubectl(ROOT, &["wait", "--for=delete", "catalogs.entitlement.dev/flood", CLOSED_WITHIN]).await.ok();
    site.rests().await;
}

/// Creates an object, however often the API server has to be asked.
///
/// # Errors
/// The refusal, by schema, admission or rights.
pub async fn created(client: &Client, who: &Person, object: &Value) -> Result<(), String> {
    attempted(client, who, object, false).await
}

// Not by `eventually`, whose future cannot be spawned.
async fn attempted(client: &Client, who: &Person, object: &Value, dry_run: bool) -> Result<(), String> {
    let end = Instant::now() + STORED_WITHIN;
    loop {
        match outcome(who.create(client, object, dry_run).await) {
            Ok(outcome) => return outcome,
            Err(why) => assert!(Instant::now() < end, "not stored within {STORED_WITHIN:?}: {why}"),
        }
        sleep(PAUSE).await;
    }
}

/// Whether an object was stored or refused; an error when that is not known yet.
fn outcome(answer: kube::Result<Value>) -> Result<Result<(), String>, String> {
    match answer {
        Ok(_) => Ok(Ok(())),
        // Rights that follow from a catalog or a policy take a moment.
        Err(Error::Api(status)) if status.message.contains("cannot create resource") => Err(status.message),
        Err(Error::Api(status)) if matches!(status.code, 400 | 403 | 413 | 422) => {
            Ok(Err(status.message.chars().take(SHOWN).collect()))
        }
        // The answer to an attempt before was lost.
        Err(Error::Api(status)) if status.reason == "AlreadyExists" => Ok(Ok(())),
        Err(other) => Err(other.to_string()),
    }
}

/// The largest size that is admitted: `most`, or half of it, and so on.
pub async fn largest(client: &Client, what: &str, most: usize, write: impl Fn(usize) -> (Person, Value)) -> usize {
    let mut size = most;
    loop {
        let (who, object) = write(size);
        match attempted(client, &who, &object, true).await {
            Ok(()) => return size,
            Err(refusal) if size > 1 => println!("(refused: {size} {what}: {refusal})"),
            Err(refusal) => panic!("not even one of the {what} is admitted: {refusal}"),
        }
        size /= 2;
    }
}

/// Creates all objects of a wave.
pub async fn send(client: &Client, wave: &Wave, sent: &Mutex<Sent>) {
    let lock = || sent.lock().unwrap_or_else(PoisonError::into_inner);
    each(wave.count, |number| async move {
        let (who, object) = (wave.write)(number);
        let outcome = created(client, &who, &object).await;
        lock().enter(&object, outcome);
    })
    .await;
}

impl Sent {
    fn enter(&mut self, object: &Value, outcome: Result<(), String>) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match outcome {
            Ok(()) => {
                self.stored += 1;
                self.bytes += object.to_string().len();
                self.last = Some((text(&object["kind"]), text(&object["metadata"]["name"])));
            }
            Err(refusal) => {
                self.refused += 1;
                self.refusal.get_or_insert(refusal);
            }
        }
    }
}

/// Waits until the operator has judged the last object of the flood and has nothing to do; tells when, if it does within
/// [`ABSORBED_WITHIN`].
pub async fn absorbed(site: &Site, sent: &Sent) -> Option<Instant> {
    let Some((kind, name)) = &sent.last else { return Some(Instant::now()) };
    let api: Api<DynamicObject> = Api::namespaced_with(site.root.clone(), NAMESPACE, &resource(kind));
    let is_judged = async || {
        let object = api.get(name).await.map_err(|e| e.to_string())?;
        if object.data["status"].is_null() {
            return Err(format!("{kind} {name} has no status"));
        }
        let (_, page) = site.running().get("/metrics").await?;
        match metrics::sum(&page, "entitlement_queue_depth", &[]) {
            0.0 => Ok(Instant::now()),
            depth => Err(format!("{depth} keys are in the queue")),
        }
    };
    timeout(ABSORBED_WITHIN, eventually("the flood is absorbed", ABSORBED_WITHIN * 2, is_judged)).await.ok()
}
