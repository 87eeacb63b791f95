//! Whether two JSON texts mean the same to the kinds of entitlement.dev.

use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset};
use entitlement_operator::api::span::Span;
use serde_json::Value;

/// Defaults of fields of list items, which the schema leaves to the operator.
const IN_LISTS: [(&str, &str); 6] = [
    ("approvalsRequired", "1"),
    ("approverJustification", "\"Optional\""),
    ("timeout", "\"14d\""),
    ("multiple", "false"),
    ("required", "false"),
    ("type", "\"Text\""),
];

/// The first difference in meaning, and where. Nothing, null, an empty text and an empty list are the same; so are two spellings of an
/// instant, of a length of time and of a number.
pub fn difference(path: &str, one: &Value, other: &Value) -> Option<String> {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            let of = |name: &String, fields: &serde_json::Map<String, Value>| fields.get(name).cloned().unwrap_or_default();
            names.into_iter().find_map(|name| {
                let (mut one, mut other) = (of(name, a), of(name, b));
                let default =
                    IN_LISTS.iter().find(|(field, _)| field == name).map(|(_, text)| *text).filter(|_| path.ends_with(']'));
                for side in [&mut one, &mut other].into_iter().filter(|side| side.is_null()) {
                    *side = default.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
                }
                difference(&format!("{path}.{name}"), &one, &other)
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let pairs = a.iter().zip(b).enumerate();
            pairs.into_iter().find_map(|(number, (a, b))| difference(&format!("{path}[{number}]"), a, b))
        }
        _ if one == other || is_nothing(one) && is_nothing(other) || is_same(one, other) => None,
        _ => Some(format!("{path}: {one} and {other}")),
    }
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("") || value.as_array().is_some_and(Vec::is_empty)
}

fn is_same(one: &Value, other: &Value) -> bool {
    if let (Some(a), Some(b)) = (one.as_f64(), other.as_f64()) {
        return one.as_i64() == other.as_i64() && a == b;
    }
    let (Some(a), Some(b)) = (one.as_str(), other.as_str()) else { return false };
    let instant = |text: &str| text.parse::<DateTime<FixedOffset>>().ok();
    let span = |text: &str| text.parse::<Span>().ok();
    instant(a).is_some_and(|instant_a| instant(b) == Some(instant_a)) || span(a).is_some_and(|span_a| span(b) == Some(span_a))
}
