//! How far each role of an assignment is.

use crate::api::assignment::{GrantOrigin, GrantState, GrantStatus};

use super::Role;
use crate::domain::text::clip;

/// Longest message of one grant.
const LONGEST: usize = 900;

/// One status for each role; when the assignment is ending, all that is left is being removed.
pub(super) fn statuses(roles: &[Role], ending: bool) -> Vec<GrantStatus> {
    let shown =
        roles.iter().filter(|role| if ending { !role.present.is_empty() && !role.shared } else { role.wanted || leaving(role) });
    shown.map(|role| status(role, ending)).collect()
}

/// The package lost the role, nothing else gives it, and it is still there.
fn leaving(role: &Role) -> bool {
    !role.wanted && !role.shared && !role.present.is_empty()
}

fn removing(role: &Role) -> String {
    match &role.refused {
        None => "being taken away".to_owned(),
        Some(why) => format!("being taken away; the last attempt failed: {}", clip(why, LONGEST)),
    }
}

fn status(role: &Role, ending: bool) -> GrantStatus {
    let (state, message) = match &role.problem {
        _ if ending || leaving(role) => (GrantState::Removing, removing(role)),
        _ if role.missing == 0 && !role.present.is_empty() => (GrantState::Delivered, String::new()),
        Some(problem) => (GrantState::Failed, clip(problem, LONGEST)),
        None => (GrantState::Pending, "being granted".to_owned()),
    };
    GrantStatus {
        resource: role.resource.clone(),
        role: role.role.clone(),
        state,
        message,
        origin: GrantOrigin::Added,
        objects: role.present.clone(),
    }
}
