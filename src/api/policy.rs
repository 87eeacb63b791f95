//! Policy: who can get a package, who approves, for how long.

mod approval;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use chrono::{DateTime, Utc};

use super::catalog::yes;
use super::condition::shared::{AVAILABLE, NO_CATALOG, events as shared_events};
use super::span::Span;
use super::subject::Subject;
use super::word::vocabulary;
pub use approval::{Approval, Approver, ApproverKind, Escalation, Stage};

/// A Policy says who can get an access package, who approves, and when the access ends. A package may have several; a package
/// with none can only be seen. Editing a policy changes what is requested later, never what is under way or live.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "entitlement.dev",
    version = "v1alpha1",
    kind = "Policy",
    plural = "policies",
    namespaced,
    shortname = "apol",
    category = "entitlement",
    status = "PolicyStatus",
    derive = "PartialEq",
    selectable = ".spec.accessPackage",
    printcolumn(name = "Package", type_ = "string", json_path = ".spec.accessPackage"),
    printcolumn(name = "Scope", type_ = "string", json_path = ".spec.requestors.scope"),
    printcolumn(name = "Stages", type_ = "integer", json_path = ".status.stages"),
    printcolumn(name = "Ends After", type_ = "string", json_path = ".spec.expiration.after"),
    printcolumn(name = "Enabled", type_ = "boolean", json_path = ".spec.enabled"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.size() <= 63").message("the name is at most 63 characters")
)]
#[x_kube(validation = Rule::new("self.accessPackage == oldSelf.accessPackage")
    .message("a Policy belongs to one AccessPackage for life: create another Policy instead").field_path(".accessPackage"),
    // A request repeats them in its status, which must fit into etcd.
    validation = Rule::new("!has(self.approval) || !has(self.approval.stages) || self.approval.stages.map(s, \
        s.approvers.map(a, has(a.name) ? a.name.size() : 0).sum() \
        + (has(s.fallbackApprovers) ? s.fallbackApprovers.map(a, has(a.name) ? a.name.size() : 0).sum() : 0) \
        + (has(s.escalation) ? s.escalation.approvers.map(a, has(a.name) ? a.name.size() : 0).sum() : 0)).sum() <= 16384")
    .message("the names of all approvers have more than 16384 characters together: name groups instead of people").field_path(".approval"))]
#[serde(rename_all = "camelCase")]
pub struct PolicySpec {
    /// Name of the AccessPackage, in the same catalog. Immutable. Reported by condition `Ready`.
    #[schemars(length(min = 1, max = 63), regex(pattern = crate::api::NAME))]
    pub access_package: String,
    /// Name for people. Default: the object's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 256))]
    pub display_name: String,
    /// What it is for, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 4096))]
    pub description: String,
    /// `false`: nothing can be requested under it, and requests under way are denied with `PolicyDisabled` at the next check. Live
    /// assignments stay. Default: `true`.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Who can request.
    pub requestors: Requestors,
    /// Whether a request needs a justification. Default: `Required`.
    #[serde(default)]
    pub justification: Justification,
    /// Questions that the requestor answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub questions: Vec<Question>,
    /// Who must approve. Absent or without stages: a request is approved at once.
    #[serde(default)]
    pub approval: Approval,
    /// When access ends.
    pub expiration: Expiration,
    /// `true`: the requestor may choose a start and an end within the limit of `expiration`. Default: `false`.
    #[serde(default)]
    pub custom_schedule: bool,
    /// Whether holders may extend their access.
    #[serde(default)]
    pub extension: Extension,
    /// `true`: a manager may assign the package to themselves directly. Default: `false`, such an Assignment is not accepted
    /// (`SelfAssignment`).
    #[serde(default)]
    pub self_assignment: bool,
}

/// Who can request the package under a policy.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(
    validation = Rule::new("self.scope == 'Specific' ? has(self.subjects) && self.subjects.size() > 0 : !has(self.subjects) || self.subjects.size() == 0")
        .message("subjects are required for scope Specific, and not allowed for other scopes"),
    validation = Rule::new("self.scope != 'None' || !has(self.onBehalf) || self.onBehalf.size() == 0")
        .message("onBehalf makes no sense for scope None")
)]
#[serde(rename_all = "camelCase")]
pub struct Requestors {
    /// `Specific`: the `subjects`. `AllMembers`, `AllUsers`, `Anyone`: every authenticated identity that is neither a service account
    /// nor a system user (a name that starts with `system:`); without a directory the three differ only in precedence. `None`:
    /// nobody can request; for direct assignment only. When several policies fit, the most specific scope wins, in this order.
    pub scope: Scope,
    /// Who, for scope `Specific`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128))]
    pub subjects: Vec<Subject>,
    /// Who not, in spite of the scope.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128))]
    pub except: Vec<Subject>,
    /// Who may request for somebody else. The subject must be in the scope all the same; the groups of a person who did not ask in
    /// person are not known, so that they must be named as a User. Holders of the verb `assign` on the AccessPackage may do so too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub on_behalf: Vec<Subject>,
    /// `true`: a group in the scope may itself be the subject of a request, so that all its members get the access. Not while `except` names
    /// anybody, who could be a member. Default: `false`.
    #[serde(default)]
    pub group_as_subject: bool,
}

/// Scopes of a policy, most specific first.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[allow(missing_docs)] // the field that holds it says what each word means
pub enum Scope {
    #[default]
    Specific,
    AllMembers,
    AllUsers,
    Anyone,
    None,
}

/// Whether a justification must be given.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
#[allow(missing_docs)] // the field that holds it says what each word means
pub enum Justification {
    #[default]
    Required,
    Optional,
}

/// A question to the requestor.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(
    validation = Rule::new("has(self.type) && self.type == 'MultipleChoice' ? has(self.choices) && self.choices.size() > 0 : !has(self.choices) || self.choices.size() == 0")
        .message("choices are required for type MultipleChoice, and not allowed for other types"),
    validation = Rule::new("!has(self.pattern) || !has(self.type) || self.type == 'Text'").message("a pattern is only allowed for type Text"),
    validation = Rule::new("!has(self.multiple) || !self.multiple || (has(self.type) && self.type == 'MultipleChoice')").message("multiple is only allowed for type MultipleChoice")
)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// Name by which answers refer to it. Unique in the policy.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// The question.
    #[schemars(length(min = 1, max = 1024))]
    pub text: String,
    /// `Text` (one line, at most 256 characters), `LongText` (at most 4096) or `MultipleChoice`. Default: `Text`.
    #[serde(rename = "type", default)]
    pub kind: QuestionType,
    /// Regular expression (RE2 syntax) that an answer of type `Text` must match; it is not anchored. A pattern that does not compile is
    /// reported by the policy's condition `Ready`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub pattern: Option<String>,
    /// The answers to choose from, for `MultipleChoice`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 256)))]
    pub choices: Vec<String>,
    /// `true`: several choices may be taken. Default: `false`.
    #[serde(default)]
    pub multiple: bool,
    /// `true`: a request without an answer is denied. Default: `false`.
    #[serde(default)]
    pub required: bool,
}

/// Types of questions.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
#[allow(missing_docs)] // the field that holds it says what each word means
pub enum QuestionType {
    #[default]
    Text,
    LongText,
    MultipleChoice,
}

/// When access ends: exactly one of the three.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(validation = Rule::new("(has(self.after) ? 1 : 0) + (has(self.at) ? 1 : 0) + (has(self.never) ? 1 : 0) == 1")
    .message("set exactly one of after, at and never"))]
pub struct Expiration {
    /// This long after the effective start (for an extension: after its approval).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Span>,
    /// At this instant (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<DateTime<Utc>>,
    /// `true`: only when somebody ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self").message("never can only be true; leave it out otherwise"))]
    pub never: Option<bool>,
}

/// Extension of live access.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct Extension {
    /// `true`: holders may request a later end (type `Extend`). Default: `false`.
    #[serde(default)]
    pub allowed: bool,
}

/// What the operator found.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PolicyStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// How many stages of approval a request goes through; 0: it is approved at once.
    #[serde(default)]
    pub stages: i32,
    /// `Ready`: the package exists, and the terms can be met.
    /// `WriteFailed`, only while it holds: something that follows from it could not be
    /// written and is tried again; the message says why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

vocabulary! {
    conditions [] {}
    reasons [AVAILABLE, NO_CATALOG] {
        /// The AccessPackage does not exist.
        PACKAGE_NOT_FOUND = "PackageNotFound" in "`Ready=False`";
        /// The escalation of a stage comes no earlier than its timeout.
        ESCALATION_TOO_LATE = "EscalationTooLate" in "`Ready=False`";
        /// The pattern of a question is no regular expression.
        PATTERN_INVALID = "PatternInvalid" in "`Ready=False`";
        /// `expiration.at` lies in the past, so that nothing can be granted under the policy.
        EXPIRATION_PASSED = "ExpirationPassed" in "`Ready=False`";
    }
    events [shared_events::READY, shared_events::NOT_READY] {}
}
