//! What only a direct assignment is asked: whom it may name, who may write it, and how long it may last. Requests are asked the same by scope,
//! stamped requestor and period of their policy.

use super::{Assigning, Case};
use crate::api::assignment::reason::SELF_ASSIGNMENT;
use crate::api::subject::SubjectKind;
use crate::domain::meta::name;
use crate::domain::refusal::{Objection, Reason};
use crate::domain::schedule::{limit, show};

/// Users and groups of Kubernetes itself get a package only as a group that the policy names.
pub(super) fn subject_is_possible(case: &Case<'_, Assigning>) -> Result<(), Objection> {
    let policy = case.policy.clone()?;
    let listed = case.subject.kind == SubjectKind::Group && policy.spec.requestors.subjects.contains(case.subject);
    if case.subject.is_system() && !listed {
        let text = format!(
            "{} belongs to Kubernetes itself and can have the package only as a group that requestors.subjects of policy {:?} names",
            case.subject,
            name(policy)
        );
        return Err(Objection::refuse(Reason::NotEligible, text));
    }
    Ok(())
}

/// Nobody assigns to themselves, unless the policy says so.
pub(super) fn subject_is_somebody_else(case: &Case<'_, Assigning>) -> Result<(), Objection> {
    let (policy, by) = (case.policy.clone()?, &case.application.assignment.spec.assigned_by);
    if !policy.spec.self_assignment && by.as_ref().is_some_and(|who| case.subject.covers(who)) {
        let text = format!(
            "{} would be assigned by themselves, which policy {:?} does not allow (selfAssignment): ask for the package, or let somebody else assign it",
            case.subject,
            name(policy)
        );
        return Err(Objection::refuse(SELF_ASSIGNMENT, text));
    }
    Ok(())
}

/// The period lies within the policy's limit; one without an end gets the policy's, if that is not over before the start.
pub(super) fn period_is_allowed(case: &Case<'_, Assigning>) -> Result<(), Objection> {
    let assignment = case.application.assignment;
    let start = assignment.start();
    let limit = limit(&case.policy.clone()?.spec.expiration, start);
    let (reason, text) = match (assignment.end(), limit) {
        (Some(end), _) if end <= start => {
            (Reason::SchedulePast, format!("the end {} is not after the start {}", show(end), show(start)))
        }
        (Some(end), Some(limit)) if end > limit => {
            (Reason::ScheduleTooLong, format!("the end {} is later than the policy allows, {}", show(end), show(limit)))
        }
        (None, Some(limit)) if limit <= start => {
            (Reason::SchedulePast, format!("the policy allows access until {} only", show(limit)))
        }
        _ => return Ok(()),
    };
    Err(Objection::refuse(reason, text))
}
