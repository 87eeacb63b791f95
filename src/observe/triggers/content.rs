//! What has to be reconciled when a package or a policy changes.

use crate::api::{AccessPackage, Policy};
use crate::domain::Key;
use crate::domain::pattern::flaw;
use crate::domain::separation::named_by;
use crate::observe::WorkItem;
use crate::observe::grants::{grants_of, grants_recorded};
use crate::observe::store::{IndexKey, Store};
use crate::observe::stores::Stores;

use super::{Triggers, Watched, is_edited, keys, open_assignments, open_requests};

impl Watched for AccessPackage {
    const NAME: &str = "AccessPackage";

    stored!(packages);

    fn triggers(stores: &Stores, old: Option<&Self>, new: Option<&Self>, triggers: &mut Triggers) {
        let Some(key) = new.or(old).map(Key::of) else { return };
        triggers.push(WorkItem::Package(key.clone()));
        if old.map(relevant_part) == new.map(relevant_part) {
            return; // only its counts changed
        }
        if old.is_some() != new.is_some() || old.map(|p| &p.spec) != new.map(|p| &p.spec) {
            triggers.extend(keys(&stores.catalogs, &IndexKey::Uses(key.namespace.clone())).into_iter().map(WorkItem::Catalog));
            let resources = [old, new].into_iter().flatten().flat_map(|p| &p.spec.resource_roles);
            triggers.extend(resources.map(|r| WorkItem::Resource(Key::new(&key.namespace, &r.resource))));
        }
        if old.is_some() != new.is_some() {
            // Packages that name it say so when it does not exist.
            let names = |p: &AccessPackage| named_by(p, |catalog| stores.namespace_of(catalog)).contains(&key);
            let naming = stores.packages.find(&IndexKey::Separates).filter(|p| names(p));
            triggers.extend(naming.map(|p| WorkItem::Package(Key::of(&**p))));
        }
        // What it excluded, or excludes now, may have waited for that.
        let foes = [old, new].into_iter().flatten().flat_map(|p| named_by(p, |catalog| stores.namespace_of(catalog)));
        foes.for_each(|foe| triggers.extend(open_assignments(stores, &IndexKey::Package(foe))));
        let index_key = IndexKey::Package(key);
        triggers.extend(keys(&stores.policies, &index_key).into_iter().map(WorkItem::Policy));
        triggers.extend(open_requests(stores, &index_key));
        triggers.extend(open_assignments(stores, &index_key));
        triggers.extend([old, new].into_iter().flatten().flat_map(grants_of).map(WorkItem::Grant));
        if is_edited(old, new) {
            // Also what an edit before took out of it, and a mass revocation keeps.
            let recorded = stores.assignments.find(&index_key).flat_map(|a| grants_recorded(a));
            triggers.extend(recorded.map(WorkItem::Grant));
        }
    }
}

/// What others depend on: not its counts.
fn relevant_part(package: &AccessPackage) -> impl PartialEq + '_ {
    let conditions = package.status.as_ref().map(|status| &status.conditions);
    (&package.spec, conditions, &package.metadata.deletion_timestamp, &package.metadata.annotations)
}

impl Watched for Policy {
    const NAME: &str = "Policy";
    const UNREADABLE_IS_GONE: bool = true;

    stored!(policies);

    /// Its patterns are compiled here, where nobody waits for the caches.
    fn trim(&mut self) {
        let patterns = self.spec.questions.iter().filter_map(|question| question.pattern.as_deref());
        patterns.for_each(|pattern| drop(flaw(pattern)));
    }

    fn triggers(stores: &Stores, old: Option<&Self>, new: Option<&Self>, triggers: &mut Triggers) {
        let Some(policy) = new.or(old) else { return };
        let key = Key::of(policy);
        let package = IndexKey::Package(Key::new(&key.namespace, &policy.spec.access_package));
        triggers.push(WorkItem::Policy(key.clone()));
        triggers.extend(stores.catalog_of(&key.namespace).map(|c| WorkItem::Catalog(Key::of(c))));
        triggers.extend(open_requests(stores, &package));
        triggers.extend(open_assignments(stores, &package));
    }
}
