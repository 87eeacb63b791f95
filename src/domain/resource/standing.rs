//! Whether a role may be granted in a place: only what was judged as it is now, here, in this catalog.
//!
//! | the place and the role in it | standing |
//! |---|---|
//! | judged as they are now, and the answer was yes | `Open` |
//! | not judged as they are now, or the answer was no | `Held`: nobody gains it, whoever has it there keeps it |
//! | deleted, or made anew, since the answer was yes: namespace, Role or Catalog | `Void`: nobody has it there |
//! | the answer was no, and never yes before | `Void` |
//! | taken out of the resource by an edit | `Leaving`: nobody has it there, once the new places had their turn |
//! | another role than is written now | `Leaving` when the new one is open, else `Held` |

use crate::api::access_package::PackageRole;
use crate::api::catalog_resource::PlaceStatus;

use super::offer::{Offer, OfferedRole};
use super::{Cluster, Place, Target, place};

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
    /// Every place in which the role is granted as it is written now.
    pub fn places(&self) -> Vec<Place> {
        if let Self::Each(_, role) = self { role.places() } else { Vec::new() }
    }

    /// Those of them that are in this cluster.
    pub fn targets(&self) -> Vec<Target> {
        if let Self::Each(_, role) = self { role.targets() } else { Vec::new() }
    }

    /// How the role stands in a place, one of its own or one where somebody was found to have it.
    pub fn in_place(&self, place: impl Into<Place>, cluster: &dyn Cluster) -> Standing {
        match self {
            Self::Each(offer, role) => standing(offer, role, &place.into(), cluster),
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

/// An answer that is still to be given, about a role in a place as they are now; none when one of them, or the Catalog, is not there.
pub(super) fn blank(offer: &Offer, role: &OfferedRole, place: &Place, cluster: &dyn Cluster) -> Option<PlaceStatus> {
    let catalog_uid = cluster.catalog_uid(&offer.namespace)?;
    let judged = place.judged(cluster)?;
    Some(PlaceStatus { catalog_uid: Some(catalog_uid), authors: role.authors.clone()?, ..judged })
}

/// Whether what an answer was about is still the same, made at the same time: not whether the same people wrote it.
pub(super) fn is_alive(answer: &PlaceStatus, offer: &Offer, cluster: &dyn Cluster) -> bool {
    let catalog = cluster.catalog_uid(&offer.namespace);
    place::is_alive(answer, cluster) && catalog.is_none_or(|uid| answer.catalog_uid == Some(uid))
}

fn standing(offer: &Offer, role: &OfferedRole, place: &Place, cluster: &dyn Cluster) -> Standing {
    let Some(now) = role.offered.instead_of(place) else {
        // An edit that moves a role is judged in a moment, and then the new place comes first. One for which nobody vouches moves nothing.
        let known = role.is_settled() && !role.is_doubted();
        return if known { Standing::Leaving } else { Standing::Held(String::new()) };
    };
    let answers = role.known.iter().flat_map(|known| &known.places);
    let allowed: Vec<&PlaceStatus> = answers.filter(|answer| answer.allowed && place.is_in(answer)).collect();
    let alive = allowed.iter().any(|answer| is_alive(answer, offer, cluster));
    if !alive && is_refused(role, place) {
        return Standing::Void(said(role, place));
    }
    if !allowed.is_empty() && !alive {
        return Standing::Void(gone(place, cluster));
    }
    if *place != now {
        let moves = !alive || standing(offer, role, &now, cluster) == Standing::Open;
        return if moves { Standing::Leaving } else { Standing::Held(String::new()) };
    }
    if let Some(missing) = place.missing(cluster) {
        return Standing::Held(missing.message);
    }
    let open = blank(offer, role, place, cluster)
        .is_some_and(|wanted| allowed.iter().any(|a| PlaceStatus { allowed: false, ..(*a).clone() } == wanted));
    match open {
        true => Standing::Open,
        false => Standing::Held(said(role, place)),
    }
}

/// Whether it was found that a role may not be handed out in a place, as far as anybody can tell.
fn is_refused(role: &OfferedRole, place: &Place) -> bool {
    let answers = role.known.iter().filter(|_| role.is_settled()).flat_map(|known| &known.places);
    answers.into_iter().any(|answer| !answer.allowed && place.is_in(answer))
}

/// What the status says of a role that is not open in a place.
fn said(role: &OfferedRole, place: &Place) -> String {
    let Some(known) = role.known.as_ref().filter(|_| role.is_settled()) else { return String::new() };
    let own = known.places.iter().find(|answer| !answer.allowed && place.is_in(answer)).map(|answer| &answer.message);
    own.unwrap_or(&known.message).clone()
}

fn gone(place: &Place, cluster: &dyn Cluster) -> String {
    place.missing(cluster).map_or_else(|| place.made_anew(), |missing| missing.message)
}
