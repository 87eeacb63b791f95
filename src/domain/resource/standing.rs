//! Whether a role may be granted in a place: only what was judged as it is now, here, in this catalog.
//!
//! | the place and the role in it | standing |
//! |---|---|
//! | judged as they are now, and the answer was yes | `Open` |
//! | not judged as they are now, or the answer was no | `Held`: nobody gains it, whoever has it there keeps it |
//! | deleted, or made anew, since the answer was yes: namespace, Role or Catalog | `Void`: nobody has it there |
//! | the answer was no, and never yes before | `Void` |
//! | taken out of the resource by an edit | `Leaving`: nobody has it there, once the new places had their turn |
//! | another Kubernetes role than is written now | `Leaving` when the new one is open, else `Held` |

use crate::api::access_package::PackageRole;
use crate::api::catalog_resource::{PlaceStatus, RoleKind};

use super::offer::{Offer, OfferedRole};
use super::{Cluster, Scope, Target};

/// How a role may be granted in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Whoever should have it is bound.
    Open,
    /// Nobody gains it, whoever has it keeps it. The message says why; it is empty when that is known in a moment.
    Held(String),
    /// Nobody has it, and new places come first.
    Leaving,
    /// Nobody has it, at once. The message says why.
    Void(String),
}

/// How a role of a package may be granted.
#[derive(Clone, Copy)]
pub enum Grantable<'a> {
    /// Each place by itself; see [`Grantable::in_place`].
    Each(&'a Offer, &'a OfferedRole),
    /// The resource does not exist.
    NoResource,
    /// The resource has no such role.
    NoRole,
    /// The resource cannot be read.
    Unreadable,
}

/// Finds a package's role.
pub fn grantable<'a>(wanted: &PackageRole, offer: Option<&'a Offer>) -> Grantable<'a> {
    match offer.map(|offer| (offer, offer.roles.get(&wanted.role))) {
        None => Grantable::NoResource,
        Some((offer, _)) if offer.unreadable => Grantable::Unreadable,
        Some((_, None)) => Grantable::NoRole,
        Some((offer, Some(role))) => Grantable::Each(offer, role),
    }
}

impl Grantable<'_> {
    /// Every place in which the role is bound as it is written now.
    pub fn targets(&self) -> Vec<Target> {
        if let Self::Each(_, role) = self { role.targets().collect() } else { Vec::new() }
    }

    /// How the role stands in a place, one of its own or one where a binding was found.
    pub fn in_place(&self, target: &Target, cluster: &dyn Cluster) -> Standing {
        match self {
            Self::Each(offer, role) => standing(offer, role, target, cluster),
            Self::NoResource | Self::NoRole => Standing::Leaving,
            Self::Unreadable => Standing::Held("the resource cannot be read".to_owned()),
        }
    }

    /// Why the role is granted nowhere, if so.
    pub fn problem(&self, wanted: &PackageRole) -> Option<String> {
        match self {
            Self::Each(..) => None,
            Self::NoResource => Some(format!("catalog resource {:?} does not exist", wanted.resource)),
            Self::NoRole => Some(format!("catalog resource {:?} has no role {:?}", wanted.resource, wanted.role)),
            Self::Unreadable => {
                Some(format!("catalog resource {:?} cannot be read: its condition Ready says why", wanted.resource))
            }
        }
    }
}

/// Whether an answer speaks of a role in a place.
pub(super) fn is_about(answer: &PlaceStatus, target: &Target) -> bool {
    answer.role_ref == target.role && is_in(answer, &target.scope)
}

/// Whether an answer speaks of a place.
pub(super) fn is_in(answer: &PlaceStatus, scope: &Scope) -> bool {
    answer.namespace.as_deref() == scope.namespace()
}

/// An answer that is still to be given, about a role in a place as they are now; none when one of them, or the Catalog, is not there.
pub(super) fn blank(offer: &Offer, role: &OfferedRole, target: &Target, cluster: &dyn Cluster) -> Option<PlaceStatus> {
    let catalog_uid = cluster.catalog_uid(&offer.namespace)?;
    let namespace_uid = match target.scope.namespace() {
        Some(name) => Some(cluster.namespace_uid(name)?),
        None => None,
    };
    let found = cluster.role_uid(target)?;
    Some(PlaceStatus {
        namespace: target.scope.namespace().map(str::to_owned),
        namespace_uid,
        role_ref: target.role.clone(),
        role_uid: Some(found).filter(|_| target.role.kind == RoleKind::Role),
        catalog_uid: Some(catalog_uid),
        authors: role.authors.clone()?,
        ..PlaceStatus::default()
    })
}

/// Whether what an answer was about is still the same, made at the same time: not whether the same people wrote it.
pub(super) fn is_alive(answer: &PlaceStatus, offer: &Offer, cluster: &dyn Cluster) -> bool {
    let namespace = answer.namespace.as_deref().and_then(|name| cluster.namespace_uid(name));
    let scope = answer.namespace.clone().map_or(Scope::Cluster, Scope::Namespace);
    let role = cluster.role_uid(&Target { scope, role: answer.role_ref.clone() });
    let catalog = cluster.catalog_uid(&offer.namespace);
    namespace == answer.namespace_uid
        && (answer.role_ref.kind == RoleKind::ClusterRole || role == answer.role_uid)
        && catalog.is_none_or(|uid| answer.catalog_uid == Some(uid))
}

fn standing(offer: &Offer, role: &OfferedRole, target: &Target, cluster: &dyn Cluster) -> Standing {
    if !role.places.contains(&target.scope) {
        // An edit that moves a role is judged in a moment, and then the new place comes first. One for which nobody vouches moves nothing.
        let known = role.is_settled() && !role.is_doubted();
        return if known { Standing::Leaving } else { Standing::Held(String::new()) };
    }
    let answers = role.known.iter().flat_map(|known| &known.places);
    let allowed: Vec<&PlaceStatus> = answers.filter(|answer| answer.allowed && is_about(answer, target)).collect();
    let alive = allowed.iter().any(|answer| is_alive(answer, offer, cluster));
    if !alive && is_refused(role, target) {
        return Standing::Void(said(role, target));
    }
    if !allowed.is_empty() && !alive {
        return Standing::Void(gone(target, cluster));
    }
    if target.role != role.role_ref {
        let now = Target { scope: target.scope.clone(), role: role.role_ref.clone() };
        let moves = !alive || standing(offer, role, &now, cluster) == Standing::Open;
        return if moves { Standing::Leaving } else { Standing::Held(String::new()) };
    }
    if let Some(missing) = missing(target, cluster) {
        return Standing::Held(missing);
    }
    let open = blank(offer, role, target, cluster)
        .is_some_and(|wanted| allowed.iter().any(|a| PlaceStatus { allowed: false, ..(*a).clone() } == wanted));
    match open {
        true => Standing::Open,
        false => Standing::Held(said(role, target)),
    }
}

/// Whether it was found that a role may not be handed out in a place, as far as anybody can tell.
fn is_refused(role: &OfferedRole, target: &Target) -> bool {
    let answers = role.known.iter().filter(|_| role.is_settled()).flat_map(|known| &known.places);
    answers.into_iter().any(|answer| !answer.allowed && is_about(answer, target))
}

/// What the status says of a role that is not open in a place.
fn said(role: &OfferedRole, target: &Target) -> String {
    let Some(known) = role.known.as_ref().filter(|_| role.is_settled()) else { return String::new() };
    let own = known.places.iter().find(|answer| !answer.allowed && is_about(answer, target)).map(|answer| &answer.message);
    own.unwrap_or(&known.message).clone()
}

fn gone(target: &Target, cluster: &dyn Cluster) -> String {
    missing(target, cluster).unwrap_or_else(|| {
        let place = target.scope.namespace().map(|name| format!("namespace {name:?}, ")).unwrap_or_default();
        format!(
            "{place}{:?} {:?} or the Catalog was made anew since the role was judged: it is judged again",
            target.role.kind, target.role.name
        )
    })
}

/// What is not there, in words.
pub fn missing(target: &Target, cluster: &dyn Cluster) -> Option<String> {
    match &target.scope {
        Scope::Cluster if target.role.kind == RoleKind::Role => {
            Some(format!("Role {:?} cannot be granted cluster-wide: use a ClusterRole", target.role.name))
        }
        Scope::Namespace(name) if cluster.namespace_uid(name).is_none() => Some(format!("namespace {name:?} does not exist")),
        Scope::Namespace(name) if cluster.is_closing(name) => Some(format!("namespace {name:?} is being deleted")),
        _ if cluster.role_uid(target).is_none() => Some(no_role(target)),
        _ => None,
    }
}

/// Says that a role does not exist.
pub fn no_role(target: &Target) -> String {
    match &target.scope {
        Scope::Namespace(namespace) if target.role.kind == RoleKind::Role => {
            format!("Role {:?} does not exist in namespace {namespace:?}", target.role.name)
        }
        _ => format!("ClusterRole {:?} does not exist", target.role.name),
    }
}
