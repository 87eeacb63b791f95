//! AccessPackage: a bundle of roles on resources.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::condition::shared::{
    AVAILABLE, CONFIRMATION_REQUIRED, IN_USE, MASS_REVOCATION_HELD, NO_CATALOG, NOT_YET_JUDGED, events as shared_events,
};
use super::word::vocabulary;

/// An AccessPackage bundles roles on resources, so that people ask for what they need for a task and not for single roles. Who can
/// get it and for how long is said by its Policies.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "entitlement.dev",
    version = "v1alpha1",
    kind = "AccessPackage",
    plural = "accesspackages",
    namespaced,
    shortname = "apkg",
    category = "entitlement",
    status = "AccessPackageStatus",
    derive = "PartialEq",
    printcolumn(name = "Display Name", type_ = "string", json_path = ".spec.displayName"),
    printcolumn(name = "Pending", type_ = "integer", json_path = ".status.pendingRequests"),
    printcolumn(name = "Assigned", type_ = "integer", json_path = ".status.liveAssignments"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.size() <= 63").message("the name is at most 63 characters")
)]
#[serde(rename_all = "camelCase")]
pub struct AccessPackageSpec {
    /// Name for people. Default: the object's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 256))]
    pub display_name: String,
    /// What one needs it for, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 4096))]
    pub description: String,
    /// `true`: for tools that show people what they can request to leave it out. It hides nothing from who may list packages, and whoever knows
    /// its name can request it. Default: `false`.
    #[serde(default)]
    pub hidden: bool,
    /// The roles. Editing them changes every live assignment: what is added is granted, what is removed is taken away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["resource".into(), "role".into()]))]
    pub resource_roles: Vec<PackageRole>,
    /// Separation of duties: who holds or asks for one of these cannot have this package, and the other way round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incompatible_with: Option<IncompatibleWith>,
}

/// One role of one resource.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageRole {
    /// Name of a CatalogResource in the same catalog.
    #[schemars(length(min = 1, max = 63), regex(pattern = crate::api::NAME))]
    pub resource: String,
    /// Name of one of its roles.
    #[schemars(length(min = 1, max = 63), regex(pattern = crate::api::NAME))]
    pub role: String,
}

/// What must not be held together with a package.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct IncompatibleWith {
    /// Packages, of this catalog or of others. Within a catalog it is enough that one of the two names the other. Of a package of another
    /// catalog: who has it, or asks for it, cannot have this one. The other way round, this one bars the other only if the person asked for it
    /// themselves, or if the other names this one too, or its Catalog lists this one in `honorsSeparationFrom`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub access_packages: Vec<PackageReference>,
    /// Groups whose members cannot have this package. Judged by the groups that the API server saw when the request was
    /// created; for an assignment that somebody else asked for the groups of the subject are not known and are not judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 1024)))]
    pub groups: Vec<String>,
}

/// A package, perhaps of another catalog.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PackageReference {
    /// Name of the Catalog. Default: the catalog of the object that holds the reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 55), regex(pattern = crate::api::NAME))]
    pub catalog: Option<String>,
    /// Name of the AccessPackage.
    #[schemars(length(min = 1, max = 63), regex(pattern = crate::api::NAME))]
    pub name: String,
}

/// What the operator found.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AccessPackageStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Requests for the package that are not decided or not delivered yet.
    #[serde(default)]
    pub pending_requests: i32,
    /// Assignments of the package that give access now, or will.
    #[serde(default)]
    pub live_assignments: i32,
    /// `Ready`: every role of the package exists and may be handed out in each of its places. Only while it holds: `MassRevocationHeld`, an edit
    /// would take a role from many at once and waits for a confirmation; `IncompatibleNotFound`, a package or catalog that `incompatibleWith`
    /// names does not exist, so that it bars nothing yet.
    /// `WriteFailed`, only while it holds: something that follows from it could not be
    /// written and is tried again; the message says why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

vocabulary! {
    conditions [MASS_REVOCATION_HELD] {
        /// Only while it holds: something that `incompatibleWith` names does not exist, so that it bars nothing yet.
        INCOMPATIBLE_NOT_FOUND = "IncompatibleNotFound";
    }
    reasons [AVAILABLE, IN_USE, NO_CATALOG, NOT_YET_JUDGED, CONFIRMATION_REQUIRED] {
        /// A CatalogResource that the package names does not exist.
        RESOURCE_NOT_FOUND = "ResourceNotFound" in "`Ready=False`";
        /// A role of the package cannot be handed out, or not everywhere; the message repeats why.
        RESOURCE_NOT_READY = "ResourceNotReady" in "`Ready=False`";
        /// The CatalogResource has no role of that name.
        ROLE_NOT_IN_RESOURCE = "RoleNotInResource" in "`Ready=False`";
        /// The message names what does not exist.
        NOT_FOUND = "NotFound" in "`IncompatibleNotFound=True`";
    }
    events [shared_events::READY, shared_events::NOT_READY, shared_events::MASS_REVOCATION_HELD] {
        /// `incompatibleWith` names something that does not exist; the condition `IncompatibleNotFound` came.
        INCOMPATIBLE_NOT_FOUND = "IncompatibleNotFound", Warning, in "Event";
    }
}
