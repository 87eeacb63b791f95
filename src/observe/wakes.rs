//! Who has to look again when an object changes. Too many wakes cost a look at the caches; one too few is a bug.

mod access;
mod cluster;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::api::{AccessPackage, Catalog, CatalogResource, Policy};
use crate::domain::Key;
use crate::domain::guards::answers::flaw;
use crate::domain::resource::Offer;
use crate::domain::separation::named_by;
use crate::grants::GrantKey;

use super::Work;
use super::table::{Indexed, Table, Term};
use super::world::World;

/// What has to be looked at; urgent work takes access away.
#[derive(Default)]
pub struct Wakes {
    /// Served first.
    pub urgent: BTreeSet<Work>,
    /// The rest.
    pub ordinary: BTreeSet<Work>,
}

impl Wakes {
    fn push(&mut self, work: Work) {
        self.ordinary.insert(work);
    }

    fn extend(&mut self, works: impl IntoIterator<Item = Work>) {
        self.ordinary.extend(works);
    }
}

/// A kind that is watched.
pub trait Watched: Indexed + Sized {
    /// Its kind.
    const NAME: &'static str;

    /// The times in its `managedFields` are of use; of other kinds they are not kept.
    const DATED: bool = false;

    /// One that cannot be read counts as one that is not there; otherwise its last version that could be read stays.
    const UNREADABLE_IS_GONE: bool = false;

    /// Its cache.
    fn table(world: &mut World) -> &mut Table<Self>;

    /// Whether the object matters to us; others are not kept.
    fn matters(&self) -> bool {
        true
    }

    /// Lets go of what nobody reads.
    fn slim(&mut self) {}

    /// Keeps, as long as it is so, that an object cannot be read.
    fn note_unreadable(_: &mut World, _: &Key, _: bool) {}

    /// Enters a change into what else the caches keep of it.
    fn note(_: &mut World, _: Option<&Self>, _: Option<&Self>) {}

    /// Who has to look again after a change from `old` to `new`; the caches show `new` already.
    fn wakes(world: &World, old: Option<&Self>, new: Option<&Self>, wakes: &mut Wakes);
}

fn keys<K: Indexed>(table: &Table<K>, term: &Term) -> Vec<Key> {
    table.find(term).map(|object| Key::of(&**object)).collect()
}

/// Requests of a namespace that have not ended.
fn open_requests(world: &World, term: &Term) -> Vec<Work> {
    let open = world.requests.find(term).filter(|r| !r.phase().is_terminal());
    open.map(|r| Work::Request(Key::of(&**r))).collect()
}

/// Assignments that have not ended.
fn open_assignments(world: &World, term: &Term) -> Vec<Work> {
    let open = world.assignments.find(term).filter(|a| !a.phase().is_terminal());
    open.map(|a| Work::Assignment(Key::of(&**a))).collect()
}

fn grants_of(package: &AccessPackage) -> impl Iterator<Item = GrantKey> + '_ {
    let namespace = package.metadata.namespace.clone().unwrap_or_default();
    package.spec.resource_roles.iter().map(move |r| GrantKey {
        namespace: namespace.clone(),
        resource: r.resource.clone(),
        role: r.role.clone(),
    })
}

impl Watched for Catalog {
    const NAME: &str = "Catalog";

    fn table(world: &mut World) -> &mut Table<Self> {
        &mut world.catalogs
    }

    fn wakes(world: &World, old: Option<&Self>, new: Option<&Self>, wakes: &mut Wakes) {
        for catalog in [old, new].into_iter().flatten() {
            wakes.push(Work::Catalog(Key::of(catalog)));
        }
        let gist = |c: Option<&Self>| {
            c.map(|c| {
                let spec = &c.spec;
                (
                    c.metadata.uid.clone(),
                    c.namespace().map(str::to_owned),
                    spec.enabled,
                    spec.owners.clone(),
                    spec.honors_separation_from.clone(),
                )
            })
        };
        if gist(old) == gist(new) {
            return;
        }
        wakes.extend(keys(&world.packages, &Term::Separates).into_iter().map(Work::Package));
        let namespaces: BTreeSet<String> = [old, new].into_iter().flatten().map(Self::wanted_namespace).collect();
        for namespace in namespaces {
            let term = Term::Namespace(namespace);
            wakes.extend(keys(&world.resources, &term).into_iter().map(Work::Resource));
            wakes.extend(keys(&world.packages, &term).into_iter().map(Work::Package));
            wakes.extend(keys(&world.policies, &term).into_iter().map(Work::Policy));
            wakes.extend(open_requests(world, &term));
            wakes.extend(open_assignments(world, &term));
        }
    }
}

impl Watched for CatalogResource {
    const NAME: &str = "CatalogResource";
    const UNREADABLE_IS_GONE: bool = true;

    fn table(world: &mut World) -> &mut Table<Self> {
        &mut world.resources
    }

    /// Whoever has one of its roles keeps it, nobody gains it.
    fn note_unreadable(world: &mut World, key: &Key, is: bool) {
        match is {
            true => drop(world.offers.insert(key.clone(), Arc::new(Offer::unreadable(key)))),
            false => drop(world.offers.remove(key)),
        }
    }

    fn note(world: &mut World, old: Option<&Self>, new: Option<&Self>) {
        match (old, new) {
            (_, Some(resource)) => drop(world.offers.insert(Key::of(resource), Arc::new(Offer::of(resource)))),
            (Some(resource), None) => drop(world.offers.remove(&Key::of(resource))),
            (None, None) => {}
        }
    }

    fn wakes(world: &World, old: Option<&Self>, new: Option<&Self>, wakes: &mut Wakes) {
        for resource in [old, new].into_iter().flatten() {
            let key = Key::of(resource);
            wakes.push(Work::Resource(key.clone()));
            for role in &resource.spec.roles {
                let grant = GrantKey { namespace: key.namespace.clone(), resource: key.name.clone(), role: role.name.clone() };
                wakes.push(Work::Grant(grant));
            }
            if old.is_some() != new.is_some() {
                // A Catalog that is being deleted waits for its resources.
                wakes.extend(keys(&world.catalogs, &Term::Uses(key.namespace.clone())).into_iter().map(Work::Catalog));
            }
            for package in keys(&world.packages, &Term::Resource(key)) {
                wakes.extend(open_assignments(world, &Term::Package(package.clone())));
                // Approvers are asked about what the roles are.
                wakes.extend(open_requests(world, &Term::Package(package.clone())));
                wakes.push(Work::Package(package));
            }
        }
    }
}

impl Watched for AccessPackage {
    const NAME: &str = "AccessPackage";

    fn table(world: &mut World) -> &mut Table<Self> {
        &mut world.packages
    }

    fn wakes(world: &World, old: Option<&Self>, new: Option<&Self>, wakes: &mut Wakes) {
        let Some(key) = new.or(old).map(Key::of) else { return };
        wakes.push(Work::Package(key.clone()));
        let gist = |p: Option<&Self>| {
            p.map(|p| {
                (
                    p.spec.clone(),
                    p.status.as_ref().map(|s| s.conditions.clone()),
                    p.metadata.deletion_timestamp.clone(),
                    p.metadata.annotations.clone(),
                )
            })
        };
        if gist(old) == gist(new) {
            return; // only its counts changed
        }
        if old.is_some() != new.is_some() || old.map(|p| &p.spec) != new.map(|p| &p.spec) {
            wakes.extend(keys(&world.catalogs, &Term::Uses(key.namespace.clone())).into_iter().map(Work::Catalog));
            let resources = [old, new].into_iter().flatten().flat_map(|p| &p.spec.resource_roles);
            wakes.extend(resources.map(|r| Work::Resource(Key::new(&key.namespace, &r.resource))));
        }
        if old.is_some() != new.is_some() {
            // Packages that name it say so when it does not exist.
            let names = |p: &AccessPackage| named_by(p, |catalog| world.namespace_of(catalog)).contains(&key);
            let naming = world.packages.find(&Term::Separates).filter(|p| names(p));
            wakes.extend(naming.map(|p| Work::Package(Key::of(&**p))));
        }
        // What it excluded, or excludes now, may have waited for that.
        let foes = [old, new].into_iter().flatten().flat_map(|p| named_by(p, |catalog| world.namespace_of(catalog)));
        foes.for_each(|foe| wakes.extend(open_assignments(world, &Term::Package(foe))));
        let term = Term::Package(key);
        wakes.extend(keys(&world.policies, &term).into_iter().map(Work::Policy));
        wakes.extend(open_requests(world, &term));
        wakes.extend(open_assignments(world, &term));
        wakes.extend([old, new].into_iter().flatten().flat_map(grants_of).map(Work::Grant));
    }
}

impl Watched for Policy {
    const NAME: &str = "Policy";
    const UNREADABLE_IS_GONE: bool = true;

    fn table(world: &mut World) -> &mut Table<Self> {
        &mut world.policies
    }

    /// Its patterns are compiled here, where nobody waits for the caches.
    fn slim(&mut self) {
        let patterns = self.spec.questions.iter().filter_map(|question| question.pattern.as_deref());
        patterns.for_each(|pattern| drop(flaw(pattern)));
    }

    fn wakes(world: &World, old: Option<&Self>, new: Option<&Self>, wakes: &mut Wakes) {
        let Some(policy) = new.or(old) else { return };
        let key = Key::of(policy);
        let package = Term::Package(Key::new(&key.namespace, &policy.spec.access_package));
        wakes.push(Work::Policy(key.clone()));
        wakes.extend(world.catalog_of(&key.namespace).map(|c| Work::Catalog(Key::of(c))));
        wakes.extend(open_requests(world, &package));
        wakes.extend(open_assignments(world, &package));
    }
}
