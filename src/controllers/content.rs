//! Resources, packages and policies.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::api::{AccessPackage, CatalogResource, Policy};
use crate::domain::{Key, readiness, resource as machine};
use crate::error::Error;
use crate::observe::World;
use crate::queue::{Lane, Outcome};

use super::{Context, authority};

pub(super) async fn resource(context: &Context, key: &Key) -> Result<Outcome, Error> {
    if context.guard.is_undecided() {
        return Ok(Outcome::Idle); // whether anybody vouches for the authors is known in a moment, and wakes us
    }
    let now = context.clock.now();
    let (found, offer, questions) = {
        let world = context.hub.read();
        let Some((found, offer)) = world.resources.get(key).cloned().zip(world.offers.get(key).cloned()) else {
            return context.gone::<CatalogResource>(key);
        };
        let questions = questions(context, &found, &offer, &world, now);
        (found, offer, questions)
    };
    let more = questions.len() == machine::MOST_QUESTIONS;
    let answers = authority::judge(&context.act, questions).await?;
    let objection = context.guard.objection();
    let mut plan = {
        let world = context.hub.read();
        machine::decide(
            &machine::Seen {
                resource: &found,
                offer: &offer,
                users: world.resource_users(&found),
                cluster: &*world,
                answers,
                vouching: vouching(context, objection.as_deref()),
                open: &|name, role| context.guard.found_open(key, name, &role.digest),
            },
            now,
        )
    };
    if !context.is_unsure(&key.namespace, Some(&key.name)) {
        let held = context.held(|grant, _| grant.namespace == key.namespace && grant.resource == key.name);
        readiness::revocation_held(&mut plan.status.conditions, &mut plan.notes, &*found, &held, now);
        readiness::conflict(&mut plan.status.conditions, &mut plan.notes, &*found, &context.conflicts(key), now);
    }
    let outcome = context.carry_out(&found, plan).await?;
    Ok(if more { Outcome::At(now, Lane::Ordinary) } else { outcome })
}

fn vouching<'a>(context: &Context, objection: Option<&'a str>) -> machine::Vouching<'a> {
    machine::Vouching { objection, since: context.guard.vouched_since() }
}

/// What the API server has to be asked about the authors now.
fn questions(
    context: &Context,
    found: &CatalogResource,
    offer: &machine::Offer,
    world: &World,
    now: DateTime<Utc>,
) -> Vec<machine::Question> {
    let (objection, key) = (context.guard.objection(), Key::of(found));
    let vouching = vouching(context, objection.as_deref());
    let is_doubted = |name: &str, role: &machine::OfferedRole| {
        machine::doubt(found, role, vouching, context.guard.found_open(&key, name, &role.digest)).is_some()
    };
    machine::questions(found, offer, world, is_doubted, now)
}

pub(super) async fn package(context: &Context, key: &Key) -> Result<Outcome, Error> {
    let now = context.clock.now();
    let Some(found) = context.hub.read().packages.get(key).cloned() else { return context.gone::<AccessPackage>(key) };
    let mut plan = {
        let world = context.hub.read();
        let offer = |name: &str| world.offer(&Key::new(&key.namespace, name));
        let has_catalog = world.catalog_of(&key.namespace).is_some();
        let mut plan = readiness::package(&found, (&offer, &*world), has_catalog, world.package_counts(key), now);
        readiness::incompatible_found(&mut plan, &found, &world.unknown_foes(&found), now);
        plan
    };
    if !context.is_unsure(&key.namespace, None) {
        let held = context.held(|_, held| held.packages.contains(key));
        readiness::revocation_held(&mut plan.status.conditions, &mut plan.notes, &*found, &held, now);
    }
    context.carry_out(&found, plan).await
}

pub(super) async fn policy(context: &Context, key: &Key) -> Result<Outcome, Error> {
    let now = context.clock.now();
    let Some(found) = context.hub.read().policies.get(key).cloned() else { return context.gone::<Policy>(key) };
    let plan = {
        let world = context.hub.read();
        let package: Option<&Arc<_>> = world.packages.get(&Key::new(&key.namespace, &found.spec.access_package));
        readiness::policy(&found, package.map(|p| &**p), world.catalog_of(&key.namespace).is_some(), now)
    };
    context.carry_out(&found, plan).await
}
