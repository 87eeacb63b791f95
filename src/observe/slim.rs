//! What nobody reads is not kept: there may be a hundred thousand objects.

use kube::core::ObjectMeta;

use crate::api::{AccessRequest, Assignment};

/// An annotation that repeats the whole object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Lets go of the parts of every object's metadata that are as large as the object itself.
pub fn metadata(meta: &mut ObjectMeta, dated: bool) {
    if !dated {
        meta.managed_fields = None;
    }
    if let Some(annotations) = &mut meta.annotations {
        annotations.remove(LAST_APPLIED);
    }
    meta.finalizers.iter_mut().for_each(Vec::shrink_to_fit);
}

/// A list that was read from JSON has room for four entries, or more.
pub fn assignment(assignment: &mut Assignment) {
    if let Some(status) = &mut assignment.status {
        status.grants.iter_mut().for_each(|grant| grant.objects.shrink_to_fit());
        status.grants.shrink_to_fit();
        status.timeline.shrink_to_fit();
        status.conditions.shrink_to_fit();
    }
}

/// The same for a request.
pub fn request(request: &mut AccessRequest) {
    if let Some(status) = &mut request.status {
        status.stages.shrink_to_fit();
        status.timeline.shrink_to_fit();
        status.conditions.shrink_to_fit();
    }
    request.spec.answers.shrink_to_fit();
}
