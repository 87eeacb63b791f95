//! A binding of Kubernetes RBAC (role-based access control), of either kind.

use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding, RoleRef, Subject};
use kube::Resource;

use crate::domain::resource::Scope;

/// A binding of either kind.
pub trait Binding: Resource {
    /// What it binds.
    fn role_ref(&self) -> &RoleRef;
    /// Whom it binds.
    fn subjects(&self) -> &[Subject];
    /// Where it binds.
    fn scope(&self) -> Scope;
}

impl Binding for RoleBinding {
    fn role_ref(&self) -> &RoleRef {
        &self.role_ref
    }

    fn subjects(&self) -> &[Subject] {
        self.subjects.as_deref().unwrap_or_default()
    }

    fn scope(&self) -> Scope {
        Scope::Namespace(self.metadata.namespace.clone().unwrap_or_default())
    }
}

impl Binding for ClusterRoleBinding {
    fn role_ref(&self) -> &RoleRef {
        &self.role_ref
    }

    fn subjects(&self) -> &[Subject] {
        self.subjects.as_deref().unwrap_or_default()
    }

    fn scope(&self) -> Scope {
        Scope::Cluster
    }
}
