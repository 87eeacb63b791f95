//! Who approves: the stages of a policy.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Justification;
use crate::api::catalog::yes;
use crate::api::span::Span;
use crate::api::subject::{Subject, SubjectKind};

/// Approval of requests.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// `true`: the stages apply to extensions too. `false`: an extension is approved at once. Default: `true`.
    #[serde(default = "yes")]
    pub for_extension: bool,
    /// Up to three stages, one after the other. None: approved at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 3))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub stages: Vec<Stage>,
}

/// One stage of approval. The first counted denial, in any stage, ends the request.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    /// Name of the stage. Unique in the policy.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// Who may decide. Requestor and subject of a request never may.
    #[schemars(length(min = 1, max = 32))]
    pub approvers: Vec<Approver>,
    /// Who may decide when nobody of `approvers` can: all are the requestor or the subject, or `CatalogOwners` names nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub fallback_approvers: Vec<Approver>,
    /// How many different approvers must approve. Default: 1.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 16))]
    pub approvals_required: i32,
    /// How long the stage waits before the request is denied with `ApprovalTimedOut`. Default: `14d`.
    #[serde(default = "fourteen_days")]
    pub timeout: Span,
    /// Who may decide too when nobody did for some time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation: Option<Escalation>,
    /// `Required`: a decision without a reason does not count. Default: `Optional`.
    #[serde(default = "optional")]
    pub approver_justification: Justification,
}

/// More approvers after some time.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Escalation {
    /// Time from the opening of the stage. Must be shorter than its timeout; reported by condition `Ready`.
    pub after: Span,
    /// Who may decide from then on, besides the others.
    #[schemars(length(min = 1, max = 32))]
    pub approvers: Vec<Approver>,
}

/// Somebody who may approve.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[x_kube(
    validation = Rule::new("self.kind == 'CatalogOwners' ? !has(self.name) : has(self.name)")
        .message("name is required, except for kind CatalogOwners where it is forbidden"),
    validation = Rule::new("self.kind == 'ServiceAccount' ? has(self.__namespace__) : !has(self.__namespace__)")
        .message("namespace is required for kind ServiceAccount and forbidden for the others"),
    validation = Rule::new("self.kind != 'ServiceAccount' || !has(self.name) || (self.name.size() <= 253 && self.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'))")
        .message("the name of a ServiceAccount is at most 253 lower case letters, digits, '-' and '.', and begins and ends with a letter or digit, as does each part between dots"),
    validation = Rule::new("self.kind != 'User' || !has(self.name) || !self.name.startsWith('system:serviceaccount:')")
        .message("name a service account by kind: ServiceAccount with name and namespace"),
    validation = Rule::new("!has(self.name) || !(self.name in ['system:anonymous', 'system:unauthenticated', 'system:masters'])")
        .message("the anonymous and system:masters can have no part in access packages: name a person, a group or a service account")
)]
pub struct Approver {
    /// `User`, `Group`, `ServiceAccount`, or `CatalogOwners`: the owners of the catalog at the moment of the decision.
    pub kind: ApproverKind,
    /// Name of the user, group or service account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub name: Option<String>,
    /// Namespace of a ServiceAccount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,
}

/// Kinds of approvers.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[allow(missing_docs)] // the field that holds it says what each word means
pub enum ApproverKind {
    #[default]
    User,
    Group,
    ServiceAccount,
    CatalogOwners,
}

impl Default for Approval {
    fn default() -> Self {
        Self { for_extension: true, stages: Vec::new() }
    }
}

impl Approver {
    /// The RBAC subject it names; none for `CatalogOwners`.
    pub fn subject(&self) -> Option<Subject> {
        let kind = match self.kind {
            ApproverKind::User => SubjectKind::User,
            ApproverKind::Group => SubjectKind::Group,
            ApproverKind::ServiceAccount => SubjectKind::ServiceAccount,
            ApproverKind::CatalogOwners => return None,
        };
        Some(Subject { kind, name: self.name.clone()?, namespace: self.namespace.clone() })
    }
}

fn one() -> i32 {
    1
}

fn fourteen_days() -> Span {
    Span::FOURTEEN_DAYS
}

fn optional() -> Justification {
    Justification::Optional
}
