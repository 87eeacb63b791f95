//! Resources, packages and policies.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::api::{AccessPackage, CatalogResource, CatalogResourceStatus, Policy};
use crate::domain::{Key, Plan, Trust, package, policy, readiness, resource as machine};
use crate::error::Error;
use crate::grants::report::GrantReports;
use crate::observe::Stores;
use crate::runtime::queue::{Action, Lane};

use super::{Context, authority};

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
    let answers = authority::judge(&context.writer, questions).await?;
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
    readiness::name_taken(&mut plan.status.conditions, &mut plan.notices, found, &reports.conflicts(&key), now);
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
    let plan = {
        let stores = context.cache.read();
        let (pending_requests, live_assignments) = stores.package_counts(key);
        let input = package::Input {
            package: &found,
            offer: &|name| stores.offer(&Key::new(&key.namespace, name)),
            cluster: &*stores,
            has_catalog: stores.catalog_of(&key.namespace).is_some(),
            pending_requests,
            live_assignments,
            unknown_incompatible: stores.unknown_foes(&found),
            waiting_revocations: waiting_revocations(&context.reports(), key),
        };
        package::decide(&input, now)
    };
    context.carry_out(&found, plan).await
}

/// Roles that an edit of a package would take from many; none before each grant was reconciled once.
fn waiting_revocations(reports: &GrantReports, package: &Key) -> Option<Vec<(String, usize)>> {
    (!reports.is_unsure(&package.namespace, None)).then(|| reports.held(|_, held| held.packages.contains(package)))
}

pub(super) async fn policy(context: &Context, key: &Key) -> Result<Action, Error> {
    let now = context.clock.now();
    let Some(found) = context.cache.read().policies.get(key).cloned() else { return context.gone::<Policy>(key) };
    let plan = {
        let stores = context.cache.read();
        let package: Option<&Arc<_>> = stores.packages.get(&Key::new(&key.namespace, &found.spec.access_package));
        let has_catalog = stores.catalog_of(&key.namespace).is_some();
        policy::decide(&policy::Input { policy: &found, package: package.map(|p| &**p), has_catalog }, now)
    };
    context.carry_out(&found, plan).await
}
