//! A resource as it is offered: each role with its places, who wrote them, and what was found of it. Parsed once, when it enters the cache.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::CatalogResource;
use crate::api::catalog_resource::{AUTHOR_UNKNOWN, Author, CatalogResourceSpec, ResourceRole, RoleRef, RoleStatus};
use crate::api::subject::Identity;
use crate::domain::Key;
use crate::domain::digest::Digest;

use super::{Scope, Target};

/// The roles of a resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offer {
    /// Namespace of the resource.
    pub namespace: String,
    /// Name of the resource.
    pub name: String,
    /// Name of the resource for people.
    pub display_name: String,
    /// By name.
    pub roles: BTreeMap<String, OfferedRole>,
    /// The resource is there and cannot be read.
    pub unreadable: bool,
}

/// One role.
#[derive(Clone, Debug, PartialEq)]
pub struct OfferedRole {
    /// Name for people.
    pub display_name: String,
    /// What is bound.
    pub role_ref: RoleRef,
    /// Where.
    pub places: BTreeSet<Scope>,
    /// Digest of the author of the role and of the author of the places; none where one of them is missing.
    pub authors: Option<String>,
    /// Digest of the role and its places as they are written, authors included.
    pub digest: String,
    /// Digest of what is bound, and where: what somebody who gets the role gets.
    pub content: String,
    /// What the status says of it.
    pub known: Option<RoleStatus>,
}

impl Offer {
    /// Reads a resource.
    pub fn of(resource: &CatalogResource) -> Self {
        let (spec, meta) = (&resource.spec, &resource.metadata);
        let known = |name: &str| resource.status.as_ref()?.roles.iter().find(|role| role.name == name).cloned();
        let places = places(spec);
        let roles = spec.roles.iter().map(|role| (role.name.clone(), read(spec, role, &places, known(&role.name))));
        let name = meta.name.clone().unwrap_or_default();
        let display_name = if spec.display_name.is_empty() { name.clone() } else { spec.display_name.clone() };
        let namespace = meta.namespace.clone().unwrap_or_default();
        Self { namespace, name, display_name, roles: roles.collect(), unreadable: false }
    }

    /// A resource that cannot be read.
    pub fn unreadable(key: &Key) -> Self {
        Self { namespace: key.namespace.clone(), name: key.name.clone(), unreadable: true, ..Self::default() }
    }
}

impl OfferedRole {
    /// Every place in which the role is bound.
    pub fn targets(&self) -> impl Iterator<Item = Target> {
        self.places.iter().map(|scope| Target { scope: scope.clone(), role: self.role_ref.clone() })
    }

    /// Nobody vouched for its authors when it was reconciled; that does not change before somebody writes it anew.
    pub fn is_doubted(&self) -> bool {
        self.is_settled() && self.known.as_ref().is_some_and(|known| known.reason == AUTHOR_UNKNOWN)
    }

    /// The status speaks of the role as it is written now.
    pub fn is_settled(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.digest == self.digest)
    }
}

/// Every role in every place.
pub fn all_targets(spec: &CatalogResourceSpec) -> BTreeSet<Target> {
    let places = places(spec);
    let in_places =
        |role: &RoleRef| places.iter().map(|scope| Target { scope: scope.clone(), role: role.clone() }).collect::<Vec<_>>();
    spec.roles.iter().flat_map(|role| in_places(&role.kubernetes.role_ref)).collect()
}

fn places(spec: &CatalogResourceSpec) -> BTreeSet<Scope> {
    match spec.kubernetes.cluster_wide {
        true => [Scope::Cluster].into(),
        false => spec.kubernetes.namespaces.iter().cloned().map(Scope::Namespace).collect(),
    }
}

/// Those who wrote a role and its places, each once; none when one of them is missing.
pub fn authors(spec: &CatalogResourceSpec, role: &ResourceRole) -> Option<Vec<Identity>> {
    let identity = |author: &Option<Author>| spec.identity(author.as_ref()?);
    let (one, other) = (identity(&role.author)?, identity(&spec.kubernetes.author)?);
    Some(if one == other { vec![one] } else { vec![one, other] })
}

fn read(spec: &CatalogResourceSpec, role: &ResourceRole, places: &BTreeSet<Scope>, known: Option<RoleStatus>) -> OfferedRole {
    let authors = authors(spec, role).map(|all| {
        let mut digest = Digest::default();
        for who in all {
            let groups: BTreeSet<&str> = who.groups.iter().map(String::as_str).collect();
            digest.add(&who.username).all(who.uid.as_deref().into_iter()).all(groups.into_iter());
        }
        digest.hex()
    });
    let role_ref = role.kubernetes.role_ref.clone();
    let mut content = Digest::default();
    content.add(&format!("{:?}", role_ref.kind)).add(&role_ref.name);
    content.all(places.iter().map(|scope| if let Scope::Namespace(name) = scope { name } else { "" }));
    let digest = content.clone().all(authors.as_deref().into_iter()).hex();
    OfferedRole {
        display_name: if role.display_name.is_empty() { role.name.clone() } else { role.display_name.clone() },
        role_ref,
        places: places.clone(),
        authors,
        digest,
        content: content.hex(),
        known,
    }
}
