//! Trust: nothing new is granted unless the API server vouches for who asked and who decided.
//!
//! While the admission policies are not in force, anybody can write in any name. So what was written then is not believed afterwards either:
//! requests and decisions that are older than the policies as they are now and were not judged before, and resources whose author was not
//! judged before. Whoever is refused for it hears why, and can do the same again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use chrono::{DateTime, TimeDelta, Utc};
use kube::api::{Api, PostParams};
use tracing::{error, info};

use crate::api::{AccessRequest, AccessRequestSpec};
use crate::domain::{Key, Trust, resource};
use crate::error::Error;
use crate::observe::admission::Shipped;
use crate::observe::{Stores, WorkItem};
use crate::runtime::queue::{Action, Lane};
use crate::runtime::telemetry::Readiness;

use super::Context;

/// Readiness: the admission policies are in force.
pub const ADMISSION: &str = "admission";

/// Time between two probes while nothing changes.
const PROBE_INTERVAL: TimeDelta = TimeDelta::hours(1);
/// Time between two probes while the policies are not in force: a binding takes a moment to work.
const BROKEN_PROBE_INTERVAL: TimeDelta = TimeDelta::seconds(1);

/// How long after a change of the policies nobody is believed: each API server needs a moment until it follows, and creations are dated in
/// whole seconds.
const PROPAGATION_TIME: TimeDelta = TimeDelta::seconds(2);

/// Whether identities can be trusted now.
pub struct Admission {
    shipped: Shipped,
    readiness: Readiness,
    /// `--allow-unenforced-identity`: go on without.
    allow: bool,
    /// Namespace in which the probe is tried.
    namespace: String,
    finding: Mutex<Trust>,
    /// Roles of resources, by name and digest, that stood open when the policies came into force.
    open: Mutex<BTreeSet<(Key, String, String)>>,
}

impl Admission {
    /// Trusts nobody until the policies were checked.
    pub fn new(shipped: Shipped, readiness: Readiness, allow: bool, namespace: String) -> Self {
        Self { shipped, readiness, allow, namespace, finding: Mutex::new(Trust::Undecided), open: Mutex::default() }
    }

    /// What is known now; one answer for one decision.
    pub fn trust(&self) -> Trust {
        if self.allow { Trust::Waived } else { self.finding() }
    }

    fn finding(&self) -> Trust {
        self.finding.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a role of a resource, as it is written, stood open when the policies came into force; see [`resource::stands_open`].
    pub fn found_open(&self, resource: &Key, role: &str, digest: &str) -> bool {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.contains(&(resource.clone(), role.to_owned(), digest.to_owned()))
    }

    /// Remembers what stands open, before anybody is believed.
    fn look_back(&self, stores: &Stores, since: DateTime<Utc>) {
        let watched = match self.finding() {
            Trust::Waived | Trust::Enforced { .. } => return,
            Trust::Undecided => false,
            Trust::Broken(_) => true,
        };
        let roles = |(key, found): (&Key, &Arc<resource::Offer>)| {
            let open = stores.resources.get(key).map(|r| resource::stands_open(r, found, since, watched)).unwrap_or_default();
            open.into_iter().map(|(role, digest)| (key.clone(), role, digest)).collect::<Vec<_>>()
        };
        let open = stores.offers.iter().flat_map(roles).collect();
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = open;
    }

    /// Keeps a new finding; tells whether it is news.
    fn found(&self, new: Trust) -> bool {
        let mut kept = self.finding.lock().unwrap_or_else(PoisonError::into_inner);
        let news = *kept != new;
        *kept = new;
        news
    }
}

pub(super) async fn reconcile(context: &Context) -> Result<Action, Error> {
    let now = context.clock.now();
    let admission = &context.admission;
    let mut deviations = admission.shipped.deviations(&context.cache.read());
    if deviations.is_empty() && !probe(context).await? {
        deviations
            .push("a request that must be refused was let through: the policies are installed, but not in force yet".to_owned());
    }
    let since = admission.shipped.last_changed(&context.cache.read()).map_or(now, |changed| changed + PROPAGATION_TIME);
    // A clock that is behind the API server's by more does not wait: what is judged is judged by the API server's clock alone.
    if deviations.is_empty() && now < since && since - now <= PROPAGATION_TIME {
        deviations.push("the policies were changed a moment ago".to_owned());
    }
    let wrong = Some(deviations.join("; ")).filter(|text| !text.is_empty());
    let next = now + if wrong.is_none() { PROBE_INTERVAL } else { BROKEN_PROBE_INTERVAL };
    if wrong.is_none() {
        admission.look_back(&context.cache.read(), since);
    }
    if admission.found(wrong.clone().map_or(Trust::Enforced { since }, Trust::Broken)) {
        publish(context, wrong.as_deref());
    }
    Ok(Action::RequeueAt(next, Lane::Ordinary))
}

fn publish(context: &Context, wrong: Option<&str>) {
    let admission = &context.admission;
    context.metrics.set_identity_enforced(wrong.is_none());
    match wrong {
        None => info!("the admission policies are in force"),
        Some(wrong) => {
            error!(%wrong, "nothing new is granted: identities are not enforced; if that lasts, apply config/admission again")
        }
    }
    match wrong.filter(|_| !admission.allow) {
        None => admission.readiness.holds(ADMISSION),
        Some(wrong) => admission.readiness.misses(ADMISSION, format!("nothing new is granted: {wrong}")),
    }
    let stores = context.cache.read();
    let requests = stores.requests.all().filter(|r| !r.phase().is_terminal()).map(|r| WorkItem::Request(Key::of(&**r)));
    let assignments = stores.assignments.all().filter(|a| !a.phase().is_terminal()).map(|a| WorkItem::Assignment(Key::of(&**a)));
    let resources = stores.resources.all().map(|r| WorkItem::Resource(Key::of(&**r)));
    let grants = stores.grant_keys().into_iter().map(WorkItem::Grant);
    requests.chain(resources).chain(assignments).chain(grants).for_each(|work| context.cache.queue.push(work));
}

/// Tries, as a dry run, what the policies refuse to everybody: a request that is born cancelled.
async fn probe(context: &Context) -> Result<bool, Error> {
    let spec = AccessRequestSpec { access_package: "probe".to_owned(), cancelled: true, ..AccessRequestSpec::default() };
    let request = AccessRequest::new("entitlement-operator-probe", spec);
    let api: Api<AccessRequest> = Api::namespaced(context.writer.client.clone(), &context.admission.namespace);
    let params = PostParams { dry_run: true, ..PostParams::default() };
    match context.writer.timed("probe the admission policies".to_owned(), api.create(&params, &request)).await {
        Ok(_) => Ok(false),
        Err(Error::Api { source, .. }) if matches!(&*source, kube::Error::Api(status) if [403, 422].contains(&status.code)) => {
            Ok(true)
        }
        Err(error) => Err(error),
    }
}
