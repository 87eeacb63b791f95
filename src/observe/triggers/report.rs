//! What has to be reconciled when something else is known of a grant than before.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::api::Assignment;
use crate::api::assignment::GrantState;
use crate::domain::Key;
use crate::grants::GrantKey;
use crate::grants::report::GrantReport;
use crate::observe::WorkItem;
use crate::observe::store::IndexKey;
use crate::observe::stores::Stores;

/// Everything in whose status a report stands. `is_sure`: every grant of the namespace has been reconciled by now.
pub fn of_report(
    stores: &Stores,
    key: &GrantKey,
    before: &GrantReport,
    after: &GrantReport,
    is_sure: bool,
) -> BTreeSet<WorkItem> {
    let first = before.not_reconciled && !after.not_reconciled;
    let resource = Key::new(&key.namespace, &key.resource);
    let mut all = BTreeSet::new();
    if first || before.failure != after.failure {
        let of_resource = |a: &&Arc<Assignment>| {
            let mut said = a.status.iter().flat_map(|s| &s.grants);
            before.failure != after.failure || said.any(|grant| grant.state == GrantState::Failed)
        };
        all.extend(holders(stores, &resource).filter(of_resource).map(|a| WorkItem::Assignment(Key::of(&**a))));
    }
    if first || before.conflict != after.conflict || before.held != after.held {
        all.insert(WorkItem::Resource(resource));
    }
    if before.held != after.held {
        let packages = [before, after].into_iter().filter_map(|report| report.held.as_ref()).flat_map(|held| &held.packages);
        all.extend(packages.cloned().map(WorkItem::Package));
    }
    if first && is_sure {
        let packages = stores.packages.find(&IndexKey::Namespace(key.namespace.clone()));
        all.extend(packages.map(|package| WorkItem::Package(Key::of(&**package))));
    }
    all
}

/// Assignments of packages that use a resource, and have not ended.
fn holders<'s>(stores: &'s Stores, resource: &Key) -> impl Iterator<Item = &'s Arc<Assignment>> + use<'s> {
    let packages = stores.packages.find(&IndexKey::Resource(resource.clone()));
    packages
        .flat_map(|package| stores.assignments.find(&IndexKey::Package(Key::of(&**package))))
        .filter(|assignment| !assignment.phase().is_terminal())
}
