//! What a machine wants done.

use chrono::{DateTime, Utc};
use k8s_openapi::api::rbac::v1::RoleBinding;

use crate::api::word::{EventReason, Severity};
use crate::api::{ApprovalDecisionStatus, Assignment};

use super::meta::Key;

/// A change of something else than the object's own status. Each can be carried out twice without harm.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Create an Assignment, unless it is there.
    CreateAssignment(Box<Assignment>),
    /// Move the end of an Assignment; never to an earlier instant. No end stays no end.
    MoveEnd {
        /// The Assignment.
        assignment: Key,
        /// The new end; `None`: no end.
        end: Option<DateTime<Utc>>,
    },
    /// Enter the schedule of a direct Assignment that names none.
    EnterEnd {
        /// The Assignment.
        assignment: Key,
        /// The end by its policy.
        end: DateTime<Utc>,
    },
    /// Revoke an Assignment.
    Revoke {
        /// The Assignment.
        assignment: Key,
        /// Who ends it.
        by: String,
        /// Why.
        reason: String,
    },
    /// Put a finalizer of ours on the object itself.
    AddFinalizer(&'static str),
    /// Take a finalizer of ours off the object itself: nothing depends on it any more.
    RemoveFinalizer(&'static str),
    /// Write what became of an ApprovalDecision.
    RecordDecision {
        /// The decision.
        decision: Key,
        /// Its whole status.
        status: Box<ApprovalDecisionStatus>,
    },
    /// Delete the object itself, which is past its retention.
    DeleteSelf,
    /// Create a Namespace for a Catalog.
    CreateNamespace(String),
    /// Delete the Namespace that was created for a Catalog.
    DeleteNamespace(String),
    /// Take the label of a Catalog off the Namespace that it had adopted.
    ReleaseNamespace(String),
    /// Create or repair a RoleBinding in a catalog's namespace.
    Bind(Box<RoleBinding>),
    /// Delete a RoleBinding in a catalog's namespace.
    Unbind(Key),
}

/// Something to tell people in a Kubernetes Event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// `true`: something that a person must act on.
    pub warning: bool,
    /// What happened.
    pub reason: EventReason,
    /// Of a change of phase, its reason in the status, empty for none; `None`: no phase was entered.
    pub entered: Option<&'static str>,
    /// For people.
    pub message: String,
    /// Counted, but not told: anybody can cause as much of it as the API server takes, and an Event is one more object to store.
    pub quiet: bool,
}

impl Notice {
    /// Tells of something by a word of the lists in `api`.
    pub fn new(reason: EventReason, message: impl Into<String>) -> Self {
        let warning = reason.severity() == Severity::Warning;
        Self { warning, reason, entered: None, message: message.into(), quiet: false }
    }
}

/// What reconciling an object once leads to.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan<S> {
    /// The whole status; written when it differs from what is there, before any effect.
    pub status: S,
    /// In this order, after the status is written.
    pub effects: Vec<Effect>,
    /// Told after the status is written.
    pub notices: Vec<Notice>,
    /// Reconcile again at this instant, whatever happens until then.
    pub requeue_at: Option<DateTime<Utc>>,
}

impl<S> Plan<S> {
    /// A plan that changes nothing: the status stays as it is. Of an object of which nothing was said yet it is empty.
    pub fn unchanged(status: &Option<S>) -> Self
    where
        S: Clone + Default,
    {
        Self::status(status.clone().unwrap_or_default())
    }

    /// A plan that writes a status and nothing else.
    pub fn status(status: S) -> Self {
        Self { status, effects: Vec::new(), notices: Vec::new(), requeue_at: None }
    }

    /// Asks for a reconciliation at an instant, unless an earlier one is asked for.
    pub fn requeue(&mut self, at: Option<DateTime<Utc>>) {
        self.requeue_at = [self.requeue_at, at].into_iter().flatten().min();
    }
}
