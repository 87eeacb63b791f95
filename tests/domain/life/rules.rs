//! The rules of the operator as these stories ask them: what an object is reconciled from is gathered from real caches, and a real
//! machine decides. Nothing else here knows where these are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entitlement_operator::api::access_request::RequestPhase;
use entitlement_operator::api::assignment::Source;
use entitlement_operator::api::{AccessPackage, AccessRequest, ApprovalDecision, Assignment, Catalog, CatalogResource, Policy};
use entitlement_operator::domain::resource::{Answer, OfferedRole, Question};
use entitlement_operator::domain::{Key, Plan, Trust, assignment, catalog, decision, package, policy, request, resource};
use entitlement_operator::kinds;
use entitlement_operator::observe::Stores;
use entitlement_operator::observe::watched::Stored as _;
use entitlement_operator::runtime::queue::Queue;
use entitlement_operator::targets::rbac::name;
use kube::core::ObjectMeta;
use kube::core::object::HasStatus;

pub use entitlement_operator::api::catalog_resource::{RoleKind, RoleRef};
pub use entitlement_operator::domain::catalog::{RBAC, new_namespace, rbac_subject};
pub use entitlement_operator::domain::grant::GrantKey;
pub use entitlement_operator::domain::grant::report::{GrantReport, GrantReports, Held};
pub use entitlement_operator::domain::resource::{Offer, Scope, Standing, Target, all_targets, stands_open};
pub use entitlement_operator::observe::unreadable::Unreadable;
pub use entitlement_operator::observe::{Cache, Watched, WorkItem};
pub use entitlement_operator::targets::rbac::name::{annotations as annotations_of, labels as labels_of};
pub use entitlement_operator::targets::rbac::plan::Write;

use crate::builders::{BOUNDS, RETENTION};

use super::by_kind::by_kind;
use super::server::Kind;

/// The one who holds the verb `assign` on every package.
pub const MANAGER: &str = "dave";
/// Who may hand out every role, who may hand out none, and of whom the API server does not say.
pub const AUTHORS: [&str; 3] = ["carol", "olga", "piotr"];

/// The grant that a binding carries.
pub fn grant_of(meta: &ObjectMeta) -> Option<GrantKey> {
    name::key_of(meta.labels.as_ref(), meta.annotations.as_ref())
}

/// Roles of resources, by name and digest, that stood open when the admission policies came into force.
pub type FoundOpen = BTreeSet<(Key, String, String)>;

/// Everything that the machines look at.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    pub stores: &'a Stores,
    pub reports: &'a GrantReports,
    pub trust: &'a Trust,
    pub open: &'a FoundOpen,
    /// What the API server itself answers when it is asked whether a request exists.
    pub requests: &'a BTreeMap<Key, AccessRequest>,
    pub now: DateTime<Utc>,
}

/// What is to be done, whether it differs from what is there, and when to reconcile again.
#[derive(Debug, Default)]
pub struct Outcome {
    pub told: String,
    pub changes: bool,
    pub requeue_at: Option<DateTime<Utc>>,
}

/// Empty caches in front of a queue, with the triggers of the operator.
pub fn cache(queue: Queue<WorkItem>) -> Arc<Cache> {
    Cache::new(queue, kinds::dependents)
}

/// Kinds that the operator reconciles.
pub trait Reconciled: Kind + PartialEq + HasStatus<Status: Clone + PartialEq + Debug + serde::Serialize> {
    /// What it is in the queue.
    fn work(key: Key) -> WorkItem;

    /// What becomes of an object; none while the API server does not answer a question about it.
    fn plan(&self, rules: Rules<'_>) -> Option<Plan<Self::Status>>;

    /// Whether there is anything to write.
    fn is_due(&self, rules: Rules<'_>) -> bool {
        self.plan(rules).is_some_and(|plan| self.status() != Some(&plan.status) || !plan.effects.is_empty())
    }

    fn outcome(&self, rules: Rules<'_>) -> Outcome {
        let Some(plan) = self.plan(rules) else { return Outcome::default() };
        Outcome {
            changes: self.status() != Some(&plan.status) || !plan.effects.is_empty(),
            told: format!("{:?} {:?}", plan.status, plan.effects),
            requeue_at: plan.requeue_at,
        }
    }
}

impl Rules<'_> {
    /// Everything that can be reconciled.
    pub fn everything(&self) -> BTreeSet<WorkItem> {
        fn all<K: Reconciled>(stores: &Stores) -> impl Iterator<Item = WorkItem> {
            K::store(stores).keys().cloned().map(K::work)
        }
        let stores = self.stores;
        let objects = all::<Catalog>(stores).chain(all::<CatalogResource>(stores)).chain(all::<AccessPackage>(stores));
        let objects = objects.chain(all::<Policy>(stores)).chain(all::<AccessRequest>(stores));
        let objects = objects.chain(all::<ApprovalDecision>(stores)).chain(all::<Assignment>(stores));
        objects.chain(stores.grant_keys().into_iter().map(WorkItem::Grant)).collect()
    }

    /// Whether there is anything to write about something.
    pub fn is_due(self, work: &WorkItem) -> bool {
        by_kind!(
            work,
            K, key => K::store(self.stores).get(key).is_some_and(|found| found.is_due(self)),
            grant => !self.grant(grant).1.writes.is_empty(),
            false
        )
    }

    /// What is to be done about something.
    pub fn outcome(self, work: &WorkItem) -> Outcome {
        by_kind!(
            work,
            K, key => K::store(self.stores).get(key).map(|found| found.outcome(self)).unwrap_or_default(),
            grant => {
                let (input, plan) = self.grant(grant);
                Outcome {
                    told: format!("{:?} {:?} {:?} {}", plan.writes, plan.held, input.losers, input.held),
                    changes: !plan.writes.is_empty(),
                    requeue_at: [input.next_end, plan.damped].into_iter().flatten().min(),
                }
            },
            Outcome::default()
        )
    }

    /// What the API server says of the authors of a resource; none when it does not answer.
    fn answers(&self, questions: Vec<Question>) -> Option<Vec<(Question, Answer)>> {
        let [_, refused, unknown] = AUTHORS;
        let answer = |question: Question| {
            let is_by = |name: &str| question.who.iter().any(|who| who.username == name);
            let answer = match is_by(refused) {
                true => Answer::CannotBind("as the story wants it".to_owned()),
                false => Answer::MayBind,
            };
            (!is_by(unknown)).then_some((question, answer))
        };
        questions.into_iter().map(answer).collect()
    }

    fn has_catalog(&self, key: &Key) -> bool {
        self.stores.catalog_of(&key.namespace).is_some()
    }
}

impl Reconciled for Catalog {
    fn work(key: Key) -> WorkItem {
        WorkItem::Catalog(key)
    }

    fn plan(&self, rules: Rules<'_>) -> Option<Plan<Self::Status>> {
        Some(catalog::decide(&rules.stores.catalog_input(self), rules.now))
    }
}

impl Reconciled for CatalogResource {
    fn work(key: Key) -> WorkItem {
        WorkItem::Resource(key)
    }

    fn plan(&self, rules: Rules<'_>) -> Option<Plan<Self::Status>> {
        let (key, stores) = (Key::of(self), rules.stores);
        let offer = stores.offer(&key)?;
        let open = |name: &str, role: &OfferedRole| rules.open.contains(&(key.clone(), name.to_owned(), role.digest.clone()));
        let is_doubted = |name: &str, role: &OfferedRole| resource::doubt(self, role, rules.trust, open(name, role)).is_some();
        let answers = rules.answers(resource::questions(self, offer, stores, is_doubted, rules.now))?;
        let input = stores.resource_input(self, offer, answers, rules.trust, &open, rules.reports);
        let plan = resource::decide(&input, rules.now);
        Some(plan)
    }
}

impl Reconciled for AccessPackage {
    fn work(key: Key) -> WorkItem {
        WorkItem::Package(key)
    }

    fn plan(&self, rules: Rules<'_>) -> Option<Plan<Self::Status>> {
        let (key, stores) = (Key::of(self), rules.stores);
        let (pending_requests, live_assignments) = stores.package_counts(&key);
        let is_sure = !rules.reports.is_unsure(&key.namespace, None);
        let input = package::Input {
            package: self,
            offer: &|name| stores.offer(&Key::new(&key.namespace, name)),
            cluster: stores,
            has_catalog: rules.has_catalog(&key),
            pending_requests,
            live_assignments,
            unknown_incompatible: stores.unknown_foes(self),
            waiting_revocations: is_sure.then(|| rules.reports.held(|_, held| held.packages.contains(&key))),
        };
        Some(package::decide(&input, rules.now))
    }
}

impl Reconciled for Policy {
    fn work(key: Key) -> WorkItem {
        WorkItem::Policy(key)
    }

    fn plan(&self, rules: Rules<'_>) -> Option<Plan<Self::Status>> {
        let key = Key::of(self);
        let package = rules.stores.packages.get(&Key::new(&key.namespace, &self.spec.access_package));
        let input = policy::Input { policy: self, package: package.map(|p| &**p), has_catalog: rules.has_catalog(&key) };
        Some(policy::decide(&input, rules.now))
    }
}

impl Reconciled for AccessRequest {
    fn work(key: Key) -> WorkItem {
        WorkItem::Request(key)
    }

    /// Only whether somebody may ask for somebody else is asked, once.
    fn plan(&self, rules: Rules<'_>) -> Option<Plan<Self::Status>> {
        let for_another = self.spec.requestor.as_ref().filter(|who| Some(who.subject()) != self.subject());
        let may_assign = for_another.is_some_and(|who| who.username == MANAGER) && self.phase() == RequestPhase::Submitted;
        let input = rules.stores.request_input(self, may_assign, rules.trust, RETENTION, BOUNDS);
        Some(request::decide(&input, rules.now))
    }
}

impl Reconciled for ApprovalDecision {
    fn work(key: Key) -> WorkItem {
        WorkItem::Decision(key)
    }

    fn plan(&self, rules: Rules<'_>) -> Option<Plan<Self::Status>> {
        let request = Key::new(Key::of(self).namespace, &self.spec.access_request);
        let request = rules.stores.requests.get(&request).map(|request| request.phase());
        Some(decision::decide(&decision::Input { decision: self, request, retention: RETENTION }, rules.now))
    }
}

impl Reconciled for Assignment {
    fn work(key: Key) -> WorkItem {
        WorkItem::Assignment(key)
    }

    /// The API server is asked whether the request is gone.
    fn plan(&self, rules: Rules<'_>) -> Option<Plan<Self::Status>> {
        let name = self.spec.access_request.as_ref().filter(|_| self.spec.source == Some(Source::Request));
        let request = name.map(|name| Key::new(Key::of(self).namespace, name));
        let is_there = |key: &Key| rules.requests.get(key).is_some_and(|r| r.metadata.uid == self.spec.access_request_uid);
        let gone = request.is_some_and(|key| !is_there(&key));
        let input = rules.stores.assignment_input(self, gone, rules.trust, rules.reports, RETENTION, rules.now);
        Some(assignment::decide(&input, rules.now))
    }
}
