//! Every kind that is watched, once. What must know all of them is made from this list, or compared with it by a test: the watches, the
//! operator's rights, the words of metrics.

use k8s_openapi::api::admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::core::PartialObjectMeta;

use crate::api::{AccessPackage, AccessRequest, ApprovalDecision, Assignment, Catalog, CatalogResource, Policy};
pub use crate::observe::triggers::Kind;

/// Something that is done with each kind.
pub trait EachKind {
    /// Does it with one.
    fn kind<K: Kind>(&mut self);
}

/// Does something with each kind.
pub fn each(visitor: &mut impl EachKind) {
    visitor.kind::<Catalog>();
    visitor.kind::<CatalogResource>();
    visitor.kind::<AccessPackage>();
    visitor.kind::<Policy>();
    visitor.kind::<AccessRequest>();
    visitor.kind::<ApprovalDecision>();
    visitor.kind::<Assignment>();
    visitor.kind::<Namespace>();
    visitor.kind::<PartialObjectMeta<Role>>();
    visitor.kind::<PartialObjectMeta<ClusterRole>>();
    visitor.kind::<ValidatingAdmissionPolicy>();
    visitor.kind::<ValidatingAdmissionPolicyBinding>();
    // All of them: ours are known by their annotation too, in case that somebody stripped the labels.
    visitor.kind::<RoleBinding>();
    visitor.kind::<ClusterRoleBinding>();
}
