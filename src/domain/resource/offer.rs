//! A resource as it is offered: each role with its places, who wrote them, and what was found of it. Parsed once, when it enters the cache.
//! The union of the wire ends here: behind it a role lies in exactly one target system.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::CatalogResource;
use crate::api::catalog_resource::{
    AUTHOR_UNKNOWN, Author, CatalogResourceSpec, ConnectorTarget, KubernetesTarget, ResourceRole, RoleRef, RoleStatus,
};
use crate::api::subject::Identity;
use crate::domain::Key;
use crate::domain::digest::Digest;

use super::{Membership, Place, Scope, Target};

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
    /// What is granted, and where.
    pub offered: Offered,
    /// Digest of the author of the role and of the author of the places; none where one of them is missing.
    pub authors: Option<String>,
    /// Digest of the role and its places as they are written, authors included.
    pub digest: String,
    /// Digest of what is granted, and where: what somebody who gets the role gets.
    pub content: String,
    /// What the status says of it.
    pub known: Option<RoleStatus>,
}

/// What a role grants, and where: in exactly one target system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offered {
    /// A role of Kubernetes in each of some places of this cluster.
    Kubernetes {
        /// What is bound.
        role: RoleRef,
        /// Where.
        scopes: BTreeSet<Scope>,
    },
    /// A role of a thing that a Connector reaches.
    Connector(Membership),
}

impl Offered {
    /// Reads the union of the wire; none unless the resource and the role have the same one.
    fn of(spec: &CatalogResourceSpec, role: &ResourceRole) -> Option<Self> {
        match (&spec.kubernetes, &role.kubernetes, &spec.connector, &role.connector) {
            (Some(places), Some(role), None, None) => {
                Some(Self::Kubernetes { role: role.role_ref.clone(), scopes: scopes(places) })
            }
            (None, None, Some(ConnectorTarget { name, kind, id, .. }), Some(role)) => Some(Self::Connector(Membership {
                connector: name.clone(),
                kind: *kind,
                id: id.clone(),
                role: role.role.clone(),
            })),
            _ => None,
        }
    }

    /// The role in each of its places.
    fn places(&self) -> Vec<Place> {
        match self {
            Self::Kubernetes { role, scopes } => {
                let target = |scope: &Scope| Target { scope: scope.clone(), role: role.clone() };
                scopes.iter().map(target).map(Place::Kubernetes).collect()
            }
            Self::Connector(membership) => vec![Place::Connector(membership.clone())],
        }
    }

    /// What is granted now where a place lies; none where nothing is.
    pub(super) fn instead_of(&self, place: &Place) -> Option<Place> {
        match (self, place) {
            (Self::Kubernetes { role, scopes }, Place::Kubernetes(Target { scope, .. })) => {
                let target = || Target { scope: scope.clone(), role: role.clone() };
                scopes.contains(scope).then(target).map(Place::Kubernetes)
            }
            (Self::Connector(now), Place::Connector(before)) => {
                let there = |one: &Membership| (one.connector.clone(), one.kind, one.id.clone());
                (there(now) == there(before)).then(|| Place::Connector(now.clone()))
            }
            _ => None,
        }
    }

    /// All that makes a difference to whoever gets it.
    fn add_to(&self, digest: &mut Digest) {
        match self {
            Self::Kubernetes { role, scopes } => {
                digest.add(&format!("{:?}", role.kind)).add(&role.name);
                digest.all(scopes.iter().map(|scope| scope.namespace().unwrap_or_default()));
            }
            Self::Connector(Membership { connector, kind, id, role }) => {
                digest.add("Connector").add(connector).add(&format!("{kind:?}")).add(id).add(role);
            }
        }
    }
}

impl Offer {
    /// Reads a resource. One whose union is broken, which no schema lets pass, counts as one that cannot be read.
    pub fn of(resource: &CatalogResource) -> Self {
        let (spec, meta) = (&resource.spec, &resource.metadata);
        let known = |name: &str| resource.status.as_ref()?.roles.iter().find(|role| role.name == name).cloned();
        let roles: Option<BTreeMap<_, _>> =
            spec.roles.iter().map(|role| Some((role.name.clone(), read(spec, role, known(&role.name))?))).collect();
        let Some(roles) = roles else { return Self::unreadable(&Key::of(resource)) };
        let name = meta.name.clone().unwrap_or_default();
        let display_name = if spec.display_name.is_empty() { name.clone() } else { spec.display_name.clone() };
        let namespace = meta.namespace.clone().unwrap_or_default();
        Self { namespace, name, display_name, roles, unreadable: false }
    }

    /// A resource that cannot be read.
    pub fn unreadable(key: &Key) -> Self {
        Self { namespace: key.namespace.clone(), name: key.name.clone(), unreadable: true, ..Self::default() }
    }
}

impl OfferedRole {
    /// The role in each of its places.
    pub fn places(&self) -> Vec<Place> {
        self.offered.places()
    }

    /// Every place in which it is bound in this cluster.
    pub fn targets(&self) -> Vec<Target> {
        self.places().into_iter().filter_map(Place::kubernetes).collect()
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

/// Every role in every place of this cluster.
pub fn all_targets(spec: &CatalogResourceSpec) -> BTreeSet<Target> {
    let offered = spec.roles.iter().filter_map(|role| Offered::of(spec, role));
    offered.flat_map(|offered| offered.places()).filter_map(Place::kubernetes).collect()
}

fn scopes(places: &KubernetesTarget) -> BTreeSet<Scope> {
    match places.cluster_wide {
        true => [Scope::Cluster].into(),
        false => places.namespaces.iter().cloned().map(Scope::Namespace).collect(),
    }
}

/// Those who wrote a role and its places, each once; none when one of them is missing.
pub fn authors(spec: &CatalogResourceSpec, role: &ResourceRole) -> Option<Vec<Identity>> {
    let identity = |author: Option<&Author>| spec.identity(author?);
    let (one, other) = (identity(role.author.as_ref())?, identity(spec.places_author())?);
    Some(if one == other { vec![one] } else { vec![one, other] })
}

fn read(spec: &CatalogResourceSpec, role: &ResourceRole, known: Option<RoleStatus>) -> Option<OfferedRole> {
    let offered = Offered::of(spec, role)?;
    let authors = authors(spec, role).map(|all| {
        let mut digest = Digest::default();
        for who in all {
            let groups: BTreeSet<&str> = who.groups.iter().map(String::as_str).collect();
            digest.add(&who.username).all(who.uid.as_deref().into_iter()).all(groups.into_iter());
        }
        digest.hex()
    });
    let mut content = Digest::default();
    offered.add_to(&mut content);
    let digest = content.clone().all(authors.as_deref().into_iter()).hex();
    Some(OfferedRole {
        display_name: if role.display_name.is_empty() { role.name.clone() } else { role.display_name.clone() },
        offered,
        authors,
        digest,
        content: content.hex(),
        known,
    })
}
