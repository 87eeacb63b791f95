//! Grants: one role of one resource, wherever it is granted. They have no object of their own.

pub mod concerned;
mod input;

use chrono::{DateTime, Utc};

use crate::api::catalog_resource::events;
use crate::api::{Assignment, CatalogResource};
use crate::domain::grant::GrantKey;
use crate::domain::grant::decide::decide;
use crate::domain::grant::report::GrantReport;
use crate::domain::schedule::show;
use crate::domain::{Key, Notice, Trust};
use crate::error::Error;
use crate::observe::change::ReportChange;
use crate::observe::store::IndexKey;
use crate::observe::{Change, Delta, Stores, Triggers, Watched, WorkItem};
use crate::runtime::queue::{Action, Lane};
use crate::targets::rbac::Rbac;
use crate::targets::{self, TargetSystem};

use self::concerned::{grants_of, grants_recorded, grants_written};
use super::{Context, assignment, package, resource};

/// On what a grant depends: its resource and what that stands on, packages with the role, their assignments, what is bound, and whether
/// identities can be trusted.
pub(super) fn dependents(stores: &Stores, change: &Change<'_>, triggers: &mut Triggers) {
    let standing = resource::standing(stores, change);
    let mut found: Vec<GrantKey> = standing.iter().flat_map(|key| of_resource(stores, key)).collect();
    match change {
        Change::Resource(delta) if !resource::concerned(stores, change).is_empty() => {
            found.extend(delta.versions().flat_map(grants_written));
            // Also what an edit before took out of it, and a mass revocation keeps.
            let edited = delta.latest().filter(|_| delta.is_edited()).map(Key::of);
            found.extend(edited.iter().flat_map(|key| targets::held_of(stores, key).cloned()));
        }
        Change::Package(delta) if package::changed(change).is_some() => {
            found.extend(delta.versions().flat_map(grants_of));
            // The same.
            let edited = delta.latest().filter(|_| delta.is_edited()).map(|p| IndexKey::Package(Key::of(p)));
            let holders = edited.iter().flat_map(|package| stores.assignments.find(package));
            found.extend(holders.flat_map(|a| grants_recorded(a)));
        }
        Change::Assignment(delta) if assignment::is_concerned(*delta) => {
            let grants = delta.latest().into_iter().flat_map(|a| stores.grants_of(a)).map(WorkItem::Grant);
            match ends(*delta) {
                true => triggers.urgent.extend(grants),
                false => triggers.extend(grants),
            }
        }
        // They stay as they are while it cannot be read, and go with it.
        Change::Unreadable(CatalogResource::NAME, key) => found.extend(targets::held_of(stores, key).cloned()),
        Change::Trust => found.extend(stores.grant_keys()),
        _ => found.extend(targets::membership(change).into_keys()),
    }
    triggers.extend(found.into_iter().map(WorkItem::Grant));
}

/// The grants of a resource as it is written, and those that a binding carries.
fn of_resource(stores: &Stores, key: &Key) -> Vec<GrantKey> {
    stores
        .resources
        .get(key)
        .into_iter()
        .flat_map(|resource| grants_written(resource))
        .chain(targets::held_of(stores, key).cloned())
        .collect()
}

/// Without a clock here: what is revoked or deleted, or whose end came nearer, counts as ending, and goes first.
fn ends(delta: Delta<'_, Assignment>) -> bool {
    let is_revoked = |a: &Assignment| a.spec.revoked.is_some() || a.metadata.deletion_timestamp.is_some();
    let comes_nearer =
        |new: &Assignment, old: &Assignment| new.end().is_some_and(|end| old.end().is_none_or(|before| end < before));
    delta.new.is_none_or(is_revoked) || delta.new.zip(delta.old).is_some_and(|(new, old)| comes_nearer(new, old))
}

/// What came of a grant in one target system.
struct Outcome {
    report: GrantReport,
    failures: Vec<Error>,
    /// When to reconcile again.
    next: Option<DateTime<Utc>>,
}

/// Whatever its role names, a grant is reconciled in every target system: it is given in one of them, and taken away where it was before.
pub(super) async fn reconcile(context: &Context, key: &GrantKey) -> Result<Action, Error> {
    let now = context.clock.now();
    let Outcome { report, failures, next } = reconcile_in::<Rbac>(context, key, now).await;
    keep(context, key, report, now);
    Error::of_all(failures)?;
    Ok(next.map_or(Action::AwaitChange, |at| Action::RequeueAt(at, Lane::Urgent)))
}

async fn reconcile_in<S: TargetSystem>(context: &Context, key: &GrantKey, now: DateTime<Utc>) -> Outcome {
    let trust = context.admission.trust();
    let (input, observed) = context.cache.read().grant_input::<S>(key, now);
    let before = context.reports().of(key);
    let gives = |allowed: &_| S::plan(key, &input.wanted, allowed, &observed).iter().any(S::gives);
    let plan = decide(&input, &before, &trust, context.settings.mass_revocation, now, gives);
    let writes = S::plan(key, &input.wanted, &plan.allowed, &observed);
    let failures = S::apply(&context.writer, key, &writes, &observed).await;
    if failures.is_empty() && !writes.is_empty() {
        input.overdue.iter().for_each(|end| context.metrics.revoked(context.clock.since(*end).as_secs_f64()));
        publish_drift(context, key, &input.drifted);
    }
    let fought =
        plan.damped.map(|until| format!("somebody else keeps undoing it, so that it is restored again at {} only", show(until)));
    let report = GrantReport {
        // Nothing is tried until the admission policies are judged.
        not_reconciled: before.not_reconciled && trust == Trust::Undecided,
        failure: failures.first().filter(|error| !error.is_conflict()).map(Error::message).or(fought),
        conflict: failures.iter().find(|error| matches!(error, Error::NameTaken(_))).map(Error::message),
        held: plan.held,
        repairs: plan.repairs,
    };
    Outcome { report, failures, next: [input.next_end, plan.damped].into_iter().flatten().min() }
}

fn publish_drift(context: &Context, key: &GrantKey, drifted: &[String]) {
    if drifted.is_empty() {
        return;
    }
    context.metrics.drift_repaired(drifted.len());
    let resource = context.cache.read().resources.get(&Key::new(&key.namespace, &key.resource)).cloned();
    if let Some(resource) = resource {
        let message = format!("role {:?} was changed by somebody else and is repaired: {}", key.role, drifted.join("; "));
        context.publish(&*resource, Notice::new(events::DRIFT_REPAIRED, message));
    }
}

/// Keeps what came of a grant, and has those reconciled in whose status it stands.
fn keep(context: &Context, key: &GrantKey, report: GrantReport, now: DateTime<Utc>) {
    let (before, all_reconciled) = {
        let mut reports = context.reports();
        let before = reports.replace(key, report.clone(), now);
        (before, !reports.is_unsure(&key.namespace, None))
    };
    if before == report {
        return;
    }
    let change = ReportChange { grant: key, before: &before, after: &report, all_reconciled };
    context.cache.trigger_for(&context.cache.read(), &Change::Report(change));
}
