//! Resources, packages and policies.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::api::{AccessPackage, CatalogResource, CatalogResourceStatus, Policy};
use crate::domain::{Key, Plan, Trust, readiness, resource as machine};
use crate::error::Error;
use crate::observe::Stores;
use crate::runtime::queue::{Action, Lane};
use crate::targets;

use super::Context;

pub(super) async fn resource(context: &Context, key: &Key) -> Result<Action, Error> {
    if context.admission.trust() == Trust::Undecided {
        return Ok(Action::AwaitChange); // whether anybody vouches for the authors is known in a moment, and triggers us
    }
    let now = context.clock.now();
    let (found, offer, questions) = {
        let stores = context.cache.read();
        let Some((found, offer)) = stores.resources.get(key).cloned().zip(stores.offers.get(key).cloned()) else {
            return context.gone::<CatalogResource>(key);
        };
        let questions = questions(context, &found, &offer, &stores, now);
        (found, offer, questions)
    };
    let more = questions.len() == machine::MOST_QUESTIONS;
    let answers = targets::judge(&context.writer, questions).await?;
    let trust = context.admission.trust();
    let mut plan = {
        let stores = context.cache.read();
        machine::decide(
            &machine::Input {
                resource: &found,
                offer: &offer,
                users: stores.resource_users(&found),
                cluster: &*stores,
                answers,
                trust: &trust,
                open: &|name, role| context.admission.found_open(key, name, &role.digest),
            },
            now,
        )
    };
    say_of_grants(context, &found, &mut plan, now);
    let outcome = context.carry_out(&found, plan).await?;
    Ok(if more { Action::RequeueAt(now, Lane::Ordinary) } else { outcome })
}

/// What is known of the grants of a resource, as far as it is known.
fn say_of_grants(context: &Context, found: &CatalogResource, plan: &mut Plan<CatalogResourceStatus>, now: DateTime<Utc>) {
    let (key, reports) = (Key::of(found), context.reports());
    if reports.is_unsure(&key.namespace, Some(&key.name)) {
        return;
    }
    let held = reports.held(|grant, _| grant.namespace == key.namespace && grant.resource == key.name);
    readiness::mass_revocation_held(&mut plan.status.conditions, &mut plan.notices, found, &held, now);
    readiness::conflict(&mut plan.status.conditions, &mut plan.notices, found, &reports.conflicts(&key), now);
}

/// What the API server has to be asked about the authors now.
fn questions(
    context: &Context,
    found: &CatalogResource,
    offer: &machine::Offer,
    stores: &Stores,
    now: DateTime<Utc>,
) -> Vec<machine::Question> {
    let (trust, key) = (context.admission.trust(), Key::of(found));
    let is_doubted = |name: &str, role: &machine::OfferedRole| {
        machine::doubt(found, role, &trust, context.admission.found_open(&key, name, &role.digest)).is_some()
    };
    machine::questions(found, offer, stores, is_doubted, now)
}

pub(super) async fn package(context: &Context, key: &Key) -> Result<Action, Error> {
    let now = context.clock.now();
    let Some(found) = context.cache.read().packages.get(key).cloned() else { return context.gone::<AccessPackage>(key) };
    let mut plan = {
        let stores = context.cache.read();
        let offer = |name: &str| stores.offer(&Key::new(&key.namespace, name));
        let has_catalog = stores.catalog_of(&key.namespace).is_some();
        let mut plan = readiness::package(&found, (&offer, &*stores), has_catalog, stores.package_counts(key), now);
        readiness::incompatible_found(&mut plan, &found, &stores.unknown_foes(&found), now);
        plan
    };
    {
        let reports = context.reports();
        if !reports.is_unsure(&key.namespace, None) {
            let held = reports.held(|_, held| held.packages.contains(key));
            readiness::mass_revocation_held(&mut plan.status.conditions, &mut plan.notices, &*found, &held, now);
        }
    }
    context.carry_out(&found, plan).await
}

pub(super) async fn policy(context: &Context, key: &Key) -> Result<Action, Error> {
    let now = context.clock.now();
    let Some(found) = context.cache.read().policies.get(key).cloned() else { return context.gone::<Policy>(key) };
    let plan = {
        let stores = context.cache.read();
        let package: Option<&Arc<_>> = stores.packages.get(&Key::new(&key.namespace, &found.spec.access_package));
        readiness::policy(&found, package.map(|p| &**p), stores.catalog_of(&key.namespace).is_some(), now)
    };
    context.carry_out(&found, plan).await
}
