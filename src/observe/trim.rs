//! What nobody reads is not kept: there may be a hundred thousand objects.

use kube::core::ObjectMeta;

use crate::api::labels::MANAGED_BY;
use crate::api::{AccessRequest, ApprovalDecision, Assignment};
use crate::domain::approval::LONGEST_REASON;
use crate::domain::decision::is_settled;

/// What our labels and annotations begin with.
const OURS: &str = "entitlement.dev/";

/// Lets go of the parts of every object's metadata that others fill, and that may be larger than the object itself: of labels and annotations
/// only ours are read.
pub fn metadata(meta: &mut ObjectMeta, dated: bool) {
    if !dated {
        meta.managed_fields = None;
    }
    for ours in [&mut meta.labels, &mut meta.annotations] {
        if let Some(all) = ours {
            all.retain(|key, _| key == MANAGED_BY || key.starts_with(OURS));
            if all.is_empty() {
                *ours = None;
            }
        }
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

/// Of a reason only so much is read as its request repeats; of a decision that did not count, nothing.
pub fn decision(decision: &mut ApprovalDecision) {
    if is_settled(decision) {
        decision.spec.reason = String::new();
        if let Some(approver) = &mut decision.spec.approver {
            approver.groups = Vec::new();
        }
    }
    let end = decision.spec.reason.char_indices().nth(LONGEST_REASON);
    // Copied, not cut: what is left of a cut would lie about between thousands of others.
    if let Some(short) = end.and_then(|(end, _)| decision.spec.reason.get(..end)).map(str::to_owned) {
        decision.spec.reason = short;
    }
}

/// The same for a request. Of one that has ended, what it said is in its status as far as anybody reads it again.
pub fn request(request: &mut AccessRequest) {
    if request.phase().is_terminal() {
        request.spec.answers = Vec::new();
        request.spec.justification = String::new();
        if let Some(requestor) = &mut request.spec.requestor {
            requestor.groups = Vec::new();
        }
    }
    if let Some(status) = &mut request.status {
        status.stages.shrink_to_fit();
        status.timeline.shrink_to_fit();
        status.conditions.shrink_to_fit();
    }
    request.spec.answers.shrink_to_fit();
}
