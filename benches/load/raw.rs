//! The raw speed of the API server: the same writes, by a client that does nothing else, while no operator runs.

use std::time::{Duration, Instant};

use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

use crate::site::{CATALOG, Site, each, resource, user};

/// How many objects a figure is measured with.
pub const MANY: usize = 1_000;
/// How many are created one after the other.
const ALONE: usize = 100;
/// Where the raw client writes.
const RAW: &str = "raw";

/// What the raw client took.
pub struct Raw {
    /// One creation of a request, nothing else going on; half of them were faster.
    pub create: Duration,
    /// [`MANY`] requests with all that an operator has to write for each: two statuses, an assignment and its two statuses.
    pub requests: Duration,
    /// [`MANY`] deletions of assignments.
    pub deletions: Duration,
    /// [`MANY`] statuses of assignments.
    pub statuses: Duration,
}

/// The middle one, and the one that all but a hundredth are below.
pub fn quantiles(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[(times.len() - 1) * 99 / 100])
}

/// Measures, and leaves nothing behind.
pub async fn measure(site: &mut Site) -> Raw {
    site.ask(CATALOG, "model", &user("model", 0)).await;
    site.board.until("the model is delivered", |seen| seen.in_phase("AccessRequest", "Delivered") > 0).await;
    let request = read(site, "AccessRequest", "model").await;
    let assignment = read(site, "Assignment", request["status"]["assignment"].as_str().expect("it is named")).await;
    site.rests().await;
    site.operator = None;

    let mut times = Vec::new();
    for number in 0..ALONE {
        let begin = Instant::now();
        site.ask(RAW, &format!("alone-{number}"), &user("alone", number)).await;
        times.push(begin.elapsed());
    }
    let begin = Instant::now();
    each(MANY, |number| one_request(site, number, &request, &assignment)).await;
    let requests = begin.elapsed();
    let begin = Instant::now();
    each(MANY, |number| status(site, "Assignment", format!("raw-{number}"), &assignment, "ending")).await;
    let statuses = begin.elapsed();
    let begin = Instant::now();
    each(MANY, |number| delete(site, "Assignment", format!("raw-{number}"))).await;
    let deletions = begin.elapsed();

    each(MANY, |number| delete(site, "AccessRequest", format!("raw-{number}"))).await;
    each(ALONE, |number| delete(site, "AccessRequest", format!("alone-{number}"))).await;
    site.start().await;
    Raw { create: quantiles(times).0, requests, deletions, statuses }
}

async fn one_request(site: &Site, number: usize, request: &Value, assignment: &Value) {
    let name = format!("raw-{number}");
    site.ask(RAW, &name, &user("raw", number)).await;
    status(site, "AccessRequest", name.clone(), request, "under way").await;
    let mut object = assignment.clone();
    object["metadata"] = json!({"name": name, "namespace": RAW});
    object["status"] = Value::Null;
    site.create(&site.operators, RAW, object).await;
    status(site, "Assignment", name.clone(), assignment, "under way").await;
    status(site, "Assignment", name.clone(), assignment, "done").await;
    status(site, "AccessRequest", name, request, "done").await;
}

async fn read(site: &Site, kind: &str, name: &str) -> Value {
    let api: Api<DynamicObject> = Api::namespaced_with(site.root.clone(), CATALOG, &resource(kind));
    serde_json::to_value(api.get(name).await.expect("the model can be read")).expect("JSON")
}

async fn status(site: &Site, kind: &str, name: String, model: &Value, message: &str) {
    let api: Api<DynamicObject> = Api::namespaced_with(site.operators.clone(), RAW, &resource(kind));
    let mut status = model["status"].clone();
    status["message"] = json!(message);
    let body = json!({"apiVersion": "entitlement.dev/v1alpha1", "kind": kind, "status": status});
    let params = PatchParams::apply("entitlement-operator").force();
    api.patch_status(&name, &params, &Patch::Apply(body)).await.unwrap_or_else(|e| panic!("status of {kind} {name}: {e}"));
}

async fn delete(site: &Site, kind: &str, name: String) {
    let api: Api<DynamicObject> = Api::namespaced_with(site.operators.clone(), RAW, &resource(kind));
    api.delete(&name, &DeleteParams::default()).await.unwrap_or_else(|e| panic!("deletion of {kind} {name}: {e}"));
}

/// The raw client sets a status of many assignments that are there, so many at a time; what it takes for a package of that size.
pub fn statuses_and_bindings(raw: &Raw, holders: usize) -> Duration {
    // One binding for 500 holders costs no more than a status.
    let writes = holders + holders.div_ceil(500);
    raw.statuses.mul_f64(writes as f64 / MANY as f64)
}
