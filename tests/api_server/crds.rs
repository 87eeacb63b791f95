//! The shipped CustomResourceDefinitions.

use std::collections::BTreeSet;
use std::path::Path;

use entitlement_operator::api::crd;
use serde_json::{Value, json};

use crate::support::ROOT;
use crate::world::world;

const KINDS: [(&str, &str); 7] = [
    ("Catalog", "cat"),
    ("CatalogResource", "cres"),
    ("AccessPackage", "apkg"),
    ("Policy", "apol"),
    ("AccessRequest", "areq"),
    ("ApprovalDecision", "adec"),
    ("Assignment", "asgn"),
];

fn definitions() -> Vec<Value> {
    crd::all().unwrap().into_iter().map(|definition| serde_json::to_value(definition).unwrap()).collect()
}

#[test]
fn the_folder_holds_what_the_code_generates_and_nothing_else() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    let generated = crd::files().unwrap();
    for (name, text) in &generated {
        let shipped = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(shipped == *text, "crds/{name} is stale: run `make generate`");
    }
    let shipped: BTreeSet<String> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(shipped, generated.into_iter().map(|(name, _)| name).collect());
}

#[test]
fn every_kind_has_its_short_name_and_the_category() {
    let named: Vec<_> = definitions().iter().map(|crd| crd["spec"]["names"].clone()).collect();
    assert_eq!(named.len(), KINDS.len());
    for (kind, short) in KINDS {
        let names = named.iter().find(|names| names["kind"] == kind).unwrap_or_else(|| panic!("{kind} is shipped"));
        assert_eq!(names["shortNames"], json!([short]), "{kind}");
        assert_eq!(names["categories"], json!(["entitlement"]), "{kind}");
    }
}

#[test]
fn every_kind_has_conditions_that_tell_ready() {
    for definition in definitions() {
        let conditions = definition
            .pointer("/spec/versions/0/schema/openAPIV3Schema/properties/status/properties/conditions")
            .unwrap_or_else(|| panic!("{} has conditions", definition["metadata"]["name"]));
        assert_eq!(conditions["x-kubernetes-list-map-keys"], json!(["type"]), "{}", definition["metadata"]["name"]);
        let told = conditions["description"].as_str().unwrap_or_default();
        assert!(told.contains("`Ready`"), "{}: what Ready means is explained: {told}", definition["metadata"]["name"]);
    }
}

#[test]
fn kubectl_explains_every_field_and_every_size_is_bounded() {
    for definition in definitions() {
        let schema = definition.pointer("/spec/versions/0/schema/openAPIV3Schema").unwrap();
        let name = definition["spec"]["names"]["kind"].as_str().unwrap();
        let problems = problems(name, schema);
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }
}

/// Fields without a description, and texts and lists without a limit, of a schema and all below it.
fn problems(path: &str, schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        let standard = ["apiVersion", "kind", "metadata"].contains(&name.as_str()) && path.matches('.').count() == 1;
        // Kubernetes describes its own condition type.
        let foreign = path.contains(".conditions[]");
        if !standard && !foreign && field["description"].as_str().unwrap_or_default().is_empty() {
            found.push(format!("{path} has no description"));
        }
        let bounded = match field["type"].as_str() {
            Some("string") => ["maxLength", "enum", "format"].iter().any(|limit| field.get(limit).is_some()),
            Some("array") => field.get("maxItems").is_some(),
            _ => true,
        };
        if !standard && !foreign && !bounded {
            found.push(format!("{path} has no limit"));
        }
        found.extend(problems(&path, field));
    }
    if let Some(items) = schema.get("items") {
        found.extend(problems(&format!("{path}[]"), items));
    }
    found
}

#[tokio::test]
async fn the_api_server_serves_them_without_complaint() {
    let world = world().await;
    let stored = world.plane.kubectl(ROOT, &["get", "crd", "-o", "json"]).await.ok();
    let stored: Value = serde_json::from_str(&stored).unwrap();
    let ours = stored["items"].as_array().unwrap().iter().filter(|crd| crd["spec"]["group"] == "entitlement.dev");
    let mut served = 0;
    for definition in ours {
        let conditions = definition["status"]["conditions"].as_array().unwrap();
        let state = |kind: &str| conditions.iter().find(|c| c["type"] == kind).map_or("-", |c| c["status"].as_str().unwrap());
        let states = [state("Established"), state("NamesAccepted"), state("NonStructuralSchema")];
        assert_eq!(states, ["True", "True", "-"], "{}: {conditions:?}", definition["metadata"]["name"]);
        served += 1;
    }
    assert_eq!(served, KINDS.len());
    world.plane.kubectl(ROOT, &["get", "entitlement", "--all-namespaces"]).await.ok();
}
