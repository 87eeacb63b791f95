//! The wire: the kinds of the API group `entitlement.dev`, version `v1alpha1`.
//!
//! One file per kind. Doc comments on fields become `kubectl explain`. There is no logic here beyond accessors;
//! what the fields mean for access is decided in [`crate::domain`].

pub mod access_package;
pub mod access_request;
pub mod approval_decision;
pub mod assignment;
pub mod catalog;
pub mod catalog_resource;
pub mod condition;
pub mod crd;
pub mod labels;
pub mod policy;
pub mod span;
pub mod subject;
pub mod time;
pub mod timeline;
pub mod word;

pub use access_package::{AccessPackage, AccessPackageSpec, AccessPackageStatus};
pub use access_request::{AccessRequest, AccessRequestSpec, AccessRequestStatus};
pub use approval_decision::{ApprovalDecision, ApprovalDecisionSpec, ApprovalDecisionStatus};
pub use assignment::{Assignment, AssignmentSpec, AssignmentStatus};
pub use catalog::{Catalog, CatalogSpec, CatalogStatus};
pub use catalog_resource::{CatalogResource, CatalogResourceSpec, CatalogResourceStatus};
pub use policy::{Policy, PolicySpec, PolicyStatus};
pub use span::Span;
pub use subject::{Identity, Subject, SubjectKind};
pub use word::Word;

/// API group of every kind.
pub const GROUP: &str = "entitlement.dev";
/// The one served and stored version.
pub const VERSION: &str = "v1alpha1";

/// Gives all kinds, each with its module, to a macro. What lists kinds here is made from it.
macro_rules! each_kind {
    ($macro:ident) => {
        $macro! {
            Catalog: catalog,
            CatalogResource: catalog_resource,
            AccessPackage: access_package,
            Policy: policy,
            AccessRequest: access_request,
            ApprovalDecision: approval_decision,
            Assignment: assignment,
        }
    };
}
pub(in crate::api) use each_kind;

macro_rules! names {
    ($($kind:ident: $module:ident,)*) => {
        /// All kinds.
        pub const KINDS: [&str; [$(stringify!($kind)),*].len()] = [$(stringify!($kind)),*];
    };
}
each_kind!(names);

/// How objects, and roles of resources, are named: a DNS name in lower case, as far as a pattern says it.
pub(crate) const NAME: &str = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$";
