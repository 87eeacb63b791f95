//! AccessRequest: one request, one workflow.

pub mod reason;
mod stage;

use chrono::{DateTime, Utc};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::policy::{Expiration, Stage};
use super::span::Span;
use super::subject::{Identity, Subject};
use super::timeline::TimelineEntry;
pub use reason::{ACCEPTED, APPROVED, CONDITIONS, DELIVERED, EVENTS, REASONS, Reason, events};
pub use stage::{ContentRole, CountedDecision, StageState, StageStatus};

/// An AccessRequest asks for an access package, for a longer stay in it, or to give it back. It is one workflow: its spec cannot be
/// changed, except that it can be cancelled. What became of it stands in its status.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "entitlement.dev",
    version = "v1alpha1",
    kind = "AccessRequest",
    plural = "accessrequests",
    namespaced,
    shortname = "areq",
    category = "entitlement",
    status = "AccessRequestStatus",
    derive = "PartialEq",
    selectable = ".spec.accessPackage",
    selectable = ".spec.requestor.username",
    selectable = ".spec.subject.name",
    selectable = ".status.phase",
    printcolumn(name = "Package", type_ = "string", json_path = ".spec.accessPackage"),
    printcolumn(name = "Type", type_ = "string", json_path = ".spec.type", priority = 1),
    printcolumn(name = "Requestor", type_ = "string", json_path = ".spec.requestor.username"),
    printcolumn(name = "Subject", type_ = "string", json_path = ".spec.subject.name", priority = 1),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.reason"),
    printcolumn(name = "Waits For", type_ = "string", json_path = ".status.waitsFor"),
    printcolumn(name = "Ends", type_ = "string", json_path = ".status.schedule.endTime"),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.message", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(
    validation = Rule::new("self.accessPackage == oldSelf.accessPackage && self.type == oldSelf.type && self.justification == oldSelf.justification \
        && has(self.policy) == has(oldSelf.policy) && (!has(self.policy) || self.policy == oldSelf.policy) \
        && has(self.subject) == has(oldSelf.subject) && (!has(self.subject) || self.subject == oldSelf.subject) \
        && has(self.answers) == has(oldSelf.answers) && (!has(self.answers) || self.answers == oldSelf.answers) \
        && has(self.schedule) == has(oldSelf.schedule) && (!has(self.schedule) || self.schedule == oldSelf.schedule) \
        && has(self.requestor) == has(oldSelf.requestor) && (!has(self.requestor) || self.requestor == oldSelf.requestor)")
        .message("an AccessRequest cannot be changed, only cancelled: cancel it and create another one"),
    validation = Rule::new("!oldSelf.cancelled || self.cancelled")
        .message("a cancelled AccessRequest stays cancelled: create another one").field_path(".cancelled"),
    // In bytes: of some characters there are four times as many.
    validation = Rule::new("bytes(self.justification).size() + (has(self.answers) ? self.answers.map(a, (has(a.value) ? bytes(a.value).size() : 0) \
        + (has(a.values) ? a.values.map(v, bytes(v).size()).sum() : 0)).sum() : 0) <= 12288")
        .message("justification and answers have more than 12288 bytes together: say less"),
    validation = Rule::new("self.type != 'Remove' || !has(self.schedule)")
        .message("a request of type Remove has no schedule: the access ends at once").field_path(".schedule"),
    validation = Rule::new("self.type != 'Extend' || !has(self.schedule) || !has(self.schedule.startTime)")
        .message("an extension has no start, only an end or a duration").field_path(".schedule")
)]
#[serde(rename_all = "camelCase")]
pub struct AccessRequestSpec {
    /// Name of the AccessPackage, in the catalog's namespace. Immutable. A package that does not exist yet is waited for one hour.
    #[schemars(length(min = 1, max = 63), regex(pattern = crate::api::NAME))]
    pub access_package: String,
    /// Name of the Policy to ask under. Default: the one that fits best, by the most specific scope; several of the same scope are
    /// refused with `AmbiguousPolicy`, and the message names them. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = crate::api::NAME))]
    pub policy: Option<String>,
    /// `Add`: get the package. `Extend`: a later end for access that is live. `Remove`: give it back now. Default: `Add`. Immutable.
    #[serde(rename = "type", default)]
    pub kind: RequestType,
    /// Who gets the access. Default: the requestor. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// Why. Required unless the policy says otherwise. Immutable.
    #[serde(default)]
    #[schemars(length(max = 4096))]
    pub justification: String,
    /// Answers to the policy's questions; they and the justification have at most 12288 bytes together (a letter of English has one, of other
    /// languages up to four). Immutable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["question".into()]))]
    pub answers: Vec<Answer>,
    /// Wished period, where the policy allows to choose one (`customSchedule`). Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<RequestedSchedule>,
    /// Set to `true` to withdraw the request, by the requestor, the subject or a holder of the verb `cancel`. The only field that can
    /// change, and only to `true`. A request that is decided or being delivered does not react any more.
    #[serde(default)]
    pub cancelled: bool,
    /// Who asks; entered by the API server, never typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requestor: Option<Identity>,
}

/// What a request wants.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
#[allow(missing_docs)] // the field that holds it says what each word means
pub enum RequestType {
    #[default]
    Add,
    Extend,
    Remove,
}

/// The answer to one question.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(validation = Rule::new("has(self.value) != has(self.values)").message("give either value or values"))]
pub struct Answer {
    /// Name of the question.
    #[schemars(length(min = 1, max = 63))]
    pub question: String,
    /// The answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub value: Option<String>,
    /// The answers, for a question that allows several choices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), inner(length(max = 256)))]
    pub values: Option<Vec<String>>,
}

/// A requested period.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(
    validation = Rule::new("!(has(self.endTime) && has(self.duration))").message("give either endTime or duration, not both"),
    validation = Rule::new("!has(self.startTime) || !has(self.endTime) || self.startTime < self.endTime").message("endTime must be after startTime")
)]
#[serde(rename_all = "camelCase")]
pub struct RequestedSchedule {
    /// Start (RFC 3339). Default: as soon as approved. One that has passed when the request is approved counts as now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<DateTime<Utc>>,
    /// End (RFC 3339); the access covers the time before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<DateTime<Utc>>,
    /// Length from the effective start, instead of an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Span>,
}

/// Where a request stands.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, JsonSchema)]
#[allow(missing_docs)] // the field that holds it says what each word means
pub enum RequestPhase {
    #[default]
    Submitted,
    PendingApproval,
    Approved,
    Scheduled,
    Provisioning,
    PartiallyDelivered,
    Delivered,
    Denied,
    Cancelled,
}

impl RequestPhase {
    /// Whether nothing can change any more.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Delivered | Self::Denied | Self::Cancelled)
    }

    /// Whether it is still to be approved.
    pub fn is_undecided(self) -> bool {
        matches!(self, Self::Submitted | Self::PendingApproval)
    }
}

/// What became of a request.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AccessRequestStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Submitted`, `PendingApproval`, `Approved`, `Scheduled`, `Provisioning`, `PartiallyDelivered`; the last word is `Delivered`,
    /// `Denied` or `Cancelled`.
    #[serde(default)]
    pub phase: RequestPhase,
    /// Why, for machines: set for every last word, and while something is missing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 64))]
    pub reason: String,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 2048))]
    pub message: String,
    /// Who or what it waits for, in a few words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 1024))]
    pub waits_for: String,
    /// The policy it was accepted under, with its terms as they were then. Later edits of the policy do not touch them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PinnedPolicy>,
    /// The roles of the package as approvers see them: pinned when a stage opens. When they change before the last approval, decisions made
    /// before no longer count (`ContentChanged`), and approval begins anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub content: Vec<ContentRole>,
    /// A digest of `content` and of what these roles are bound to, and where.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 64))]
    pub content_digest: String,
    /// Since when this content stands, if it changed while approval was under way: what was decided before does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_changed_at: Option<DateTime<Utc>>,
    /// The stages that have been opened, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 3))]
    pub stages: Vec<StageStatus>,
    /// The period that was granted, or would be if it were approved now. When access ended before, `endTime` is when it did. Absent when the
    /// request was denied or cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// Name of the Assignment that the request made, extended or removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub assignment: Option<String>,
    /// What happened, oldest first. When it is full, entries of the middle are dropped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub timeline: Vec<TimelineEntry>,
    /// `Accepted`: the guards passed. `Approved`: by its approvers or by a policy without stages. `Delivered`: every role is there.
    /// `Ready`: the operator has done what it can do now; a request that waits for an approver is Ready.
    /// `WriteFailed`, only while it holds: something that follows from it could not be
    /// written and is tried again; the message says why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

/// A policy and its terms at the moment a request was accepted.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PinnedPolicy {
    /// Name of the Policy.
    #[schemars(length(max = 63))]
    pub name: String,
    /// Uid of the Policy.
    #[schemars(length(max = 64))]
    pub uid: String,
    /// Generation of the Policy.
    pub generation: i64,
    /// The stages that apply to this request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 3))]
    pub stages: Vec<Stage>,
    /// The limit of the period.
    pub expiration: Expiration,
    /// Whether the requestor may choose a period.
    #[serde(default)]
    pub custom_schedule: bool,
}

/// A period: `startTime` <= t < `endTime`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Start (RFC 3339, whole seconds).
    pub start_time: DateTime<Utc>,
    /// End (RFC 3339, whole seconds). Absent: no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<DateTime<Utc>>,
}

impl AccessRequest {
    /// Where it stands; a request that the operator has not seen is Submitted.
    pub fn phase(&self) -> RequestPhase {
        self.status.as_ref().map(|s| s.phase).unwrap_or_default()
    }

    /// Who gets the access: the named subject, else the requestor. None when the identity of the requestor was not verified.
    pub fn subject(&self) -> Option<Subject> {
        let requestor = self.spec.requestor.as_ref()?;
        Some(self.spec.subject.clone().unwrap_or_else(|| requestor.subject()))
    }
}
