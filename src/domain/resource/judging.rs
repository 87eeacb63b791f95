//! What has to be asked about the authors of a resource, and what the answers come to, for each role in each place.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::catalog_resource::{
    AUTHOR_CANNOT_BIND, AUTHOR_MAY_BIND, AUTHOR_UNKNOWN, PlaceStatus, RoleState, RoleStatus, TOO_BROAD,
};
use crate::api::condition::{self, shared::NO_CATALOG, shared::NOT_YET_JUDGED};
use crate::api::subject::Identity;
use crate::api::time::from_meta;
use crate::api::{CatalogResource, Word};

use super::offer::{Offer, OfferedRole, authors};
use super::standing::{blank, is_alive};
use super::{AUTHORIZED, Cluster, Place};

/// A question to a target system: may these people hand out this role in this place?
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Name of the role in the resource.
    pub role: String,
    /// Role and place.
    pub place: Place,
    /// Whoever wrote the role, and whoever wrote the places.
    pub who: Arc<[Identity]>,
    /// What the answer will belong to.
    pub about: PlaceStatus,
}

/// What it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Each could bind the role.
    MayBind,
    /// The message names the first thing missing.
    CannotBind(String),
    /// The role permits more single things than can be asked about.
    TooBroad(String),
    /// The role is gone meanwhile.
    Gone,
}

/// Soonest and latest time between two questions about an author who could not bind.
const ASK_AGAIN: (TimeDelta, TimeDelta) = (TimeDelta::seconds(5), TimeDelta::minutes(10));

/// When answers that were no are asked for again, because a role or a right may have been applied later. A yes stands as long as what it is
/// about: an author who leaves the company takes nobody's access along.
pub fn asks_again_at(resource: &CatalogResource, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let status = resource.status.as_ref()?;
    let refused = status.roles.iter().flat_map(|role| &role.places).any(|answer| !answer.allowed);
    let last = status.asked_at.filter(|_| refused)?;
    let since = condition::get(&status.conditions, AUTHORIZED).map_or(last, |c| from_meta(&c.last_transition_time));
    let (soonest, latest) = ASK_AGAIN;
    Some(last + (now - since).clamp(soonest, latest))
}

/// Most questions at once: what one resource needs to know waits behind what others need to know.
pub const MOST_QUESTIONS: usize = 64;

/// What has to be asked now, at most [`MOST_QUESTIONS`]; the rest the next time. A role that `is_doubted` waits until somebody writes it anew.
pub fn questions(
    resource: &CatalogResource,
    offer: &Offer,
    cluster: &dyn Cluster,
    is_doubted: impl Fn(&str, &OfferedRole) -> bool,
    now: DateTime<Utc>,
) -> Vec<Question> {
    let again = asks_again_at(resource, now).is_some_and(|at| now >= at);
    let (mut all, mut repeated) = (Vec::new(), Vec::new());
    for written in &resource.spec.roles {
        let Some(role) = offer.roles.get(&written.name) else { continue };
        let Some(who) = authors(&resource.spec, written).map(Arc::<[Identity]>::from) else { continue };
        if is_doubted(&written.name, role) || role.is_doubted() {
            continue;
        }
        for place in role.places().into_iter().filter(|place| place.missing(cluster).is_none()) {
            let Some(about) = blank(offer, role, &place, cluster) else { continue };
            match last(role, &place).filter(|answer| is_same(answer, &about)) {
                Some(answer) if answer.allowed || !again => {}
                None if all.len() == MOST_QUESTIONS => return all,
                known => {
                    let question = Question { role: written.name.clone(), place, who: who.clone(), about };
                    (if known.is_some() { &mut repeated } else { &mut all }).push(question);
                }
            }
        }
    }
    // Each of them has its turn, whatever the others are answered.
    let turn = usize::try_from(now.timestamp()).unwrap_or_default().checked_rem(repeated.len()).unwrap_or_default();
    repeated.rotate_left(turn);
    all.extend(repeated);
    all.truncate(MOST_QUESTIONS);
    all
}

/// The last answer about a role in a place; the last yes stands behind it while it is a no.
fn last<'a>(role: &'a OfferedRole, place: &Place) -> Option<&'a PlaceStatus> {
    role.known.iter().flat_map(|known| &known.places).rfind(|answer| place.is_beside(answer))
}

/// Whether an answer is about exactly this.
fn is_same(answer: &PlaceStatus, about: &PlaceStatus) -> bool {
    *about == PlaceStatus { allowed: false, reason: String::new(), message: String::new(), ..answer.clone() }
}

/// Enters answers: each takes the place of the one before, but a no leaves the last yes behind itself.
pub(super) fn enter(role: &OfferedRole, answers: &[(Question, Answer)]) -> Vec<PlaceStatus> {
    let (known, own) = (role.known.iter().flat_map(|known| &known.places), role.places());
    let mut places: Vec<PlaceStatus> = known.filter(|answer| own.iter().any(|place| place.is_beside(answer))).cloned().collect();
    for (question, answer) in answers {
        let (allowed, reason, message) = match answer {
            Answer::MayBind => (true, "", ""),
            Answer::CannotBind(what) => (false, AUTHOR_CANNOT_BIND.as_str(), what.as_str()),
            Answer::TooBroad(what) => (false, TOO_BROAD.as_str(), what.as_str()),
            Answer::Gone => continue,
        };
        places.retain(|old| !question.place.is_beside(old) || (old.allowed && !allowed));
        let (reason, message) = (reason.to_owned(), message.chars().take(1_000).collect());
        places.push(PlaceStatus { allowed, reason, message, ..question.about.clone() });
    }
    let order = |answer: &PlaceStatus| (answer.kubernetes.as_ref().and_then(|judged| judged.namespace.clone()), !answer.allowed);
    places.sort_by_cached_key(order);
    places
}

/// What a role comes to. `doubt`: why the identity of its authors is not believed, if so.
pub(super) fn role_status(
    offer: &Offer,
    (name, role): (&str, &OfferedRole),
    cluster: &dyn Cluster,
    answers: &[(Question, Answer)],
    doubt: Option<String>,
) -> RoleStatus {
    let status = RoleStatus { name: name.to_owned(), places: enter(role, answers), ..RoleStatus::default() };
    let known = role.known.clone().unwrap_or_default();
    let (state, reason, message) = if role.authors.is_none() {
        let text = "its author, or that of its places, is missing: the admission policies were not in force when it was written; write it anew";
        (RoleState::NotAuthorized, AUTHOR_UNKNOWN, text.to_owned())
    } else if role.is_doubted() {
        (RoleState::NotAuthorized, AUTHOR_UNKNOWN, known.message)
    } else if let Some(doubt) = doubt {
        let text = format!(
            "the identity of its authors was not verified: {doubt}; change the role and the places again, or delete the object and create it again"
        );
        (RoleState::NotAuthorized, AUTHOR_UNKNOWN, text)
    } else {
        worst(offer, role, cluster, &status.places)
    };
    // As long as there is more to ask, what was known before decides what moves and what goes.
    let digest = if reason == NOT_YET_JUDGED { known.digest } else { role.digest.clone() };
    RoleStatus { state, reason: reason.to_string(), message: message.chars().take(1_000).collect(), digest, ..status }
}

/// The first place in which a role is refused, else in which it is missing, else in which it is not judged.
fn worst(offer: &Offer, role: &OfferedRole, cluster: &dyn Cluster, answers: &[PlaceStatus]) -> (RoleState, Word, String) {
    let found: Vec<_> = role.places().iter().map(|place| in_place(offer, role, place, cluster, answers)).collect();
    let first = |wanted: RoleState| found.iter().find(|(state, ..)| *state == wanted).cloned();
    [RoleState::NotAuthorized, RoleState::NotFound, RoleState::Pending].into_iter().find_map(first).unwrap_or((
        RoleState::Ready,
        AUTHOR_MAY_BIND,
        String::new(),
    ))
}

fn in_place(
    offer: &Offer,
    role: &OfferedRole,
    place: &Place,
    cluster: &dyn Cluster,
    answers: &[PlaceStatus],
) -> (RoleState, Word, String) {
    if let Some(missing) = place.missing(cluster) {
        return (RoleState::NotFound, missing.reason, missing.message);
    }
    let Some(about) = blank(offer, role, place, cluster) else {
        return (RoleState::Pending, NO_CATALOG, "this namespace belongs to no Catalog that is Ready".to_owned());
    };
    let own = answers.iter().rfind(|answer| place.is_in(answer) && is_alive(answer, offer, cluster));
    match own.filter(|answer| is_same(answer, &about)) {
        Some(answer) if answer.allowed => (RoleState::Ready, AUTHOR_MAY_BIND, String::new()),
        Some(answer) if answer.reason == TOO_BROAD => (RoleState::NotAuthorized, TOO_BROAD, answer.message.clone()),
        Some(answer) => (RoleState::NotAuthorized, AUTHOR_CANNOT_BIND, answer.message.clone()),
        None => (RoleState::Pending, NOT_YET_JUDGED, "its authors have not been judged yet".to_owned()),
    }
}
