//! Grants: one role of one resource, wherever it is granted. They have no object of their own.

use crate::api::Assignment;
use crate::domain::Key;
use crate::grants::GrantKey;
use crate::observe::grants::{grants_of, grants_recorded};
use crate::observe::store::IndexKey;
use crate::observe::{Change, Delta, Stores, Triggers, WorkItem, binding};

use super::{assignment, namespace, package, resource};

/// On what a grant depends: its resource and what that stands on, packages with the role, their assignments, what is bound, and whether
/// identities can be trusted.
pub(super) fn dependents(stores: &Stores, change: &Change<'_>, triggers: &mut Triggers) {
    let standing = resource::standing(stores, change);
    let mut found: Vec<GrantKey> = standing.iter().flat_map(|key| of_resource(stores, key)).collect();
    match change {
        Change::Resource(delta) if !resource::concerned(stores, change).is_empty() => {
            let versions = delta.versions();
            found.extend(versions.flat_map(|r| r.spec.roles.iter().map(|role| grant(r, &role.name))));
            // Also what an edit before took out of it, and a mass revocation keeps.
            let edited = delta.latest().filter(|_| delta.is_edited()).map(Key::of);
            found.extend(edited.iter().flat_map(|key| stores.members.keys_of(key).cloned()));
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
        Change::RoleBinding(delta) => found.extend(delta.versions().filter_map(binding::grant)),
        Change::ClusterRoleBinding(delta) => found.extend(delta.versions().filter_map(binding::grant)),
        Change::Trust => found.extend(stores.grant_keys()),
        _ => {}
    }
    triggers.extend(found.into_iter().map(WorkItem::Grant));
}

fn grant(resource: &crate::api::CatalogResource, role: &str) -> GrantKey {
    let key = Key::of(resource);
    GrantKey::new(namespace(resource), key.name, role)
}

/// The grants of a resource as it is written, and those that a binding carries.
fn of_resource(stores: &Stores, key: &Key) -> Vec<GrantKey> {
    let written = stores.resources.get(key).into_iter().flat_map(|r| r.spec.roles.iter().map(|role| grant(r, &role.name)));
    written.chain(stores.members.keys_of(key).cloned()).collect()
}

/// Without a clock here: what is revoked or deleted, or whose end came nearer, counts as ending, and goes first.
fn ends(delta: Delta<'_, Assignment>) -> bool {
    let is_revoked = |a: &Assignment| a.spec.revoked.is_some() || a.metadata.deletion_timestamp.is_some();
    let comes_nearer =
        |new: &Assignment, old: &Assignment| new.end().is_some_and(|end| old.end().is_none_or(|before| end < before));
    delta.new.is_none_or(is_revoked) || delta.new.zip(delta.old).is_some_and(|(new, old)| comes_nearer(new, old))
}
