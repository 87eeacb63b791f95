//! Submitted: the guards are asked, and the terms are pinned.

use chrono::{DateTime, Utc};

use crate::api::Policy;
use crate::api::access_request::{PinnedPolicy, RequestPhase, RequestType, Schedule};
use crate::api::time::created;
use crate::domain::eligibility::People;
use crate::domain::holdings::Rank;
use crate::domain::meta::{generation, name, uid};
use crate::domain::refusal::{Objection, Reason, Refusal};
use crate::domain::{Trust, approval, guards, schedule};

use super::draft::Draft;
use super::{PREREQUISITE_TIMEOUT, case, pending};

pub(super) fn step(draft: &mut Draft<'_, '_>) {
    if draft.cancelled() {
        return;
    }
    let input = draft.input;
    if let Trust::Enforced { since } = input.trust
        && created(input.request) < *since
    {
        let text = format!(
            "created at {}, before the admission policies were in force as they are now ({}), so that the identity of who asks was not verified: ask again",
            schedule::show(created(input.request)),
            schedule::show(*since)
        );
        return draft.deny(&Refusal::new(Reason::IdentityNotEnforced, text), None);
    }
    let Some(people) = input.people() else {
        let text = "spec.requestor is empty: the identity of who asks was not verified; the admission policies were not in force";
        return draft.deny(&Refusal::new(Reason::NotEligible, text), None);
    };
    let case = case(input, &people, Rank::Submitted, draft.now);
    if input.request.spec.kind == RequestType::Remove {
        return match guards::at_removal(&case) {
            Ok(()) => approve_at_once(draft, "no approval is needed to give access back"),
            Err(refusal) => draft.deny(&refusal, None),
        };
    }
    match guards::at_submit(&case) {
        Ok(passed) => accept(draft, &people, passed.policy, passed.schedule),
        Err(Objection::Refuse(refusal)) => draft.deny(&refusal, None),
        Err(Objection::Wait(refusal)) => wait(draft, &refusal),
    }
}

fn wait(draft: &mut Draft<'_, '_>, refusal: &Refusal) {
    let until: DateTime<Utc> = created(draft.input.request) + PREREQUISITE_TIMEOUT;
    if draft.now >= until {
        return draft.deny(refusal, None);
    }
    draft.say(Some(refusal.reason), &refusal.message);
    draft.wait_for(format!("{} (until {})", refusal.message, schedule::show(until)));
    draft.plan.requeue(Some(until));
}

fn accept(draft: &mut Draft<'_, '_>, people: &People<'_>, policy: &Policy, period: Schedule) {
    let extend = draft.input.request.spec.kind == RequestType::Extend;
    let stages = if extend && !policy.spec.approval.for_extension { Vec::new() } else { policy.spec.approval.stages.clone() };
    let pinned = PinnedPolicy {
        name: name(policy).to_owned(),
        uid: uid(policy).to_owned(),
        generation: generation(policy),
        stages,
        expiration: policy.spec.expiration.clone(),
        custom_schedule: policy.spec.custom_schedule,
    };
    draft.plan.status.policy = Some(pinned.clone());
    draft.plan.status.schedule = Some(period);
    match pinned.stages.first() {
        None => approve_at_once(draft, &format!("policy {:?} requires no approval", pinned.name)),
        Some(first) => {
            let opened = approval::open(first, &pending::bench(draft.input, people), created(draft.input.request), draft.now);
            draft.plan.status.stages.push(opened.clone());
            pending::pin_content(draft);
            draft.enter(RequestPhase::PendingApproval, None, None, format!("accepted under policy {:?}", pinned.name));
            pending::stage_opened(draft, &opened);
        }
    }
}

fn approve_at_once(draft: &mut Draft<'_, '_>, why: &str) {
    draft.just_passed = true;
    draft.enter(RequestPhase::Approved, None, None, why);
}
