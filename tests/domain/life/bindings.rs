//! Bindings of Kubernetes RBAC that carry grants: as they are written, and whom they give what.

use std::collections::BTreeSet;

use entitlement_operator::api::Subject;
use entitlement_operator::domain::Key;
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding, RoleRef as RbacRoleRef, Subject as RbacSubject};
use kube::core::ObjectMeta;

use super::rules::{GrantKey, RBAC, RoleKind, RoleRef, Scope, Target, annotations_of, grant_of, labels_of, rbac_subject};
use super::server::ApiServer;

/// A binding that carries a grant.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    pub grant: GrantKey,
    pub target: Target,
    pub name: String,
    pub subjects: Vec<RbacSubject>,
    pub labelled: bool,
}

impl Bound {
    pub fn key(&self) -> Key {
        Key::new(self.target.scope.namespace().unwrap_or_default(), &self.name)
    }

    /// A binding as it is stored, if it carries a grant.
    fn read(meta: &ObjectMeta, role: &RbacRoleRef, subjects: Option<&Vec<RbacSubject>>) -> Option<Self> {
        let grant = grant_of(meta)?;
        let kind = if role.kind == "Role" { RoleKind::Role } else { RoleKind::ClusterRole };
        let labelled = meta.labels == Some(labels_of(&grant)) && meta.annotations == Some(annotations_of(&grant));
        Some(Self {
            target: Target {
                scope: meta.namespace.clone().map_or(Scope::Cluster, Scope::Namespace),
                role: RoleRef { kind, name: role.name.clone() },
            },
            name: meta.name.clone().unwrap(),
            subjects: subjects.cloned().unwrap_or_default(),
            labelled,
            grant,
        })
    }

    fn meta(&self) -> ObjectMeta {
        ObjectMeta {
            name: Some(self.name.clone()),
            namespace: self.target.scope.namespace().map(str::to_owned),
            labels: self.labelled.then(|| labels_of(&self.grant)),
            annotations: Some(annotations_of(&self.grant)),
            ..ObjectMeta::default()
        }
    }

    fn role_ref(&self) -> RbacRoleRef {
        let Target { role, .. } = &self.target;
        RbacRoleRef { api_group: Some(RBAC.to_owned()), kind: format!("{:?}", role.kind), name: role.name.clone() }
    }

    /// As a RoleBinding.
    pub fn in_namespace(&self) -> RoleBinding {
        RoleBinding { metadata: self.meta(), role_ref: self.role_ref(), subjects: Some(self.subjects.clone()) }
    }

    /// As a ClusterRoleBinding.
    pub fn in_cluster(&self) -> ClusterRoleBinding {
        ClusterRoleBinding { metadata: self.meta(), role_ref: self.role_ref(), subjects: Some(self.subjects.clone()) }
    }
}

impl ApiServer {
    /// All bindings that carry grants.
    pub fn bound(&self) -> Vec<Bound> {
        let here = self.role_bindings.values();
        let here = here.filter_map(|b| Bound::read(&b.metadata, &b.role_ref, b.subjects.as_ref()));
        let everywhere = self.cluster_role_bindings.values();
        here.chain(everywhere.filter_map(|b| Bound::read(&b.metadata, &b.role_ref, b.subjects.as_ref()))).collect()
    }

    /// Who has a grant in a place.
    pub fn has(&self, grant: &GrantKey, target: &Target) -> BTreeSet<RbacWho> {
        let binds = |role: &RbacRoleRef| role.name == target.role.name && role.kind == format!("{:?}", target.role.kind);
        let of_grant = |meta: &ObjectMeta| grant_of(meta).as_ref() == Some(grant);
        let subjects: Vec<&RbacSubject> = match target.scope.namespace() {
            Some(name) => {
                let here = self.role_bindings.iter().filter(|(key, b)| key.namespace == name && binds(&b.role_ref));
                here.filter(|(_, b)| of_grant(&b.metadata)).flat_map(|(_, b)| b.subjects.iter().flatten()).collect()
            }
            None => {
                let all = self.cluster_role_bindings.values().filter(|b| binds(&b.role_ref) && of_grant(&b.metadata));
                all.flat_map(|b| b.subjects.iter().flatten()).collect()
            }
        };
        subjects.into_iter().map(RbacWho::from).collect()
    }
}

/// Whom a binding names, as the API server compares it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RbacWho {
    kind: String,
    name: String,
    namespace: Option<String>,
}

impl From<&RbacSubject> for RbacWho {
    fn from(subject: &RbacSubject) -> Self {
        Self { kind: subject.kind.clone(), name: subject.name.clone(), namespace: subject.namespace.clone() }
    }
}

impl From<&Subject> for RbacWho {
    fn from(subject: &Subject) -> Self {
        Self::from(&rbac_subject(subject))
    }
}
