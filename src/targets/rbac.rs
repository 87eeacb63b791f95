//! RBAC (role-based access control) of this cluster: grants are bindings of Kubernetes roles, in namespaces or the whole cluster.

mod authority;
pub mod binding;
mod joining;
pub mod name;
pub mod plan;
mod watched;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::api::assignment::GrantObject;
use crate::api::{Identity, Subject};
use crate::domain::catalog::RBAC;
use crate::domain::grant::diff::Allowed;
use crate::domain::grant::{Carrier, GrantKey};
use crate::domain::resource::{Answer, Cluster, Place, Scope, Target};
use crate::error::Error;
use crate::observe::Stores;
use crate::writer::Writer;

pub use watched::{membership, standing};

use super::TargetSystem;
use plan::{Observed, Write};

/// RBAC of this cluster.
pub struct Rbac;

/// What is seen of a grant.
pub struct Bindings {
    /// Those that carry it.
    pub all: Vec<Arc<Observed>>,
    /// Uids of the namespaces of these and of the role's places, by name.
    pub namespace_uids: BTreeMap<String, String>,
}

impl TargetSystem for Rbac {
    type Place = Target;
    type Observed = Bindings;
    type Write = Write;

    fn own(place: Place) -> Option<Target> {
        place.kubernetes()
    }

    fn observe(stores: &Stores, grant: &GrantKey, offered: &[Target]) -> Bindings {
        let all: Vec<Arc<Observed>> = stores.members.all(grant).cloned().collect();
        let targets = offered.iter().chain(all.iter().map(|binding| &binding.target));
        let names: BTreeSet<&str> = targets.filter_map(|target| target.scope.namespace()).collect();
        let uids = names.into_iter().filter_map(|name| Some((name.to_owned(), stores.namespace_uid(name)?)));
        Bindings { namespace_uids: uids.collect(), all }
    }

    fn carriers<'a>(grant: &GrantKey, observed: &'a Bindings) -> Vec<Carrier<'a, Target>> {
        let carrier = |binding: &'a Arc<Observed>| Carrier {
            place: &binding.target,
            name: &binding.name,
            members: &binding.subjects,
            intact: binding.labelled,
            genuine: name::is_genuine(grant, &binding.target, &binding.name),
        };
        observed.all.iter().map(carrier).collect()
    }

    fn plan(grant: &GrantKey, wanted: &BTreeSet<Subject>, allowed: &Allowed<Target, Subject>, observed: &Bindings) -> Vec<Write> {
        plan::plan(grant, wanted, allowed, &observed.all)
    }

    fn gives(write: &Write) -> bool {
        matches!(write, Write::Put { joining, .. } if *joining > 0)
    }

    async fn apply(writer: &Writer, grant: &GrantKey, writes: &[Write], observed: &Bindings) -> Vec<Error> {
        let (mut failures, mut unanswered) = (Vec::new(), false);
        for write in writes {
            // An old place goes when the new one is there, or is refused; the plan has such deletions at its end. Where nobody answered, both wait
            // for the next try.
            if unanswered && matches!(write, Write::Delete { .. }) {
                continue;
            }
            let failed = writer.binding(grant, write, &observed.namespace_uids).await;
            unanswered |= matches!(write, Write::Put { exists: false, .. }) && failed.iter().any(|error| !error.is_refusal());
            failures.extend(failed);
        }
        failures
    }

    async fn authority(writer: &Writer, who: &[Identity], place: &Target) -> Result<Answer, Error> {
        authority::all_may_bind(writer, who, place).await
    }
}

/// The bindings that carry a grant for a subject, with their places.
pub fn found(stores: &Stores, grant: &GrantKey, subject: &Subject) -> Vec<(Place, GrantObject)> {
    stores.members.of(grant, subject).iter().map(|binding| (Place::from(&binding.target), object(binding))).collect()
}

/// A binding as a status names it.
fn object(observed: &Observed) -> GrantObject {
    let (kind, namespace) = match &observed.target.scope {
        Scope::Cluster => ("ClusterRoleBinding", None),
        Scope::Namespace(namespace) => ("RoleBinding", Some(namespace.clone())),
    };
    GrantObject { api_version: format!("{RBAC}/v1"), kind: kind.to_owned(), namespace, name: observed.name.clone() }
}
