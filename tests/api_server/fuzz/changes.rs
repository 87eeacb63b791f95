//! Changes of an object that is right, in one place of its schema each.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};

use super::values::{surplus, value};

/// The step from a list to its last item.
const ITEM: &str = "[]";

/// One change.
#[derive(Clone, Debug)]
pub struct Change {
    path: Vec<String>,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Becomes(Value),
    Goes,
    GetsField(String, Value),
}

/// A change anywhere below a schema.
pub fn change(schema: &Value) -> BoxedStrategy<Change> {
    let mut places = Vec::new();
    collect(schema, &mut Vec::new(), &mut places);
    let changes: Vec<BoxedStrategy<Change>> = places.into_iter().map(|(path, schema)| at(path, &schema)).collect();
    any::<Index>().prop_flat_map(move |index| index.get(&changes).clone()).boxed()
}

fn collect(schema: &Value, path: &mut Vec<String>, places: &mut Vec<(Vec<String>, Value)>) {
    places.push((path.clone(), schema.clone()));
    let fields = schema["properties"].as_object().into_iter().flatten().map(|(name, field)| (name.as_str(), field));
    let items = schema.get("items").map(|items| (ITEM, items));
    for (step, below) in fields.chain(items) {
        path.push(step.to_owned());
        collect(below, path, places);
        path.pop();
    }
}

fn at(path: Vec<String>, schema: &Value) -> BoxedStrategy<Change> {
    let what = prop_oneof![
        16 => value(schema).prop_map(What::Becomes),
        1 => Just(What::Goes),
        1 => Just(What::Becomes(Value::Null)),
        1 => surplus(schema).prop_map(|(name, value)| What::GetsField(name, value)),
    ];
    what.prop_map(move |what| Change { path: path.clone(), what }).boxed()
}

impl Change {
    /// Changes what is there; what is on the way to the place and is not there is made.
    pub fn apply(&self, object: &mut Value) {
        let Some(place) = reach(object, &self.path) else { return };
        match &self.what {
            What::Becomes(value) => *place = value.clone(),
            What::GetsField(name, value) => {
                if let Value::Object(fields) = place {
                    fields.insert(name.clone(), value.clone());
                }
            }
            What::Goes => self.take_away(object),
        }
    }

    fn take_away(&self, object: &mut Value) {
        let Some((last, above)) = self.path.split_last() else { return };
        match reach(object, above) {
            Some(Value::Object(fields)) => drop(fields.remove(last)),
            Some(Value::Array(items)) => drop(items.pop()),
            _ => {}
        }
    }
}

fn reach<'a>(mut value: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    for step in path {
        if value.is_null() {
            *value = if step == ITEM { json!([]) } else { Value::Object(Map::new()) };
        }
        value = match value {
            Value::Array(items) => {
                if items.is_empty() {
                    items.push(Value::Null);
                }
                items.last_mut()?
            }
            Value::Object(fields) => fields.entry(step).or_insert(Value::Null),
            _ => return None,
        };
    }
    Some(value)
}
