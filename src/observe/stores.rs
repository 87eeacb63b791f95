//! Everything that is known of the cluster.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use k8s_openapi::api::admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::core::PartialObjectMeta;

use crate::api::access_request::RequestPhase;
use crate::api::catalog_resource::RoleKind;
use crate::api::{AccessPackage, AccessRequest, ApprovalDecision, Assignment, Catalog, CatalogResource, Policy};
use crate::domain::Key;
use crate::domain::decision::is_settled;
use crate::domain::grant::GrantKey;
use crate::domain::resource::{Cluster, Offer, Scope, Target, all_targets};
use crate::targets;
use crate::targets::rbac::binding;
use crate::targets::rbac::member_index::MemberIndex;

use super::store::{IndexKey, Indexed, Store};
use super::unreadable::Unreadable;

/// The caches of all kinds.
#[derive(Default)]
pub struct Stores {
    /// Catalogs.
    pub catalogs: Store<Catalog>,
    /// CatalogResources.
    pub resources: Store<CatalogResource>,
    /// The same, parsed.
    pub offers: HashMap<Key, Arc<Offer>>,
    /// AccessPackages.
    pub packages: Store<AccessPackage>,
    /// Policies.
    pub policies: Store<Policy>,
    /// AccessRequests.
    pub requests: Store<AccessRequest>,
    /// ApprovalDecisions.
    pub decisions: Store<ApprovalDecision>,
    /// Assignments.
    pub assignments: Store<Assignment>,
    /// Namespaces.
    pub namespaces: Store<Namespace>,
    /// Roles, by their metadata.
    pub roles: Store<PartialObjectMeta<Role>>,
    /// ClusterRoles, by their metadata.
    pub cluster_roles: Store<PartialObjectMeta<ClusterRole>>,
    /// Our RoleBindings.
    pub role_bindings: Store<RoleBinding>,
    /// Our ClusterRoleBindings.
    pub cluster_role_bindings: Store<ClusterRoleBinding>,
    /// What these bindings say, by grant and by subject.
    pub members: MemberIndex,
    /// ValidatingAdmissionPolicies.
    pub checks: Store<ValidatingAdmissionPolicy>,
    /// Their bindings.
    pub check_bindings: Store<ValidatingAdmissionPolicyBinding>,
    /// Objects that cannot be read, by kind and key.
    pub unreadable: BTreeMap<(&'static str, Key), Unreadable>,
    /// Requests and assignments that were accepted a moment ago and whose status is being written: others must count them already.
    pub assumed: HashSet<(&'static str, Key)>,
}

impl Stores {
    /// The catalog that owns a namespace.
    pub fn catalog_of(&self, namespace: &str) -> Option<&Catalog> {
        let owner = self.catalogs.find(&IndexKey::Uses(namespace.to_owned())).find(|c| c.namespace() == Some(namespace));
        owner.map(|c| &**c)
    }

    /// The namespace of a catalog, by its name.
    pub fn namespace_of(&self, catalog: &str) -> Option<String> {
        self.catalogs.get(&Key::new("", catalog))?.namespace().map(str::to_owned)
    }

    /// A resource, parsed.
    pub fn offer(&self, resource: &Key) -> Option<&Offer> {
        self.offers.get(resource).map(|offer| &**offer)
    }

    /// Every role of every resource, and every grant that somebody has.
    pub fn grant_keys(&self) -> BTreeSet<GrantKey> {
        let declared = self.resources.all().flat_map(|r| {
            let key = Key::of(&**r);
            r.spec.roles.iter().map(move |role| GrantKey::new(&key.namespace, &key.name, &role.name))
        });
        declared.chain(targets::held(self).cloned()).collect()
    }
}

impl Cluster for Stores {
    fn namespace_uid(&self, name: &str) -> Option<String> {
        self.namespaces.get(&Key::new("", name))?.metadata.uid.clone()
    }

    fn is_closing(&self, name: &str) -> bool {
        self.namespaces.get(&Key::new("", name)).is_some_and(|n| n.metadata.deletion_timestamp.is_some())
    }

    fn role_uid(&self, target: &Target) -> Option<String> {
        match (&target.scope, target.role.kind) {
            (Scope::Namespace(namespace), RoleKind::Role) => {
                self.roles.get(&Key::new(namespace, &target.role.name))?.metadata.uid.clone()
            }
            (_, RoleKind::ClusterRole) => self.cluster_roles.get(&Key::new("", &target.role.name))?.metadata.uid.clone(),
            (Scope::Cluster, RoleKind::Role) => None,
        }
    }

    fn catalog_uid(&self, namespace: &str) -> Option<String> {
        self.catalog_of(namespace)?.metadata.uid.clone()
    }
}

fn space<K: kube::Resource>(object: &K) -> String {
    object.meta().namespace.clone().unwrap_or_default()
}

impl Indexed for Catalog {
    fn index_keys(&self) -> Vec<IndexKey> {
        vec![IndexKey::Uses(self.wanted_namespace())]
    }
}

impl Indexed for CatalogResource {
    fn index_keys(&self) -> Vec<IndexKey> {
        let mut keys = BTreeSet::from([IndexKey::Namespace(space(self))]);
        for target in all_targets(&self.spec) {
            if let Scope::Namespace(namespace) = &target.scope {
                keys.insert(IndexKey::Uses(namespace.clone()));
            }
            keys.insert(IndexKey::Role(in_cluster(target)));
        }
        keys.into_iter().collect()
    }
}

/// A role by where it lives: a ClusterRole is one wherever it is bound.
pub fn in_cluster(target: Target) -> Target {
    match target.role.kind {
        RoleKind::ClusterRole => Target { scope: Scope::Cluster, role: target.role },
        RoleKind::Role => target,
    }
}

impl Indexed for AccessPackage {
    fn index_keys(&self) -> Vec<IndexKey> {
        let namespace = space(self);
        let mut keys = vec![IndexKey::Namespace(namespace.clone())];
        keys.extend(self.spec.resource_roles.iter().map(|r| IndexKey::Resource(Key::new(&namespace, &r.resource))));
        keys.extend(self.spec.incompatible_with.as_ref().map(|_| IndexKey::Separates));
        let references = self.spec.incompatible_with.iter().flat_map(|rule| &rule.access_packages);
        keys.extend(references.map(|reference| match &reference.catalog {
            Some(catalog) => IndexKey::ExcludesIn(catalog.clone(), reference.name.clone()),
            None => IndexKey::Excludes(Key::new(&namespace, &reference.name)),
        }));
        keys
    }
}

impl Indexed for Policy {
    fn index_keys(&self) -> Vec<IndexKey> {
        vec![IndexKey::Namespace(space(self)), IndexKey::Package(Key::new(space(self), &self.spec.access_package))]
    }
}

impl Indexed for AccessRequest {
    fn index_keys(&self) -> Vec<IndexKey> {
        let namespace = space(self);
        let mut keys =
            vec![IndexKey::Namespace(namespace.clone()), IndexKey::Package(Key::new(&namespace, &self.spec.access_package))];
        keys.extend(self.subject().map(IndexKey::Subject));
        let assignment = self.status.as_ref().and_then(|s| s.assignment.as_ref());
        keys.extend(assignment.map(|name| IndexKey::Assignment(Key::new(&namespace, name))));
        keys.extend(self.spec.requestor.as_ref().map(|who| IndexKey::Requestor(who.username.clone())));
        let policy = self.status.as_ref().and_then(|s| s.policy.as_ref()).filter(|_| !self.phase().is_terminal());
        keys.extend(policy.map(|policy| IndexKey::Policy(Key::new(&namespace, &policy.name))));
        keys.extend((self.phase() == RequestPhase::PendingApproval).then_some(IndexKey::Waiting(namespace)));
        keys
    }
}

impl Indexed for ApprovalDecision {
    fn index_keys(&self) -> Vec<IndexKey> {
        let request = Key::new(space(self), &self.spec.access_request);
        vec![if is_settled(self) { IndexKey::Settled(request) } else { IndexKey::Request(request) }]
    }
}

impl Indexed for Assignment {
    fn index_keys(&self) -> Vec<IndexKey> {
        let namespace = space(self);
        let mut keys = vec![
            IndexKey::Namespace(namespace.clone()),
            IndexKey::Package(Key::new(&namespace, &self.spec.access_package)),
            IndexKey::Subject(self.spec.subject.clone()),
        ];
        keys.extend(self.spec.access_request.as_ref().map(|name| IndexKey::Request(Key::new(&namespace, name))));
        let policy = (!self.phase().is_terminal()).then_some(&self.spec.policy);
        keys.extend(policy.map(|policy| IndexKey::Policy(Key::new(&namespace, policy))));
        keys
    }
}

impl Indexed for Namespace {
    fn index_keys(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}

impl Indexed for PartialObjectMeta<Role> {
    fn index_keys(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}

impl Indexed for PartialObjectMeta<ClusterRole> {
    fn index_keys(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}

impl Indexed for RoleBinding {
    fn index_keys(&self) -> Vec<IndexKey> {
        match binding::grant(self) {
            Some(_) => Vec::new(), // found by Stores::members
            None => vec![IndexKey::Namespace(space(self))],
        }
    }
}

impl Indexed for ClusterRoleBinding {
    fn index_keys(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}

impl Indexed for ValidatingAdmissionPolicy {
    fn index_keys(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}

impl Indexed for ValidatingAdmissionPolicyBinding {
    fn index_keys(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}
