//! The policy: there is one, it allows what is asked for, and it still does when access begins.

use super::{Application, Asking, Case};
use crate::api::access_request::RequestType;
use crate::domain::eligibility::is_excepted;
use crate::domain::meta::name;
use crate::domain::refusal::{Objection, Reason};

/// There is one to judge by. Which one a request is judged by, and why none, is said by [`super::choice`].
pub(super) fn is_there<A: Application>(case: &Case<'_, A>) -> Result<(), Objection> {
    case.policy.clone().map(|_| ())
}

/// It allows extensions, for a request that wants one.
pub(super) fn allows_the_type(case: &Case<'_, Asking>) -> Result<(), Objection> {
    let policy = case.policy.clone()?;
    if case.application.request.spec.kind == RequestType::Extend && !policy.spec.extension.allowed {
        let text = format!("policy {:?} allows no extension", name(policy));
        return Err(Objection::refuse(Reason::ExtensionNotAllowed, text));
    }
    Ok(())
}

/// The pinned policy was not switched off. Once it is deleted, or made anew, what was pinned of it stands.
pub(super) fn is_still_enabled(case: &Case<'_, Asking>) -> Result<(), Objection> {
    match case.policy.as_ref() {
        Ok(policy) if !policy.spec.enabled => {
            Err(Objection::refuse(Reason::PolicyDisabled, format!("policy {:?} was disabled", name(*policy))))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Terms are pinned, but never keep in who is now out.
pub(super) fn still_admits(case: &Case<'_, Asking>) -> Result<(), Objection> {
    let people = case.application.people;
    match case.policy.as_ref() {
        Ok(policy) if is_excepted(&policy.spec.requestors, people) => {
            let text = format!("policy {:?} excepts {} now (requestors.except)", name(*policy), people.subject);
            Err(Objection::refuse(Reason::NotEligible, text))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}
