//! Reads a schema: one row for each field, with its type and its bounds in words.

use entitlement_operator::api::{span, time};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};

/// One field.
pub struct Row {
    /// Its path, such as `spec.approval.stages[].name`.
    pub path: String,
    /// Its type, in words.
    pub kind: String,
    /// What is required of it, in words.
    pub bounds: Vec<String>,
    /// What it means, and its rules.
    pub meaning: String,
}

/// A property of an object.
pub fn property<'a>(schema: &'a JSONSchemaProps, name: &str) -> Option<&'a JSONSchemaProps> {
    schema.properties.as_ref()?.get(name)
}

/// What the API server answers to whoever breaks a rule.
pub fn rules(schema: &JSONSchemaProps) -> Vec<String> {
    // The rule of an instant is told once for all.
    let known = is_instant(schema);
    let rules = schema.x_kubernetes_validations.iter().flatten().filter(|_| !known);
    rules.map(|rule| rule.message.clone().unwrap_or_else(|| format!("`{}`", rule.rule))).collect()
}

/// The fields of some parts of a kind, part by part.
pub fn rows<const N: usize>(kind: &JSONSchemaProps, parts: [&str; N]) -> [Vec<Row>; N] {
    let mut walk = Walk::default();
    parts.map(|part| {
        if let Some(schema) = property(kind, part) {
            walk.fields(part, schema);
        }
        std::mem::take(&mut walk.rows)
    })
}

#[derive(Default)]
struct Walk {
    rows: Vec<Row>,
    /// Objects that were shown, without what they mean, and where.
    shown: Vec<(JSONSchemaProps, String)>,
}

impl Walk {
    fn fields(&mut self, path: &str, schema: &JSONSchemaProps) {
        for (name, field) in schema.properties.iter().flatten() {
            let required = schema.required.iter().flatten().any(|required| required == name);
            self.field(format!("{path}.{name}"), field, required);
        }
    }

    fn field(&mut self, path: String, schema: &JSONSchemaProps, required: bool) {
        let entries = entries(schema);
        let inner = entries.unwrap_or(schema);
        let below = if entries.is_some() { format!("{path}[]") } else { path.clone() };
        let conditions = below.ends_with(".conditions[]");
        let kind = if conditions { "list of conditions".to_owned() } else { kind(schema) };
        let mut bounds: Vec<String> = required.then(|| "required".to_owned()).into_iter().collect();
        bounds.extend(bounds_of(schema));
        let mut meaning = vec![schema.description.clone().unwrap_or_default()];
        let known = self.known(inner);
        if let Some(known) = &known {
            meaning.push(format!("*As* `{known}`."));
        } else if !conditions {
            let own = if entries.is_some() { rules(schema) } else { Vec::new() };
            let texts: Vec<String> = own.into_iter().chain(rules(inner)).map(|text| format!("\"{text}\"")).collect();
            meaning.extend((!texts.is_empty()).then(|| format!("*Refused with:* {}.", texts.join(", "))));
        }
        let meaning = meaning.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ");
        self.rows.push(Row { path, kind, bounds, meaning });
        if known.is_none() && !conditions && inner.properties.is_some() {
            self.shown.push((plain(inner), below.clone()));
            self.fields(&below, inner);
        }
    }

    /// Where an object like this one was shown before.
    fn known(&self, schema: &JSONSchemaProps) -> Option<String> {
        schema.properties.as_ref()?;
        let wanted = plain(schema);
        self.shown.iter().find(|(known, _)| *known == wanted).map(|(_, path)| path.clone())
    }
}

/// A schema without what it means at its place.
fn plain(schema: &JSONSchemaProps) -> JSONSchemaProps {
    JSONSchemaProps { description: None, default: None, ..schema.clone() }
}

/// The schema of the entries of a list.
fn entries(schema: &JSONSchemaProps) -> Option<&JSONSchemaProps> {
    match schema.items.as_ref()? {
        JSONSchemaPropsOrArray::Schema(entry) => Some(entry),
        JSONSchemaPropsOrArray::Schemas(all) => all.first(),
    }
}

fn is_instant(schema: &JSONSchemaProps) -> bool {
    schema.format.as_deref() == Some("date-time")
}

/// The type in words.
fn kind(schema: &JSONSchemaProps) -> String {
    if is_instant(schema) {
        return "instant".to_owned();
    }
    if schema.pattern.as_deref() == Some(span::PATTERN) {
        return "duration".to_owned();
    }
    if let Some(entry) = entries(schema) {
        return format!("list of {}", many(&kind(entry)));
    }
    match &schema.additional_properties {
        Some(JSONSchemaPropsOrBool::Schema(value)) => format!("map of {}", many(&kind(value))),
        _ => schema.type_.clone().unwrap_or_default(),
    }
}

fn many(kind: &str) -> String {
    if kind.starts_with("list of") || kind.starts_with("map of") { kind.to_owned() } else { format!("{kind}s") }
}

/// All that bounds the value, in words.
fn bounds_of(schema: &JSONSchemaProps) -> Vec<String> {
    let mut bounds = Vec::new();
    let words: Vec<String> = schema.enum_.iter().flatten().map(shown).collect();
    if !words.is_empty() {
        bounds.push(format!("one of {}", words.join(", ")));
    }
    if kind(schema) == "string" {
        bounds.extend(range(schema.min_length, schema.max_length, "character"));
        bounds.extend(pattern(schema));
    }
    let whole = |number: Option<f64>| number.map(|number| format!("{number}"));
    match (whole(schema.minimum), whole(schema.maximum)) {
        (Some(least), Some(most)) => bounds.push(format!("{least} to {most}")),
        (Some(least), None) => bounds.push(format!("at least {least}")),
        (None, Some(most)) => bounds.push(format!("at most {most}")),
        (None, None) => {}
    }
    if let Some(entry) = entries(schema) {
        bounds.extend(range(schema.min_items, schema.max_items, "entry"));
        bounds.extend(unique(schema));
        bounds.extend(bounds_of(entry).into_iter().map(|bound| format!("each {bound}")));
    }
    bounds.extend(schema.default.as_ref().map(|default| format!("default {}", shown(default))));
    bounds
}

/// What no two entries of a list may share.
fn unique(schema: &JSONSchemaProps) -> Option<String> {
    let keys = || schema.x_kubernetes_list_map_keys.iter().flatten().map(|key| format!("`{key}`")).collect::<Vec<_>>();
    match schema.x_kubernetes_list_type.as_deref()? {
        "set" => Some("no entry twice".to_owned()),
        "map" => Some(format!("unique by {}", keys().join(" and "))),
        _ => None,
    }
}

fn range(least: Option<i64>, most: Option<i64>, unit: &str) -> Option<String> {
    let units = |count: i64| match (count, unit) {
        (1, unit) => unit.to_owned(),
        (_, "entry") => "entries".to_owned(),
        (_, unit) => format!("{unit}s"),
    };
    match (least, most) {
        (Some(least), Some(most)) => Some(format!("{least} to {most} {}", units(most))),
        (Some(least), None) => Some(format!("at least {least} {}", units(least))),
        (None, Some(most)) => Some(format!("at most {most} {}", units(most))),
        (None, None) => None,
    }
}

/// Longest pattern that is shown whole.
const LONGEST: usize = 60;

fn pattern(schema: &JSONSchemaProps) -> Option<String> {
    let pattern = schema.pattern.as_deref().filter(|pattern| *pattern != time::PATTERN)?;
    let short: String = pattern.chars().take(LONGEST).collect();
    let more = if short.len() < pattern.len() { "…" } else { "" };
    Some(format!("matches `{short}{more}`"))
}

fn shown(value: &JSON) -> String {
    let text = value.0.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    format!("`{}`", text.unwrap_or_else(|| value.0.to_string()))
}
