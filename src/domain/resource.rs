//! CatalogResource: does the target exist, and may its author hand out the roles?

mod vouching;

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::access_package::PackageRole;
use crate::api::catalog_resource::{
    AUTHOR_CANNOT_BIND, AUTHOR_MAY_BIND, AUTHOR_UNKNOWN, AUTHORIZED, NAMESPACE_NOT_FOUND, ROLE_IS_NAMESPACED, ROLE_NOT_FOUND,
    ResourceRole, RoleKind, RoleRef,
};
use crate::api::condition::{self, State};
use crate::api::time::from_meta;
use crate::api::{CatalogResource, CatalogResourceStatus};

pub use vouching::{doubt, stands_open};

use super::plan::{Note, Plan};
use super::readiness::{Wrong, deletion, generation, in_catalog, set_ready};

/// Where a role is bound.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The whole cluster, by a ClusterRoleBinding.
    Cluster,
    /// One namespace, by a RoleBinding.
    Namespace(String),
}

/// One role in one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// Where.
    pub scope: Scope,
    /// What.
    pub role: RoleRef,
}

/// What of the cluster a resource can stand on.
pub trait Cluster {
    /// Whether a namespace exists and is not going away.
    fn namespace(&self, name: &str) -> bool;
    /// Whether a role exists; for a Role in that namespace.
    fn role(&self, target: &Target) -> bool;
}

/// What the API server answered about the author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The author could bind every role.
    MayBind,
    /// The message names the first thing missing.
    CannotBind(String),
    /// A role does not exist, so that nobody can tell.
    Unknown(String),
}

/// How much of a resource's role may be granted now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grantable {
    /// In these places.
    In(Vec<Target>),
    /// That cannot be said now, for this reason: nobody gets it anew, nobody who may have it loses it.
    Hold(String),
    /// The same, for the moment until the resource has been looked at: nothing is wrong.
    Unjudged,
    /// Not at all: who has it loses it.
    No(String),
}

/// Every place in which a role of the resource is bound.
pub fn targets(resource: &CatalogResource, role: &ResourceRole) -> Vec<Target> {
    let role = &role.kubernetes.role_ref;
    match resource.spec.kubernetes.cluster_wide {
        true => vec![Target { scope: Scope::Cluster, role: role.clone() }],
        false => {
            let namespaces = resource.spec.kubernetes.namespaces.iter().collect::<BTreeSet<_>>();
            namespaces.into_iter().map(|n| Target { scope: Scope::Namespace(n.clone()), role: role.clone() }).collect()
        }
    }
}

/// Every place in which any role of the resource is bound.
pub fn all_targets(resource: &CatalogResource) -> Vec<Target> {
    resource.spec.roles.iter().flat_map(|role| targets(resource, role)).collect()
}

/// What was found about the author of the spec as it is. A deletion counts as a generation of its own and changes no spec.
fn judged(resource: &CatalogResource) -> Option<&Condition> {
    let current = generation(resource);
    let deleting = i64::from(resource.metadata.deletion_timestamp.is_some());
    let authorized = resource.status.as_ref().and_then(|s| condition::get(&s.conditions, AUTHORIZED));
    authorized.filter(|c| c.observed_generation.is_some_and(|seen| seen == current || seen == current - deleting))
}

/// Whether roles that were missing when the author was judged are there now, so that it is worth asking again at once.
pub fn roles_appeared(resource: &CatalogResource, cluster: &dyn Cluster) -> bool {
    judged(resource).is_some_and(|c| c.reason == ROLE_NOT_FOUND)
        && all_targets(resource).iter().all(|target| cluster.role(target))
}

/// Whether, and where, a package's role may be granted.
pub fn grantable(wanted: &PackageRole, resource: Option<&CatalogResource>) -> Grantable {
    let Some(resource) = resource else {
        return Grantable::No(format!("catalog resource {:?} does not exist", wanted.resource));
    };
    let Some(role) = resource.spec.roles.iter().find(|role| role.name == wanted.role) else {
        return Grantable::No(format!("catalog resource {:?} has no role {:?}", wanted.resource, wanted.role));
    };
    match judged(resource) {
        Some(c) if c.status == State::True.as_str() => Grantable::In(targets(resource, role)),
        Some(c) if c.status == State::False.as_str() => {
            Grantable::No(format!("catalog resource {:?}: {}", wanted.resource, c.message))
        }
        Some(c) => Grantable::Hold(format!("catalog resource {:?}: {}", wanted.resource, c.message)),
        None => Grantable::Unjudged,
    }
}

/// Soonest and latest time between two questions about an author who could not bind.
const ASK_AGAIN: (TimeDelta, TimeDelta) = (TimeDelta::seconds(30), TimeDelta::minutes(10));

/// Whether the API server has to be asked about the author now, and when else.
///
/// A positive answer stands for its generation: an author who leaves the company takes nobody's access along. A negative one is asked
/// again now and then, because a role or a right may have been applied later.
pub fn must_ask(resource: &CatalogResource, now: DateTime<Utc>) -> Result<(), Option<DateTime<Utc>>> {
    let Some(answer) = judged(resource) else { return Ok(()) };
    if answer.status == State::True.as_str() || answer.reason == AUTHOR_UNKNOWN {
        return Err(None);
    }
    let since = from_meta(&answer.last_transition_time);
    let (soonest, latest) = ASK_AGAIN;
    let pause = (now - since).clamp(soonest, latest);
    let last = resource.status.as_ref().and_then(|s| s.asked_at).unwrap_or(since);
    if now >= last + pause { Ok(()) } else { Err(Some(last + pause)) }
}

/// What a look at a resource sees.
pub struct Seen<'a> {
    /// The resource.
    pub resource: &'a CatalogResource,
    /// Its namespace belongs to a catalog.
    pub has_catalog: bool,
    /// Packages that use it, and bindings that carry its grants.
    pub users: (usize, usize),
    /// The cluster around it.
    pub cluster: &'a dyn Cluster,
    /// The answer about its author, when it was asked for just now.
    pub answer: Option<Answer>,
    /// Why nobody vouches that the author wrote the spec as it is, if so.
    pub doubt: Option<String>,
    /// Since when the admission policies are in force as they are.
    pub vouched_since: Option<DateTime<Utc>>,
}

/// Decides what becomes of a resource.
pub fn decide(seen: &Seen<'_>, now: DateTime<Utc>) -> Plan<CatalogResourceStatus> {
    let resource = seen.resource;
    let mut plan = Plan::status(resource.status.clone().unwrap_or_default());
    let current = generation(resource);
    plan.status.observed_generation = Some(current);
    if let Some(answer) = &seen.answer {
        plan.status.asked_at = Some(now).filter(|_| *answer != Answer::MayBind);
        let (state, reason, message) = match answer {
            Answer::MayBind => (State::True, AUTHOR_MAY_BIND, String::new()),
            Answer::CannotBind(what) => (State::False, AUTHOR_CANNOT_BIND, what.clone()),
            Answer::Unknown(what) => (State::Unknown, ROLE_NOT_FOUND, what.clone()),
        };
        set_authorized(&mut plan, state, reason, message, current, now);
        plan.status.vouched_since = seen.vouched_since;
    } else if resource.spec.author.is_none() {
        let text = "spec.author is empty: the admission policies were not in force when it was written; apply it again";
        set_authorized(&mut plan, State::False, AUTHOR_UNKNOWN, text.to_owned(), current, now);
    } else if let Some(doubt) = &seen.doubt {
        // Unknown, and not False: what was given before stays, so that an edit in a bad moment takes nobody's access.
        let text =
            format!("nobody vouches for spec.author: {doubt}; change the spec again, or delete the object and create it again");
        set_authorized(&mut plan, State::Unknown, AUTHOR_UNKNOWN, text, current, now);
    }
    let (effect, kept) = deletion(
        resource,
        &[(seen.users.0, "access package(s) that use it"), (seen.users.1, "binding(s) that carry its grants")],
    );
    plan.effects.extend(effect);
    let found = kept
        .and_then(|()| in_catalog(seen.has_catalog))
        .and_then(|()| exists(seen))
        .and_then(|()| authorized(&plan.status, current));
    set_ready(&mut plan.status.conditions, &mut plan.notes, found, current, now);
    plan
}

fn set_authorized(
    plan: &mut Plan<CatalogResourceStatus>,
    state: State,
    reason: &str,
    message: String,
    generation: i64,
    now: DateTime<Utc>,
) {
    let before = condition::get(&plan.status.conditions, AUTHORIZED).map(|c| c.status.clone());
    if before.as_deref() != Some(state.as_str()) && state == State::False {
        plan.notes.push(Note { warning: true, reason: "NotAuthorized", entered: None, message: message.clone() });
    }
    condition::set(&mut plan.status.conditions, AUTHORIZED, state, reason, message, generation, now);
}

fn exists(seen: &Seen<'_>) -> Result<(), Wrong> {
    for target in all_targets(seen.resource) {
        match &target.scope {
            Scope::Cluster if target.role.kind == RoleKind::Role => {
                return Err(Wrong::new(
                    ROLE_IS_NAMESPACED,
                    format!("Role {:?} cannot be granted cluster-wide: use a ClusterRole", target.role.name),
                ));
            }
            Scope::Namespace(name) if !seen.cluster.namespace(name) => {
                return Err(Wrong::new(NAMESPACE_NOT_FOUND, format!("namespace {name:?} does not exist")));
            }
            _ if !seen.cluster.role(&target) => return Err(Wrong::new(ROLE_NOT_FOUND, missing(&target))),
            _ => {}
        }
    }
    Ok(())
}

/// Says that a role does not exist.
pub fn missing(target: &Target) -> String {
    match &target.scope {
        Scope::Namespace(namespace) if target.role.kind == RoleKind::Role => {
            format!("Role {:?} does not exist in namespace {namespace:?}", target.role.name)
        }
        _ => format!("ClusterRole {:?} does not exist", target.role.name),
    }
}

fn authorized(status: &CatalogResourceStatus, generation: i64) -> Result<(), Wrong> {
    match condition::get(&status.conditions, AUTHORIZED).filter(|c| c.observed_generation == Some(generation)) {
        Some(c) if c.status == State::True.as_str() => Ok(()),
        Some(c) if c.reason == AUTHOR_UNKNOWN => Err(Wrong::new(AUTHOR_UNKNOWN, c.message.clone())),
        Some(c) if c.reason == ROLE_NOT_FOUND => Err(Wrong::new(ROLE_NOT_FOUND, c.message.clone())),
        Some(c) => Err(Wrong::new(AUTHOR_CANNOT_BIND, c.message.clone())),
        None => Err(Wrong::new(AUTHOR_UNKNOWN, "the author has not been judged yet")),
    }
}
