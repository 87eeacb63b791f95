//! Assignments.

mod input;

use std::sync::Arc;

use kube::api::Api;

use crate::api::assignment::{AssignmentPhase, GrantState, Source};
use crate::api::{AccessRequest, Assignment};
use crate::domain::assignment::decide;
use crate::domain::meta::namespace;
use crate::domain::{Key, Trust, holdings};
use crate::error::Error;
use crate::observe::store::{IndexKey, Indexed};
use crate::observe::watch::is_undefined;
use crate::observe::{Change, Delta, Stores, Triggers, Watched, WorkItem};
use crate::runtime::queue::Action;
use crate::targets;

use super::{Context, catalog, keys, package, policy, request};

impl Indexed for Assignment {
    fn index_keys(&self) -> Vec<IndexKey> {
        let namespace = namespace(self).to_owned();
        let mut keys = vec![
            IndexKey::Namespace(namespace.clone()),
            IndexKey::Package(Key::new(&namespace, &self.spec.access_package)),
            IndexKey::Subject(self.spec.subject.clone()),
        ];
        keys.extend(self.spec.access_request.as_ref().map(|name| IndexKey::Request(Key::new(&namespace, name))));
        let policy = (!self.phase().is_terminal()).then_some(&self.spec.policy);
        keys.extend(policy.map(|policy| IndexKey::Policy(Key::new(&namespace, policy))));
        keys
    }
}

impl Watched for Assignment {
    const NAME: &str = "Assignment";
    const UNREADABLE_IS_GONE: bool = true;

    /// A list that was read from JSON has room for four entries, or more.
    fn trim(&mut self) {
        if let Some(status) = &mut self.status {
            status.grants.iter_mut().for_each(|grant| grant.objects.shrink_to_fit());
            status.grants.shrink_to_fit();
            status.timeline.shrink_to_fit();
            status.conditions.shrink_to_fit();
        }
    }
}

/// Whether something of an assignment changed on which others depend.
pub(super) fn is_concerned(delta: Delta<'_, Assignment>) -> bool {
    delta.differs(|a| (a.phase(), &a.spec, &a.metadata.deletion_timestamp))
}

/// Assignments that have not ended.
fn open(stores: &Stores, index_key: &IndexKey) -> Vec<Key> {
    stores.assignments.find(index_key).filter(|a| !a.phase().is_terminal()).map(|a| Key::of(&**a)).collect()
}

/// On what an assignment depends: its catalog, package, policy and request, what else its subject has or asks for, what is bound, what came of
/// its grants, and whether identities can be trusted.
pub(super) fn dependents(stores: &Stores, change: &Change<'_>, triggers: &mut Triggers) {
    let packages = package::concerned(stores, change).into_iter().chain(policy::concerned(change));
    // What its package excluded, or excludes now, may have waited for that.
    let packages = packages.chain(package::excluded(stores, change)).map(IndexKey::Package);
    let wider = catalog::concerned(change).into_iter().chain(packages);
    let mut found: Vec<Key> = wider.flat_map(|index_key| open(stores, &index_key)).collect();
    match change {
        Change::Assignment(delta) => {
            found.extend(delta.latest().map(Key::of));
            // Others of the same subject may have waited for this one to end.
            let subject = delta.latest().filter(|_| is_concerned(*delta)).map(|a| IndexKey::Subject(a.spec.subject.clone()));
            found.extend(subject.iter().flat_map(|own| open(stores, own)));
        }
        Change::Request(delta) if request::is_concerned(*delta) => {
            let Some(request) = delta.latest() else { return };
            found.extend(keys(&stores.assignments, &IndexKey::Request(Key::of(request))));
            // Assignments of the same subject may have waited for this request to end.
            found.extend(request.subject().map(IndexKey::Subject).iter().flat_map(|own| open(stores, own)));
        }
        Change::Trust => {
            let waiting = stores.assignments.all().filter(|a| !a.phase().is_terminal());
            found.extend(waiting.map(|a| Key::of(&**a)));
        }
        Change::Report(report) => {
            let failure = report.before.failure != report.after.failure;
            let resource = Key::new(&report.grant.namespace, &report.grant.resource);
            let holders = (failure || report.is_first()).then(|| holders(stores, &resource)).into_iter().flatten();
            found.extend(holders.filter(|a| failure || says_failed(a)).map(|a| Key::of(&**a)));
        }
        _ => {
            for (grant, subjects) in targets::membership(change) {
                let own = subjects.into_iter().flat_map(|who| open(stores, &IndexKey::Subject(who)));
                found.extend(own.filter(|key| key.namespace == grant.namespace));
            }
        }
    }
    triggers.extend(found.into_iter().map(WorkItem::Assignment));
}

/// Assignments of packages that use a resource, and have not ended.
fn holders<'s>(stores: &'s Stores, resource: &Key) -> impl Iterator<Item = &'s Arc<Assignment>> + use<'s> {
    let packages = stores.packages.find(&IndexKey::Resource(resource.clone()));
    packages
        .flat_map(|package| stores.assignments.find(&IndexKey::Package(Key::of(&**package))))
        .filter(|assignment| !assignment.phase().is_terminal())
}

fn says_failed(assignment: &Assignment) -> bool {
    let mut said = assignment.status.iter().flat_map(|s| &s.grants);
    said.any(|grant| grant.state == GrantState::Failed)
}

pub(super) async fn reconcile(context: &Context, key: &Key) -> Result<Action, Error> {
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
        let plan = decide(&input, now);
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
    let key = Key::new(namespace(&**assignment), &name);
    let same = |request: &AccessRequest| request.metadata.uid == assignment.spec.access_request_uid;
    if context.cache.read().requests.get(&key).is_some_and(|request| same(request)) {
        return Ok(false);
    }
    let api: Api<AccessRequest> = Api::namespaced(context.writer.client.clone(), &key.namespace);
    match context.writer.timed(format!("read AccessRequest {key}"), api.get_metadata_opt(&name)).await {
        // Its metadata are enough, and there even when it cannot be read.
        Ok(found) => Ok(found.is_none_or(|request| request.metadata.uid != assignment.spec.access_request_uid)),
        // Not this one is missing but the whole kind.
        Err(error) if error.is_not_found() && is_undefined::<AccessRequest>(&context.writer.client).await => Ok(true),
        Err(error) => Err(error),
    }
}
