//! What the machines make of everything in the real caches at one instant.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entitlement_operator::api::assignment::Source;
use entitlement_operator::api::{AccessPackage, AccessRequest, ApprovalDecision, Assignment, CatalogResource};
use entitlement_operator::domain::grant::GrantKey;
use entitlement_operator::domain::grant::decide::Input;
use entitlement_operator::domain::grant::diff::{Access, Allowed};
use entitlement_operator::domain::grant::report::GrantReports;
use entitlement_operator::domain::resource::{OfferedRole, Standing, Target};
use entitlement_operator::domain::{Key, Plan, Trust, assignment, catalog, decision, package, policy, request, resource};
use entitlement_operator::observe::{Stores, WorkItem};
use entitlement_operator::targets::rbac::{Rbac, plan::plan};

use crate::builders::{BOUNDS, RETENTION};

use super::gather::MANAGER;

/// What is to be done, whether it differs from what is there, and when to reconcile again.
#[derive(Debug, Default)]
pub struct Outcome {
    told: String,
    changes: bool,
    requeue_at: Option<DateTime<Utc>>,
}

impl Outcome {
    fn of<S: std::fmt::Debug + PartialEq>(plan: Plan<S>, status: Option<&S>) -> Self {
        Self {
            changes: status != Some(&plan.status) || !plan.effects.is_empty(),
            told: format!("{:?} {:?}", plan.status, plan.effects),
            requeue_at: plan.requeue_at,
        }
    }

    /// Whether nobody would notice if nobody reconciled again.
    fn is_as_good_as(&self, other: &Self) -> bool {
        let sooner = other.requeue_at.is_some_and(|new| self.requeue_at.is_none_or(|old| new < old));
        self.told == other.told && !sooner
    }
}

/// What becomes of every object.
pub struct Plans(BTreeMap<WorkItem, Outcome>);

/// The caches, and what else the machines know.
struct Look<'a> {
    stores: &'a Stores,
    trust: &'a Trust,
    now: DateTime<Utc>,
}

impl Plans {
    pub fn of(stores: &Stores, trust: &Trust, now: DateTime<Utc>) -> Self {
        let look = Look { stores, trust, now };
        let mut all = BTreeMap::new();
        for found in stores.catalogs.all() {
            let plan = catalog::decide(&stores.catalog_input(found), now);
            all.insert(WorkItem::Catalog(Key::of(&**found)), Outcome::of(plan, found.status.as_ref()));
        }
        all.extend(stores.resources.all().map(|found| (WorkItem::Resource(Key::of(&**found)), look.resource(found))));
        all.extend(stores.packages.all().map(|found| (WorkItem::Package(Key::of(&**found)), look.package(found))));
        for found in stores.policies.all() {
            let key = Key::of(&**found);
            let package = stores.packages.get(&Key::new(&key.namespace, &found.spec.access_package));
            let has_catalog = stores.catalog_of(&key.namespace).is_some();
            let plan = policy::decide(&policy::Input { policy: found, package: package.map(|p| &**p), has_catalog }, now);
            all.insert(WorkItem::Policy(key), Outcome::of(plan, found.status.as_ref()));
        }
        all.extend(stores.requests.all().map(|found| (WorkItem::Request(Key::of(&**found)), look.request(found))));
        all.extend(stores.decisions.all().map(|found| (WorkItem::Decision(Key::of(&**found)), look.decision(found))));
        all.extend(stores.assignments.all().map(|found| (WorkItem::Assignment(Key::of(&**found)), look.assignment(found))));
        let grants = stores.grant_keys().into_iter();
        all.extend(grants.map(|key| (WorkItem::Grant(key.clone()), look.grant(&key))));
        Self(all)
    }

    /// Everything that comes out differently, or has to be reconciled earlier, with what it was and what it is.
    pub fn news_since<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = (WorkItem, Option<&'a Outcome>, &'a Outcome)> {
        let all = self.0.iter().map(|(work, new)| (work.clone(), before.0.get(work), new));
        all.filter(move |(_, old, new)| !old.is_some_and(|old| old.is_as_good_as(new)))
    }

    /// Everything about which something has yet to be done.
    pub fn left_to_do(&self) -> impl Iterator<Item = WorkItem> {
        self.0.iter().filter(|(_, outcome)| outcome.changes).map(|(work, _)| work.clone())
    }

    /// Whether something has yet to be done about it.
    pub fn leave_to_do(&self, work: &WorkItem) -> bool {
        self.0.get(work).is_some_and(|outcome| outcome.changes)
    }
}

impl Look<'_> {
    /// What the API server would be asked about its authors counts as well.
    fn resource(&self, found: &CatalogResource) -> Outcome {
        let Some(offer) = self.stores.offer(&Key::of(found)) else { return Outcome::default() };
        let is_doubted = |_: &str, role: &OfferedRole| resource::doubt(found, role, self.trust, false).is_some();
        let questions = resource::questions(found, offer, self.stores, is_doubted, self.now);
        let input = resource::Input {
            resource: found,
            offer,
            users: self.stores.resource_users(found),
            cluster: self.stores,
            answers: Vec::new(),
            trust: self.trust,
            open: &|_, _| false,
        };
        let plan = Outcome::of(resource::decide(&input, self.now), found.status.as_ref());
        Outcome { told: format!("{} {questions:?}", plan.told), ..plan }
    }

    fn package(&self, found: &AccessPackage) -> Outcome {
        let (stores, key) = (self.stores, Key::of(found));
        let (pending_requests, live_assignments) = stores.package_counts(&key);
        let input = package::Input {
            package: found,
            offer: &|name| stores.offer(&Key::new(&key.namespace, name)),
            cluster: stores,
            has_catalog: stores.catalog_of(&key.namespace).is_some(),
            pending_requests,
            live_assignments,
            unknown_incompatible: stores.unknown_foes(found),
            waiting_revocations: None,
        };
        Outcome::of(package::decide(&input, self.now), found.status.as_ref())
    }

    fn request(&self, found: &AccessRequest) -> Outcome {
        let may_assign = found.spec.requestor.as_ref().is_some_and(|who| who.username == MANAGER);
        let input = self.stores.request_input(found, may_assign, self.trust, RETENTION, BOUNDS);
        Outcome::of(request::decide(&input, self.now), found.status.as_ref())
    }

    fn decision(&self, found: &ApprovalDecision) -> Outcome {
        let request = Key::new(Key::of(found).namespace, &found.spec.access_request);
        let request = self.stores.requests.get(&request).map(|request| request.phase());
        let input = decision::Input { decision: found, request, retention: RETENTION };
        Outcome::of(decision::decide(&input, self.now), found.status.as_ref())
    }

    /// The caches lag behind nothing: what they do not show does not exist.
    fn assignment(&self, found: &Assignment) -> Outcome {
        let reports = GrantReports::default();
        let gone = found.spec.source == Some(Source::Request);
        let input = self.stores.assignment_input(found, gone, self.trust, &reports, RETENTION, self.now);
        Outcome::of(assignment::decide(&input, self.now), found.status.as_ref())
    }

    fn grant(&self, key: &GrantKey) -> Outcome {
        let (Input { wanted, places, losers, held, next_end, .. }, bindings) = self.stores.grant_input::<Rbac>(key, self.now);
        let place = |(target, standing): (Target, Standing)| match standing {
            Standing::Open => Some((target, Access::Open)),
            Standing::Held(_) => Some((target, Access::Closed)),
            Standing::Void(_) => Some((target, Access::Void)),
            Standing::Leaving => None,
        };
        let places = places.into_iter().filter_map(place).collect();
        let writes = plan(key, &wanted, &Allowed { places, kept: BTreeSet::new() }, &bindings.all);
        Outcome { told: format!("{writes:?} {losers:?} {held}"), changes: !writes.is_empty(), requeue_at: next_end }
    }
}
