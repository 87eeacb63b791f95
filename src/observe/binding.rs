//! A binding of Kubernetes RBAC (role-based access control), of either kind.

use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding, RoleRef, Subject};
use kube::Resource;

use crate::api::Subject as Person;
use crate::domain::resource::{Scope, Target};

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

/// A binding as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Where it is and what it binds.
    pub target: Target,
    /// Its name.
    pub name: String,
    /// Its subjects, in order; `None` stands for one that no Subject of ours can be.
    pub subjects: Vec<Option<Person>>,
    /// Its labels and annotation are as we write them.
    pub labelled: bool,
    /// It is being deleted, and somebody's finalizer keeps it.
    pub closing: bool,
}
