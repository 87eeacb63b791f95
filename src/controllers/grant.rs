//! The bindings of one role of one resource.

use chrono::{DateTime, Utc};

use crate::domain::schedule::show;
use crate::domain::{Key, Notice, Trust};
use crate::error::Error;
use crate::grants::GrantKey;
use crate::grants::decide::{GrantInput, GrantPlan, decide};
use crate::grants::plan::Write;
use crate::grants::report::GrantReport;
use crate::observe::triggers::of_report;
use crate::runtime::queue::{Action, Lane};

use super::Context;

pub(super) async fn reconcile(context: &Context, key: &GrantKey) -> Result<Action, Error> {
    let now = context.clock.now();
    let trust = context.admission.trust();
    let input = context.cache.read().grant_input(key, now);
    let before = context.reports().of(key);
    let plan = decide(key, &input, &before, &trust, context.settings.mass_revocation, now);
    let failures = write(context, key, &plan, &input).await;
    if failures.is_empty() && !plan.writes.is_empty() {
        input.overdue.iter().for_each(|end| context.metrics.revoked(context.clock.since(*end).as_secs_f64()));
        publish_drift(context, key, &input.drifted);
    }
    let fought =
        plan.damped.map(|until| format!("somebody else keeps undoing it, so that it is restored again at {} only", show(until)));
    let report = GrantReport {
        // Nothing is tried until the admission policies are judged.
        not_reconciled: before.not_reconciled && trust == Trust::Undecided,
        failure: failures.first().filter(|error| !error.is_conflict()).map(Error::message).or(fought),
        conflict: failures.iter().find(|error| matches!(error, Error::Conflict(_))).map(Error::message),
        held: plan.held,
        repairs: plan.repairs,
    };
    keep(context, key, report, now);
    Error::of_all(failures)?;
    let next = [input.next_end, plan.damped].into_iter().flatten().min();
    Ok(next.map_or(Action::AwaitChange, |at| Action::RequeueAt(at, Lane::Urgent)))
}

/// Carries out the writes; one that fails does not hold up the others, least of all those that take access away.
async fn write(context: &Context, key: &GrantKey, plan: &GrantPlan, input: &GrantInput) -> Vec<Error> {
    let (mut failures, mut unanswered) = (Vec::new(), false);
    for write in &plan.writes {
        // An old place goes when the new one is there, or is refused; the plan has such deletions at its end. Where nobody answered, both wait
        // for the next try.
        if unanswered && matches!(write, Write::Delete { .. }) {
            continue;
        }
        let failed = context.writer.binding(key, write, &input.namespace_uids).await;
        unanswered |= matches!(write, Write::Put { exists: false, .. }) && failed.iter().any(|error| !error.is_refusal());
        failures.extend(failed);
    }
    failures
}

fn publish_drift(context: &Context, key: &GrantKey, drifted: &[String]) {
    if drifted.is_empty() {
        return;
    }
    context.metrics.drift_repaired(drifted.len());
    let resource = context.cache.read().resources.get(&Key::new(&key.namespace, &key.resource)).cloned();
    if let Some(resource) = resource {
        let message = format!("role {:?} was changed by somebody else and is repaired: {}", key.role, drifted.join("; "));
        context.publish(&*resource, Notice { warning: true, reason: "DriftRepaired", message, ..Notice::default() });
    }
}

/// Keeps what came of a grant, and has those reconciled in whose status it stands.
fn keep(context: &Context, key: &GrantKey, report: GrantReport, now: DateTime<Utc>) {
    let before = context.reports().replace(key, report.clone(), now);
    let stores = context.cache.read();
    let is_sure = !context.reports().is_unsure(&key.namespace, None);
    let triggered = of_report(&stores, key, &before, &report, is_sure);
    triggered.into_iter().for_each(|work| context.cache.queue.push(work));
}
