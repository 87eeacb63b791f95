//! CatalogResource: which of its roles exist, and may their authors hand them out? Each role in each place by itself.

mod judging;
mod offer;
mod place;
mod standing;
mod vouching;

use chrono::{DateTime, Utc};

use crate::api::catalog_resource::{
    AUTHOR_MAY_BIND, AUTHOR_UNKNOWN, AUTHORIZED, CONNECTOR_NOT_FOUND, REASONS, ROLE_NOT_FOUND, RoleState, RoleStatus, events,
};
use crate::api::condition::shared::NOT_YET_JUDGED;
use crate::api::condition::{self, State, UNREADABLE};
use crate::api::{CatalogResource, CatalogResourceStatus, Word};

pub use judging::{Answer, MOST_QUESTIONS, Question, asks_again_at, questions};
pub use offer::{Offer, Offered, OfferedRole, all_targets};
pub use place::{Membership, Missing, Place, Scope, Target};
pub use standing::{Grantable, Standing, grantable};
pub use vouching::{doubt, stands_open};

use super::meta::generation;
use super::plan::{Notice, Plan};
use super::readiness::{Wrong, deletion, in_catalog, mass_revocation_held, name_taken, set_ready};
use super::trust::Trust;

/// What of the cluster a resource can stand on. What is deleted and made anew has another uid.
pub trait Cluster {
    /// The uid of a namespace that exists.
    fn namespace_uid(&self, name: &str) -> Option<String>;
    /// Whether a namespace is going away.
    fn is_closing(&self, name: &str) -> bool;
    /// The uid of a role that exists; for a Role in that namespace.
    fn role_uid(&self, target: &Target) -> Option<String>;
    /// The uid of the Catalog that owns a namespace.
    fn catalog_uid(&self, namespace: &str) -> Option<String>;
}

/// What a resource is reconciled from.
pub struct Input<'a> {
    /// The resource.
    pub resource: &'a CatalogResource,
    /// The same, parsed.
    pub offer: &'a Offer,
    /// How many packages use it.
    pub packages: usize,
    /// How many objects, such as bindings, carry its grants.
    pub carriers: usize,
    /// What is known of its grants; none before each of them was reconciled once.
    pub grants: Option<Grants>,
    /// The cluster around it.
    pub cluster: &'a dyn Cluster,
    /// Answers about its authors that were asked for just now.
    pub answers: Vec<(Question, Answer)>,
    /// Whether the API server vouches for its authors.
    pub trust: &'a Trust,
    /// Whether a role, by name, was open when they came into force; see [`stands_open`].
    pub open: &'a dyn Fn(&str, &OfferedRole) -> bool,
}

/// What is known of the grants of a resource.
#[derive(Default)]
pub struct Grants {
    /// Mass revocations that wait for a confirmation: the role, and how many would lose it.
    pub waiting_revocations: Vec<(String, usize)>,
    /// What of somebody else has the name of an object that a grant needs.
    pub names_taken: Vec<String>,
}

/// Decides what becomes of a resource.
pub fn decide(input: &Input<'_>, now: DateTime<Utc>) -> Plan<CatalogResourceStatus> {
    let resource = input.resource;
    let mut plan = Plan::status(resource.status.clone().unwrap_or_default());
    plan.status.observed_generation = Some(generation(resource));
    plan.status.roles = roles(input);
    if !input.answers.is_empty() {
        plan.status.identity_enforced_since = match input.trust {
            Trust::Enforced { since } => Some(*since),
            Trust::Waived | Trust::Undecided | Trust::Broken(_) => None,
        };
        plan.status.asked_at = Some(now);
    }
    let refused = plan.status.roles.iter().flat_map(|role| &role.places).any(|answer| !answer.allowed);
    plan.status.asked_at = plan.status.asked_at.filter(|_| refused);
    set_authorized(&mut plan, generation(resource), now);
    let deletion = deletion(
        resource,
        &[(input.packages, "access package(s) that use it"), (input.carriers, "binding(s) that carry its grants")],
    );
    plan.effects.extend(deletion.finalizer);
    let has_catalog = input.cluster.catalog_uid(&input.offer.namespace).is_some();
    let found = deletion
        .ready
        .and(is_whole(input.offer))
        .and_then(|()| in_catalog(has_catalog))
        .and_then(|()| every_role(&plan.status.roles));
    set_ready(&mut plan.status.conditions, &mut plan.notices, found, generation(resource), now);
    if let Some(grants) = &input.grants {
        let (conditions, notices) = (&mut plan.status.conditions, &mut plan.notices);
        mass_revocation_held(conditions, notices, resource, &grants.waiting_revocations, now);
        name_taken(conditions, notices, resource, &grants.names_taken, now);
    }
    let mut after = resource.clone();
    after.status = Some(plan.status.clone());
    plan.requeue(asks_again_at(&after, now));
    plan
}

/// What each role comes to, in the order in which they are written.
fn roles(input: &Input<'_>) -> Vec<RoleStatus> {
    let written = input.resource.spec.roles.iter().filter_map(|role| input.offer.roles.get_key_value(&role.name));
    let status = |(name, role): (&String, &OfferedRole)| {
        let own: Vec<_> = input.answers.iter().filter(|(question, _)| question.role == *name).cloned().collect();
        let doubt = doubt(input.resource, role, input.trust, (input.open)(name, role));
        judging::role_status(input.offer, (name, role), input.cluster, &own, doubt)
    };
    written.map(status).collect()
}

/// Sets `Authorized`: of the first role that is refused, else of the first that is not judged.
fn set_authorized(plan: &mut Plan<CatalogResourceStatus>, generation: i64, now: DateTime<Utc>) {
    let of = |state: RoleState| plan.status.roles.iter().find(move |role| role.state == state);
    let worst = of(RoleState::NotAuthorized).or_else(|| of(RoleState::NotFound)).or_else(|| of(RoleState::Pending));
    let text = |role: &RoleStatus| format!("role {:?}: {}", role.name, role.message);
    let (state, why, message) = match worst {
        None => (State::True, AUTHOR_MAY_BIND, String::new()),
        Some(role) => match role.state {
            // Nobody vouches for them, which is not to say that they may not.
            RoleState::NotAuthorized if role.reason == AUTHOR_UNKNOWN => (State::Unknown, AUTHOR_UNKNOWN, text(role)),
            RoleState::NotAuthorized => (State::False, reason(role), text(role)),
            RoleState::NotFound if role.reason == CONNECTOR_NOT_FOUND => (State::Unknown, CONNECTOR_NOT_FOUND, text(role)),
            RoleState::NotFound => (State::Unknown, ROLE_NOT_FOUND, text(role)),
            RoleState::Pending | RoleState::Ready => (State::Unknown, NOT_YET_JUDGED, text(role)),
        },
    };
    let before = condition::get(&plan.status.conditions, AUTHORIZED).map(|c| c.status.clone());
    if before.as_deref() != Some(state.as_str()) && state == State::False {
        plan.notices.push(Notice::new(events::NOT_AUTHORIZED, message.clone()));
    }
    condition::set(&mut plan.status.conditions, AUTHORIZED, state, why, message, generation, now);
}

/// One that got past its schema grants nothing.
fn is_whole(offer: &Offer) -> Result<(), Wrong> {
    let text = "spec: a resource and each of its roles must have the same one of kubernetes and connector; write it properly";
    if offer.unreadable { Err(Wrong { reason: UNREADABLE, message: text.to_owned() }) } else { Ok(()) }
}

fn every_role(roles: &[RoleStatus]) -> Result<(), Wrong> {
    match roles.iter().find(|role| role.state != RoleState::Ready) {
        None => Ok(()),
        Some(role) => Err(Wrong { reason: reason(role), message: format!("role {:?}: {}", role.name, role.message) }),
    }
}

/// The reason of a role as a word of the list.
fn reason(role: &RoleStatus) -> Word {
    REASONS.iter().copied().find(|word| role.reason == *word).unwrap_or(NOT_YET_JUDGED)
}
