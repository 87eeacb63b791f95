//! The table of kinds: every kind that is watched, once. Whatever lists kinds is made from it, or compared with it by a test: caches, watches,
//! work items and who reconciles them, statuses, the operator's rights, the words of metrics.

/// Gives the table to a macro. The order is that in which work of one trigger is done.
///
/// - `reconciled`: kinds of ours. Field of the caches, name of the work item, type, constructor of its `Api`, room in `src/kinds`.
/// - `watched`: what these depend on. Field of the caches, name of the change, type.
macro_rules! kinds {
    ($macro:ident) => {
        $macro! {
            reconciled {
                /// Catalogs.
                catalogs: Catalog = $crate::api::Catalog, all, catalog;
                /// CatalogResources.
                resources: Resource = $crate::api::CatalogResource, namespaced, resource;
                /// AccessPackages.
                packages: Package = $crate::api::AccessPackage, namespaced, package;
                /// Policies.
                policies: Policy = $crate::api::Policy, namespaced, policy;
                /// AccessRequests.
                requests: Request = $crate::api::AccessRequest, namespaced, request;
                /// ApprovalDecisions.
                decisions: Decision = $crate::api::ApprovalDecision, namespaced, decision;
                /// Assignments.
                assignments: Assignment = $crate::api::Assignment, namespaced, assignment;
            }
            watched {
                /// Namespaces.
                namespaces: Namespace = k8s_openapi::api::core::v1::Namespace;
                /// Roles, by their metadata.
                roles: Role = kube::core::PartialObjectMeta<k8s_openapi::api::rbac::v1::Role>;
                /// ClusterRoles, by their metadata.
                cluster_roles: ClusterRole = kube::core::PartialObjectMeta<k8s_openapi::api::rbac::v1::ClusterRole>;
                /// Our RoleBindings. All are watched: ours are known by their annotation too, in case that somebody stripped the labels.
                role_bindings: RoleBinding = k8s_openapi::api::rbac::v1::RoleBinding;
                /// Our ClusterRoleBindings.
                cluster_role_bindings: ClusterRoleBinding = k8s_openapi::api::rbac::v1::ClusterRoleBinding;
                /// ValidatingAdmissionPolicies.
                checks: AdmissionPolicy = k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicy;
                /// Their bindings.
                check_bindings: AdmissionBinding = k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicyBinding;
            }
        }
    };
}
pub(crate) use kinds;
