//! The admission policies: whether they are in force is found out here, and kept in [`crate::admission`].

use chrono::TimeDelta;
use k8s_openapi::api::admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding};
use kube::api::{Api, PostParams};
use tracing::{error, info};

use crate::admission::ADMISSION;
use crate::api::{AccessRequest, AccessRequestSpec};
use crate::domain::Trust;
use crate::error::Error;
use crate::observe::store::Indexed;
use crate::observe::{Change, Triggers, Watched, WorkItem};
use crate::runtime::queue::{Action, Lane};

use super::Context;

/// Time between two probes while nothing changes.
const PROBE_INTERVAL: TimeDelta = TimeDelta::hours(1);
/// Time between two probes while the policies are not in force: a binding takes a moment to work.
const BROKEN_PROBE_INTERVAL: TimeDelta = TimeDelta::seconds(1);

/// How long after a change of the policies nobody is believed: each API server needs a moment until it follows, and creations are dated in
/// whole seconds.
const PROPAGATION_TIME: TimeDelta = TimeDelta::seconds(2);

impl Indexed for ValidatingAdmissionPolicy {}

impl Watched for ValidatingAdmissionPolicy {
    const NAME: &str = "ValidatingAdmissionPolicy";
    const DATED: bool = true;
}

impl Indexed for ValidatingAdmissionPolicyBinding {}

impl Watched for ValidatingAdmissionPolicyBinding {
    const NAME: &str = "ValidatingAdmissionPolicyBinding";
    const DATED: bool = true;
}

/// Trust depends on every policy and binding.
pub(super) fn dependents(change: &Change<'_>, triggers: &mut Triggers) {
    if matches!(change, Change::AdmissionPolicy(_) | Change::AdmissionBinding(_)) {
        triggers.push(WorkItem::Admission);
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
    context.cache.trigger_for(&context.cache.read(), &Change::Trust);
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
