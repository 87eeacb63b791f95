//! The kinds as they are shipped, and how the operator reads them.

use std::path::Path;

use entitlement_operator::api::{
    AccessPackage, AccessRequest, ApprovalDecision, Assignment, Catalog, CatalogResource, KINDS, Policy,
};
use kube::Resource;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A kind.
pub struct Kind {
    pub name: String,
    /// Its path at the API server.
    pub path: String,
    /// Specs that are right.
    pub right: Vec<Value>,
    /// Reads an object as the operator does, and writes it again.
    pub reread: fn(&Value) -> Result<Value, String>,
    schema: Value,
}

/// All kinds, in a namespace those that have one.
pub fn all(namespace: &str) -> Vec<Kind> {
    let within = Some(namespace);
    let all = vec![
        kind::<Catalog>(None),
        kind::<CatalogResource>(within),
        kind::<AccessPackage>(within),
        kind::<Policy>(within),
        kind::<AccessRequest>(within),
        kind::<ApprovalDecision>(within),
        kind::<Assignment>(within),
    ];
    assert_eq!(all.iter().map(|kind| kind.name.as_str()).collect::<Vec<_>>(), KINDS, "each kind is sent");
    all
}

fn kind<K>(namespace: Option<&str>) -> Kind
where
    K: Resource<DynamicType = ()> + Serialize + DeserializeOwned,
{
    let right: Value = serde_yaml::from_str(include_str!("right.yaml")).expect("YAML");
    let name = K::kind(&()).into_owned();
    Kind {
        right: right[&name].as_array().expect("specs").clone(),
        path: K::url_path(&(), namespace),
        reread: reread::<K>,
        schema: schema(&K::plural(&())),
        name,
    }
}

fn schema(plural: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds").join(format!("{plural}.entitlement.dev.yaml"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let definition: Value = serde_yaml::from_str(&text).expect("YAML");
    definition.pointer("/spec/versions/0/schema/openAPIV3Schema").expect("a schema").clone()
}

fn reread<K: Serialize + DeserializeOwned>(object: &Value) -> Result<Value, String> {
    let read: K = serde_json::from_value(object.clone()).map_err(|e| e.to_string())?;
    serde_json::to_value(read).map_err(|e| e.to_string())
}

impl Kind {
    /// The schema of its spec.
    pub fn spec(&self) -> &Value {
        &self.schema["properties"]["spec"]
    }

    /// The schema of its status.
    pub fn status(&self) -> &Value {
        &self.schema["properties"]["status"]
    }

    /// Says what is lost when the operator reads an object, if anything is.
    pub fn is_read_as_it_is(&self, object: &Value) -> Result<(), String> {
        let again = (self.reread)(object).map_err(|why| format!("{} cannot be read: {why}\n{object}", self.name))?;
        match super::meaning::difference("", object, &again) {
            None => Ok(()),
            Some(what) => Err(format!("{} is read as something else: {what}\n{object}", self.name)),
        }
    }
}
