//! JSON texts that no JSON library writes: `1e2` for a whole number, `"\ud800"`, the same field twice.
//!
//! They are made of an ordinary [`Value`]: a text that begins with [`MARK`] is written without it and without quotes, and a field
//! whose name ends with it is written without it, perhaps beside the field of the same name.

use serde_json::Value;

/// A character that nobody uses.
pub const MARK: char = '\u{f8ff}';

/// A value that is written letter by letter.
pub fn verbatim(text: impl std::fmt::Display) -> Value {
    Value::String(format!("{MARK}{text}"))
}

/// The JSON text of a value.
pub fn written(value: &Value) -> String {
    match value {
        Value::String(text) => match text.strip_prefix(MARK) {
            Some(verbatim) => verbatim.to_owned(),
            None => value.to_string(),
        },
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(written).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(fields) => {
            let field =
                |(name, value): (&String, &Value)| format!("{}:{}", Value::from(name.trim_end_matches(MARK)), written(value));
            let fields: Vec<String> = fields.iter().map(field).collect();
            format!("{{{}}}", fields.join(","))
        }
        other => other.to_string(),
    }
}
