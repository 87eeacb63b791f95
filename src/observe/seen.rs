//! Gathers from the caches what a machine has to see.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding, RoleRef as RbacRoleRef, Subject as RbacSubject};
use kube::Resource;

use crate::api::access_package::PackageRole;
use crate::api::access_request::{APPROVED, RequestPhase};
use crate::api::assignment::GrantObject;
use crate::api::catalog_resource::{ResourceRole, RoleKind, RoleRef};
use crate::api::condition;
use crate::api::labels::CONFIRM_REVOCATION;
use crate::api::subject::{Identity, Subject};
use crate::api::{AccessPackage, AccessRequest, Assignment, Catalog, CatalogResource};
use crate::domain::assignment::{self, Origin, Role};
use crate::domain::catalog::{self, RBAC, from_rbac};
use crate::domain::eligibility::People;
use crate::domain::holdings::{self, Holdings, Rival};
use crate::domain::resource::{Cluster, Grantable, Scope, Target, grantable, missing};
use crate::domain::{Key, request, separation};
use crate::grants::GrantKey;
use crate::grants::name;
use crate::grants::plan::Observed;

use super::table::Term;
use super::world::World;

/// What a look at the bindings of a grant sees.
pub struct GrantSeen {
    /// Who should have it.
    pub wanted: BTreeSet<Subject>,
    /// Where it may be granted.
    pub grantable: Grantable,
    /// Places where nothing can be added now, and why.
    pub closed: BTreeMap<Target, String>,
    /// Bindings that are there.
    pub observed: Vec<Observed>,
    /// Those who hold a live assignment that gave them the role, and lose it, here or somewhere, because of an edit that nobody
    /// confirmed; with the package that gave it.
    pub losers: BTreeMap<Subject, Key>,
    /// The next instant at which somebody's access ends.
    pub next_end: Option<DateTime<Utc>>,
}

impl World {
    /// For [`request::decide`].
    pub fn request_seen<'a>(&'a self, request: &'a AccessRequest, may_assign: bool, retention: TimeDelta) -> request::Seen<'a> {
        let key = Key::of(request);
        let package = holdings::wanted_by(request);
        let subject = request.subject();
        let people = request.spec.requestor.as_ref().zip(subject.clone()).map(|(requestor, subject)| People {
            requestor,
            subject,
            may_assign,
        });
        let identity = people.as_ref().and_then(People::identity);
        let holdings = subject.map(|s| self.holdings(&s, identity, &package, &key, None)).unwrap_or_default();
        let status = request.status.as_ref();
        let assignment =
            status.and_then(|s| s.assignment.as_ref()).and_then(|name| self.assignments.get(&Key::new(&key.namespace, name)));
        request::Seen {
            request,
            catalog: self.catalog_of(&key.namespace),
            package: self.packages.get(&package).map(|p| &**p),
            policies: self.policies.find(&Term::Package(package.clone())).map(|p| &**p).collect(),
            decisions: self.decisions.find(&Term::Request(key)).map(|d| &**d).collect(),
            holdings,
            incompatible: self.incompatible(&package),
            may_assign,
            assignment: assignment.map(|a| &**a),
            retention,
        }
    }

    /// What a subject holds and asks for, apart from one request and one assignment.
    fn holdings<'a>(
        &'a self,
        subject: &Subject,
        identity: Option<&Identity>,
        package: &Key,
        request: &Key,
        assignment: Option<&Key>,
    ) -> Holdings<'a> {
        let own = Term::Subject(subject.clone());
        let rivals = self.requests.find(&own).filter(|r| !r.phase().is_terminal() && Key::of(&***r) != *request);
        let others = self.assignments.find(&own).filter(|a| Some(&Key::of(&***a)) != assignment && !a.phase().is_terminal());
        let groups = identity.into_iter().flat_map(|who| &who.groups);
        Holdings {
            package: package.clone(),
            assignments: others.map(|a| &**a).collect(),
            rivals: rivals
                .map(|r| Rival { request: r, claimed: self.claims.contains(&("AccessRequest", Key::of(&**r))) })
                .collect(),
            of_groups: groups.flat_map(|g| self.assignments.find(&Term::Subject(Subject::group(g)))).map(|a| &**a).collect(),
        }
    }

    /// Packages that must not be held together with one, in either direction.
    fn incompatible(&self, package: &Key) -> Vec<Key> {
        let names = |p: &AccessPackage| separation::named_by(p, |catalog| self.namespace_of(catalog));
        let mut all = self.packages.get(package).map(|p| names(p)).unwrap_or_default();
        let others = self.packages.find(&Term::Separates).filter(|p| names(p).contains(package));
        all.extend(others.map(|p| Key::of(&**p)));
        all
    }

    /// For [`assignment::decide`].
    pub fn assignment_seen<'a>(
        &'a self,
        assignment: &'a Assignment,
        gone: bool,
        problems: &BTreeMap<GrantKey, String>,
        retention: TimeDelta,
        now: DateTime<Utc>,
    ) -> assignment::Seen<'a> {
        let key = Key::of(assignment);
        let package = holdings::package_of(assignment);
        let spec = &assignment.spec;
        let request = Key::new(&key.namespace, spec.access_request.as_deref().unwrap_or_default());
        let found = self
            .requests
            .get(&request)
            .filter(|r| spec.access_request_uid.is_none() || r.metadata.uid == spec.access_request_uid);
        let origin = match found {
            Some(request) => Origin::Found(request),
            None if gone => Origin::Gone,
            None => Origin::Unseen,
        };
        let mut holdings = self.holdings(&spec.subject, None, &package, &request, Some(&key));
        // An assignment that is being accepted at the same time counts as held.
        holdings.assignments.retain(|a| holdings::is_live(a, now) || self.claims.contains(&("Assignment", Key::of(*a))));
        assignment::Seen {
            assignment,
            catalog: self.catalog_of(&key.namespace),
            package: self.packages.get(&package).map(|p| &**p),
            policy: self.policies.get(&Key::new(&key.namespace, &spec.policy)).map(|p| &**p),
            origin,
            granted_ends: self.granted_ends(&key),
            roles: self.roles_of(assignment, &package, problems, now),
            holdings,
            incompatible: self.incompatible(&package),
            objection: None,
            retention,
        }
    }

    /// Ends that approved requests granted to an assignment.
    fn granted_ends(&self, assignment: &Key) -> Vec<Option<DateTime<Utc>>> {
        let naming = self.requests.find(&Term::Assignment(assignment.clone()));
        let approved = naming.filter_map(|r| r.status.as_ref()).filter(|s| condition::holds(&s.conditions, APPROVED));
        approved.filter(|s| s.phase != RequestPhase::Cancelled).filter_map(|s| s.schedule.as_ref().map(|p| p.end_time)).collect()
    }

    /// The roles of an assignment: those of its package, and those that its status still names.
    fn roles_of(
        &self,
        assignment: &Assignment,
        package: &Key,
        problems: &BTreeMap<GrantKey, String>,
        now: DateTime<Utc>,
    ) -> Vec<Role> {
        let content = self.packages.get(package).map(|p| p.spec.resource_roles.clone()).unwrap_or_default();
        let recorded = assignment.status.iter().flat_map(|s| &s.grants);
        let recorded = recorded.map(|g| PackageRole { resource: g.resource.clone(), role: g.role.clone() });
        let all: BTreeSet<PackageRole> = content.iter().cloned().chain(recorded).collect();
        all.into_iter().map(|role| self.role_of(assignment, &role, content.contains(&role), problems, now)).collect()
    }

    fn role_of(
        &self,
        assignment: &Assignment,
        role: &PackageRole,
        wanted: bool,
        problems: &BTreeMap<GrantKey, String>,
        now: DateTime<Utc>,
    ) -> Role {
        let namespace = assignment.metadata.namespace.clone().unwrap_or_default();
        let subject = &assignment.spec.subject;
        let key = GrantKey { namespace, resource: role.resource.clone(), role: role.role.clone() };
        let resource = self.resources.get(&Key::new(&key.namespace, &key.resource));
        let observed = self.observed(&key);
        let here: Vec<&Observed> = observed.iter().filter(|o| o.subjects.iter().flatten().any(|s| s == subject)).collect();
        let (mut missing_in, mut problem) = (0, problems.get(&key).cloned());
        match grantable(role, resource.map(|r| &**r)) {
            Grantable::In(targets) => {
                for target in targets.iter().filter(|t| !here.iter().any(|o| o.target == **t)) {
                    missing_in += 1;
                    problem = problem.or_else(|| self.closed(target));
                }
            }
            Grantable::Hold(why) | Grantable::No(why) => {
                missing_in = usize::from(here.is_empty());
                problem = Some(why);
            }
        }
        let twin = |a: &&Arc<Assignment>| {
            Key::of(&***a) != Key::of(assignment)
                && holdings::gives(a, now)
                && a.metadata.namespace == assignment.metadata.namespace
        };
        let mut twins = self.assignments.find(&Term::Subject(subject.clone())).filter(twin);
        let shared =
            twins.any(|a| self.packages.get(&holdings::package_of(a)).is_some_and(|p| p.spec.resource_roles.contains(role)));
        let present = here.iter().map(|o| object(o)).collect();
        Role { resource: key.resource, role: key.role, wanted, present, missing: missing_in, problem, shared }
    }

    /// Why nothing can be added in a place, if nothing can.
    fn closed(&self, target: &Target) -> Option<String> {
        match &target.scope {
            Scope::Namespace(name) if !self.namespace(name) => Some(format!("namespace {name:?} does not exist")),
            _ if !self.role(target) => Some(missing(target)),
            _ => None,
        }
    }

    /// For [`crate::grants::plan::plan`].
    pub fn grant_seen(&self, key: &GrantKey, now: DateTime<Utc>) -> GrantSeen {
        let role = PackageRole { resource: key.resource.clone(), role: key.role.clone() };
        let resource = Key::new(&key.namespace, &key.resource);
        let packages = self.packages.find(&Term::Resource(resource.clone())).filter(|p| p.spec.resource_roles.contains(&role));
        let (mut wanted, mut next_end) = (BTreeSet::new(), None);
        for package in packages {
            for assignment in self.assignments.find(&Term::Package(Key::of(&**package))).filter(|a| holdings::gives(a, now)) {
                wanted.insert(assignment.spec.subject.clone());
                next_end = [next_end, assignment.end()].into_iter().flatten().min();
            }
        }
        let grantable = grantable(&role, self.resources.get(&resource).map(|r| &**r));
        let targets = if let Grantable::In(targets) = &grantable { targets.clone() } else { Vec::new() };
        let observed = self.observed(key);
        let losers = self.losers(key, &wanted, &targets, &observed, now);
        let closed = targets.into_iter().filter_map(|target| Some((target.clone(), self.closed(&target)?))).collect();
        GrantSeen { wanted, grantable, closed, observed, losers, next_end }
    }

    fn losers(
        &self,
        key: &GrantKey,
        wanted: &BTreeSet<Subject>,
        targets: &[Target],
        observed: &[Observed],
        now: DateTime<Utc>,
    ) -> BTreeMap<Subject, Key> {
        let resource = self.resources.get(&Key::new(&key.namespace, &key.resource));
        if resource.is_some_and(|r| confirmed(&**r)) {
            return BTreeMap::new();
        }
        let mut losers = BTreeMap::new();
        for binding in observed {
            let stray = !targets.contains(&binding.target);
            for subject in binding.subjects.iter().flatten().filter(|s| stray || !wanted.contains(*s)) {
                losers.extend(self.giver(key, subject, now).map(|package| (subject.clone(), package)));
            }
        }
        losers
    }

    /// The package of a live assignment through which a subject got a role, unless its change is confirmed.
    fn giver(&self, key: &GrantKey, subject: &Subject, now: DateTime<Utc>) -> Option<Key> {
        let gave = |a: &&Arc<Assignment>| {
            let mut grants = a.status.iter().flat_map(|s| &s.grants);
            a.metadata.namespace.as_deref() == Some(key.namespace.as_str())
                && holdings::gives(a, now)
                && grants.any(|g| g.resource == key.resource && g.role == key.role)
        };
        let package = holdings::package_of(self.assignments.find(&Term::Subject(subject.clone())).find(gave)?);
        let sure = self.packages.get(&package).is_some_and(|p| confirmed(&**p));
        (!sure).then_some(package)
    }

    /// The bindings of a grant.
    pub fn observed(&self, key: &GrantKey) -> Vec<Observed> {
        let term = Term::Grant(key.clone());
        let namespaced = self.role_bindings.find(&term).map(|b| observe_role_binding(key, b));
        namespaced.chain(self.cluster_role_bindings.find(&term).map(|b| observe_cluster_role_binding(key, b))).collect()
    }

    /// For [`catalog::decide`].
    pub fn catalog_seen<'a>(&'a self, catalog: &'a Catalog) -> catalog::Seen<'a> {
        let namespace = catalog.wanted_namespace();
        let term = Term::Namespace(namespace.clone());
        let bindings = self.role_bindings.find(&term).map(|b| (b.metadata.name.clone().unwrap_or_default(), &**b));
        catalog::Seen {
            catalog,
            namespace: self.namespaces.get(&Key::new("", &namespace)).map(|n| &**n),
            bindings: bindings.collect(),
            packages: self.packages.find(&term).count(),
            policies: self.policies.find(&term).map(|p| &**p).collect(),
        }
    }

    /// Packages that use a resource, and bindings that carry its grants.
    pub fn resource_users(&self, resource: &CatalogResource) -> (usize, usize) {
        let key = Key::of(resource);
        let carry = |role: &ResourceRole| {
            self.observed(&GrantKey { namespace: key.namespace.clone(), resource: key.name.clone(), role: role.name.clone() })
                .len()
        };
        (self.packages.find(&Term::Resource(key.clone())).count(), resource.spec.roles.iter().map(carry).sum())
    }

    /// Pending requests and live assignments of a package.
    pub fn package_counts(&self, package: &Key) -> (usize, usize) {
        let term = Term::Package(package.clone());
        let pending = self.requests.find(&term).filter(|r| !r.phase().is_terminal()).count();
        let live = |a: &&Arc<Assignment>| {
            let phase = a.phase();
            !phase.is_terminal()
                && a.status.as_ref().is_some_and(|s| condition::holds(&s.conditions, crate::api::assignment::ACCEPTED))
        };
        (pending, self.assignments.find(&term).filter(live).count())
    }
}

/// Whether somebody confirmed the mass revocation that the present generation of an object brings.
fn confirmed<K: Resource>(object: &K) -> bool {
    let annotation = object.meta().annotations.as_ref().and_then(|a| a.get(CONFIRM_REVOCATION));
    annotation.is_some_and(|text| text.parse().ok() == object.meta().generation)
}

fn object(observed: &Observed) -> GrantObject {
    let (kind, namespace) = match &observed.target.scope {
        Scope::Cluster => ("ClusterRoleBinding", None),
        Scope::Namespace(namespace) => ("RoleBinding", Some(namespace.clone())),
    };
    GrantObject { api_version: format!("{RBAC}/v1"), kind: kind.to_owned(), namespace, name: observed.name.clone() }
}

fn role_ref(found: &RbacRoleRef) -> RoleRef {
    RoleRef { kind: if found.kind == "Role" { RoleKind::Role } else { RoleKind::ClusterRole }, name: found.name.clone() }
}

fn subjects(found: Option<&Vec<RbacSubject>>) -> Vec<Option<Subject>> {
    found.into_iter().flatten().map(from_rbac).collect()
}

fn labelled<K: Resource>(key: &GrantKey, object: &K) -> bool {
    let has = |all: Option<&BTreeMap<String, String>>, wanted: BTreeMap<String, String>| {
        wanted.iter().all(|(k, v)| all.and_then(|all| all.get(k)) == Some(v))
    };
    has(object.meta().labels.as_ref(), name::labels(key)) && has(object.meta().annotations.as_ref(), name::annotations(key))
}

fn observe_role_binding(key: &GrantKey, binding: &RoleBinding) -> Observed {
    Observed {
        target: Target {
            scope: Scope::Namespace(binding.metadata.namespace.clone().unwrap_or_default()),
            role: role_ref(&binding.role_ref),
        },
        name: binding.metadata.name.clone().unwrap_or_default(),
        subjects: subjects(binding.subjects.as_ref()),
        labelled: labelled(key, binding),
    }
}

fn observe_cluster_role_binding(key: &GrantKey, binding: &ClusterRoleBinding) -> Observed {
    Observed {
        target: Target { scope: Scope::Cluster, role: role_ref(&binding.role_ref) },
        name: binding.metadata.name.clone().unwrap_or_default(),
        subjects: subjects(binding.subjects.as_ref()),
        labelled: labelled(key, binding),
    }
}
