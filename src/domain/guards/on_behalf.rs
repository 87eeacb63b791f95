//! Acting for somebody else: both guards are here, because they are the same idea in the two directions.

use super::{Asking, Case, OfRequest};
use crate::api::policy::Requestors;
use crate::domain::eligibility::may_act;
use crate::domain::refusal::{Objection, Reason};

/// Whether the requestor may ask for the subject under any policy of the package at all. Asked before anything is waited for: what a
/// stranger asks for somebody else must not lie about for an hour.
pub(super) fn may_ask(case: &Case<'_, Asking>) -> Result<(), Objection> {
    let OfRequest { people, policies, .. } = &case.application;
    if may_act(&Requestors::default(), people) || policies.iter().any(|p| may_act(&p.spec.requestors, people)) {
        return Ok(());
    }
    let text = format!(
        "{} may not request for {}: not among requestors.onBehalf of any policy of the package, and without the verb assign on it",
        people.requestor.username, people.subject
    );
    Err(Objection::refuse(Reason::NotAllowedForOthers, text))
}

/// People give back their own access, and whoever may assign the package that of others.
pub(super) fn may_give_back(case: &Case<'_, Asking>) -> Result<(), Objection> {
    let people = case.application.people;
    if people.identity().is_some() || people.may_assign {
        return Ok(());
    }
    let text = format!("{} may not give back the access of {}", people.requestor.username, people.subject);
    Err(Objection::refuse(Reason::NotAllowedForOthers, text))
}
