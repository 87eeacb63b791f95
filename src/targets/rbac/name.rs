//! Names and labels of the bindings that carry grants.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::api::labels::{CATALOG_NAMESPACE, GRANT, MANAGED_BY, OPERATOR, RESOURCE, ROLE};
use crate::domain::resource::Target;

use crate::domain::grant::GrantKey;

/// Name of the binding that carries a shard of a grant in one place. It depends on the role that is bound, so that another role is another
/// binding: the role of a binding cannot be changed.
pub fn binding(key: &GrantKey, target: &Target, shard: usize) -> String {
    let digest = Sha256::digest(format!("{key}\n{:?}\n{}", target.role.kind, target.role.name));
    let hash: String = digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect();
    format!("entitlement:{}:{}:{}:{hash}:{shard}", key.namespace, key.resource, key.role)
}

/// Whether a binding of this name in this place binds what we made it for: the role of a binding cannot be changed, but somebody may have
/// made it anew with another one.
pub fn is_genuine(key: &GrantKey, target: &Target, name: &str) -> bool {
    let own = binding(key, target, 0);
    let stem = own.strip_suffix('0').unwrap_or(&own);
    name.strip_prefix(stem).is_some_and(|shard| !shard.is_empty() && shard.bytes().all(|b| b.is_ascii_digit()))
}

/// The labels of a binding that carries grants.
pub fn labels(key: &GrantKey) -> BTreeMap<String, String> {
    [
        (MANAGED_BY, OPERATOR),
        (CATALOG_NAMESPACE, key.namespace.as_str()),
        (RESOURCE, key.resource.as_str()),
        (ROLE, key.role.as_str()),
    ]
    .into_iter()
    .map(|(label, value)| (label.to_owned(), value.to_owned()))
    .collect()
}

/// The annotation of a binding that carries grants; it survives a stripped label.
pub fn annotations(key: &GrantKey) -> BTreeMap<String, String> {
    [(GRANT.to_owned(), key.to_string())].into()
}

/// The grant that a binding carries, by its annotation, else by its labels.
pub fn key_of(labels: Option<&BTreeMap<String, String>>, annotations: Option<&BTreeMap<String, String>>) -> Option<GrantKey> {
    let annotated = annotations.and_then(|a| a.get(GRANT)).and_then(|text| {
        let mut parts = text.splitn(3, '/').map(str::to_owned);
        Some(GrantKey { namespace: parts.next()?, resource: parts.next()?, role: parts.next()? })
    });
    annotated.or_else(|| {
        let get = |label: &str| labels?.get(label).cloned();
        Some(GrantKey { namespace: get(CATALOG_NAMESPACE)?, resource: get(RESOURCE)?, role: get(ROLE)? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> GrantKey {
        GrantKey { namespace: "catalog-payments".to_owned(), resource: "payments.prod".to_owned(), role: "viewer".to_owned() }
    }

    #[test]
    fn a_binding_is_known_by_its_labels_and_when_they_are_stripped_by_its_annotation() {
        assert_eq!(key_of(Some(&labels(&key())), None), Some(key()));
        assert_eq!(key_of(None, Some(&annotations(&key()))), Some(key()));
        assert_eq!(key_of(Some(&BTreeMap::new()), None), None);
    }

    #[test]
    fn another_role_is_another_binding() {
        use crate::api::catalog_resource::{RoleKind, RoleRef};
        use crate::domain::resource::Scope;
        let target = |kind, name: &str| Target { scope: Scope::Cluster, role: RoleRef { kind, name: name.to_owned() } };
        let names: std::collections::BTreeSet<String> = [
            binding(&key(), &target(RoleKind::ClusterRole, "view"), 0),
            binding(&key(), &target(RoleKind::ClusterRole, "edit"), 0),
            binding(&key(), &target(RoleKind::Role, "view"), 0),
            binding(&key(), &target(RoleKind::ClusterRole, "view"), 1),
        ]
        .into();
        assert_eq!(names.len(), 4);
        assert!(names.iter().all(|name| name.len() <= 253 && !name.contains('/')));
    }
}
