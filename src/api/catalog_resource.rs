//! CatalogResource: a system object in which roles can be granted.

use chrono::{DateTime, Utc};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::subject::Identity;

/// A CatalogResource brings something that people can have roles in (namespaces of this cluster, or the cluster itself) into a
/// catalog, with the roles that packages may bundle. Whoever writes it must be able to hand out these roles themselves.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "entitlement.dev",
    version = "v1alpha1",
    kind = "CatalogResource",
    plural = "catalogresources",
    namespaced,
    shortname = "cres",
    category = "entitlement",
    status = "CatalogResourceStatus",
    derive = "PartialEq",
    printcolumn(name = "Display Name", type_ = "string", json_path = ".spec.displayName"),
    printcolumn(name = "Authorized", type_ = "string", json_path = ".status.conditions[?(@.type==\"Authorized\")].status"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message", priority = 1),
    printcolumn(name = "Author", type_ = "string", json_path = ".spec.author.username", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.size() <= 63").message("the name is at most 63 characters, because it becomes a label")
)]
#[serde(rename_all = "camelCase")]
pub struct CatalogResourceSpec {
    /// Name for people. Default: the object's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 256))]
    pub display_name: String,
    /// What this is, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 4096))]
    pub description: String,
    /// Where in this cluster the roles are granted.
    pub kubernetes: KubernetesTarget,
    /// The roles that packages can bundle.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub roles: Vec<ResourceRole>,
    /// Who wrote the spec as it stands; entered by the API server at every change, never typed. Whether they may hand out the
    /// roles is reported by condition `Authorized`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Identity>,
}

/// Namespaces of this cluster, or the whole of it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(validation = Rule::new("self.clusterWide ? !has(self.namespaces) || self.namespaces.size() == 0 : has(self.namespaces) && self.namespaces.size() > 0")
    .message("name one or more namespaces, or set clusterWide: true, not both"))]
#[serde(rename_all = "camelCase")]
pub struct KubernetesTarget {
    /// Namespaces in which each role is granted, by one RoleBinding (or more) in each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub namespaces: Vec<String>,
    /// `true`: the roles are granted in the whole cluster, by ClusterRoleBindings. Default: `false`.
    #[serde(default)]
    pub cluster_wide: bool,
}

/// A role that can be granted in the resource.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ResourceRole {
    /// Name by which packages refer to the role. Unique in the resource.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub name: String,
    /// Name for people. Default: `name`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 256))]
    pub display_name: String,
    /// The Kubernetes role behind it.
    pub kubernetes: KubernetesRole,
}

/// What is bound in Kubernetes.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct KubernetesRole {
    /// The role to bind. A `Role` must exist in each of the namespaces; it cannot be granted cluster-wide.
    pub role_ref: RoleRef,
}

/// A Role or ClusterRole by name.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleRef {
    /// `Role` or `ClusterRole`.
    pub kind: RoleKind,
    /// Name of the role.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// Kinds of Kubernetes roles.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[allow(missing_docs)] // the field that holds it says what each word means
pub enum RoleKind {
    #[default]
    ClusterRole,
    Role,
}

/// What the operator found.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CatalogResourceStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// When the API server was last asked about the author, while the answer is no or unknown; it is asked again now and then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<DateTime<Utc>>,
    /// Since when the admission policies had been in force, unchanged, when the author was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vouched_since: Option<DateTime<Utc>>,
    /// `Ready`: the namespaces and every role exist, and the author may hand them out. `Authorized`: the author may hand them out;
    /// asked once for each author and generation. Only while they hold: `Conflict`, a binding of somebody else has the name of one that the
    /// operator needs, and is left alone; `RevocationHeld`, an edit would take a role from many at once and waits for a confirmation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

/// Condition: the author of the spec could bind every role themselves, by Kubernetes' own escalation rule.
pub const AUTHORIZED: &str = "Authorized";
/// `Authorized=False`: the message names the first role that the author cannot bind.
pub const AUTHOR_CANNOT_BIND: &str = "AuthorCannotBind";
/// `Authorized=False`: nobody vouches for the author; the admission policies were not in force when it was written.
pub const AUTHOR_UNKNOWN: &str = "AuthorUnknown";
/// `Authorized=Unknown`: a role does not exist, so that nobody can tell what it would permit.
pub const ROLE_NOT_FOUND: &str = "RoleNotFound";
/// `Authorized=True`.
pub const AUTHOR_MAY_BIND: &str = "AuthorMayBind";
/// `Ready=False`: a namespace of the target does not exist.
pub const NAMESPACE_NOT_FOUND: &str = "NamespaceNotFound";
/// `Ready=False`: the object lies in a namespace that belongs to no Catalog.
pub const NO_CATALOG: &str = "NoCatalog";
/// `Ready=False`: a `Role` cannot be granted cluster-wide.
pub const ROLE_IS_NAMESPACED: &str = "RoleIsNamespaced";
