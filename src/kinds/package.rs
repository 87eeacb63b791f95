//! AccessPackages.

mod separation;

use crate::api::condition;
use crate::api::{AccessPackage, Assignment};
use crate::domain::grant::report::GrantReports;
use crate::domain::holdings::{package_of, package_of_request};
use crate::domain::meta::namespace;
use crate::domain::separation::named_by;
use crate::domain::{Key, package as machine};
use crate::error::Error;
use crate::observe::store::{IndexKey, Indexed};
use crate::observe::{Change, Stores, Triggers, Watched, WorkItem};
use crate::runtime::queue::Action;

use super::{Context, assignment, catalog, keys, request, resource};

impl Indexed for AccessPackage {
    fn index_keys(&self) -> Vec<IndexKey> {
        let namespace = namespace(self).to_owned();
        let mut keys = vec![IndexKey::Namespace(namespace.clone())];
        keys.extend(self.spec.resource_roles.iter().map(|r| IndexKey::Resource(Key::new(&namespace, &r.resource))));
        keys.extend(self.spec.incompatible_with.as_ref().map(|_| IndexKey::Separates));
        let references = self.spec.incompatible_with.iter().flat_map(|rule| &rule.access_packages);
        keys.extend(references.map(|reference| match &reference.catalog {
            Some(catalog) => IndexKey::ExcludesIn(catalog.clone(), reference.name.clone()),
            None => IndexKey::Excludes(Key::new(&namespace, &reference.name)),
        }));
        keys
    }
}

impl Watched for AccessPackage {
    const NAME: &str = "AccessPackage";
}

/// What others depend on: not its counts.
fn relevant_part(package: &AccessPackage) -> impl PartialEq + '_ {
    let conditions = package.status.as_ref().map(|status| &status.conditions);
    (&package.spec, conditions, &package.metadata.deletion_timestamp, &package.metadata.annotations)
}

/// Packages of which something changed on which requests, assignments and policies depend: what they say themselves.
pub(super) fn changed(change: &Change<'_>) -> Option<Key> {
    match change {
        Change::Package(delta) if delta.differs(relevant_part) => delta.latest().map(Key::of),
        _ => None,
    }
}

/// Packages whose roles are, or can be, other ones: they changed, or resources that they use.
pub(super) fn concerned(stores: &Stores, change: &Change<'_>) -> Vec<Key> {
    let used = resource::concerned(stores, change).into_iter().map(IndexKey::Resource);
    let using = used.flat_map(|resource| keys(&stores.packages, &resource));
    changed(change).into_iter().chain(using).collect()
}

/// Packages that a changed package excluded, or excludes now.
pub(super) fn excluded(stores: &Stores, change: &Change<'_>) -> Vec<Key> {
    match change {
        Change::Package(delta) if delta.differs(relevant_part) => {
            delta.versions().flat_map(|p| named_by(p, |catalog| stores.namespace_of(catalog))).collect()
        }
        _ => Vec::new(),
    }
}

/// On what a package depends: its catalog, the resources it uses, packages that it excludes, and what it counts.
pub(super) fn dependents(stores: &Stores, change: &Change<'_>, triggers: &mut Triggers) {
    let mut found = concerned(stores, change);
    found.extend(catalog::concerned(change).iter().flat_map(|namespace| keys(&stores.packages, namespace)));
    match change {
        Change::Package(delta) => {
            found.extend(delta.latest().map(Key::of));
            // Packages that name it say so when it does not exist.
            let itself = delta.latest().filter(|_| delta.comes_or_goes()).map(Key::of);
            let names = |p: &AccessPackage, key: &Key| named_by(p, |catalog| stores.namespace_of(catalog)).contains(key);
            found.extend(itself.iter().flat_map(|key| {
                let naming = stores.packages.find(&IndexKey::Separates).filter(move |p| names(p, key));
                naming.map(|p| Key::of(&**p))
            }));
        }
        Change::Catalog(_) if !catalog::concerned(change).is_empty() => {
            found.extend(keys(&stores.packages, &IndexKey::Separates));
        }
        Change::Request(delta) if request::is_concerned(*delta) => found.extend(delta.latest().map(package_of_request)),
        Change::Assignment(delta) if assignment::is_concerned(*delta) => found.extend(delta.latest().map(package_of)),
        Change::Report(report) => {
            if report.before.held != report.after.held {
                let held = [&report.before.held, &report.after.held].into_iter().flatten();
                found.extend(held.flat_map(|held| held.packages.iter().cloned()));
            }
            if report.is_first() && report.all_reconciled {
                found.extend(keys(&stores.packages, &IndexKey::Namespace(report.grant.namespace.clone())));
            }
        }
        _ => {}
    }
    triggers.extend(found.into_iter().map(WorkItem::Package));
}

impl Stores {
    /// A package that can be read: nothing new is given by what is left of another one.
    pub fn package(&self, key: &Key) -> Option<&AccessPackage> {
        self.packages.get(key).filter(|_| !self.is_unreadable::<AccessPackage>(key)).map(|package| &**package)
    }

    /// Pending requests and live assignments of a package.
    pub fn package_counts(&self, package: &Key) -> (usize, usize) {
        let index_key = IndexKey::Package(package.clone());
        let pending = self.requests.find(&index_key).filter(|r| !r.phase().is_terminal()).count();
        let live = |a: &Assignment| {
            !a.phase().is_terminal()
                && a.status.as_ref().is_some_and(|s| condition::holds(&s.conditions, crate::api::assignment::ACCEPTED))
        };
        (pending, self.assignments.find(&index_key).filter(|a| live(a)).count())
    }
}

pub(super) async fn reconcile(context: &Context, key: &Key) -> Result<Action, Error> {
    let now = context.clock.now();
    let Some(found) = context.cache.read().packages.get(key).cloned() else { return context.gone::<AccessPackage>(key) };
    let plan = {
        let stores = context.cache.read();
        let (pending_requests, live_assignments) = stores.package_counts(key);
        let input = machine::Input {
            package: &found,
            offer: &|name| stores.offer(&Key::new(&key.namespace, name)),
            cluster: &*stores,
            has_catalog: stores.catalog_of(&key.namespace).is_some(),
            pending_requests,
            live_assignments,
            unknown_incompatible: stores.unknown_foes(&found),
            waiting_revocations: waiting_revocations(&context.reports(), key),
        };
        machine::decide(&input, now)
    };
    context.carry_out(&found, plan).await
}

/// Roles that an edit of a package would take from many; none before each grant was reconciled once.
fn waiting_revocations(reports: &GrantReports, package: &Key) -> Option<Vec<(String, usize)>> {
    (!reports.is_unsure(&package.namespace, None)).then(|| reports.held(|_, held| held.packages.contains(package)))
}
