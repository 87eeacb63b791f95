//! A resource with its bindings, and all that was ever judged of it.

use std::collections::{BTreeMap, BTreeSet};

use entitlement_operator::api::catalog_resource::RoleKind;
use entitlement_operator::api::{CatalogResource, Subject};
use entitlement_operator::domain::grant::GrantKey;
use entitlement_operator::domain::resource::{Answer, Cluster, Question, Target};
use entitlement_operator::targets::rbac::plan::Observed;

use super::acts::{AUTHORS, Act, BOUND, NAMESPACES};
use crate::builders::site::{Site, member, namespaces, oncall, role, site};
use crate::builders::{StoredWords, at, user};

/// What was judged: by whom it was written, what, where, all of it by uid.
pub type Judged = (BTreeSet<String>, Target, [Option<String>; 3]);

pub struct World {
    pub site: Site,
    pub version: u64,
    /// Counts what is made anew.
    pub births: u32,
    pub holders: BTreeSet<Subject>,
    pub bindings: BTreeMap<(Target, String), (GrantKey, Observed)>,
    pub yes: BTreeSet<Judged>,
    pub asked: Option<(u64, Vec<(Question, Answer)>)>,
}

fn role_name(number: u8) -> String {
    format!("role-{number}")
}

fn comes_or_goes<T: Ord>(all: &mut BTreeSet<T>, one: T) {
    if !all.remove(&one) {
        all.insert(one);
    }
}

impl World {
    pub fn new() -> Self {
        let mut site = site();
        site.resource.spec.roles = vec![role(&role_name(0), RoleKind::ClusterRole, "view", "carol")];
        for namespace in NAMESPACES {
            for (_, bound) in BOUND {
                site.powers.insert(("root".to_owned(), Some(namespace.to_owned()), bound.to_owned()));
            }
        }
        let holders = [user("alice"), user("bob")].into();
        Self { site, version: 1, births: 0, holders, bindings: BTreeMap::new(), yes: BTreeSet::new(), asked: None }
    }

    fn edit(&mut self, change: impl FnOnce(&mut CatalogResource)) {
        let before = self.site.resource.clone();
        change(&mut self.site.resource);
        if before != self.site.resource {
            self.version += 1;
            self.site.resource.metadata.generation = before.metadata.generation.map(|generation| generation + 1);
        }
    }

    pub fn uids(&self, target: &Target) -> [Option<String>; 3] {
        let ground = &self.site.ground;
        let of_role = ground.role_uid(target).filter(|_| target.role.kind == RoleKind::Role);
        [target.scope.namespace().and_then(|name| ground.namespace_uid(name)), of_role, ground.catalog.clone()]
    }

    pub fn happens(&mut self, act: &Act) {
        self.births += 1;
        match act {
            Act::WriteRole { name, bound, who } => self.somebody_writes_a_role(&role_name(*name), BOUND[*bound], AUTHORS[*who]),
            Act::RemoveRole { name } => self.somebody_removes_a_role(&role_name(*name)),
            Act::WritePlaces { places, who } => self.somebody_writes_the_places(*places, AUTHORS[*who]),
            Act::Exchange { who } => self.somebody_exchanges_the_target(AUTHORS[*who]),
            Act::Describe => {
                let description = self.never_seen_before();
                self.edit(|resource| resource.spec.description = description);
            }
            Act::DeleteResource => self.edit(|resource| *resource = resource.clone().being_deleted(at(1))),
            Act::Namespace { which, gone } => self.a_namespace_comes_or_goes(NAMESPACES[*which], *gone),
            Act::Role { which, gone } => {
                self.a_kubernetes_role_comes_or_goes(NAMESPACES[which % 2], ["deployer", "ghost"][which / 2], *gone);
            }
            Act::Catalog { gone } => self.site.ground.catalog = self.made_anew_unless(*gone),
            Act::Power { who, place, bound } => {
                let power = (AUTHORS[*who].to_owned(), Some(NAMESPACES[*place].to_owned()), BOUND[*bound].1.to_owned());
                comes_or_goes(&mut self.site.powers, power);
            }
            Act::Holder { who } => comes_or_goes(&mut self.holders, user(&format!("person-{who}"))),
            Act::Ask => self.ask(),
            Act::Write => self.write(),
            Act::Grant { name, writes } => self.grant(&role_name(*name), *writes),
            Act::Settle => self.settle(),
        }
    }

    fn never_seen_before(&self) -> String {
        format!("born {}", self.births)
    }

    /// The uid of what is made anew, and of what is gone none.
    fn made_anew_unless(&self, gone: bool) -> Option<String> {
        Some(self.never_seen_before()).filter(|_| !gone)
    }

    fn somebody_writes_a_role(&mut self, name: &str, (kind, bound): (RoleKind, &str), who: &str) {
        let connected = self.site.resource.spec.connector.is_some();
        let wanted = if connected { member(name, who) } else { role(name, kind, bound, who) };
        self.edit(|resource| match resource.spec.roles.iter_mut().find(|role| role.name == wanted.name) {
            // As the API server stamps it: who writes what is there already becomes no author.
            Some(role) if (&role.kubernetes, &role.connector) == (&wanted.kubernetes, &wanted.connector) => {}
            Some(role) => *role = wanted,
            None => resource.spec.roles.push(wanted),
        });
    }

    fn somebody_removes_a_role(&mut self, name: &str) {
        self.edit(|resource| {
            let left = resource.spec.roles.iter().filter(|role| role.name != name).cloned().collect::<Vec<_>>();
            if !left.is_empty() {
                resource.spec.roles = left;
            }
        });
    }

    fn somebody_exchanges_the_target(&mut self, who: &str) {
        self.edit(|resource| {
            let (back, spec) = (resource.spec.connector.is_some(), &mut resource.spec);
            spec.kubernetes = back.then(|| namespaces(&["payments".to_owned()], who));
            spec.connector = (!back).then(|| oncall(who));
            let anew = |name: &str| if back { role(name, RoleKind::ClusterRole, "view", who) } else { member(name, who) };
            spec.roles.iter_mut().for_each(|role| *role = anew(&role.name));
        });
    }

    fn somebody_writes_the_places(&mut self, places: u8, who: &str) {
        let named = NAMESPACES.iter().enumerate().filter(|(number, _)| places & (1 << number) != 0);
        let named: Vec<String> = named.map(|(_, name)| (*name).to_owned()).collect();
        self.edit(|resource| {
            let stand = resource.spec.kubernetes.as_ref().is_some_and(|places| places.namespaces == named);
            if !named.is_empty() && !stand && resource.spec.connector.is_none() {
                resource.spec.kubernetes = Some(namespaces(&named, who));
            }
        });
    }

    fn a_namespace_comes_or_goes(&mut self, name: &str, gone: bool) {
        let uid = self.made_anew_unless(gone);
        self.site.ground.namespace(name, uid.as_deref());
        // Kubernetes' own rule: everything in it ends with it.
        self.site.ground.roles.retain(|(namespace, _), _| namespace != name);
        self.bindings.retain(|(target, _), _| target.scope.namespace() != Some(name));
    }

    fn a_kubernetes_role_comes_or_goes(&mut self, namespace: &str, name: &str, gone: bool) {
        if self.site.ground.namespaces.contains_key(namespace) {
            let uid = self.made_anew_unless(gone);
            self.site.ground.role(namespace, name, uid.as_deref());
        }
    }
}
