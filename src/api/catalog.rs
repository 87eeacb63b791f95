//! Catalog: a container for access packages and the boundary of delegation.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::subject::Subject;

/// A Catalog holds resources, access packages and policies, and owns one namespace for them. Its owners need no
/// administrator for anything inside it.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "entitlement.dev",
    version = "v1alpha1",
    kind = "Catalog",
    plural = "catalogs",
    shortname = "cat",
    category = "entitlement",
    status = "CatalogStatus",
    derive = "PartialEq",
    printcolumn(name = "Namespace", type_ = "string", json_path = ".status.namespace"),
    printcolumn(name = "Enabled", type_ = "boolean", json_path = ".spec.enabled"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Display Name", type_ = "string", json_path = ".spec.displayName", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.size() <= 55 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')")
        .message("the name of a Catalog is at most 55 lower case letters, digits and '-', because its namespace is named after it")
)]
#[x_kube(validation = Rule::new("!has(self.__namespace__) || !self.__namespace__.startsWith('kube-')")
    .message("namespaces that begin with kube- belong to Kubernetes").field_path(".namespace"),
    validation = Rule::new("has(self.__namespace__) == has(oldSelf.__namespace__) && (!has(self.__namespace__) || self.__namespace__ == oldSelf.__namespace__)")
    .message("spec.namespace cannot be changed: create another Catalog instead").field_path(".namespace"))]
#[serde(rename_all = "camelCase")]
pub struct CatalogSpec {
    /// Name for people. Default: the object's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 256))]
    pub display_name: String,
    /// What belongs in here, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 4096))]
    pub description: String,
    /// `false`: nothing in the catalog can be requested, and requests under way are denied with `CatalogDisabled` at the
    /// next check; live assignments stay until their end. Default: `true`.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Namespace of the catalog. Default: `catalog-<name>`. It is created, or adopted when it exists and carries the label
    /// `entitlement.dev/catalog: <catalog name>`. A created namespace is deleted with the Catalog, an adopted one stays.
    /// Immutable. Reported by condition `Ready`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,
    /// May do everything in the catalog, and edit the Catalog itself. Empty at creation: the creator is entered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub owners: Vec<Subject>,
    /// May write packages and policies, see requests and assignments, and assign people directly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub access_package_managers: Vec<Subject>,
    /// May see requests and assignments, and assign people directly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub assignment_managers: Vec<Subject>,
    /// May read everything in the catalog.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub readers: Vec<Subject>,
}

/// What the operator made of a Catalog.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CatalogStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The catalog's namespace, once it is there and ours to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub namespace: Option<String>,
    /// `Ready`: the namespace is there and everybody named in the spec has their role in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

/// `Ready=False`: the namespace exists without the label `entitlement.dev/catalog: <catalog name>`.
pub const NAMESPACE_NOT_OURS: &str = "NamespaceNotOurs";
/// `Ready=False`: the namespace is being created, or goes away.
pub const NAMESPACE_PENDING: &str = "NamespacePending";
/// `Ready=False`: a RoleBinding in the namespace is not there yet, or one of its name belongs to somebody else.
pub const BINDINGS_PENDING: &str = "BindingsPending";
/// `Ready=True`.
pub const AVAILABLE: &str = "Available";

/// Prefix of the namespace that a Catalog gets when its spec names none.
const PREFIX: &str = "catalog-";

pub(super) fn yes() -> bool {
    true
}

impl Catalog {
    /// The namespace that this catalog asks for.
    pub fn wanted_namespace(&self) -> String {
        match &self.spec.namespace {
            Some(named) => named.clone(),
            None => format!("{PREFIX}{}", self.metadata.name.as_deref().unwrap_or_default()),
        }
    }

    /// The namespace that it has, once the operator found it usable.
    pub fn namespace(&self) -> Option<&str> {
        self.status.as_ref()?.namespace.as_deref()
    }
}
