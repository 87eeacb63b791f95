//! The bindings of every grant as they were read once, and by subject which of them carry it: reconciling one assignment must not walk
//! all the subjects of its package.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::api::Subject;
use crate::domain::Key;
use crate::domain::grant::{GrantKey, within};
use crate::domain::resource::Target;

use super::binding::Observed;

/// The bindings of one grant.
#[derive(Default)]
struct Bindings {
    all: BTreeMap<(Target, String), Arc<Observed>>,
    of: HashMap<Subject, Vec<Arc<Observed>>>,
}

/// The bindings of all grants.
#[derive(Default)]
pub struct MemberIndex(BTreeMap<GrantKey, Bindings>);

impl MemberIndex {
    /// A binding is there.
    pub fn enter(&mut self, key: GrantKey, binding: Observed) {
        let binding = Arc::new(binding);
        let bindings = self.0.entry(key).or_default();
        for subject in binding.subjects.iter().flatten() {
            let own = bindings.of.entry(subject.clone()).or_default();
            if !own.iter().any(|other| Arc::ptr_eq(other, &binding)) {
                // Whatever came first: or a status that repeats them would differ without a change.
                let before = |other: &Arc<Observed>| (&other.target, &other.name) < (&binding.target, &binding.name);
                own.insert(own.partition_point(before), binding.clone());
            }
        }
        bindings.all.insert((binding.target.clone(), binding.name.clone()), binding);
    }

    /// A binding is not there any more, or not as it was.
    pub fn leave(&mut self, key: &GrantKey, target: &Target, name: &str) {
        let Some(bindings) = self.0.get_mut(key) else { return };
        let Some(binding) = bindings.all.remove(&(target.clone(), name.to_owned())) else { return };
        for subject in binding.subjects.iter().flatten() {
            if let Some(own) = bindings.of.get_mut(subject) {
                own.retain(|other| !Arc::ptr_eq(other, &binding));
                if own.is_empty() {
                    bindings.of.remove(subject);
                }
            }
        }
        if bindings.all.is_empty() {
            self.0.remove(key);
        }
    }

    /// The grants that some binding carries.
    pub fn keys(&self) -> impl Iterator<Item = &GrantKey> {
        self.0.keys()
    }

    /// Those of them that belong to a resource.
    pub fn keys_of<'m>(&'m self, resource: &'m Key) -> impl Iterator<Item = &'m GrantKey> {
        within(&self.0, &resource.namespace, Some(&resource.name)).map(|(key, _)| key)
    }

    /// All bindings of a grant, in the order of their places and names.
    pub fn all(&self, key: &GrantKey) -> impl Iterator<Item = &Arc<Observed>> {
        self.0.get(key).into_iter().flat_map(|bindings| bindings.all.values())
    }

    /// Those of them that carry a subject, in the same order.
    pub fn of(&self, key: &GrantKey, subject: &Subject) -> &[Arc<Observed>] {
        self.0.get(key).and_then(|bindings| bindings.of.get(subject)).map(Vec::as_slice).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::api::catalog_resource::{RoleKind, RoleRef};
    use crate::domain::resource::Scope;

    fn key(number: u8) -> GrantKey {
        GrantKey { namespace: "space".to_owned(), resource: "resource".to_owned(), role: format!("role-{number}") }
    }

    fn subject(number: u8) -> Subject {
        Subject::user(format!("user-{number}"))
    }

    fn binding((place, name, subjects): (u8, u8, Vec<u8>)) -> Observed {
        let scope = if place == 0 { Scope::Cluster } else { Scope::Namespace(format!("place-{place}")) };
        let target = Target { scope, role: RoleRef { kind: RoleKind::ClusterRole, name: "view".to_owned() } };
        let subjects = subjects.into_iter().map(|number| (number > 0).then(|| subject(number))).collect();
        Observed { target, name: format!("binding-{name}"), subjects, labelled: true, closing: false }
    }

    proptest! {
        /// Whatever comes, changes and goes: by subject one finds what a walk over all bindings finds.
        #[test]
        fn the_index_agrees_with_a_walk(
            steps in proptest::collection::vec((0..2_u8, (0..3_u8, 0..2_u8, proptest::collection::vec(0..5_u8, 0..6)), any::<bool>()), 1..60)
        ) {
            let mut members = MemberIndex::default();
            let mut model: BTreeMap<(GrantKey, Target, String), Observed> = BTreeMap::new();
            for (grant, shape, stays) in steps {
                let (key, found) = (key(grant), binding(shape));
                let place = (key.clone(), found.target.clone(), found.name.clone());
                members.leave(&key, &found.target, &found.name);
                model.remove(&place);
                if stays {
                    model.insert(place, found.clone());
                    members.enter(key, found);
                }
            }
            for grant in (0..2).map(key) {
                let there: Vec<&Observed> = model.iter().filter(|((key, ..), _)| *key == grant).map(|(_, found)| found).collect();
                prop_assert_eq!(members.all(&grant).map(|found| &**found).collect::<Vec<_>>(), there.clone());
                for own in (0..5).map(subject) {
                    let carry = |found: &&Observed| found.subjects.iter().flatten().any(|s| *s == own);
                    let names = |found: &Observed| (found.target.clone(), found.name.clone());
                    let walked: Vec<_> = there.iter().copied().filter(carry).map(names).collect();
                    prop_assert_eq!(members.of(&grant, &own).iter().map(|found| names(found)).collect::<Vec<_>>(), walked);
                }
            }
            let kept = model.keys().map(|(key, ..)| key).collect::<BTreeSet<_>>().len();
            prop_assert_eq!(members.0.len(), kept, "nothing is left of what is gone");
        }
    }
}
