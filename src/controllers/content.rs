//! Resources, packages and policies.

use std::sync::Arc;

use crate::domain::{Key, readiness, resource as machine};
use crate::error::Error;
use crate::queue::Outcome;

use super::{Context, authority};

pub(super) async fn resource(context: &Context, key: &Key) -> Result<Outcome, Error> {
    let now = context.clock.now();
    let Some(found) = context.hub.read().resources.get(key).cloned() else { return Ok(Outcome::Idle) };
    let undecided = context.guard.is_undecided();
    let objection = context.guard.objection().filter(|_| !undecided);
    let (vouched_since, open) = (context.guard.vouched_since(), context.guard.found_open(&found));
    let doubt = machine::doubt(&found, objection.as_deref(), vouched_since, open);
    let appeared = machine::roles_appeared(&found, &*context.hub.read());
    let asked = match machine::must_ask(&found, now) {
        // Whether anybody vouches for the author is known in a moment, and wakes us.
        _ if undecided => Err(None),
        _ if appeared => Ok(()),
        asked => asked,
    };
    let answer = match (&asked, &found.spec.author) {
        (Ok(()), Some(author)) if doubt.is_none() => {
            Some(authority::may_bind(&context.act, author, &machine::all_targets(&found)).await?)
        }
        _ => None,
    };
    let mut plan = {
        let world = context.hub.read();
        let has_catalog = world.catalog_of(&key.namespace).is_some();
        machine::decide(
            &machine::Seen {
                resource: &found,
                has_catalog,
                users: world.resource_users(&found),
                cluster: &*world,
                answer,
                doubt,
                vouched_since,
            },
            now,
        )
    };
    if !context.is_unsure(&key.namespace, Some(&key.name)) {
        let held = context.held(|grant, _| grant.namespace == key.namespace && grant.resource == key.name);
        readiness::revocation_held(&mut plan.status.conditions, &mut plan.notes, &*found, &held, now);
        readiness::conflict(&mut plan.status.conditions, &mut plan.notes, &*found, &context.conflicts(key), now);
    }
    let mut after = (*found).clone();
    after.status = Some(plan.status.clone());
    plan.wake(machine::must_ask(&after, now).err().flatten());
    context.carry_out(&found, plan).await
}

pub(super) async fn package(context: &Context, key: &Key) -> Result<Outcome, Error> {
    let now = context.clock.now();
    let Some(found) = context.hub.read().packages.get(key).cloned() else { return Ok(Outcome::Idle) };
    let mut plan = {
        let world = context.hub.read();
        let resource = |name: &str| world.resources.get(&Key::new(&key.namespace, name)).map(|r| &**r);
        let has_catalog = world.catalog_of(&key.namespace).is_some();
        readiness::package(&found, resource, has_catalog, world.package_counts(key), now)
    };
    if !context.is_unsure(&key.namespace, None) {
        let held = context.held(|_, held| held.packages.contains(key));
        readiness::revocation_held(&mut plan.status.conditions, &mut plan.notes, &*found, &held, now);
    }
    context.carry_out(&found, plan).await
}

pub(super) async fn policy(context: &Context, key: &Key) -> Result<Outcome, Error> {
    let now = context.clock.now();
    let Some(found) = context.hub.read().policies.get(key).cloned() else { return Ok(Outcome::Idle) };
    let plan = {
        let world = context.hub.read();
        let package: Option<&Arc<_>> = world.packages.get(&Key::new(&key.namespace, &found.spec.access_package));
        readiness::policy(&found, package.map(|p| &**p), world.catalog_of(&key.namespace).is_some(), now)
    };
    context.carry_out(&found, plan).await
}
