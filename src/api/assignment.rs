//! Assignment: the fact that a subject holds a package for a period.

pub mod reason;

use chrono::{DateTime, Utc};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access_request::Schedule;
use super::subject::{Identity, Subject};
use super::time::whole;
use super::timeline::TimelineEntry;
pub use reason::{ACCEPTED, CONDITIONS, DELIVERED, EVENTS, REASONS, events};

/// An Assignment is the fact that a subject holds an access package for a period. The operator writes one for each approved request; managers
/// may write one directly. Access follows it: what no live Assignment gives, nobody has.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "entitlement.dev",
    version = "v1alpha1",
    kind = "Assignment",
    plural = "assignments",
    namespaced,
    shortname = "asgn",
    category = "entitlement",
    status = "AssignmentStatus",
    derive = "PartialEq",
    selectable = ".spec.accessPackage",
    selectable = ".spec.subject.name",
    selectable = ".spec.accessRequest",
    selectable = ".spec.source",
    selectable = ".status.phase",
    printcolumn(name = "Package", type_ = "string", json_path = ".spec.accessPackage"),
    printcolumn(name = "Subject", type_ = "string", json_path = ".spec.subject.name"),
    printcolumn(name = "Source", type_ = "string", json_path = ".spec.source"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Ends", type_ = "string", json_path = ".status.schedule.endTime"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.reason"),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.message", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(
    validation = Rule::new("self.accessPackage == oldSelf.accessPackage && self.subject == oldSelf.subject && self.policy == oldSelf.policy")
        .message("accessPackage, policy and subject of an Assignment cannot be changed: end it and create another one"),
    validation = Rule::new("has(self.source) == has(oldSelf.source) && (!has(self.source) || self.source == oldSelf.source) \
        && has(self.accessRequest) == has(oldSelf.accessRequest) && (!has(self.accessRequest) || self.accessRequest == oldSelf.accessRequest) \
        && has(self.accessRequestUID) == has(oldSelf.accessRequestUID) && (!has(self.accessRequestUID) || self.accessRequestUID == oldSelf.accessRequestUID)")
        .message("source, accessRequest and accessRequestUID of an Assignment cannot be changed"),
    validation = Rule::new("!has(oldSelf.revoked) || (has(self.revoked) && self.revoked == oldSelf.revoked)")
        .message("a revoked Assignment stays revoked: create another one").field_path(".revoked")
)]
#[serde(rename_all = "camelCase")]
pub struct AssignmentSpec {
    /// Name of the AccessPackage, in the same catalog. Immutable.
    #[schemars(length(min = 1, max = 63), regex(pattern = crate::api::NAME))]
    pub access_package: String,
    /// Name of the Policy whose limits apply; for a direct assignment of any scope, `None` included. Immutable.
    #[schemars(length(min = 1, max = 63), regex(pattern = crate::api::NAME))]
    pub policy: String,
    /// Who holds the package. Immutable.
    pub subject: Subject,
    /// The period. A direct assignment may leave it out: it starts at once and ends as the policy says, which the operator enters. The end may
    /// be moved: an earlier one always counts; a later one only within the policy's limit or by an approved request of type `Extend`.
    /// What counts stands in `status.schedule`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<AssignmentSchedule>,
    /// `Request` (written by the operator only) or `Direct` (entered for everybody else). Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Name of the AccessRequest it came from. Written by the operator only. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = crate::api::NAME))]
    pub access_request: Option<String>,
    /// Uid of that AccessRequest. Written by the operator only.
    #[serde(rename = "accessRequestUID", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub access_request_uid: Option<String>,
    /// Set to end the access now and keep the record. Cannot be taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revoked>,
    /// Who wrote a direct assignment; entered by the API server, never typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_by: Option<Identity>,
}

/// When access starts and ends: `startTime` <= t < `endTime`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(validation = Rule::new("!has(self.startTime) || !has(self.endTime) || self.startTime < self.endTime").message("endTime must be after startTime"))]
#[serde(rename_all = "camelCase")]
pub struct AssignmentSchedule {
    /// Start (RFC 3339). Default: the creation of the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<DateTime<Utc>>,
    /// End (RFC 3339). Absent: no end; the policy must allow that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<DateTime<Utc>>,
}

/// Where an assignment comes from.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
#[allow(missing_docs)] // the field that holds it says what each word means
pub enum Source {
    #[default]
    Direct,
    Request,
}

/// An early end.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Revoked {
    /// User name of who ended it; entered by the API server, never typed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 1024))]
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 4096))]
    pub reason: String,
}

/// Where an assignment stands.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, JsonSchema)]
#[allow(missing_docs)] // the field that holds it says what each word means
pub enum AssignmentPhase {
    #[default]
    Pending,
    Scheduled,
    Provisioning,
    Delivered,
    PartiallyDelivered,
    Revoking,
    Expired,
    Revoked,
}

impl AssignmentPhase {
    /// Whether nothing can change any more.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Expired | Self::Revoked)
    }

    /// Whether the operator accepted it and gives its roles.
    pub fn is_granting(self) -> bool {
        matches!(self, Self::Provisioning | Self::Delivered | Self::PartiallyDelivered)
    }
}

/// How far the access is.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AssignmentStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Pending`, `Scheduled`, `Provisioning`, `Delivered`, `PartiallyDelivered`, `Revoking`; the last word is `Expired` or `Revoked`.
    #[serde(default)]
    pub phase: AssignmentPhase,
    /// Why, for machines.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 64))]
    pub reason: String,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 2048))]
    pub message: String,
    /// The period that was accepted: what counts, whatever the spec says later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// Each role of the package, and whether it is there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["resource".into(), "role".into()]))]
    pub grants: Vec<GrantStatus>,
    /// When every role was there for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<DateTime<Utc>>,
    /// When the last role was gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
    /// What happened, oldest first. When it is full, entries of the middle are dropped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub timeline: Vec<TimelineEntry>,
    /// `Accepted`: it may give access. `Delivered`: every role is there. `Ready`: it is as its spec and the time want it.
    /// `WriteFailed`, only while it holds: something that follows from it could not be
    /// written and is tried again; the message says why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

/// One role that the assignment gives.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct GrantStatus {
    /// Name of the CatalogResource.
    #[schemars(length(max = 63))]
    pub resource: String,
    /// Name of the role in it.
    #[schemars(length(max = 63))]
    pub role: String,
    /// `Pending`, `Delivered`, `Failed` (retried) or `Removing`.
    pub state: GrantState,
    /// What is missing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 1024))]
    pub message: String,
    /// Where the membership comes from: `Added` by the operator, as in this cluster always.
    #[serde(default)]
    pub origin: GrantOrigin,
    /// The objects that carry the grant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub objects: Vec<GrantObject>,
}

/// How a grant stands.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, JsonSchema)]
#[allow(missing_docs)] // the field that holds it says what each word means
pub enum GrantState {
    #[default]
    Pending,
    Delivered,
    Failed,
    Removing,
}

/// Where a membership comes from.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
#[allow(missing_docs)] // the field that holds it says what each word means
pub enum GrantOrigin {
    #[default]
    #[serde(alias = "Created")] // as it was called before
    Added,
}

/// An object that carries a grant.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "camelCase")]
pub struct GrantObject {
    /// Its apiVersion.
    #[schemars(length(max = 128))]
    pub api_version: String,
    /// Its kind.
    #[schemars(length(max = 63))]
    pub kind: String,
    /// Its namespace; absent for a ClusterRoleBinding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub namespace: Option<String>,
    /// Its name.
    #[schemars(length(max = 253))]
    pub name: String,
}

impl Assignment {
    /// Where it stands; one that the operator has not seen is Pending.
    pub fn phase(&self) -> AssignmentPhase {
        self.status.as_ref().map(|s| s.phase).unwrap_or_default()
    }

    /// The period that was accepted, once one was.
    fn accepted(&self) -> Option<&Schedule> {
        self.status.as_ref()?.schedule.as_ref()
    }

    /// The end that the spec asks for, in whole seconds.
    pub fn requested_end(&self) -> Option<DateTime<Utc>> {
        self.spec.schedule.as_ref()?.end_time.map(whole)
    }

    /// The instant at which access ends, if it does: the accepted one, or an earlier one of the spec.
    pub fn end(&self) -> Option<DateTime<Utc>> {
        let accepted = self.accepted().and_then(|period| period.end_time);
        [accepted, self.requested_end()].into_iter().flatten().min()
    }

    /// The instant at which access starts: the accepted one, else that of the spec, else the creation of the object.
    pub fn start(&self) -> DateTime<Utc> {
        let requested = || self.spec.schedule.as_ref().and_then(|s| s.start_time).map(whole);
        self.accepted().map(|period| period.start_time).or_else(requested).unwrap_or_else(|| super::time::created(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An assignment that cannot be read gives nothing.
    #[test]
    fn a_grant_that_was_recorded_under_the_former_word_is_read() {
        let read: Result<GrantOrigin, _> = serde_json::from_str("\"Created\"");
        assert_eq!(read.ok(), Some(GrantOrigin::Added));
        assert_eq!(serde_json::to_string(&GrantOrigin::Added).ok().as_deref(), Some("\"Added\""));
    }
}
