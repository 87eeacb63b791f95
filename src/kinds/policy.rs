//! Policies.

use crate::api::Policy;
use crate::domain::meta::namespace;
use crate::domain::pattern::flaw;
use crate::domain::{Key, policy as machine};
use crate::error::Error;
use crate::observe::store::{IndexKey, Indexed};
use crate::observe::{Change, Stores, Triggers, Watched, WorkItem};
use crate::runtime::queue::Action;

use super::{Context, catalog, keys, package};

impl Indexed for Policy {
    fn index_keys(&self) -> Vec<IndexKey> {
        let namespace = namespace(self);
        vec![IndexKey::Package(Key::new(namespace, &self.spec.access_package)), IndexKey::Namespace(namespace.to_owned())]
    }
}

impl Watched for Policy {
    const NAME: &str = "Policy";
    const UNREADABLE_IS_GONE: bool = true;

    /// Its patterns are compiled here, where nobody waits for the caches.
    fn trim(&mut self) {
        let patterns = self.spec.questions.iter().filter_map(|question| question.pattern.as_deref());
        patterns.for_each(|pattern| drop(flaw(pattern)));
    }
}

/// The package of a policy that changed: who may ask for it, and on which terms, may be different now.
pub(super) fn concerned(change: &Change<'_>) -> Vec<Key> {
    match change {
        Change::Policy(delta) => delta.versions().map(|p| Key::new(namespace(p), &p.spec.access_package)).collect(),
        _ => Vec::new(),
    }
}

/// On what a policy depends: its catalog and its package.
pub(super) fn dependents(stores: &Stores, change: &Change<'_>, triggers: &mut Triggers) {
    let mut found: Vec<Key> = catalog::concerned(change).iter().flat_map(|ns| keys(&stores.policies, ns)).collect();
    found.extend(package::changed(change).into_iter().flat_map(|key| keys(&stores.policies, &IndexKey::Package(key))));
    if let Change::Policy(delta) = change {
        found.extend(delta.latest().map(Key::of));
    }
    triggers.extend(found.into_iter().map(WorkItem::Policy));
}

pub(super) async fn reconcile(context: &Context, key: &Key) -> Result<Action, Error> {
    let now = context.clock.now();
    let Some(found) = context.cache.read().policies.get(key).cloned() else { return context.gone::<Policy>(key) };
    let plan = {
        let stores = context.cache.read();
        let package = stores.packages.get(&Key::new(&key.namespace, &found.spec.access_package));
        let has_catalog = stores.catalog_of(&key.namespace).is_some();
        machine::decide(&machine::Input { policy: &found, package: package.map(|p| &**p), has_catalog }, now)
    };
    context.carry_out(&found, plan).await
}
