//! A binding, read as one that carries a grant.

use std::collections::{BTreeMap, BTreeSet};

use kube::Resource;

use crate::api::Subject;
use crate::api::catalog_resource::{RoleKind, RoleRef};
use crate::domain::catalog::from_rbac;
use crate::domain::grant::GrantKey;
use crate::domain::resource::Target;
use crate::observe::binding::Binding;

use super::name;
use super::plan::Observed;

/// The grant that a binding carries, if it carries one.
pub fn grant<B: Resource>(binding: &B) -> Option<GrantKey> {
    name::key_of(binding.meta().labels.as_ref(), binding.meta().annotations.as_ref())
}

/// Where a binding is, and what it binds.
pub fn target<B: Binding>(binding: &B) -> Target {
    let found = binding.role_ref();
    let kind = if found.kind == "Role" { RoleKind::Role } else { RoleKind::ClusterRole };
    Target { scope: binding.scope(), role: RoleRef { kind, name: found.name.clone() } }
}

/// A binding as the plan of its grant sees it.
pub fn observe<B: Binding>(key: &GrantKey, binding: &B) -> Observed {
    Observed {
        target: target(binding),
        name: binding.meta().name.clone().unwrap_or_default(),
        subjects: binding.subjects().iter().map(from_rbac).collect(),
        labelled: labelled(key, binding),
        closing: binding.meta().deletion_timestamp.is_some(),
    }
}

/// The subjects that are a Subject of ours.
pub fn people<B: Binding>(binding: Option<&B>) -> BTreeSet<Subject> {
    binding.into_iter().flat_map(Binding::subjects).filter_map(from_rbac).collect()
}

fn labelled<B: Resource>(key: &GrantKey, binding: &B) -> bool {
    let has = |all: Option<&BTreeMap<String, String>>, wanted: BTreeMap<String, String>| {
        wanted.iter().all(|(k, v)| all.and_then(|all| all.get(k)) == Some(v))
    };
    let meta = binding.meta();
    has(meta.labels.as_ref(), name::labels(key)) && has(meta.annotations.as_ref(), name::annotations(key))
}
