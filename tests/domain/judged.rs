//! Whatever is granted was judged as it is now, in this place, in this catalog: through random edits of roles and places by whomever,
//! namespaces, Roles and Catalogs that are deleted and made anew, powers that come and go, answers that arrive late, and an operator that
//! stops after any write.

use std::collections::{BTreeMap, BTreeSet};

use entitlement_operator::api::access_package::PackageRole;
use entitlement_operator::api::catalog_resource::RoleKind;
use entitlement_operator::api::{CatalogResource, Subject};
use entitlement_operator::domain::resource::{Answer, Cluster, Grantable, Offer, Question, Standing, Target, grantable};
use entitlement_operator::grants::GrantKey;
use entitlement_operator::grants::plan::{Observed, Place, Write, plan};
use proptest::prelude::*;

use crate::builders::site::{Site, author, role, site};
use crate::builders::{StoredWords, at, user};
use crate::chance;

const AUTHORS: [&str; 3] = ["carol", "olga", "root"];
const NAMESPACES: [&str; 2] = ["payments", "jobs"];
const BOUND: [(RoleKind, &str); 4] = [
    (RoleKind::ClusterRole, "view"),
    (RoleKind::ClusterRole, "cluster-admin"),
    (RoleKind::Role, "deployer"),
    (RoleKind::Role, "ghost"),
];

/// One thing that happens. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Act {
    WriteRole {
        name: u8,
        bound: usize,
        who: usize,
    },
    RemoveRole {
        name: u8,
    },
    WritePlaces {
        places: u8,
        who: usize,
    },
    Describe,
    DeleteResource,
    Namespace {
        which: usize,
        gone: bool,
    },
    Role {
        which: usize,
        gone: bool,
    },
    Catalog {
        gone: bool,
    },
    Power {
        who: usize,
        place: usize,
        bound: usize,
    },
    Holder {
        who: u8,
    },
    /// The operator reads and asks; what it found may be written later.
    Ask,
    Write,
    Grant {
        name: u8,
        writes: usize,
    },
    Settle,
}

/// What was judged: by whom it was written, what, where, all of it by uid.
type Judged = (BTreeSet<String>, Target, [Option<String>; 3]);

struct World {
    site: Site,
    version: u64,
    /// Counts what is made anew.
    births: u32,
    holders: BTreeSet<Subject>,
    bindings: BTreeMap<(Target, String), (GrantKey, Observed)>,
    yes: BTreeSet<Judged>,
    asked: Option<(u64, Vec<(Question, Answer)>)>,
}

fn role_name(number: u8) -> String {
    format!("role-{number}")
}

impl World {
    fn new() -> Self {
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

    fn uids(&self, target: &Target) -> [Option<String>; 3] {
        let ground = &self.site.ground;
        let of_role = ground.role_uid(target).filter(|_| target.role.kind == RoleKind::Role);
        [target.scope.namespace().and_then(|name| ground.namespace_uid(name)), of_role, ground.catalog.clone()]
    }

    fn happens(&mut self, act: &Act) {
        self.births += 1;
        let uid = format!("born {}", self.births);
        let fresh = |gone: bool| Some(uid.as_str()).filter(|_| !gone);
        match act {
            Act::WriteRole { name, bound, who } => {
                let (kind, bound) = BOUND[*bound];
                let wanted = role(&role_name(*name), kind, bound, AUTHORS[*who]);
                self.edit(|resource| match resource.spec.roles.iter_mut().find(|role| role.name == wanted.name) {
                    // As the API server stamps it: who writes what is there already becomes no author.
                    Some(role) if role.kubernetes == wanted.kubernetes => {}
                    Some(role) => *role = wanted,
                    None => resource.spec.roles.push(wanted),
                });
            }
            Act::RemoveRole { name } => self.edit(|resource| {
                let left = resource.spec.roles.iter().filter(|role| role.name != role_name(*name)).cloned().collect::<Vec<_>>();
                if !left.is_empty() {
                    resource.spec.roles = left;
                }
            }),
            Act::WritePlaces { places, who } => {
                let named = NAMESPACES.iter().enumerate().filter(|(number, _)| places & (1 << number) != 0);
                let named: Vec<String> = named.map(|(_, name)| (*name).to_owned()).collect();
                self.edit(|resource| {
                    if !named.is_empty() && resource.spec.kubernetes.namespaces != named {
                        resource.spec.kubernetes.namespaces = named;
                        resource.spec.kubernetes.author = Some(author(AUTHORS[*who]));
                    }
                });
            }
            Act::Describe => self.edit(|resource| resource.spec.description = uid.clone()),
            Act::DeleteResource => self.edit(|resource| *resource = resource.clone().being_deleted(at(1))),
            Act::Namespace { which, gone } => {
                let name = NAMESPACES[*which];
                self.site.ground.namespace(name, fresh(*gone));
                // Kubernetes' own rule: everything in it ends with it.
                self.site.ground.roles.retain(|(namespace, _), _| namespace != name);
                self.bindings.retain(|(target, _), _| target.scope.namespace() != Some(name));
            }
            Act::Role { which, gone } => {
                let (namespace, name) = (NAMESPACES[which % 2], ["deployer", "ghost"][which / 2]);
                if self.site.ground.namespaces.contains_key(namespace) {
                    self.site.ground.role(namespace, name, fresh(*gone));
                }
            }
            Act::Catalog { gone } => self.site.ground.catalog = fresh(*gone).map(str::to_owned),
            Act::Power { who, place, bound } => {
                let power = (AUTHORS[*who].to_owned(), Some(NAMESPACES[*place].to_owned()), BOUND[*bound].1.to_owned());
                if !self.site.powers.remove(&power) {
                    self.site.powers.insert(power);
                }
            }
            Act::Holder { who } => {
                let person = user(&format!("person-{who}"));
                if !self.holders.remove(&person) {
                    self.holders.insert(person);
                }
            }
            Act::Ask => self.ask(),
            Act::Write => self.write(),
            Act::Grant { name, writes } => self.grant(&role_name(*name), *writes),
            Act::Settle => self.settle(),
        }
    }

    fn ask(&mut self) {
        let questions = self.site.questions();
        let answers: Vec<_> = questions.into_iter().map(|q| (q.clone(), self.site.answer(&q))).collect();
        for (question, _) in answers.iter().filter(|(_, answer)| *answer == Answer::MayBind) {
            let who = question.who.iter().map(|who| who.username.clone()).collect();
            self.yes.insert((who, question.target.clone(), self.uids(&question.target)));
        }
        self.asked = Some((self.version, answers));
    }

    /// Writes what it found, unless somebody else wrote meanwhile.
    fn write(&mut self) {
        let Some((version, answers)) = self.asked.take().filter(|(version, _)| *version == self.version) else { return };
        let after = self.site.judged(answers);
        if after.status != self.site.resource.status {
            self.site.resource = after;
            self.version = version + 1;
        }
    }

    fn key(name: &str) -> GrantKey {
        GrantKey { namespace: "catalog-payments".to_owned(), resource: "production".to_owned(), role: name.to_owned() }
    }

    fn places(&self, grantable: &Grantable<'_>, key: &GrantKey) -> BTreeMap<Target, Place> {
        let found = self.bindings.iter().filter(|(_, (own, _))| own == key).map(|((target, _), _)| target.clone());
        let all: BTreeSet<Target> = grantable.targets().into_iter().chain(found).collect();
        let place = |target: Target| match grantable.in_place(&target, &self.site.ground) {
            Standing::Open => Some((target, Place::Open)),
            Standing::Held(_) => Some((target, Place::Closed)),
            Standing::Void(_) => Some((target, Place::Void)),
            Standing::Leaving => None,
        };
        all.into_iter().filter_map(place).collect()
    }

    fn grant(&mut self, name: &str, writes: usize) {
        let (key, offer) = (Self::key(name), Offer::of(&self.site.resource));
        let wanted = PackageRole { resource: key.resource.clone(), role: key.role.clone() };
        let places = self.places(&grantable(&wanted, Some(&offer)), &key);
        let observed: Vec<Observed> = self.bindings.values().filter(|(own, _)| *own == key).map(|(_, o)| o.clone()).collect();
        for write in plan(&key, &self.holders, &BTreeSet::new(), &places, &observed).iter().take(writes) {
            match write {
                Write::Put { target, name: binding, subjects, .. } => {
                    if !self.site.ground.namespaces.contains_key(target.scope.namespace().unwrap()) {
                        continue; // the API server refuses it
                    }
                    let place = (target.clone(), binding.clone());
                    let had: BTreeSet<&Subject> =
                        self.bindings.get(&place).iter().flat_map(|(_, o)| o.subjects.iter().flatten()).collect();
                    if subjects.iter().any(|s| !had.contains(s)) {
                        self.check_judged(name, target);
                    }
                    let subjects = subjects.iter().cloned().map(Some).collect();
                    let put =
                        Observed { target: target.clone(), name: binding.clone(), subjects, labelled: true, closing: false };
                    self.bindings.insert(place, (key.clone(), put));
                }
                Write::Delete { target, name } => drop(self.bindings.remove(&(target.clone(), name.clone()))),
            }
        }
    }

    /// Who gains a role gains it as it was written and judged.
    fn check_judged(&self, name: &str, target: &Target) {
        let spec = &self.site.resource.spec;
        let role = spec.roles.iter().find(|role| role.name == name).expect("the role is there");
        assert_eq!(role.kubernetes.role_ref, target.role, "what is granted is what is written");
        assert!(spec.kubernetes.namespaces.iter().any(|n| target.scope.namespace() == Some(n)), "{target:?} is a place of it");
        let who = [&role.author, &spec.kubernetes.author].into_iter().flatten().map(|a| a.username.clone()).collect();
        let judged = (who, target.clone(), self.uids(target));
        assert!(self.yes.contains(&judged), "{judged:?} was never judged");
    }

    fn settle(&mut self) {
        for round in 0.. {
            assert!(round < 8, "it goes round in circles");
            let before = (self.site.resource.clone(), self.bindings.clone());
            self.ask();
            self.write();
            let names: BTreeSet<String> = self.bindings.values().map(|(key, _)| key.role.clone()).collect();
            let all = self.site.resource.spec.roles.iter().map(|role| role.name.clone()).chain(names).collect::<BTreeSet<_>>();
            all.iter().for_each(|name| self.grant(name, usize::MAX));
            if before == (self.site.resource.clone(), self.bindings.clone()) {
                break;
            }
        }
        self.check_settled();
    }

    fn check_settled(&self) {
        let spec = &self.site.resource.spec;
        for ((target, _), (key, observed)) in &self.bindings {
            let people: BTreeSet<Subject> = observed.subjects.iter().flatten().cloned().collect();
            assert!(people.is_subset(&self.holders), "{people:?} of {key}");
            assert!(spec.roles.iter().any(|role| role.name == key.role), "{key} was taken out");
            assert!(spec.kubernetes.namespaces.iter().any(|n| target.scope.namespace() == Some(n)), "{target:?} was taken out");
            let now = self.uids(target);
            let same = |(_, of, uids): &&Judged| of == target && uids[..2] == now[..2] && (now[2].is_none() || uids[2] == now[2]);
            assert!(self.yes.iter().any(|judged| same(&judged)), "nobody has anything in what was made anew: {target:?}");
        }
        for role in &spec.roles {
            let offer = Offer::of(&self.site.resource);
            for target in offer.roles[&role.name].targets() {
                let who = [&role.author, &spec.kubernetes.author].into_iter().flatten().map(|a| a.username.clone());
                let may = who.clone().all(|who| {
                    self.site.powers.contains(&(who, target.scope.namespace().map(str::to_owned), target.role.name.clone()))
                });
                let there = entitlement_operator::domain::resource::missing(&target, &self.site.ground).is_none();
                if may && there && self.site.ground.catalog.is_some() && self.never_refused(&target) {
                    let has = self.bindings.iter().filter(|((t, _), (key, _))| *t == target && key.role == role.name);
                    let has: BTreeSet<Subject> = has.flat_map(|(_, (_, o))| o.subjects.iter().flatten().cloned()).collect();
                    assert_eq!(has, self.holders, "{target:?} of {} may be handed out", role.name);
                }
            }
        }
    }

    /// A no is asked again only after a while, and no time passes here.
    fn never_refused(&self, target: &Target) -> bool {
        let roles = self.site.resource.status.iter().flat_map(|status| &status.roles);
        roles.flat_map(|role| &role.places).all(|answer| answer.allowed || answer.role_ref != target.role)
    }
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let often = || proptest::bool::weighted(0.3);
    let act = prop_oneof![
        3 => (0..2_u8, 0..4_usize, 0..3_usize).prop_map(|(name, bound, who)| Act::WriteRole { name, bound, who }),
        1 => (0..2_u8).prop_map(|name| Act::RemoveRole { name }),
        2 => (1..4_u8, 0..3_usize).prop_map(|(places, who)| Act::WritePlaces { places, who }),
        1 => Just(Act::Describe),
        1 => Just(Act::DeleteResource),
        2 => (0..2_usize, often()).prop_map(|(which, gone)| Act::Namespace { which, gone }),
        2 => (0..4_usize, often()).prop_map(|(which, gone)| Act::Role { which, gone }),
        1 => often().prop_map(|gone| Act::Catalog { gone }),
        3 => (0..3_usize, 0..2_usize, 0..4_usize).prop_map(|(who, place, bound)| Act::Power { who, place, bound }),
        1 => (0..2_u8).prop_map(|who| Act::Holder { who }),
        4 => Just(Act::Ask),
        4 => Just(Act::Write),
        5 => (0..2_u8, prop_oneof![2 => Just(usize::MAX), 1 => 0..3_usize]).prop_map(|(name, writes)| Act::Grant { name, writes }),
        2 => Just(Act::Settle),
    ];
    proptest::collection::vec(act, 1..40)
}

proptest! {
    #![proptest_config(chance(3_000))]

    #[test]
    fn whatever_is_granted_was_judged_as_it_is_now_here_in_this_catalog(acts in acts()) {
        let mut world = World::new();
        acts.iter().for_each(|act| world.happens(act));
        world.settle();
    }
}
