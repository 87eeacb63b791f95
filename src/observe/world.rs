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
use crate::domain::resource::{Cluster, Offer, Scope, Target, all_targets};
use crate::grants::GrantKey;

use super::binding;
use super::carriers::Carriers;
use super::table::{Indexed, Table, Term};
use super::unreadable::Unreadable;

/// The caches of all kinds.
#[derive(Default)]
pub struct World {
    /// Catalogs.
    pub catalogs: Table<Catalog>,
    /// CatalogResources.
    pub resources: Table<CatalogResource>,
    /// The same, parsed.
    pub offers: HashMap<Key, Arc<Offer>>,
    /// AccessPackages.
    pub packages: Table<AccessPackage>,
    /// Policies.
    pub policies: Table<Policy>,
    /// AccessRequests.
    pub requests: Table<AccessRequest>,
    /// ApprovalDecisions.
    pub decisions: Table<ApprovalDecision>,
    /// Assignments.
    pub assignments: Table<Assignment>,
    /// Namespaces.
    pub namespaces: Table<Namespace>,
    /// Roles, by their metadata.
    pub roles: Table<PartialObjectMeta<Role>>,
    /// ClusterRoles, by their metadata.
    pub cluster_roles: Table<PartialObjectMeta<ClusterRole>>,
    /// Our RoleBindings.
    pub role_bindings: Table<RoleBinding>,
    /// Our ClusterRoleBindings.
    pub cluster_role_bindings: Table<ClusterRoleBinding>,
    /// What these bindings say, by grant and by subject.
    pub carriers: Carriers,
    /// ValidatingAdmissionPolicies.
    pub checks: Table<ValidatingAdmissionPolicy>,
    /// Their bindings.
    pub check_bindings: Table<ValidatingAdmissionPolicyBinding>,
    /// Objects that cannot be read, by kind and key.
    pub unreadable: BTreeMap<(&'static str, Key), Unreadable>,
    /// Requests and assignments that were accepted a moment ago and whose status is being written: others must count them already.
    pub claims: HashSet<(&'static str, Key)>,
}

impl World {
    /// The catalog that owns a namespace.
    pub fn catalog_of(&self, namespace: &str) -> Option<&Catalog> {
        let owner = self.catalogs.find(&Term::Uses(namespace.to_owned())).find(|c| c.namespace() == Some(namespace));
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

    /// Every role of every resource, and every grant that a binding carries.
    pub fn grant_keys(&self) -> BTreeSet<GrantKey> {
        let declared = self.resources.all().flat_map(|r| {
            let key = Key::of(&**r);
            r.spec.roles.iter().map(move |role| GrantKey {
                namespace: key.namespace.clone(),
                resource: key.name.clone(),
                role: role.name.clone(),
            })
        });
        declared.chain(self.carriers.keys().cloned()).collect()
    }
}

impl Cluster for World {
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
    fn terms(&self) -> Vec<Term> {
        vec![Term::Uses(self.wanted_namespace())]
    }
}

impl Indexed for CatalogResource {
    fn terms(&self) -> Vec<Term> {
        let mut terms = BTreeSet::from([Term::Namespace(space(self))]);
        for target in all_targets(&self.spec) {
            if let Scope::Namespace(namespace) = &target.scope {
                terms.insert(Term::Uses(namespace.clone()));
            }
            terms.insert(Term::Role(in_cluster(target)));
        }
        terms.into_iter().collect()
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
    fn terms(&self) -> Vec<Term> {
        let namespace = space(self);
        let mut terms = vec![Term::Namespace(namespace.clone())];
        terms.extend(self.spec.resource_roles.iter().map(|r| Term::Resource(Key::new(&namespace, &r.resource))));
        terms.extend(self.spec.incompatible_with.as_ref().map(|_| Term::Separates));
        let references = self.spec.incompatible_with.iter().flat_map(|rule| &rule.access_packages);
        terms.extend(references.map(|reference| match &reference.catalog {
            Some(catalog) => Term::ExcludesIn(catalog.clone(), reference.name.clone()),
            None => Term::Excludes(Key::new(&namespace, &reference.name)),
        }));
        terms
    }
}

impl Indexed for Policy {
    fn terms(&self) -> Vec<Term> {
        vec![Term::Namespace(space(self)), Term::Package(Key::new(space(self), &self.spec.access_package))]
    }
}

impl Indexed for AccessRequest {
    fn terms(&self) -> Vec<Term> {
        let namespace = space(self);
        let mut terms = vec![Term::Namespace(namespace.clone()), Term::Package(Key::new(&namespace, &self.spec.access_package))];
        terms.extend(self.subject().map(Term::Subject));
        let assignment = self.status.as_ref().and_then(|s| s.assignment.as_ref());
        terms.extend(assignment.map(|name| Term::Assignment(Key::new(&namespace, name))));
        terms.extend(self.spec.requestor.as_ref().map(|who| Term::Requestor(who.username.clone())));
        let policy = self.status.as_ref().and_then(|s| s.policy.as_ref()).filter(|_| !self.phase().is_terminal());
        terms.extend(policy.map(|policy| Term::Policy(Key::new(&namespace, &policy.name))));
        terms.extend((self.phase() == RequestPhase::PendingApproval).then_some(Term::Waiting(namespace)));
        terms
    }
}

impl Indexed for ApprovalDecision {
    fn terms(&self) -> Vec<Term> {
        let request = Key::new(space(self), &self.spec.access_request);
        vec![if is_settled(self) { Term::Settled(request) } else { Term::Request(request) }]
    }
}

impl Indexed for Assignment {
    fn terms(&self) -> Vec<Term> {
        let namespace = space(self);
        let mut terms = vec![
            Term::Namespace(namespace.clone()),
            Term::Package(Key::new(&namespace, &self.spec.access_package)),
            Term::Subject(self.spec.subject.clone()),
        ];
        terms.extend(self.spec.access_request.as_ref().map(|name| Term::Request(Key::new(&namespace, name))));
        let policy = (!self.phase().is_terminal()).then_some(&self.spec.policy);
        terms.extend(policy.map(|policy| Term::Policy(Key::new(&namespace, policy))));
        terms
    }
}

impl Indexed for Namespace {
    fn terms(&self) -> Vec<Term> {
        Vec::new()
    }
}

impl Indexed for PartialObjectMeta<Role> {
    fn terms(&self) -> Vec<Term> {
        Vec::new()
    }
}

impl Indexed for PartialObjectMeta<ClusterRole> {
    fn terms(&self) -> Vec<Term> {
        Vec::new()
    }
}

impl Indexed for RoleBinding {
    fn terms(&self) -> Vec<Term> {
        match binding::grant(self) {
            Some(_) => Vec::new(), // found by World::carriers
            None => vec![Term::Namespace(space(self))],
        }
    }
}

impl Indexed for ClusterRoleBinding {
    fn terms(&self) -> Vec<Term> {
        Vec::new()
    }
}

impl Indexed for ValidatingAdmissionPolicy {
    fn terms(&self) -> Vec<Term> {
        Vec::new()
    }
}

impl Indexed for ValidatingAdmissionPolicyBinding {
    fn terms(&self) -> Vec<Term> {
        Vec::new()
    }
}
