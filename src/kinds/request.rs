//! AccessRequests.

mod input;

use crate::api::access_request::RequestPhase;
use crate::api::{AccessRequest, AccessRequestStatus, GROUP};
use crate::domain::meta::namespace;
use crate::domain::request::decide;
use crate::domain::{Key, Plan, Trust, holdings};
use crate::error::Error;
use crate::observe::store::{IndexKey, Indexed};
use crate::observe::{Change, Delta, Stores, Triggers, Watched, WorkItem};
use crate::runtime::queue::Action;
use crate::writer::access_review::Permission;

use super::{Context, catalog, keys, package, policy};

impl Indexed for AccessRequest {
    fn index_keys(&self) -> Vec<IndexKey> {
        let namespace = namespace(self).to_owned();
        let mut keys =
            vec![IndexKey::Namespace(namespace.clone()), IndexKey::Package(Key::new(&namespace, &self.spec.access_package))];
        keys.extend(self.subject().map(IndexKey::Subject));
        let assignment = self.status.as_ref().and_then(|s| s.assignment.as_ref());
        keys.extend(assignment.map(|name| IndexKey::Assignment(Key::new(&namespace, name))));
        keys.extend(self.spec.requestor.as_ref().map(|who| IndexKey::Requestor(who.username.clone())));
        let policy = self.status.as_ref().and_then(|s| s.policy.as_ref()).filter(|_| !self.phase().is_terminal());
        keys.extend(policy.map(|policy| IndexKey::Policy(Key::new(&namespace, &policy.name))));
        keys.extend((self.phase() == RequestPhase::PendingApproval).then_some(IndexKey::Waiting(namespace)));
        keys
    }
}

impl Watched for AccessRequest {
    const NAME: &str = "AccessRequest";
    const UNREADABLE_IS_GONE: bool = true;

    /// Of one that has ended, what it said is in its status as far as anybody reads it again.
    fn trim(&mut self) {
        if self.phase().is_terminal() {
            self.spec.answers = Vec::new();
            self.spec.justification = String::new();
            if let Some(requestor) = &mut self.spec.requestor {
                requestor.groups = Vec::new();
            }
        }
        if let Some(status) = &mut self.status {
            // A list that was read from JSON has room for four entries, or more.
            status.stages.shrink_to_fit();
            status.timeline.shrink_to_fit();
            status.conditions.shrink_to_fit();
        }
        self.spec.answers.shrink_to_fit();
    }
}

/// Whether something of a request changed on which others depend: what names it may count or not.
pub(super) fn is_concerned(delta: Delta<'_, AccessRequest>) -> bool {
    delta.differs(AccessRequest::phase)
}

/// Requests that have not ended.
fn open(stores: &Stores, index_key: &IndexKey) -> Vec<Key> {
    stores.requests.find(index_key).filter(|r| !r.phase().is_terminal()).map(|r| Key::of(&**r)).collect()
}

/// On what a request depends: its catalog, package and policies, decisions about it, its assignment, and whether identities can be trusted.
/// Approvers are asked about what the roles are, so that the resources of the package count as well.
pub(super) fn dependents(stores: &Stores, change: &Change<'_>, triggers: &mut Triggers) {
    let packages = package::concerned(stores, change).into_iter().chain(policy::concerned(change)).map(IndexKey::Package);
    let wider = catalog::concerned(change).into_iter().chain(packages);
    let mut found: Vec<Key> = wider.flat_map(|index_key| open(stores, &index_key)).collect();
    match change {
        Change::Request(delta) => found.extend(delta.latest().map(Key::of)),
        Change::Decision(delta) => {
            found.extend(delta.latest().map(|d| Key::new(namespace(d), &d.spec.access_request)));
        }
        Change::Assignment(delta) => {
            let Some(assignment) = delta.latest() else { return };
            let named = assignment.spec.access_request.as_ref().map(|name| Key::new(namespace(assignment), name));
            found.extend(named);
            found.extend(keys(&stores.requests, &IndexKey::Assignment(Key::of(assignment))));
        }
        Change::Trust => {
            let waiting = stores.requests.all().filter(|r| !r.phase().is_terminal());
            found.extend(waiting.map(|r| Key::of(&**r)));
        }
        _ => {}
    }
    triggers.extend(found.into_iter().map(WorkItem::Request));
}

pub(super) async fn reconcile(context: &Context, key: &Key) -> Result<Action, Error> {
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
        let plan =
            decide(&stores.request_input(&current, may_assign, &trust, context.settings.retention, context.settings.bounds), now);
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
fn is_step_forward(request: &AccessRequest, plan: &Plan<AccessRequestStatus>) -> bool {
    let (before, after) = (request.phase(), plan.status.phase);
    before != after && !matches!(after, RequestPhase::Denied | RequestPhase::Cancelled)
}

fn asks_for_somebody_else(request: &AccessRequest) -> bool {
    let own = request.spec.requestor.as_ref().map(|who| who.subject());
    request.phase() == RequestPhase::Submitted && own.is_some() && request.subject() != own
}

/// Whether the requestor holds the verb `assign` on the package.
async fn may_assign(context: &Context, request: &AccessRequest) -> Result<bool, Error> {
    let Some(who) = &request.spec.requestor else { return Ok(false) };
    let package = holdings::package_of_request(request);
    let permission = Permission {
        verb: "assign".to_owned(),
        group: GROUP.to_owned(),
        resource: "accesspackages".to_owned(),
        name: package.name,
        namespace: package.namespace,
        ..Permission::default()
    };
    context.writer.may(who, &permission).await
}
