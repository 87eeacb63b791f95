//! The name of the assignment that a request makes.

use sha2::{Digest as _, Sha256};

use crate::api::AccessRequest;
use crate::domain::meta::{name, uid};

/// Longest name of an object, and the part of it that is left for a request's name.
const STEM: usize = 253 - 11;

/// The name of a request's assignment: always the same, and different for another request of the same name.
pub fn assignment_name(request: &AccessRequest) -> String {
    let digest = Sha256::digest(uid(request));
    let hash: String = digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect();
    let stem: String = name(request).chars().take(STEM).collect();
    format!("{}-{hash}", stem.trim_end_matches(['-', '.']))
}
