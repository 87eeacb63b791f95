//! What the operator does: it asks, writes what it found, and grants.

use std::collections::{BTreeMap, BTreeSet};

use entitlement_operator::api::Subject;
use entitlement_operator::api::access_package::PackageRole;
use entitlement_operator::domain::grant::GrantKey;
use entitlement_operator::domain::grant::diff::{Access, Allowed};
use entitlement_operator::domain::resource::{Answer, Grantable, Offer, Standing, Target, grantable};
use entitlement_operator::targets::rbac::plan::{Observed, Write, plan};

use super::world::World;

impl World {
    pub fn ask(&mut self) {
        let questions = self.site.questions();
        let answers: Vec<_> = questions.into_iter().map(|q| (q.clone(), self.site.answer(&q))).collect();
        for (question, _) in answers.iter().filter(|(_, answer)| *answer == Answer::MayBind) {
            let who = question.who.iter().map(|who| who.username.clone()).collect();
            let Some(target) = question.place.clone().kubernetes() else { panic!("nobody is asked about a Connector") };
            self.yes.insert((who, target.clone(), self.uids(&target)));
        }
        self.asked = Some((self.version, answers));
    }

    /// Writes what it found, unless somebody else wrote meanwhile.
    pub fn write(&mut self) {
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

    fn places(&self, grantable: &Grantable<'_>, key: &GrantKey) -> BTreeMap<Target, Access> {
        let found = self.bindings.iter().filter(|(_, (own, _))| own == key).map(|((target, _), _)| target.clone());
        let all: BTreeSet<Target> = grantable.targets().into_iter().chain(found).collect();
        let place = |target: Target| match grantable.in_place(&target, &self.site.ground) {
            Standing::Open => Some((target, Access::Open)),
            Standing::Held(_) => Some((target, Access::Closed)),
            Standing::Void(_) => Some((target, Access::Void)),
            Standing::Leaving => None,
        };
        all.into_iter().filter_map(place).collect()
    }

    pub fn grant(&mut self, name: &str, writes: usize) {
        let (key, offer) = (Self::key(name), Offer::of(&self.site.resource));
        let wanted = PackageRole { resource: key.resource.clone(), role: key.role.clone() };
        let places = self.places(&grantable(&wanted, Some(&offer)), &key);
        let allowed = Allowed { places, kept: BTreeSet::new() };
        let observed: Vec<Observed> = self.bindings.values().filter(|(own, _)| *own == key).map(|(_, o)| o.clone()).collect();
        for write in plan(&key, &self.holders, &allowed, &observed).iter().take(writes) {
            match write {
                // The API server refuses it.
                Write::Put { target, .. } if !self.site.ground.namespaces.contains_key(target.scope.namespace().unwrap()) => {}
                Write::Put { target, name, subjects, .. } => {
                    let subjects = subjects.iter().cloned().map(Some).collect();
                    let binding =
                        Observed { target: target.clone(), name: name.clone(), subjects, labelled: true, closing: false };
                    self.put(&key, binding);
                }
                Write::Delete { target, name } => drop(self.bindings.remove(&(target.clone(), name.clone()))),
            }
        }
    }

    fn put(&mut self, key: &GrantKey, binding: Observed) {
        let place = (binding.target.clone(), binding.name.clone());
        let had: BTreeSet<&Subject> = self.bindings.get(&place).iter().flat_map(|(_, o)| o.subjects.iter().flatten()).collect();
        if binding.subjects.iter().flatten().any(|s| !had.contains(s)) {
            self.check_judged(&key.role, &binding.target);
        }
        self.bindings.insert(place, (key.clone(), binding));
    }

    pub fn settle(&mut self) {
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
}
