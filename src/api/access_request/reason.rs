//! The words of an AccessRequest: its conditions, why it is denied, and what it waits for.

use crate::api::word::{Word, vocabulary};

vocabulary! {
    conditions [] {
        /// The guards passed.
        ACCEPTED = "Accepted";
        /// Nobody's approval is missing.
        APPROVED = "Approved";
        /// Every role is there (or, for Remove, gone; for Extend, the new end is set).
        DELIVERED = "Delivered";
    }
    reasons [] {
        /// The guards passed; the message names the policy.
        GUARDS_PASSED = "GuardsPassed" in "`Accepted=True`";
        /// The policy has no stages, or the request gives access back.
        NO_APPROVAL_REQUIRED = "NoApprovalRequired" in "`Approved=True`";
        /// The message says who approved in which stage, as what.
        APPROVED_BY_APPROVERS = "ApprovedByApprovers" in "`Approved=True`";
        /// The open stage waits for approvals.
        AWAITING_APPROVAL = "AwaitingApproval" in "phase `PendingApproval`";
        /// Nobody may decide the open stage: all its approvers are the requestor or the subject.
        NO_APPROVER = "NoApprover" in "phase `PendingApproval`";
        /// An Assignment that was not made for the request has the name of the one that it makes; a manager must delete it.
        ASSIGNMENT_IN_THE_WAY = "Conflict" in "phases `Provisioning` and `PartiallyDelivered`";
        /// Every role is there, or the access is gone, or its end was moved, as the request asked.
        DONE = "Delivered" in "phase `Delivered`";
        /// It was withdrawn.
        CANCELLED = "Cancelled" in "phase `Cancelled`";
        /// The assignment ended before every role was there.
        ASSIGNMENT_ENDED = "AssignmentEnded" in "phase `Cancelled`";
        /// The admission policies are not in force, so that no identity is verified: the request stands still.
        NOT_JUDGED = "IdentityNotEnforced" in "`Ready=False`";
    }
    events [] {
        /// It was made; the message is its justification. A request that is one too many has no Events, here and below.
        SUBMITTED = "Submitted", Normal, in "timeline and Event";
        /// The guards passed, and its first stage opens.
        PENDING_APPROVAL = "PendingApproval", Normal, in "timeline and Event";
        /// A stage opened; the message says who may decide it, and until when.
        STAGE_OPENED = "StageOpened", Normal, in "timeline and Event";
        /// An approval counted, and the stage needs more.
        APPROVAL_COUNTED = "ApprovalCounted", Normal, in "timeline and Event";
        /// The escalation approvers of the open stage may decide, too.
        ESCALATED = "Escalated", Warning, in "timeline and Event";
        /// A stage has its approvals.
        STAGE_APPROVED = "StageApproved", Normal, in "timeline and Event";
        /// The roles of the package changed while the request waited: approval begins anew.
        CONTENT_CHANGED = "ContentChanged", Warning, in "timeline and Event";
        /// Nobody's approval is missing.
        APPROVED = "Approved", Normal, in "timeline and Event";
        /// It is approved, and access starts later.
        SCHEDULED = "Scheduled", Normal, in "timeline and Event";
        /// Access is being given, extended or taken away.
        PROVISIONING = "Provisioning", Normal, in "timeline and Event";
        /// A role cannot be granted yet, and is tried again.
        PARTIALLY_DELIVERED = "PartiallyDelivered", Warning, in "timeline and Event";
        /// Every role is there, or the access is gone, or its end was moved, as the request asked.
        DELIVERED = "Delivered", Normal, in "timeline and Event";
        /// It was denied; the message begins with the reason.
        DENIED = "Denied", Warning, in "timeline and Event";
        /// It was withdrawn, or its assignment ended before every role was there.
        CANCELLED = "Cancelled", Normal, in "timeline and Event";
        /// The access that was delivered is over; the message says since when, and why.
        ACCESS_ENDED = "AccessEnded", Normal, in "timeline and Event";
    }
}

/// Declares [`Reason`] and its words.
macro_rules! denials {
    ($($(#[doc = $why:literal])+ $name:ident $(in $before:literal)?,)*) => {
        /// Why a request is denied. The whole vocabulary of `status.reason` for phase `Denied`, but for an object that cannot be read.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[doc = $why])+ $name,)*
        }

        impl Reason {
            /// All of them.
            pub const WORDS: &[Word] = &[$(Self::$name.word()),*];

            /// As it stands in the status, with its meaning.
            pub const fn word(self) -> Word {
                match self {
                    $(Self::$name => {
                        Word::new(stringify!($name), concat!($($before, ", then ",)? "phase `Denied`"), concat!($($why),+))
                    })*
                }
            }
        }
    };
}

denials! {
    /// The package did not exist for an hour, or is being deleted.
    PackageNotFound in "phase `Submitted`",
    /// The package was not Ready for an hour; its conditions say why.
    PackageNotReady in "phase `Submitted`",
    /// The named policy (or any) did not exist for an hour.
    PolicyNotFound in "phase `Submitted`",
    /// The policy was not Ready for an hour; its conditions say why.
    PolicyNotReady in "phase `Submitted`",
    /// The requestor has too many requests open, or made too many of late; the message says which.
    TooManyRequests,
    /// The named policy is not among the most specific ones that fit.
    PolicyNotOffered,
    /// `spec.enabled` of the Catalog is false.
    CatalogDisabled,
    /// `spec.enabled` of the Policy is false.
    PolicyDisabled,
    /// The request is older than the admission policies as they are now, so that the identity of who asked was not verified.
    IdentityNotEnforced,
    /// The subject is outside every policy's scope.
    NotEligible,
    /// The requestor may not act for the subject.
    NotAllowedForOthers,
    /// Several policies fit equally; the message names them.
    AmbiguousPolicy,
    /// The policy requires a justification.
    JustificationRequired,
    /// An answer is missing, unknown or malformed; the message names the question.
    AnswerInvalid,
    /// The policy allows no choice of a period.
    ScheduleNotAllowed,
    /// The period lies in the past.
    SchedulePast,
    /// The period is longer than the policy allows.
    ScheduleTooLong,
    /// The subject holds the package: use Extend.
    AlreadyAssigned,
    /// Extend or Remove without a live assignment.
    NotAssigned,
    /// The policy allows no extension.
    ExtensionNotAllowed,
    /// An older request by the subject for the package is pending.
    DuplicateRequest,
    /// An incompatible package is held or pending.
    Incompatible,
    /// An approver said no.
    DeniedByApprover,
    /// A stage was not decided in time.
    ApprovalTimedOut,
    /// What was recorded of it is not whole: its policy, its stages, its period, or who asked. Nothing can be concluded from that: ask again.
    RecordIncomplete,
}

impl From<Reason> for Word {
    fn from(reason: Reason) -> Self {
        reason.word()
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.word().fmt(f)
    }
}
