//! The floods, each as large as schema and admission let one tenant make it.
//!
//! The sizes below are upper bounds: what the schema admitted when this was written, or what an attack was reported with. Each is tried out
//! before, and where it is refused the half of it is taken, or a quarter, and so on.

use std::time::Duration;

use kube::api::{Api, DynamicObject, PostParams};
use serde_json::{Value, json};

use crate::person::{Person, object};
use crate::site::{Site, each, resource, user};
use crate::support::eventually;

use super::flood::{NAMESPACE, Wave, created, largest};

/// Their names.
pub const CASES: [&str; 4] = ["requests", "decisions", "resources", "patterns"];

/// The largest character in UTF-8, of four bytes: the schema counts characters.
const CHARACTER: &str = "\u{10348}";

/// How many requests one login makes.
const REQUESTS: usize = 1_000;
/// Characters of a justification.
const JUSTIFICATION: usize = 4_096;
/// Answers in a request.
const ANSWERS: usize = 16;
/// Values in an answer.
const VALUES: usize = 32;
/// Characters of a value.
const VALUE: usize = 256;

/// How many decisions one request gets, unless `ENTITLEMENT_BENCH_DECISIONS` says otherwise.
const DECISIONS: usize = 10_000;
/// Characters of a decision's reason.
const REASON: usize = 4_096;

/// How many resources an owner makes.
const RESOURCES: usize = 80;
/// Namespaces in a resource.
const NAMESPACES: usize = 32;
/// Roles in a resource; together with 32 namespaces the schema admits 8.
const ROLES: usize = 64;
/// What is behind the roles: all that everybody has, so that no answer is no and each permission in them is asked about.
const OFFERED: [&str; 3] = ["system:basic-user", "system:discovery", "system:public-info-viewer"];

/// How many policies an owner makes for one package.
const POLICIES: usize = 60;
/// Questions in a policy.
const QUESTIONS: usize = 16;
/// How often a pattern repeats the class of all letters, which makes it slow to compile.
const LETTERS: usize = 15;
/// How many requests are made for the package with these policies.
const ASKED: usize = 24;

const WAITS_WITHIN: Duration = Duration::from_secs(120);

/// Prepares a flood.
pub async fn waves(case: &str, site: &Site) -> Vec<Wave> {
    match case {
        "requests" => vec![requests(site).await],
        "decisions" => vec![decisions(site).await],
        "resources" => vec![resources(site).await],
        _ => patterns(site).await,
    }
}

fn owner() -> Person {
    Person::alone("flood-owner@example.com")
}

fn requestor(number: usize) -> Person {
    Person::member(user("flood-requestor", number), "flood-requestors")
}

fn wave(count: usize, write: impl Fn(usize) -> (Person, Value) + 'static) -> Wave {
    Wave { count, write: Box::new(write) }
}

/// Sizes of a request.
#[derive(Clone, Copy, Default)]
struct Wish {
    justification: usize,
    answers: usize,
    values: usize,
    value: usize,
}

impl Wish {
    fn write(self, number: usize) -> (Person, Value) {
        let values = vec![CHARACTER.repeat(self.value); self.values];
        let answer = |number: usize| json!({"question": format!("question-{number}"), "values": values});
        let answers: Vec<Value> = (0..self.answers).map(answer).collect();
        let spec = json!({"accessPackage": "asked", "justification": CHARACTER.repeat(self.justification), "answers": answers});
        (requestor(0), object("AccessRequest", NAMESPACE, &format!("flood-{number}"), spec))
    }
}

/// Requests by one login, of the largest size. They are denied, because nobody asked for these answers, and stay.
async fn requests(site: &Site) -> Wave {
    let client = &site.root;
    let mut wish = Wish::default();
    let write = |wish: Wish| wish.write(0);
    wish.justification =
        largest(client, "characters of justification", JUSTIFICATION, |size| write(Wish { justification: size, ..wish })).await;
    (wish.answers, wish.values) = (1, 1);
    wish.value = largest(client, "characters of a value", VALUE, |size| write(Wish { value: size, ..wish })).await;
    wish.values = largest(client, "values of an answer", VALUES, |size| write(Wish { values: size, ..wish })).await;
    wish.answers = largest(client, "answers", ANSWERS, |size| write(Wish { answers: size, ..wish })).await;
    wave(REQUESTS, move |number| wish.write(number))
}

/// Approvals by one approver of a request that needs two: the first counts, none of the others does, and the request waits.
async fn decisions(site: &Site) -> Wave {
    let wish = object("AccessRequest", NAMESPACE, "waits", json!({"accessPackage": "asked"}));
    created(&site.root, &requestor(0), &wish).await.expect("a requestor may ask");
    let api: Api<DynamicObject> = Api::namespaced_with(site.root.clone(), NAMESPACE, &resource("AccessRequest"));
    eventually("the request waits for approval", WAITS_WITHIN, async || {
        let found = api.get("waits").await.map_err(|e| e.to_string())?;
        let status = &found.data["status"];
        if status["phase"] == "PendingApproval" { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
    let write = |number: usize, reason: usize| {
        let spec = json!({"accessRequest": "waits", "decision": "Approve", "reason": CHARACTER.repeat(reason)});
        let decision = object("ApprovalDecision", NAMESPACE, &format!("flood-{number}"), spec);
        (Person::alone("flood-approver@example.com"), decision)
    };
    let reason = largest(&site.root, "characters of a reason", REASON, |size| write(0, size)).await;
    let count =
        std::env::var("ENTITLEMENT_BENCH_DECISIONS").map_or(DECISIONS, |text| text.parse().expect("a number of decisions"));
    wave(count, move |number| write(number, reason))
}

fn place(number: usize) -> String {
    format!("flood-{number}")
}

/// Resources of which each offers as many roles in as many namespaces as is admitted. The namespaces exist, because of others nothing is
/// asked.
async fn resources(site: &Site) -> Wave {
    each(NAMESPACES, |number| async move { make_namespace(site, &place(number)).await }).await;
    let write = |number: usize, places: usize, roles: usize| {
        let places: Vec<String> = (0..places).map(place).collect();
        let role = |number: usize| {
            let offered = OFFERED[number % OFFERED.len()];
            json!({"name": format!("role-{number}"), "kubernetes": {"roleRef": {"kind": "ClusterRole", "name": offered}}})
        };
        let roles: Vec<Value> = (0..roles).map(role).collect();
        let spec = json!({"kubernetes": {"namespaces": places}, "roles": roles});
        (owner(), object("CatalogResource", NAMESPACE, &format!("flood-{number}"), spec))
    };
    let places = largest(&site.root, "namespaces", NAMESPACES, |size| write(0, size, 1)).await;
    let what = format!("roles in {places} namespaces");
    let roles = largest(&site.root, &what, ROLES, |size| write(0, places, size)).await;
    wave(RESOURCES, move |number| write(number, places, roles))
}

async fn make_namespace(site: &Site, name: &str) {
    let api = Api::all(site.root.clone());
    let mut namespace = k8s_openapi::api::core::v1::Namespace::default();
    namespace.metadata.name = Some(name.to_owned());
    namespace.metadata.labels = Some([("load".to_owned(), "flood".to_owned())].into());
    api.create(&PostParams::default(), &namespace).await.unwrap_or_else(|e| panic!("namespace {name}: {e}"));
}

/// Policies of one package with questions whose patterns are slow to compile; then requests for the package.
async fn patterns(site: &Site) -> Vec<Wave> {
    let write = |number: usize, questions: usize, letters: usize| {
        let pattern = format!(r"^\pL{{{letters}}}00$");
        let question = |number: usize| json!({"name": format!("question-{number}"), "text": "Which?", "pattern": pattern});
        let questions: Vec<Value> = (0..questions).map(question).collect();
        let spec = json!({"accessPackage": "questions", "requestors": {"scope": "AllUsers"}, "justification": "Optional",
            "questions": questions, "expiration": {"after": "30d"}});
        (owner(), object("Policy", NAMESPACE, &format!("flood-{number}"), spec))
    };
    let letters = largest(&site.root, "letters in a pattern", LETTERS, |size| write(0, 1, size)).await;
    let questions = largest(&site.root, "questions with a pattern", QUESTIONS, |size| write(0, size, letters)).await;
    let ask = |number: usize| {
        let spec = json!({"accessPackage": "questions"});
        (requestor(number), object("AccessRequest", NAMESPACE, &format!("flood-{number}"), spec))
    };
    vec![wave(POLICIES, move |number| write(number, questions, letters)), wave(ASKED, ask)]
}
