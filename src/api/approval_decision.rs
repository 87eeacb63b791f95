//! ApprovalDecision: one approver's answer to one request.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::subject::Identity;
use super::word::vocabulary;

/// An ApprovalDecision approves or denies one AccessRequest. It cannot be changed or deleted. Whether it counted, and if not why, stands
/// in its status.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "entitlement.dev",
    version = "v1alpha1",
    kind = "ApprovalDecision",
    plural = "approvaldecisions",
    namespaced,
    shortname = "adec",
    category = "entitlement",
    status = "ApprovalDecisionStatus",
    derive = "PartialEq",
    selectable = ".spec.accessRequest",
    selectable = ".spec.approver.username",
    printcolumn(name = "Request", type_ = "string", json_path = ".spec.accessRequest"),
    printcolumn(name = "Decision", type_ = "string", json_path = ".spec.decision"),
    printcolumn(name = "Approver", type_ = "string", json_path = ".spec.approver.username"),
    printcolumn(name = "Counted", type_ = "string", json_path = ".status.conditions[?(@.type==\"Counted\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Counted\")].reason"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Counted\")].message",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(
    validation = Rule::new("self == oldSelf").message("an ApprovalDecision cannot be changed"),
    validation = Rule::new("!has(self.reason) || bytes(self.reason).size() <= 8192")
        .message("the reason has more than 8192 bytes: say less").field_path(".reason")
)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalDecisionSpec {
    /// Name of the AccessRequest, in the same namespace. Immutable.
    #[schemars(length(min = 1, max = 253), regex(pattern = crate::api::NAME))]
    pub access_request: String,
    /// Uid of that request, so that the decision cannot be taken for another request of the same name. Needed only within the second in which
    /// the request is created. Immutable.
    #[serde(rename = "accessRequestUID", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub access_request_uid: Option<String>,
    /// `Approve` or `Deny`. Immutable.
    pub decision: Verdict,
    /// Why. Some stages require it. Immutable.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 4096))]
    pub reason: String,
    /// Name of the stage that is decided. Default: the one that is open. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = crate::api::NAME))]
    pub stage: Option<String>,
    /// Who decides; entered by the API server, never typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<Identity>,
}

/// An approver's answer.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[allow(missing_docs)] // the field that holds it says what each word means
pub enum Verdict {
    // Deny comes first: of two decisions of the same second the denial is taken first.
    #[default]
    Deny,
    Approve,
}

/// What became of a decision.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalDecisionStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Counted`: it counted, or the reason says why not. `Ready`: the operator has judged it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

vocabulary! {
    conditions [] {
        /// The decision counted.
        COUNTED = "Counted";
    }
    reasons [] {
        /// The decision counted.
        DECIDED = "Decided" in "`Counted=True`, `Ready=True`";
        /// The author is no approver of the stage (any more, or yet).
        NOT_AN_APPROVER = "NotAnApprover" in "`Counted=False`, `Ready=True`";
        /// Requestor and subject of a request cannot decide it.
        SELF_APPROVAL = "SelfApproval" in "`Counted=False`, `Ready=True`";
        /// The stage was not open when the decision was made.
        STAGE_CLOSED = "StageClosed" in "`Counted=False`, `Ready=True`";
        /// The request was decided or withdrawn, or not accepted yet, when the decision was made. `Counted=Unknown`: it is still not accepted.
        REQUEST_NOT_PENDING = "RequestNotPending" in "`Counted=False`, `Ready=True`; `Counted=Unknown`, `Ready=False`";
        /// The same person decided the stage before.
        DUPLICATE = "Duplicate" in "`Counted=False`, `Ready=True`";
        /// The stage requires a reason.
        REASON_REQUIRED = "ReasonRequired" in "`Counted=False`, `Ready=True`";
        /// The roles of the package have changed since: the decision was for other content.
        CONTENT_CHANGED = "ContentChanged" in "`Counted=False`, `Ready=True`";
        /// The decision is older than the request, or of the same second without naming its uid, or names the uid of another one.
        OTHER_REQUEST = "OtherRequest" in "`Counted=False`, `Ready=True`";
        /// The decision is older than the admission policies as they are now, so that the identity of who made it was not verified.
        IDENTITY_NOT_ENFORCED = "IdentityNotEnforced" in "`Counted=False`, `Ready=True`";
        /// No such request (yet).
        REQUEST_NOT_FOUND = "RequestNotFound" in "`Counted=Unknown`, `Ready=False`";
    }
    events [] {}
}
