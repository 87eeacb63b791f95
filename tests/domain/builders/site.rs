//! A resource on the ground it stands on, people with powers, and what becomes of it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entitlement_operator::api::catalog_resource::{
    Author, AuthorGroups, ConnectorRole, ConnectorTarget, ConnectorType, KubernetesRole, KubernetesTarget, ResourceRole,
    RoleKind, RoleRef,
};
use entitlement_operator::api::{CatalogResource, CatalogResourceSpec};
use entitlement_operator::domain::Trust;
use entitlement_operator::domain::resource::{self, Answer, Cluster, Offer, OfferedRole, Question, Scope, Target};

use super::content::{PAYMENTS, stored};
use super::people::at;
use super::requests::StoredWords;

/// What exists, by uid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ground {
    pub namespaces: BTreeMap<String, String>,
    pub closing: BTreeSet<String>,
    /// Roles, by namespace and name.
    pub roles: BTreeMap<(String, String), String>,
    pub cluster_roles: BTreeSet<String>,
    pub catalog: Option<String>,
}

impl Ground {
    /// A namespace is there, or not.
    pub fn namespace(&mut self, name: &str, uid: Option<&str>) {
        match uid {
            Some(uid) => drop(self.namespaces.insert(name.to_owned(), uid.to_owned())),
            None => drop(self.namespaces.remove(name)),
        }
    }

    /// A Role is there, or not.
    pub fn role(&mut self, namespace: &str, name: &str, uid: Option<&str>) {
        let key = (namespace.to_owned(), name.to_owned());
        match uid {
            Some(uid) => drop(self.roles.insert(key, uid.to_owned())),
            None => drop(self.roles.remove(&key)),
        }
    }
}

impl Cluster for Ground {
    fn namespace_uid(&self, name: &str) -> Option<String> {
        self.namespaces.get(name).cloned()
    }

    fn is_closing(&self, name: &str) -> bool {
        self.closing.contains(name)
    }

    fn role_uid(&self, target: &Target) -> Option<String> {
        match (&target.scope, target.role.kind) {
            (_, RoleKind::ClusterRole) => {
                self.cluster_roles.contains(&target.role.name).then(|| format!("uid of {}", target.role.name))
            }
            (Scope::Namespace(namespace), RoleKind::Role) => {
                self.roles.get(&(namespace.clone(), target.role.name.clone())).cloned()
            }
            (Scope::Cluster, RoleKind::Role) => None,
        }
    }

    fn catalog_uid(&self, _: &str) -> Option<String> {
        self.catalog.clone()
    }
}

/// A resource with all around it.
#[derive(Clone)]
pub struct Site {
    pub resource: CatalogResource,
    pub ground: Ground,
    /// Who may hand out what: user, namespace or nothing, role.
    pub powers: BTreeSet<(String, Option<String>, String)>,
    pub now: DateTime<Utc>,
    pub trust: Trust,
}

/// A ClusterRole.
pub fn cluster_role(name: &str) -> RoleRef {
    RoleRef { kind: RoleKind::ClusterRole, name: name.to_owned() }
}

/// Somebody in the groups of all authors.
pub fn author(name: &str) -> Author {
    Author { username: name.to_owned(), uid: None, groups_ref: 1 }
}

/// A role that somebody wrote.
pub fn role(name: &str, kind: RoleKind, bound: &str, who: &str) -> ResourceRole {
    let role_ref = RoleRef { kind, name: bound.to_owned() };
    let kubernetes = Some(KubernetesRole { role_ref });
    ResourceRole { name: name.to_owned(), kubernetes, author: Some(author(who)), ..ResourceRole::default() }
}

/// Places that somebody wrote.
pub fn namespaces(names: &[String], who: &str) -> KubernetesTarget {
    KubernetesTarget { namespaces: names.to_vec(), cluster_wide: false, author: Some(author(who)) }
}

/// A group behind a Connector that somebody wrote.
pub fn oncall(who: &str) -> ConnectorTarget {
    ConnectorTarget {
        name: "corp".to_owned(),
        kind: ConnectorType::Group,
        id: "/payments/oncall".to_owned(),
        author: Some(author(who)),
    }
}

/// Membership in it, under a name.
pub fn member(name: &str, who: &str) -> ResourceRole {
    let connector = Some(ConnectorRole { role: "member".to_owned() });
    ResourceRole { name: name.to_owned(), connector, author: Some(author(who)), ..ResourceRole::default() }
}

/// Created at 5: the role `viewer` in `payments`, by Carol, who may hand out everything but `cluster-admin` there and in `jobs`.
pub fn site() -> Site {
    let spec = CatalogResourceSpec {
        kubernetes: Some(namespaces(&["payments".to_owned()], "carol")),
        roles: vec![self::role("viewer", RoleKind::ClusterRole, "view", "carol")],
        author_groups: vec![AuthorGroups { id: 1, groups: vec!["leads".to_owned()] }],
        ..CatalogResourceSpec::default()
    };
    let mut ground = Ground { catalog: Some("catalog".to_owned()), ..Ground::default() };
    for namespace in ["payments", "jobs"] {
        ground.namespace(namespace, Some(&format!("uid of {namespace}")));
        ground.role(namespace, "deployer", Some(&format!("uid of deployer in {namespace}")));
    }
    ground.cluster_roles = ["view", "edit", "cluster-admin"].map(str::to_owned).into();
    let bound = ["view", "edit", "deployer"];
    let power = |namespace: &str| bound.map(|role| ("carol".to_owned(), Some(namespace.to_owned()), role.to_owned()));
    Site {
        resource: stored(CatalogResource::new("production", spec), PAYMENTS).created(at(5)),
        ground,
        powers: ["payments", "jobs"].into_iter().flat_map(power).collect(),
        now: at(10),
        trust: Trust::Waived,
    }
}

impl Site {
    /// What the operator would ask now.
    pub fn questions(&self) -> Vec<Question> {
        let offer = Offer::of(&self.resource);
        let is_doubted = |_: &str, role: &OfferedRole| resource::doubt(&self.resource, role, &self.trust, false).is_some();
        resource::questions(&self.resource, &offer, &self.ground, is_doubted, self.now)
    }

    /// What the API server answers.
    pub fn answer(&self, question: &Question) -> Answer {
        let Some(Target { scope, role }) = question.place.clone().kubernetes() else { return Answer::Gone };
        let (place, role) = (scope.namespace().map(str::to_owned), role.name);
        let lacks = |who: &&entitlement_operator::api::Identity| {
            !self.powers.contains(&(who.username.clone(), place.clone(), role.clone()))
        };
        match question.who.iter().find(lacks) {
            Some(who) => Answer::CannotBind(format!("{} may not hand out {role}", who.username)),
            None => Answer::MayBind,
        }
    }

    /// The status after a reconciliation with these answers.
    pub fn judged(&self, answers: Vec<(Question, Answer)>) -> CatalogResource {
        let offer = Offer::of(&self.resource);
        let input = resource::Input {
            resource: &self.resource,
            offer: &offer,
            packages: 0,
            carriers: 0,
            grants: None,
            cluster: &self.ground,
            answers,
            trust: &self.trust,
            open: &|_, _| false,
        };
        let plan = resource::decide(&input, self.now);
        crate::words::are_told("CatalogResource", &plan);
        CatalogResource { status: Some(plan.status), ..self.resource.clone() }
    }

    /// Looks, asks and writes until nothing changes.
    pub fn settle(&mut self) {
        for round in 0.. {
            assert!(round < 5, "it goes round in circles");
            let answers = self.questions().into_iter().map(|q| (q.clone(), self.answer(&q))).collect();
            let after = self.judged(answers);
            if after.status == self.resource.status {
                break;
            }
            self.resource = after;
        }
    }
}
