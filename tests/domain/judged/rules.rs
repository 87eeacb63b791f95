//! What must hold of a grant: it was judged as it is, and when all is done nobody has less or more.

use std::collections::BTreeSet;

use entitlement_operator::api::Subject;
use entitlement_operator::api::catalog_resource::ResourceRole;
use entitlement_operator::domain::resource::{Offer, Place, Target};

use super::world::{Judged, World};

impl World {
    /// Who gains a role gains it as it was written and judged.
    pub fn check_judged(&self, name: &str, target: &Target) {
        let spec = &self.site.resource.spec;
        let role = spec.roles.iter().find(|role| role.name == name).expect("the role is there");
        let bound = role.kubernetes.as_ref().map(|role| &role.role_ref);
        assert_eq!(bound, Some(&target.role), "what is granted is what is written");
        assert!(self.is_a_place(target), "{target:?} is a place of it");
        let who = [role.author.as_ref(), spec.places_author()].into_iter().flatten().map(|a| a.username.clone()).collect();
        let judged = (who, target.clone(), self.uids(target));
        assert!(self.yes.contains(&judged), "{judged:?} was never judged");
    }

    fn is_a_place(&self, target: &Target) -> bool {
        let places = self.site.resource.spec.kubernetes.iter().flat_map(|places| &places.namespaces);
        places.into_iter().any(|name| target.scope.namespace() == Some(name))
    }

    pub fn check_settled(&self) {
        self.nobody_has_more_than_they_should();
        self.nobody_has_less_than_may_be_handed_out();
    }

    fn nobody_has_more_than_they_should(&self) {
        let spec = &self.site.resource.spec;
        for ((target, _), (key, observed)) in &self.bindings {
            let people: BTreeSet<Subject> = observed.subjects.iter().flatten().cloned().collect();
            assert!(people.is_subset(&self.holders), "{people:?} of {key}");
            assert!(spec.roles.iter().any(|role| role.name == key.role), "{key} was taken out");
            assert!(self.is_a_place(target), "{target:?} was taken out");
            let now = self.uids(target);
            let same = |(_, of, uids): &&Judged| of == target && uids[..2] == now[..2] && (now[2].is_none() || uids[2] == now[2]);
            assert!(self.yes.iter().any(|judged| same(&judged)), "nobody has anything in what was made anew: {target:?}");
        }
    }

    fn nobody_has_less_than_may_be_handed_out(&self) {
        let offer = Offer::of(&self.site.resource);
        for role in &self.site.resource.spec.roles {
            for target in offer.roles[&role.name].targets() {
                let there = Place::from(&target).missing(&self.site.ground).is_none() && self.site.ground.catalog.is_some();
                if there && self.its_authors_may_bind(role, &target) && self.never_refused(&target) {
                    let has = self.bindings.iter().filter(|((t, _), (key, _))| *t == target && key.role == role.name);
                    let has: BTreeSet<Subject> = has.flat_map(|(_, (_, o))| o.subjects.iter().flatten().cloned()).collect();
                    assert_eq!(has, self.holders, "{target:?} of {} may be handed out", role.name);
                }
            }
        }
    }

    /// Whoever wrote the role and whoever wrote the places hold it there.
    fn its_authors_may_bind(&self, role: &ResourceRole, target: &Target) -> bool {
        let authors = [role.author.as_ref(), self.site.resource.spec.places_author()];
        let mut who = authors.into_iter().flatten().map(|a| a.username.clone());
        who.all(|who| self.site.powers.contains(&(who, target.scope.namespace().map(str::to_owned), target.role.name.clone())))
    }

    /// A no is asked again only after a while, and no time passes here.
    fn never_refused(&self, target: &Target) -> bool {
        let roles = self.site.resource.status.iter().flat_map(|status| &status.roles);
        roles
            .flat_map(|role| &role.places)
            .all(|answer| answer.allowed || answer.kubernetes.as_ref().is_none_or(|judged| judged.role_ref != target.role))
    }
}
