//! Labels, annotations and finalizers that the operator writes or reads.

/// On a Namespace: the Catalog that may adopt it. On our RoleBindings: the catalog's namespace or name.
pub const CATALOG: &str = "entitlement.dev/catalog";
/// On a RoleBinding that carries grants: namespace of the catalog that it serves.
pub const CATALOG_NAMESPACE: &str = "entitlement.dev/catalog-namespace";
/// On a RoleBinding that carries grants: name of the CatalogResource.
pub const RESOURCE: &str = "entitlement.dev/resource";
/// On a RoleBinding that carries grants: name of the role inside the CatalogResource.
pub const ROLE: &str = "entitlement.dev/role";
/// On a RoleBinding that carries grants, as an annotation: `<catalog namespace>/<resource>/<role>`. It tells our
/// bindings from foreign ones when somebody stripped the labels.
pub const GRANT: &str = "entitlement.dev/grant";
/// On a RoleBinding that carries grants, as an annotation: uid of the namespace that was judged. The API server refuses the operator a
/// binding in a namespace of another uid, however late the operator hears of it.
pub const NAMESPACE_UID: &str = "entitlement.dev/namespace-uid";
/// On an AccessPackage or CatalogResource: the generation whose mass revocation is confirmed.
pub const CONFIRM_MASS_REVOCATION: &str = "entitlement.dev/confirm-mass-revocation";
/// Kubernetes' own label for the owner of an object.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Value of [`MANAGED_BY`], and the field manager of every write.
pub const OPERATOR: &str = "entitlement-operator";
/// Finalizer on Assignments: access is taken away before the record goes.
pub const REVOKE: &str = "entitlement.dev/revoke";
/// Finalizer on Catalogs, CatalogResources and AccessPackages: what stands on them goes first.
pub const IN_USE: &str = "entitlement.dev/in-use";

/// `<kind> <namespace>/<name>` of an object, for messages.
pub fn key_text<K: kube::Resource<DynamicType = ()>>(object: &K) -> String {
    let meta = object.meta();
    let (namespace, name) = (meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default());
    format!("{} {namespace}/{name}", K::kind(&()))
}
