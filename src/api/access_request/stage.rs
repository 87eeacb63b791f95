//! How far a stage of approval is, and which decisions counted in it.

use chrono::{DateTime, Utc};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::approval_decision::Verdict;
use crate::api::policy::Approver;

/// How a stage stands.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
#[allow(missing_docs)] // the field that holds it says what each word means
pub enum StageState {
    #[default]
    Open,
    Approved,
    Denied,
    TimedOut,
    Cancelled,
}

/// A stage that has been opened.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct StageStatus {
    /// Name of the stage.
    #[schemars(length(max = 63))]
    pub name: String,
    /// `Open`, `Approved`, `Denied`, `TimedOut` or `Cancelled`.
    #[serde(default)]
    pub state: StageState,
    /// Since when decisions count.
    pub opened_at: DateTime<Utc>,
    /// Until when decisions count; then the request is denied.
    pub deadline: DateTime<Utc>,
    /// From when the escalation approvers may decide too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalates_at: Option<DateTime<Utc>>,
    /// Who may decide now. Members of the groups; never the requestor or the subject.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128))]
    pub approvers: Vec<Approver>,
    /// The decisions that counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub decisions: Vec<CountedDecision>,
}

/// One role of the package that is asked for.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ContentRole {
    /// Name of the CatalogResource.
    #[schemars(length(max = 63))]
    pub resource: String,
    /// Name of the role in it.
    #[schemars(length(max = 63))]
    pub role: String,
    /// Resource and role as people call them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 600))]
    pub display_name: String,
}

/// A decision that counted.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CountedDecision {
    /// Who decided.
    #[schemars(length(max = 1024))]
    pub approver: String,
    /// How.
    pub decision: Verdict,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 4096))]
    pub reason: String,
    /// What made the person an approver: the entry of the stage that names them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 1200))]
    pub r#as: String,
    /// When the API server stored the decision.
    pub at: DateTime<Utc>,
    /// Name of the ApprovalDecision.
    #[schemars(length(max = 253))]
    pub decision_ref: String,
}
