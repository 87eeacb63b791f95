//! CatalogResource: a system object in which roles can be granted.

mod connector;
mod status;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::subject::{Identity, TOO_MANY_GROUPS};
pub use connector::{ConnectorRole, ConnectorTarget, ConnectorType};
pub use status::{
    AUTHOR_CANNOT_BIND, AUTHOR_MAY_BIND, AUTHOR_UNKNOWN, AUTHORIZED, CONDITIONS, CONFLICT, CONNECTOR_NOT_FOUND,
    CatalogResourceStatus, EVENTS, KubernetesPlace, NAME_TAKEN, NAMESPACE_NOT_FOUND, PlaceStatus, REASONS, ROLE_IS_NAMESPACED,
    ROLE_NOT_FOUND, RoleState, RoleStatus, TOO_BROAD, events,
};

/// A CatalogResource brings something that people can have roles in (namespaces of this cluster, or the cluster itself) into a
/// catalog, with the roles that packages may bundle. This version grants roles of its own cluster only: what names a Connector is kept, says
/// `ConnectorNotFound`, and is granted to nobody. Whoever writes a role, and whoever writes the places, must be able to hand out the role
/// there themselves: the API server enters both as authors, and `status.roles` says what became of each role.
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
    printcolumn(name = "Author", type_ = "string", json_path = ".spec['kubernetes','connector'].author.username", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.size() <= 63").message("the name is at most 63 characters, because it becomes a label")
)]
#[x_kube(validation = Rule::new("self.roles.all(r, self.roles.exists_one(o, o.name == r.name))").message("two roles have the same name").field_path(".roles"),
    validation = Rule::new("has(self.kubernetes) != has(self.connector)")
    .message("name either kubernetes or connector: a resource lies in exactly one of them"),
    validation = Rule::new("self.roles.all(r, has(r.kubernetes) == has(self.kubernetes) && has(r.connector) == has(self.connector))")
    .message("each role has either kubernetes or connector, the same one as the resource").field_path(".roles"),
    validation = Rule::new("self.roles.size() * (has(self.kubernetes) && has(self.kubernetes.namespaces) ? self.kubernetes.namespaces.size() : 1) <= 256")
    .message("at most 256 pairs of a role and a namespace: divide them among several CatalogResources").field_path(".roles"))]
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
    /// Where in this cluster the roles are granted. Exactly one of `kubernetes` and `connector` is there; exchanging one for the other takes
    /// away what was granted before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<KubernetesTarget>,
    /// Where outside this cluster the roles are granted. This version grants nothing there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connector: Option<ConnectorTarget>,
    /// The roles that packages can bundle. An apply replaces the whole list.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub roles: Vec<ResourceRole>,
    /// Groups that the authors of the roles and of the places were in when they wrote; entered by the API server, never typed. Kept once, and
    /// referred to by `groupsRef`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 65))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub author_groups: Vec<AuthorGroups>,
}

/// Somebody who wrote a role or the places of a resource; entered by the API server, never typed: what a client writes here is overwritten
/// (Kubernetes 1.36 and later) or refused (1.30 to 1.35).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Author {
    /// User name as authenticated.
    #[schemars(length(min = 1, max = 1024))]
    pub username: String,
    /// Unique id of the user where the authenticator gives one (client certificates do not).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub uid: Option<String>,
    /// The `id` in `spec.authorGroups` of the groups that the user was in.
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub groups_ref: i64,
}

/// The groups of an author.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[x_kube(validation = Rule::new("!has(self.groups) || self.groups.size() <= 1000")
    .message(TOO_MANY_GROUPS))]
pub struct AuthorGroups {
    /// What `groupsRef` of an author refers to.
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub id: i64,
    /// The groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 2000), inner(length(max = 1024)))]
    pub groups: Vec<String>,
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
    /// Who wrote these places; entered by the API server when they change, never typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Author>,
}

/// A role that can be granted in the resource.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ResourceRole {
    /// Name by which packages refer to the role. Unique in the resource.
    #[schemars(length(min = 1, max = 63), regex(pattern = crate::api::NAME))]
    pub name: String,
    /// Name for people. Default: `name`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 256))]
    pub display_name: String,
    /// The Kubernetes role behind it, where the resource has `kubernetes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<KubernetesRole>,
    /// The role behind it in the target system, where the resource has `connector`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connector: Option<ConnectorRole>,
    /// Who wrote `kubernetes` or `connector` of this role; entered by the API server when it changes, never typed. Whether they may hand out
    /// the role is reported by `status.roles`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Author>,
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

impl CatalogResourceSpec {
    /// Who wrote the places.
    pub fn places_author(&self) -> Option<&Author> {
        let kubernetes = self.kubernetes.as_ref().and_then(|places| places.author.as_ref());
        kubernetes.or_else(|| self.connector.as_ref()?.author.as_ref())
    }

    /// An author with the groups of then; none when these are not there.
    pub fn identity(&self, author: &Author) -> Option<Identity> {
        let groups = self.author_groups.iter().find(|set| set.id == author.groups_ref)?.groups.clone();
        Some(Identity { username: author.username.clone(), uid: author.uid.clone(), groups })
    }
}
