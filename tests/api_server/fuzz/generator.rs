//! Objects to send: one that is right, changed in a few places, with metadata of all sorts; and how it is changed afterwards.

use proptest::collection::{btree_map, vec};
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::string::string_regex;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Value, json};

use super::changes::{Change, change};
use super::kinds::Kind;
use super::texts::any_text;
use super::values::value;
use super::written::verbatim;

/// What is done with one object.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The object as it is created.
    pub object: Value,
    /// How its spec is changed then.
    pub later: Vec<Change>,
    /// Whether the change is a patch; otherwise the whole object is replaced.
    pub by_patch: bool,
}

/// So many plans for a kind; the same seed, the same plans.
pub fn plans(kind: &Kind, seed: u64, count: usize) -> Vec<Plan> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let dice = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), dice);
    let strategy = plan(kind);
    (0..count).map(|_| strategy.new_tree(&mut runner).expect("nothing is rejected").current()).collect()
}

fn plan(kind: &Kind) -> impl Strategy<Value = Plan> + use<> {
    let (spec, status) = (kind.spec(), kind.status());
    let (name, right) = (kind.name.clone(), kind.right.clone());
    let few = prop_oneof![3 => vec(change(spec), 1), 1 => vec(change(spec), 2..=3)];
    let changed = (select(right), few).prop_map(|(mut spec, changes)| {
        changes.iter().for_each(|change| change.apply(&mut spec));
        spec
    });
    let spec_made = prop_oneof![12 => changed, 1 => value(spec)];
    let parts = (metadata(), spec_made, weighted(0.1, value(status)), vec(change(spec), 1..=2), any::<bool>());
    parts.prop_map(move |(metadata, spec, status, later, by_patch)| {
        let mut object = json!({"apiVersion": "entitlement.dev/v1alpha1", "kind": name, "metadata": metadata, "spec": spec});
        if let Some(status) = status {
            object["status"] = status;
        }
        Plan { object, later, by_patch }
    })
}

fn metadata() -> BoxedStrategy<Value> {
    let word = || string_regex("[a-z]([-a-z0-9.]{0,10}[a-z0-9])?").expect("a pattern");
    let label = string_regex("([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?").expect("a pattern");
    let labels = btree_map(word(), label.prop_map(Value::from), 0..3);
    let annotations = btree_map(prop_oneof![2 => word(), 1 => ours()], any_text().prop_map(Value::from), 0..3);
    let parts = (named(), weighted(0.2, labels), weighted(0.3, annotations), weighted(0.1, select(odd_metadata())));
    parts
        .prop_map(|(named, labels, annotations, odd)| {
            let maps = [("labels", labels), ("annotations", annotations)];
            let maps = maps.into_iter().filter_map(|(field, map)| Some((field.to_owned(), json!(map?))));
            let odd = odd.and_then(|odd| odd.as_object().cloned()).unwrap_or_default();
            Value::Object(Map::from_iter([named]).into_iter().chain(maps).chain(odd).collect())
        })
        .boxed()
}

/// Annotations that the operator reads.
fn ours() -> BoxedStrategy<String> {
    select(vec!["entitlement.dev/confirm-mass-revocation", "entitlement.dev/catalog", "entitlement.dev/grant"])
        .prop_map(str::to_owned)
        .boxed()
}

fn named() -> BoxedStrategy<(String, Value)> {
    let long = select(vec![1, 55, 56, 63, 64, 253, 254]).prop_map(|length| "a".repeat(length));
    let dotted = string_regex("[a-z0-9]{1,20}[.][a-z0-9]{1,20}").expect("a pattern");
    prop_oneof![
        20 => select(vec!["fuzz-", "a.b-", "0"]).prop_map(|prefix| ("generateName".to_owned(), json!(prefix))),
        3 => select(vec!["one", "two", "three"]).prop_map(|name| ("name".to_owned(), json!(name))),
        1 => prop_oneof![long, dotted].prop_map(|name| ("name".to_owned(), json!(name))),
    ]
    .boxed()
}

/// Fields of metadata that the API server overwrites, takes or refuses.
fn odd_metadata() -> Vec<Value> {
    let written_by = |time: &str| {
        json!({"managedFields": [{"manager": "somebody", "operation": "Update", "apiVersion": "entitlement.dev/v1alpha1", "time": time,
            "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {}}}]})
    };
    vec![
        written_by("2020-01-01T00:00:00Z"),
        written_by("9999-12-31T23:59:59Z"),
        written_by("0000-01-01T00:00:00Z"),
        written_by("0001-01-01T00:00:00Z"),
        written_by("0000-01-01T00:00:00+23:59"),
        written_by("2020-01-01T00:00:00.123456789+01:00"),
        json!({"managedFields": []}),
        json!({"managedFields": [{}]}),
        json!({"managedFields": [{"manager": "\u{1f980}", "operation": "Apply", "time": null}]}),
        json!({"creationTimestamp": null}),
        json!({"creationTimestamp": "0000-01-01T00:00:00Z"}),
        json!({"deletionTimestamp": "9999-12-31T23:59:59Z", "deletionGracePeriodSeconds": -1}),
        json!({"deletionGracePeriodSeconds": i64::MAX}),
        json!({"generation": -1}),
        json!({"generation": verbatim("1e2")}),
        json!({"generation": i64::MAX}),
        json!({"uid": "\u{1f980}"}),
        json!({"resourceVersion": "1"}),
        json!({"ownerReferences": []}),
        json!({"finalizers": []}),
        json!({"finalizers": null, "labels": null, "annotations": {}}),
        json!({"finalizers": ["entitlement.dev/revoke"]}),
        json!({"selfLink": "/", "clusterName": "x", "unknown": {"a": [1]}}),
        json!({"annotations": {"large": "\u{1f980}".repeat(65_000)}}),
    ]
}
