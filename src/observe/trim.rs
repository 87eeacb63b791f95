//! What nobody reads is not kept: there may be a hundred thousand objects.

use kube::core::ObjectMeta;

use crate::api::labels::MANAGED_BY;

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
