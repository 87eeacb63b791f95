//! Requests, decisions and assignments.

use std::sync::Arc;

use kube::api::Api;

use crate::api::access_request::RequestPhase;
use crate::api::assignment::{AssignmentPhase, Source};
use crate::api::{AccessRequest, ApprovalDecision, Assignment};
use crate::domain::{self, Key, Plan, Trust, holdings};
use crate::error::Error;
use crate::observe::watch::is_undefined;
use crate::runtime::queue::Action;

use super::{Context, authority};

pub(super) async fn request(context: &Context, key: &Key) -> Result<Action, Error> {
    let Some(found) = context.cache.read().requests.get(key).cloned() else { return context.gone::<AccessRequest>(key) };
    let trust = context.admission.trust();
    if trust == Trust::Undecided && !found.phase().is_terminal() {
        return Ok(Action::AwaitChange);
    }
    let is_trusted = trust.objection().is_none();
    let may_assign = is_trusted && asks_for_somebody_else(&found) && may_assign(context, &found).await?;
    let now = context.clock.now();
    let (current, plan, assumption) = {
        // Deciding and assuming are one step: two requests that exclude each other must not both see the other as undecided. News may come in
        // between, as it may come afterwards.
        let _turn = context.deciding();
        let stores = context.cache.read();
        let Some(current) = stores.requests.get(key).cloned() else { return Ok(Action::AwaitChange) };
        // Taken anew: the policies may have broken while the API server was asked. Where nobody was asked nothing is decided now, even if they have
        // come into force since, which triggers the request once more.
        let trust = if is_trusted { context.admission.trust() } else { trust };
        let plan = domain::request::decide(
            &stores.request_input(&current, may_assign, &trust, context.settings.retention, context.settings.bounds),
            now,
        );
        drop(stores);
        let assumption = is_step_forward(&current, &plan).then(|| context.cache.assume::<AccessRequest>(key));
        (current, plan, assumption)
    };
    let written = context.write_status(&current, plan.status, plan.notices).await;
    drop(assumption);
    written?;
    context.follow(&current, plan.effects, plan.requeue_at).await
}

/// A step after which others have to count the request.
fn is_step_forward(request: &AccessRequest, plan: &Plan<crate::api::AccessRequestStatus>) -> bool {
    let (before, after) = (request.phase(), plan.status.phase);
    before != after && !matches!(after, RequestPhase::Denied | RequestPhase::Cancelled)
}

fn asks_for_somebody_else(request: &AccessRequest) -> bool {
    let own = request.spec.requestor.as_ref().map(|who| who.subject());
    request.phase() == RequestPhase::Submitted && own.is_some() && request.subject() != own
}

async fn may_assign(context: &Context, request: &AccessRequest) -> Result<bool, Error> {
    match &request.spec.requestor {
        Some(who) => authority::may_assign(&context.writer, who, &holdings::package_of_request(request)).await,
        None => Ok(false),
    }
}

pub(super) async fn decision(context: &Context, key: &Key) -> Result<Action, Error> {
    let now = context.clock.now();
    let Some(found) = context.cache.read().decisions.get(key).cloned() else { return context.gone::<ApprovalDecision>(key) };
    let request = Key::new(&key.namespace, &found.spec.access_request);
    let retention = context.settings.retention;
    let request = context.cache.read().requests.get(&request).map(|request| request.phase());
    let plan = domain::decision::decide(&domain::decision::Input { decision: &found, request, retention }, now);
    context.carry_out(&found, plan).await
}

pub(super) async fn assignment(context: &Context, key: &Key) -> Result<Action, Error> {
    let Some(found) = context.cache.read().assignments.get(key).cloned() else { return context.gone::<Assignment>(key) };
    if found.phase() == AssignmentPhase::Pending && context.admission.trust() == Trust::Undecided {
        return Ok(Action::AwaitChange);
    }
    let gone = request_is_gone(context, &found).await?;
    let now = context.clock.now();
    let (current, plan, assumption) = {
        let _turn = context.deciding();
        let stores = context.cache.read();
        let Some(current) = stores.assignments.get(key).cloned() else { return Ok(Action::AwaitChange) };
        let trust = context.admission.trust();
        let reports = context.reports();
        let input = stores.assignment_input(&current, gone, &trust, &reports, context.settings.retention, now);
        let plan = domain::assignment::decide(&input, now);
        drop(reports);
        drop(stores);
        let is_accepted = current.phase() == AssignmentPhase::Pending && plan.status.phase != AssignmentPhase::Pending;
        let assumption = is_accepted.then(|| context.cache.assume::<Assignment>(key));
        (current, plan, assumption)
    };
    let written = context.write_status(&current, plan.status, plan.notices).await;
    drop(assumption);
    written?;
    context.follow(&current, plan.effects, plan.requeue_at).await
}

/// Before access ends because its request is gone, the API server itself is asked: the cache may lag behind. What ends anyway asks nothing.
async fn request_is_gone(context: &Context, assignment: &Arc<Assignment>) -> Result<bool, Error> {
    let Some(name) = assignment.spec.access_request.clone().filter(|_| assignment.spec.source == Some(Source::Request)) else {
        return Ok(false);
    };
    if assignment.phase().is_terminal() || !holdings::stands(assignment, context.clock.now()) {
        return Ok(false);
    }
    let namespace = assignment.metadata.namespace.clone().unwrap_or_default();
    let key = Key::new(&namespace, &name);
    let same = |request: &AccessRequest| request.metadata.uid == assignment.spec.access_request_uid;
    if context.cache.read().requests.get(&key).is_some_and(|request| same(request)) {
        return Ok(false);
    }
    let api: Api<AccessRequest> = Api::namespaced(context.writer.client.clone(), &namespace);
    match context.writer.timed(format!("read AccessRequest {key}"), api.get_metadata_opt(&name)).await {
        // Its metadata are enough, and there even when it cannot be read.
        Ok(found) => Ok(found.is_none_or(|request| request.metadata.uid != assignment.spec.access_request_uid)),
        // Not this one is missing but the whole kind.
        Err(error) if error.is_not_found() && is_undefined::<AccessRequest>(&context.writer.client).await => Ok(true),
        Err(error) => Err(error),
    }
}
