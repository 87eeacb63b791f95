//! A role in a place of a target system: what of it can be missing, and what of it was judged.
//!
//! The union of the wire is parsed once, into [`Offered`](super::Offered). What is particular to one target system among the rules is in the
//! arms of this file.

use crate::api::Word;
use crate::api::catalog_resource::{
    CONNECTOR_NOT_FOUND, ConnectorType, KubernetesPlace, NAMESPACE_NOT_FOUND, PlaceStatus, ROLE_IS_NAMESPACED, ROLE_NOT_FOUND,
    RoleKind, RoleRef,
};

use super::Cluster;

/// Where in this cluster a role is bound.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The whole cluster, by a ClusterRoleBinding.
    Cluster,
    /// One namespace, by a RoleBinding.
    Namespace(String),
}

impl Scope {
    /// The namespace; none for the whole cluster.
    pub fn namespace(&self) -> Option<&str> {
        if let Self::Namespace(name) = self { Some(name) } else { None }
    }
}

/// A Kubernetes role in one place of this cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// Where.
    pub scope: Scope,
    /// What.
    pub role: RoleRef,
}

/// A role of a thing that is reached through a Connector.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Membership {
    /// Name of the Connector.
    pub connector: String,
    /// What the thing is.
    pub kind: ConnectorType,
    /// By what the target system knows it.
    pub id: String,
    /// What is granted in it.
    pub role: String,
}

/// A role in one place of one target system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// RBAC (role-based access control) of this cluster.
    Kubernetes(Target),
    /// Whatever a Connector reaches. This version has no Connectors, so that nothing is ever granted there.
    Connector(Membership),
}

impl From<&Self> for Place {
    fn from(place: &Self) -> Self {
        place.clone()
    }
}

impl From<Target> for Place {
    fn from(target: Target) -> Self {
        Self::Kubernetes(target)
    }
}

impl From<&Target> for Place {
    fn from(target: &Target) -> Self {
        Self::Kubernetes(target.clone())
    }
}

/// What is not there, with the reason for machines and for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// For machines.
    pub reason: Word,
    /// For people.
    pub message: String,
}

impl Place {
    /// The role of this cluster, if it is one.
    pub fn kubernetes(self) -> Option<Target> {
        if let Self::Kubernetes(target) = self { Some(target) } else { None }
    }

    /// What of it is not there, if anything is not.
    pub fn missing(&self, cluster: &dyn Cluster) -> Option<Missing> {
        match self {
            Self::Kubernetes(target) => target.missing(cluster),
            Self::Connector(Membership { connector, .. }) => Some(Missing {
                reason: CONNECTOR_NOT_FOUND,
                message: format!(
                    "there is no Connector {connector:?} (spec.connector.name): this version grants roles of its own cluster only, by spec.kubernetes"
                ),
            }),
        }
    }

    /// What there is to judge of it as it is now; none when it is not there.
    pub(super) fn judged(&self, cluster: &dyn Cluster) -> Option<PlaceStatus> {
        match self {
            Self::Kubernetes(target) => Some(PlaceStatus { kubernetes: Some(target.judged(cluster)?), ..PlaceStatus::default() }),
            Self::Connector(_) => None,
        }
    }

    /// Whether an answer speaks of exactly this role here.
    pub(super) fn is_in(&self, answer: &PlaceStatus) -> bool {
        match (self, &answer.kubernetes) {
            (Self::Kubernetes(target), Some(judged)) => target.role == judged.role_ref && self.is_beside(answer),
            _ => false,
        }
    }

    /// Whether an answer speaks of this or another role here.
    pub(super) fn is_beside(&self, answer: &PlaceStatus) -> bool {
        match (self, &answer.kubernetes) {
            (Self::Kubernetes(target), Some(judged)) => target.scope.namespace() == judged.namespace.as_deref(),
            _ => false,
        }
    }

    /// Says that it was made anew.
    pub(super) fn made_anew(&self) -> String {
        match self {
            Self::Kubernetes(Target { scope, role }) => {
                let place = scope.namespace().map(|name| format!("namespace {name:?}, ")).unwrap_or_default();
                format!(
                    "{place}{:?} {:?} or the Catalog was made anew since the role was judged: it is judged again",
                    role.kind, role.name
                )
            }
            Self::Connector(Membership { connector, id, .. }) => {
                format!(
                    "Connector {connector:?}, {id:?} or the Catalog was made anew since the role was judged: it is judged again"
                )
            }
        }
    }
}

impl Target {
    fn missing(&self, cluster: &dyn Cluster) -> Option<Missing> {
        let Self { scope, role } = self;
        let (reason, message) = match scope {
            Scope::Cluster if role.kind == RoleKind::Role => {
                (ROLE_IS_NAMESPACED, format!("Role {:?} cannot be granted cluster-wide: use a ClusterRole", role.name))
            }
            Scope::Namespace(name) if cluster.namespace_uid(name).is_none() => {
                (NAMESPACE_NOT_FOUND, format!("namespace {name:?} does not exist"))
            }
            Scope::Namespace(name) if cluster.is_closing(name) => {
                (NAMESPACE_NOT_FOUND, format!("namespace {name:?} is being deleted"))
            }
            Scope::Namespace(name) if role.kind == RoleKind::Role && cluster.role_uid(self).is_none() => {
                (ROLE_NOT_FOUND, format!("Role {:?} does not exist in namespace {name:?}", role.name))
            }
            _ if cluster.role_uid(self).is_none() => (ROLE_NOT_FOUND, format!("ClusterRole {:?} does not exist", role.name)),
            _ => return None,
        };
        Some(Missing { reason, message })
    }

    fn judged(&self, cluster: &dyn Cluster) -> Option<KubernetesPlace> {
        let namespace_uid = match self.scope.namespace() {
            Some(name) => Some(cluster.namespace_uid(name)?),
            None => None,
        };
        let found = cluster.role_uid(self)?;
        Some(KubernetesPlace {
            namespace: self.scope.namespace().map(str::to_owned),
            namespace_uid,
            role_ref: self.role.clone(),
            role_uid: Some(found).filter(|_| self.role.kind == RoleKind::Role),
        })
    }
}

/// Whether what an answer speaks of is still the same, made at the same time.
pub(super) fn is_alive(answer: &PlaceStatus, cluster: &dyn Cluster) -> bool {
    let Some(KubernetesPlace { namespace, namespace_uid, role_ref, role_uid }) = &answer.kubernetes else { return false };
    let scope = namespace.clone().map_or(Scope::Cluster, Scope::Namespace);
    let found = scope.namespace().and_then(|name| cluster.namespace_uid(name));
    let role = || cluster.role_uid(&Target { scope: scope.clone(), role: role_ref.clone() });
    found == *namespace_uid && (role_ref.kind == RoleKind::ClusterRole || role() == *role_uid)
}
