//! Conditions as Kubernetes' API conventions want them: positive polarity, `observedGeneration` always set, and
//! `lastTransitionTime` that moves only when the status does.

use chrono::{DateTime, Utc};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::time::to_meta;

/// The object is what its spec asks for, or waits for a person and not for the operator. On every kind.
pub const READY: &str = "Ready";

/// Status of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It holds.
    True,
    /// It does not hold; the reason says why.
    False,
    /// Not known yet.
    Unknown,
}

impl State {
    /// As Kubernetes spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl From<bool> for State {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// Longest message that is stored; metav1.Condition allows 32768 characters.
const LONGEST: usize = 2_048;

/// Sets one condition. The transition time of an unchanged status is carried over, so that setting the same again
/// changes nothing.
pub fn set(
    conditions: &mut Vec<Condition>,
    kind: &str,
    state: State,
    reason: &str,
    message: impl Into<String>,
    generation: i64,
    now: DateTime<Utc>,
) {
    let mut message: String = message.into();
    if message.len() > LONGEST {
        message = message.chars().take(LONGEST / 4).collect::<String>() + "...";
    }
    let fresh = Condition {
        type_: kind.to_owned(),
        status: state.as_str().to_owned(),
        reason: reason.to_owned(),
        message,
        observed_generation: Some(generation),
        last_transition_time: to_meta(now),
    };
    match conditions.iter_mut().find(|c| c.type_ == kind) {
        Some(old) if old.status == fresh.status => {
            let since = old.last_transition_time.clone();
            *old = Condition { last_transition_time: since, ..fresh };
        }
        Some(old) => *old = fresh,
        None => conditions.push(fresh),
    }
}

/// The condition of a type.
pub fn get<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|c| c.type_ == kind)
}

/// Whether a condition is `True`, for whichever generation.
pub fn holds(conditions: &[Condition], kind: &str) -> bool {
    get(conditions, kind).is_some_and(|c| c.status == "True")
}
