//! The words of an Assignment: its conditions, why it gives nothing, and why it ends.

use crate::api::word::vocabulary;

vocabulary! {
    conditions [] {
        /// The assignment may give access.
        ACCEPTED = "Accepted";
        /// Every role is there.
        DELIVERED = "Delivered";
    }
    reasons [] {
        /// The assignment was accepted.
        WAS_ACCEPTED = "Accepted" in "`Accepted=True`";
        /// The request that it names is not approved, as far as the operator sees.
        REQUEST_NOT_APPROVED = "RequestNotApproved" in "phase `Pending`, `Accepted=Unknown`";
        /// The admission policies are not in force, or were not when it was written, so that the identity of who wrote it was not verified.
        IDENTITY_NOT_ENFORCED = "IdentityNotEnforced" in "phase `Pending`, `Accepted=False`";
        /// `spec.source` is empty: the admission policies were not in force when it was written.
        SOURCE_UNKNOWN = "SourceUnknown" in "phase `Pending`, `Accepted=False`";
        /// The package does not exist, or the namespace belongs to no Catalog that is Ready.
        PACKAGE_NOT_FOUND = "PackageNotFound" in "phase `Pending`, `Accepted=False`";
        /// The package is not Ready; its conditions say why.
        PACKAGE_NOT_READY = "PackageNotReady" in "phase `Pending`, `Accepted=False`";
        /// The package has no policy of that name.
        POLICY_NOT_FOUND = "PolicyNotFound" in "phase `Pending`, `Accepted=False`";
        /// The terms of the policy cannot be met; the message says why.
        POLICY_NOT_READY = "PolicyNotReady" in "phase `Pending`, `Accepted=False`";
        /// The subject belongs to Kubernetes itself (`system:...`), and the policy does not name it.
        NOT_ELIGIBLE = "NotEligible" in "phase `Pending`, `Accepted=False`";
        /// Somebody would give the package to themselves, which the policy does not allow.
        SELF_ASSIGNMENT = "SelfAssignment" in "phase `Pending`, `Accepted=False`";
        /// The subject holds the package by another assignment.
        ALREADY_ASSIGNED = "AlreadyAssigned" in "phase `Pending`, `Accepted=False`";
        /// The subject holds or asks for an incompatible package.
        INCOMPATIBLE = "Incompatible" in "phase `Pending`, `Accepted=False`";
        /// The end is not after the start, or the policy allows access only until an instant that has passed.
        SCHEDULE_PAST = "SchedulePast" in "phase `Pending`, `Accepted=False`";
        /// The end is later than the policy allows. Of live access: such an end was asked for afterwards and does not count.
        SCHEDULE_TOO_LONG = "ScheduleTooLong" in "phase `Pending`, `Accepted=False`; `Ready=False` of live access";
        /// A role cannot be granted, and is tried again; the message says which and why.
        GRANT_FAILED = "GrantFailed" in "phase `PartiallyDelivered`";
        /// Its end was reached.
        EXPIRED = "Expired" in "phases `Revoking` and `Expired`";
        /// Somebody ended it, by `spec.revoked`.
        REVOKED = "Revoked" in "phases `Revoking` and `Revoked`";
        /// Its AccessRequest was deleted.
        REQUEST_DELETED = "RequestDeleted" in "phases `Revoking` and `Revoked`";
        /// The object is being deleted.
        DELETED = "Deleted" in "phases `Revoking` and `Revoked`";
    }
    events [] {
        /// It gives nothing yet; the message begins with the reason.
        PENDING = "Pending", Warning, in "timeline and Event";
        /// It was accepted, and access starts later.
        SCHEDULED = "Scheduled", Normal, in "timeline and Event";
        /// Access is being granted, or a role of it again.
        PROVISIONING = "Provisioning", Normal, in "timeline and Event";
        /// Every role is in place.
        DELIVERED = "Delivered", Normal, in "timeline and Event";
        /// A role cannot be granted, and is tried again.
        PARTIALLY_DELIVERED = "PartiallyDelivered", Warning, in "timeline and Event";
        /// The end of access was moved, by an edit or an extension.
        END_MOVED = "EndMoved", Normal, in "timeline and Event";
        /// Access is being taken away.
        REVOKING = "Revoking", Normal, in "timeline and Event";
        /// Access is gone, because its end was reached.
        EXPIRED = "Expired", Normal, in "timeline and Event";
        /// Access is gone, because somebody ended it.
        REVOKED = "Revoked", Normal, in "timeline and Event";
    }
}
