//! What the operator found of a CatalogResource, for each of its roles in each of its places.

use chrono::{DateTime, Utc};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RoleRef;
use crate::api::condition::shared::{
    AVAILABLE, CONFIRMATION_REQUIRED, IN_USE, MASS_REVOCATION_HELD, NO_CATALOG, NOT_YET_JUDGED, events as shared_events,
};
use crate::api::word::vocabulary;

/// What the operator found.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CatalogResourceStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// When the API server was last asked about an author, while an answer is no; it is asked again now and then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<DateTime<Utc>>,
    /// Since when the admission policies had been in force, unchanged, when an author was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_enforced_since: Option<DateTime<Utc>>,
    /// Each role by itself: one that is missing or refused never holds up the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub roles: Vec<RoleStatus>,
    /// `Ready`: every role exists in each of its places, and its authors may hand it out there. `Authorized`: the authors may hand out every
    /// role. Only while they hold: `Conflict`, a binding of somebody else has the name of one that the operator needs, and is left alone;
    /// `MassRevocationHeld`, an edit would take a role from many at once and waits for a confirmation.
    /// `WriteFailed`, only while it holds: something that follows from it could not be
    /// written and is tried again; the message says why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

/// How a role stands.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct RoleStatus {
    /// Name of the role.
    #[schemars(length(max = 63))]
    pub name: String,
    /// `Ready`: granted to whoever should have it. `NotFound`: it does not exist in one of its places. `NotAuthorized`: one of its authors may
    /// not hand it out in one of its places. `Pending`: not judged yet. Where it is not Ready nobody gains the role, and whoever has it
    /// there keeps it, unless the namespace, Role or Catalog was deleted or made anew, or it was never found that they may hand it out.
    #[serde(default)]
    pub state: RoleState,
    /// Why, for machines: `AuthorMayBind`, `AuthorCannotBind`, `AuthorUnknown`, `TooBroad`, `RoleNotFound`, `RoleIsNamespaced`,
    /// `NamespaceNotFound`, `ConnectorNotFound`, `NoCatalog` or `NotYetJudged`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 64))]
    pub reason: String,
    /// Why, for people: the first thing missing, and where.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 1024))]
    pub message: String,
    /// Digest of the role and its places as they were written when this was found, authors included.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 64))]
    pub digest: String,
    /// What was judged: the answer of the API server for each place, the last one, and the last yes while a later answer is no.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128))]
    pub places: Vec<PlaceStatus>,
}

/// How a role can stand.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
#[allow(missing_docs)] // the field that holds it says what each word means
pub enum RoleState {
    #[default]
    Pending,
    Ready,
    NotFound,
    NotAuthorized,
}

/// The API server's answer whether the authors of a role and of its places may hand it out in one place. It belongs to exactly what is listed
/// here: what is deleted and made anew under the same name is judged anew.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PlaceStatus {
    /// What was judged in this cluster; another target system has a field of its own here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<KubernetesPlace>,
    /// Uid of the Catalog.
    #[serde(rename = "catalogUID", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub catalog_uid: Option<String>,
    /// Digest of the author of the role and the author of the places, with their groups.
    #[schemars(length(max = 64))]
    pub authors: String,
    /// The answer.
    pub allowed: bool,
    /// Why not, for machines.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 64))]
    pub reason: String,
    /// Why not, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 1024))]
    pub message: String,
}

/// A Kubernetes role in one place, each as it was then.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct KubernetesPlace {
    /// The namespace; absent for the whole cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub namespace: Option<String>,
    /// Uid of the namespace.
    #[serde(rename = "namespaceUID", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub namespace_uid: Option<String>,
    /// The Kubernetes role.
    pub role_ref: RoleRef,
    /// Uid of a `Role`; absent for a ClusterRole.
    #[serde(rename = "roleUID", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub role_uid: Option<String>,
}

vocabulary! {
    conditions [MASS_REVOCATION_HELD] {
        /// The authors could bind every role themselves, by Kubernetes' own escalation rule.
        AUTHORIZED = "Authorized";
        /// Only while it holds: a binding of somebody else has the name of one that the operator needs, and is left alone.
        CONFLICT = "Conflict";
    }
    reasons [AVAILABLE, IN_USE, NO_CATALOG, NOT_YET_JUDGED, CONFIRMATION_REQUIRED] {
        /// Every author may hand out every role in each of its places.
        AUTHOR_MAY_BIND = "AuthorMayBind" in "`Authorized=True`";
        /// An author cannot bind a role; the message names the first such role, and what they lack.
        AUTHOR_CANNOT_BIND = "AuthorCannotBind" in "`Authorized=False`, `Ready=False`";
        /// A role permits more single things than can be asked about, and an author does not hold the verb `bind` on it.
        TOO_BROAD = "TooBroad" in "`Authorized=False`, `Ready=False`";
        /// The identity of an author was not verified: the admission policies were not in force when it was written.
        AUTHOR_UNKNOWN = "AuthorUnknown" in "`Authorized=Unknown`, `Ready=False`";
        /// A role does not exist, so that nobody can tell what it would permit.
        ROLE_NOT_FOUND = "RoleNotFound" in "`Authorized=Unknown`, `Ready=False`";
        /// A namespace of the target does not exist.
        NAMESPACE_NOT_FOUND = "NamespaceNotFound" in "`Ready=False`";
        /// A `Role` cannot be granted cluster-wide.
        ROLE_IS_NAMESPACED = "RoleIsNamespaced" in "`Ready=False`";
        /// There is no Connector of that name; this version has none at all, so that the roles are granted to nobody.
        CONNECTOR_NOT_FOUND = "ConnectorNotFound" in "`Authorized=Unknown`, `Ready=False`";
        /// The message names the bindings that are in the way.
        NAME_TAKEN = "NameTaken" in "`Conflict=True`";
    }
    events [shared_events::READY, shared_events::NOT_READY, shared_events::MASS_REVOCATION_HELD] {
        /// Somebody who wrote a role or its places may not hand it out; `Authorized` became `False`.
        NOT_AUTHORIZED = "NotAuthorized", Warning, in "Event";
        /// A binding of somebody else has the name of one that would be written; the condition `Conflict` came.
        CONFLICT = "Conflict", Warning, in "Event";
        /// Somebody else changed the operator's bindings, and they were put right; the message says what.
        DRIFT_REPAIRED = "DriftRepaired", Warning, in "Event";
    }
}
