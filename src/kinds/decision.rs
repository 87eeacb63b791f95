//! ApprovalDecisions.

use crate::api::ApprovalDecision;
use crate::domain::Key;
use crate::domain::approval::LONGEST_REASON;
use crate::domain::decision::{self, is_settled};
use crate::domain::meta::namespace;
use crate::error::Error;
use crate::observe::store::{IndexKey, Indexed};
use crate::observe::{Change, Stores, Triggers, Watched, WorkItem};
use crate::runtime::queue::Action;

use super::{Context, keys, request};

impl Indexed for ApprovalDecision {
    fn index_keys(&self) -> Vec<IndexKey> {
        let request = Key::new(namespace(self), &self.spec.access_request);
        vec![if is_settled(self) { IndexKey::Settled(request) } else { IndexKey::Request(request) }]
    }
}

impl Watched for ApprovalDecision {
    const NAME: &str = "ApprovalDecision";
    const UNREADABLE_IS_GONE: bool = true;

    /// Of a reason only so much is read as its request repeats; of a decision that did not count, nothing.
    fn trim(&mut self) {
        if is_settled(self) {
            self.spec.reason = String::new();
            if let Some(approver) = &mut self.spec.approver {
                approver.groups = Vec::new();
            }
        }
        let end = self.spec.reason.char_indices().nth(LONGEST_REASON);
        // Copied, not cut: what is left of a cut would lie about between thousands of others.
        if let Some(short) = end.and_then(|(end, _)| self.spec.reason.get(..end)).map(str::to_owned) {
            self.spec.reason = short;
        }
    }
}

/// On what a decision depends: its request.
pub(super) fn dependents(stores: &Stores, change: &Change<'_>, triggers: &mut Triggers) {
    let found: Vec<Key> = match change {
        Change::Decision(delta) => delta.latest().map(Key::of).into_iter().collect(),
        Change::Request(delta) if request::is_concerned(*delta) => {
            let request = delta.latest().map(Key::of);
            let settled = request.clone().filter(|_| delta.comes_or_goes()).map(IndexKey::Settled);
            let naming = request.map(IndexKey::Request).into_iter().chain(settled);
            naming.flat_map(|index_key| keys(&stores.decisions, &index_key)).collect()
        }
        _ => Vec::new(),
    };
    triggers.extend(found.into_iter().map(WorkItem::Decision));
}

pub(super) async fn reconcile(context: &Context, key: &Key) -> Result<Action, Error> {
    let now = context.clock.now();
    let Some(found) = context.cache.read().decisions.get(key).cloned() else { return context.gone::<ApprovalDecision>(key) };
    let request = Key::new(&key.namespace, &found.spec.access_request);
    let retention = context.settings.retention;
    let request = context.cache.read().requests.get(&request).map(|request| request.phase());
    let plan = decision::decide(&decision::Input { decision: &found, request, retention }, now);
    context.carry_out(&found, plan).await
}
