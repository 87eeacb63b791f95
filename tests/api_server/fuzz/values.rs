//! Arbitrary values that a schema mostly admits.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::texts::text;
use super::written::{MARK, verbatim};

/// A value for a schema; now and then one of another type.
pub fn value(schema: &Value) -> BoxedStrategy<Value> {
    prop_oneof![30 => fitting(schema), 1 => foreign()].boxed()
}

fn fitting(schema: &Value) -> BoxedStrategy<Value> {
    if let Some(words) = schema["enum"].as_array() {
        return select(words.clone()).boxed();
    }
    match schema["type"].as_str().expect("every schema has a type") {
        "string" => text(schema),
        "integer" => whole_number(schema),
        "boolean" => any::<bool>().prop_map(Value::from).boxed(),
        "array" => list(schema),
        "object" => object(schema),
        other => panic!("a schema of type {other}"),
    }
}

/// What is of no use anywhere.
fn foreign() -> BoxedStrategy<Value> {
    let all = vec![
        Value::Null,
        json!({}),
        json!([]),
        json!(""),
        json!(0),
        json!(true),
        json!([null]),
        json!({"": null}),
        verbatim("1.5"),
    ];
    select(all).boxed()
}

/// Whole numbers at the edges, in all spellings.
fn whole_number(schema: &Value) -> BoxedStrategy<Value> {
    let limit = |name: &str, default: i64| schema[name].as_f64().map_or(default, |limit| limit as i64);
    let (least, most) = (limit("minimum", i64::MIN), limit("maximum", i64::MAX));
    let edges = vec![least, least.saturating_add(1), most, most.saturating_sub(1), most.saturating_add(1), 0, 1, 2, 10];
    let spelled = |number: i64| {
        let negative = number.saturating_neg().to_string();
        select(vec![number.to_string(), format!("{number}.0"), format!("{number}e0"), format!("{number}0e-1"), negative])
    };
    let huge = select(vec!["9223372036854775808", "1e2", "1E+1", "1e19", "1e308", "-0", "-0.0", "0.1e1", "18446744073709551616"]);
    prop_oneof![
        4 => select(edges.clone()).prop_map(verbatim),
        3 => select(edges).prop_flat_map(spelled).prop_map(verbatim),
        1 => huge.prop_map(verbatim),
    ]
    .boxed()
}

fn list(schema: &Value) -> BoxedStrategy<Value> {
    let item = value(&schema["items"]);
    let count = |name: &str, default: usize| schema[name].as_u64().map_or(default, |count| usize::try_from(count).expect("few"));
    let (least, most) = (count("minItems", 0), count("maxItems", 8));
    let keys = schema["x-kubernetes-list-map-keys"].as_array().cloned().unwrap_or_else(|| vec![json!("name")]);
    prop_oneof![
        2 => Just(json!([])),
        10 => vec(item.clone(), least..=3).prop_map(Value::from),
        1 => item.clone().prop_map(|item| json!([item, item])),
        1 => (item, select(vec![most, most + 1])).prop_map(move |(item, count)| many(&item, count, &keys)),
    ]
    .boxed()
}

/// So many of an item, told apart by their keys if they have any.
fn many(item: &Value, count: usize, keys: &[Value]) -> Value {
    let numbered = |number: usize| {
        let mut item = item.clone();
        match &mut item {
            Value::String(text) => *text = format!("n{number}"),
            Value::Object(fields) => {
                for key in keys.iter().filter_map(Value::as_str) {
                    fields.insert(key.to_owned(), json!(format!("n{number}")));
                }
            }
            _ => {}
        }
        item
    };
    (0..count).map(numbered).collect()
}

fn object(schema: &Value) -> BoxedStrategy<Value> {
    let required = |name: &str| schema["required"].as_array().is_some_and(|all| all.contains(&json!(name)));
    let field = |(name, schema): (&String, &Value)| {
        let often = if required(name) { 0.98 } else { 0.4 };
        let name = name.clone();
        proptest::option::weighted(often, value(schema)).prop_map(move |value| value.map(|value| (name.clone(), value))).boxed()
    };
    let known: Vec<_> = schema["properties"].as_object().into_iter().flatten().map(field).collect();
    let more = proptest::option::weighted(0.05, surplus(schema));
    (known, more).prop_map(|(known, more)| Value::Object(known.into_iter().flatten().chain(more).collect::<Map<_, _>>())).boxed()
}

/// A field that nobody knows, or one that is there already.
pub fn surplus(schema: &Value) -> BoxedStrategy<(String, Value)> {
    let known = schema["properties"].as_object().into_iter().flatten().map(|(name, _)| format!("{name}{MARK}"));
    let names: Vec<String> = known.chain(["unknown", "", "Spec", "x-y/z", "\u{0}"].map(str::to_owned)).collect();
    (select(names), foreign()).boxed()
}
