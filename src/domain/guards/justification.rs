//! Why somebody needs the access.

use super::{Asking, Case};
use crate::api::policy::Justification;
use crate::domain::refusal::{Objection, Reason};

/// It is said where the policy wants to know.
pub(super) fn is_given(case: &Case<'_, Asking>) -> Result<(), Objection> {
    let required = case.policy.clone()?.spec.justification == Justification::Required;
    if required && case.application.request.spec.justification.trim().is_empty() {
        let text = "the policy requires spec.justification: say why you need the access";
        return Err(Objection::refuse(Reason::JustificationRequired, text));
    }
    Ok(())
}
