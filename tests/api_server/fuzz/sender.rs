//! What is sent, byte by byte, and what the API server says.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use kube::api::{ListParams, PostParams, Request};
use kube::{Client, Error};
use serde_json::{Value, json};

use super::generator::Plan;
use super::kinds::Kind;
use super::written::written;

/// How many are sent at once.
const AT_ONCE: usize = 4;

/// What became of the plans for a kind.
#[derive(Default)]
pub struct Tally {
    /// Names of the objects that were created.
    pub names: Vec<String>,
    /// How many of them were changed afterwards.
    pub changed: usize,
    /// Refusals by status code.
    pub refused: BTreeMap<u16, usize>,
}

/// Carries plans out.
pub async fn carry_out(client: &Client, kind: &Kind, plans: Vec<Plan>) -> Tally {
    let all = stream::iter(plans).map(async |plan| {
        let created = send(client, kind, Way::Create, "", &plan.object).await;
        let changed = match &created {
            Ok(stored) => Some(change(client, kind, &plan, stored.clone()).await),
            Err(_) => None,
        };
        (created, changed)
    });
    let mut tally = Tally::default();
    let mut results = Box::pin(all.buffer_unordered(AT_ONCE));
    while let Some((created, changed)) = results.next().await {
        match created {
            Ok(stored) => tally.names.push(crate::person::name(&stored)),
            Err(code) => *tally.refused.entry(code).or_default() += 1,
        }
        match changed {
            Some(Ok(_)) => tally.changed += 1,
            Some(Err(code)) => *tally.refused.entry(code).or_default() += 1,
            None => {}
        }
    }
    tally
}

async fn change(client: &Client, kind: &Kind, plan: &Plan, mut stored: Value) -> Result<Value, u16> {
    let name = crate::person::name(&stored);
    plan.later.iter().for_each(|change| change.apply(&mut stored["spec"]));
    let (way, body) = if plan.by_patch { (Way::Patch, json!({"spec": stored["spec"]})) } else { (Way::Replace, stored) };
    send(client, kind, way, &name, &body).await
}

/// How something is sent.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Create,
    Replace,
    Patch,
}

async fn send(client: &Client, kind: &Kind, way: Way, name: &str, body: &Value) -> Result<Value, u16> {
    let (path, params, bytes) = (Request::new(&kind.path), PostParams::default(), written(body).into_bytes());
    let request = if way == Way::Create { path.create(&params, bytes) } else { path.replace(name, &params, bytes) };
    let mut request = request.expect("a request");
    // A warning for every unknown field would be more than an HTTP client takes.
    *request.uri_mut() = format!("{}fieldValidation=Ignore", request.uri()).parse().expect("an address");
    if way == Way::Patch {
        *request.method_mut() = "PATCH".parse().expect("a method");
        request.headers_mut().insert("content-type", "application/merge-patch+json".parse().expect("a type"));
    }
    match client.request(request).await {
        Ok(stored) => Ok(stored),
        Err(Error::Api(status)) => Err(status.code),
        Err(other) => panic!("the API server did not answer: {other:?}: {body}"),
    }
}

/// All objects of a kind, as they are stored.
pub async fn list(client: &Client, kind: &Kind) -> Vec<Value> {
    let request = Request::new(&kind.path).list(&ListParams::default()).expect("a request");
    let all: Value = client.request(request).await.unwrap_or_else(|e| panic!("{} can be listed: {e}", kind.name));
    all["items"].as_array().expect("items").clone()
}
