//! What has to be reconciled when a request, a decision or an assignment changes.

use crate::api::access_request::RequestPhase;
use crate::api::{AccessRequest, ApprovalDecision, Assignment};
use crate::domain::Key;
use crate::domain::holdings::{package_of, package_of_request};

use super::{Triggers, Watched, keys, open_assignments};
use crate::observe::WorkItem;
use crate::observe::store::{IndexKey, Store};
use crate::observe::stores::Stores;
use crate::observe::trim;

/// Catalogs that let people read a policy as long as somebody has something under way under it, though nobody can ask under it.
fn readable_while_in_use<'a>(stores: &Stores, namespace: &str, mut policies: impl Iterator<Item = &'a str>) -> Option<WorkItem> {
    let disabled = |name: &str| stores.policies.get(&Key::new(namespace, name)).is_some_and(|policy| !policy.spec.enabled);
    let concerned = policies.any(disabled);
    stores.catalog_of(namespace).filter(|_| concerned).map(|c| WorkItem::Catalog(Key::of(c)))
}

impl Watched for AccessRequest {
    const NAME: &str = "AccessRequest";
    const UNREADABLE_IS_GONE: bool = true;

    stored!(requests);

    fn trim(&mut self) {
        trim::request(self);
    }

    fn triggers(stores: &Stores, old: Option<&Self>, new: Option<&Self>, triggers: &mut Triggers) {
        let Some(request) = new.or(old) else { return };
        let key = Key::of(request);
        triggers.push(WorkItem::Request(key.clone()));
        if old.map(Self::phase) == new.map(Self::phase) {
            return;
        }
        if [old, new].into_iter().flatten().any(|r| r.phase() == RequestPhase::PendingApproval) {
            // Whoever may decide it can list it.
            triggers.extend(stores.catalog_of(&key.namespace).map(|c| WorkItem::Catalog(Key::of(c))));
        }
        let pinned = [old, new].into_iter().flatten().filter_map(|r| r.status.as_ref()?.policy.as_ref());
        triggers.extend(readable_while_in_use(stores, &key.namespace, pinned.map(|policy| policy.name.as_str())));
        triggers.push(WorkItem::Package(package_of_request(request)));
        let settled = IndexKey::Settled(key.clone());
        let named = IndexKey::Request(key);
        if old.is_none() || new.is_none() {
            triggers.extend(keys(&stores.decisions, &settled).into_iter().map(WorkItem::Decision));
        }
        triggers.extend(keys(&stores.decisions, &named).into_iter().map(WorkItem::Decision));
        triggers.extend(keys(&stores.assignments, &named).into_iter().map(WorkItem::Assignment));
        // Assignments of the same subject may have waited for this request to end.
        let subject = request.subject().map(IndexKey::Subject);
        triggers.extend(subject.iter().flat_map(|own| open_assignments(stores, own)));
    }
}

impl Watched for ApprovalDecision {
    const NAME: &str = "ApprovalDecision";
    const UNREADABLE_IS_GONE: bool = true;

    stored!(decisions);

    fn trim(&mut self) {
        trim::decision(self);
    }

    fn triggers(_: &Stores, old: Option<&Self>, new: Option<&Self>, triggers: &mut Triggers) {
        if let Some(decision) = new.or(old) {
            let key = Key::of(decision);
            triggers.push(WorkItem::Request(Key::new(&key.namespace, &decision.spec.access_request)));
            triggers.push(WorkItem::Decision(key));
        }
    }
}

impl Watched for Assignment {
    const NAME: &str = "Assignment";
    const UNREADABLE_IS_GONE: bool = true;

    stored!(assignments);

    fn trim(&mut self) {
        trim::assignment(self);
    }

    fn triggers(stores: &Stores, old: Option<&Self>, new: Option<&Self>, triggers: &mut Triggers) {
        let Some(assignment) = new.or(old) else { return };
        let key = Key::of(assignment);
        triggers.push(WorkItem::Assignment(key.clone()));
        triggers.extend(keys(&stores.requests, &IndexKey::Assignment(key.clone())).into_iter().map(WorkItem::Request));
        triggers.extend(assignment.spec.access_request.as_ref().map(|name| WorkItem::Request(Key::new(&key.namespace, name))));
        if old.map(relevant_part) == new.map(relevant_part) {
            return;
        }
        let policies = [old, new].into_iter().flatten().map(|a| a.spec.policy.as_str());
        triggers.extend(readable_while_in_use(stores, &key.namespace, policies));
        let package = package_of(assignment);
        // Without a clock here: what is revoked or deleted, or whose end came nearer, counts as ending, and goes first.
        let ends = new.is_none_or(|a| a.spec.revoked.is_some() || a.metadata.deletion_timestamp.is_some())
            || new.zip(old).is_some_and(|(new, old)| new.end().is_some_and(|end| old.end().is_none_or(|before| end < before)));
        let grants = stores.grants_of(assignment).map(WorkItem::Grant);
        if ends {
            triggers.urgent.extend(grants)
        } else {
            triggers.ordinary.extend(grants)
        }
        triggers.push(WorkItem::Package(package));
        // Others of the same subject may have waited for this one to end.
        triggers.extend(open_assignments(stores, &IndexKey::Subject(assignment.spec.subject.clone())));
    }
}

/// What others depend on.
fn relevant_part(assignment: &Assignment) -> impl PartialEq + '_ {
    (assignment.phase(), &assignment.spec, &assignment.metadata.deletion_timestamp)
}
