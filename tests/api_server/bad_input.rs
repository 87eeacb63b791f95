//! Manifests that are wrong in every way people get them wrong, in `bad_input/`. Each is refused at `kubectl apply` with the word that
//! helps, or gets a status that says what is the matter; and the operator does not mind.
//!
//! A file names a kind and a spec that is `right`, then one case after the other: the sentence that says what is wrong, what of the spec
//! is different (`~`: left out), and what must come of it. `x * 253` is a text of 253 letters, `{65 times: x}` a list of 65.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use futures::{FutureExt, StreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::department::Department;
use crate::person::{ALICE, Person, condition, phase};
use crate::support::kubectl::Output;
use crate::support::{Plane, ROOT, eventually};
use crate::terms::at_once;
use crate::world::{WITHIN, is_idle, is_sound, sum, world};

const FILES: [(&str, &str); 7] = [
    ("catalogs", include_str!("bad_input/catalogs.yaml")),
    ("resources", include_str!("bad_input/resources.yaml")),
    ("packages", include_str!("bad_input/packages.yaml")),
    ("policies", include_str!("bad_input/policies.yaml")),
    ("requests", include_str!("bad_input/requests.yaml")),
    ("decisions", include_str!("bad_input/decisions.yaml")),
    ("assignments", include_str!("bad_input/assignments.yaml")),
];
const OFFICE: &str = "bad-input";

/// The first document of a file.
#[derive(Deserialize)]
struct Head {
    kind: String,
    right: Value,
}

/// A case as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: Option<String>,
    namespace: Option<String>,
    #[serde(default)]
    spec: BTreeMap<String, Value>,
    /// Everything but the kind, in place of all that.
    verbatim: Option<Value>,
    refused: Option<String>,
    condition: Option<String>,
    phase: Option<String>,
}

/// A manifest, and what must come of it.
struct Bad {
    what: String,
    manifest: Value,
    then: Then,
}

enum Then {
    /// kubectl prints this.
    Refused(String),
    /// A condition of the object becomes `status reason`.
    Condition(String, String),
    /// Phase and reason of the object become this.
    Phase(String),
}

fn read((file, text): (&str, &str)) -> Vec<Bad> {
    let mut documents = serde_yaml::Deserializer::from_str(text);
    let mut next = || documents.next().unwrap_or_else(|| panic!("{file}: two documents are wanted"));
    let head = Head::deserialize(next()).unwrap_or_else(|e| panic!("{file}: {e}"));
    let cases = BTreeMap::<String, Case>::deserialize(next()).unwrap_or_else(|e| panic!("{file}: {e}"));
    let numbered = cases.into_iter().enumerate();
    numbered
        .map(|(number, (what, case))| Bad {
            manifest: case.manifest(&head, &format!("{file}-{number}")),
            then: case.then(),
            what,
        })
        .collect()
}

impl Case {
    fn manifest(&self, head: &Head, name: &str) -> Value {
        let mut manifest = self.verbatim.clone().unwrap_or_else(|| {
            let mut spec = head.right.clone();
            for (field, value) in &self.spec {
                spec[field] = value.clone();
            }
            spec.as_object_mut().expect("a spec is a map").retain(|_, value| !value.is_null());
            json!({"metadata": {"name": self.name.as_deref().unwrap_or(name)}, "spec": spec})
        });
        manifest["apiVersion"] = json!("entitlement.dev/v1alpha1");
        manifest["kind"] = json!(head.kind);
        if head.kind != "Catalog" {
            let namespace = self.namespace.clone().unwrap_or_else(|| format!("catalog-{OFFICE}"));
            manifest["metadata"]["namespace"] = json!(namespace);
        }
        repeated(manifest)
    }

    fn then(&self) -> Then {
        match (&self.refused, &self.condition, &self.phase) {
            (Some(word), None, None) => Then::Refused(word.clone()),
            (None, Some(condition), None) => {
                let (kind, state) = condition.split_once(' ').expect("type, status and reason of a condition");
                Then::Condition(kind.to_owned(), state.to_owned())
            }
            (None, None, Some(phase)) => Then::Phase(phase.clone()),
            _ => panic!("one of refused, condition and phase"),
        }
    }
}

/// Writes out what is said by its length.
fn repeated(value: Value) -> Value {
    match value {
        Value::String(text) => match text.split_once(" * ").map(|(letter, times)| (letter, times.parse())) {
            Some((letter, Ok(times))) => json!(letter.repeat(times)),
            _ => json!(text),
        },
        Value::Array(items) => items.into_iter().map(repeated).collect(),
        Value::Object(fields) => {
            let times = |(field, item): (&String, &Value)| Some((field.strip_suffix(" times")?.parse().ok()?, item.clone()));
            match fields.iter().next().and_then(times) {
                Some((times, item)) => Value::Array(vec![repeated(item); times]),
                None => fields.into_iter().map(|(field, value)| (field, repeated(value))).collect(),
            }
        }
        other => other,
    }
}

impl Bad {
    async fn is_met_with_what_it_deserves(&self, plane: &Plane) {
        let applied = plane.kubectl_apply(ROOT, &self.manifest.to_string()).await;
        if let Then::Refused(word) = &self.then {
            assert!(!applied.status.success(), "{}: must be refused: {}", self.what, short(&applied));
            assert!(applied.stderr.contains(word), "{}: must say {word:?}: {}", self.what, short(&applied));
            return;
        }
        assert!(applied.status.success(), "{}: must be stored: {}", self.what, short(&applied));
        let root = Person { client: plane.admin().await };
        let text = |path: &str| self.manifest.pointer(path).and_then(Value::as_str).unwrap_or_default();
        eventually(&format!("{}: is told in the status", self.what), WITHIN, async || {
            let found = root.get(text("/kind"), text("/metadata/namespace"), text("/metadata/name")).await;
            let found = found.map_err(|refusal| refusal.to_string())?;
            let as_it_must_be = match &self.then {
                Then::Condition(kind, state) => condition(&found, kind) == *state,
                Then::Phase(state) => phase(&found) == *state,
                Then::Refused(_) => false,
            };
            if as_it_must_be { Ok(()) } else { Err(found["status"].to_string()) }
        })
        .await;
    }
}

/// Some manifests are megabytes; what kubectl says about them need not be.
fn short(output: &Output) -> String {
    output.to_string().chars().take(2_000).collect()
}

#[tokio::test]
async fn every_malformed_manifest_is_met_with_a_word_and_the_operator_goes_on() {
    let world = world().await;
    let office = Department::open(&world.plane, OFFICE).await;
    office.policy("engineers", &at_once().and_user("root-of-tests").for_groups_themselves()).await;
    let all: Vec<Bad> = FILES.into_iter().flat_map(read).collect();
    assert!(all.len() >= 100, "{} manifests", all.len());

    // One that is not met well does not hide the others.
    let met = stream::iter(&all).map(async |bad| {
        let met = AssertUnwindSafe(bad.is_met_with_what_it_deserves(&world.plane)).catch_unwind().await;
        met.err().map(|_| &bad.what)
    });
    let not_met: Vec<_> = met.buffer_unordered(4).filter_map(std::future::ready).collect().await;
    assert!(not_met.is_empty(), "see above: {not_met:#?}");

    is_idle(&world.operator).await;
    is_sound(&world.operator);
    assert_eq!(sum(&world.operator.metrics().await, "entitlement_panics_total", &[]), 0.0);
    let request = office.asks(ALICE).await;
    office.request_is(&request, "Delivered").await;
    office.can_look_in_becomes(ALICE, true).await;
    office.is_right().await;
}
