//! Conditions as Kubernetes' API conventions want them: positive polarity, `observedGeneration` always set, and
//! `lastTransitionTime` that moves only when the status does.

use chrono::{DateTime, Utc};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::time::to_meta;
use super::word::{Word, vocabulary};

// On every kind.
vocabulary! {
    conditions [] {
        /// The object is what its spec asks for, or waits for a person and not for the operator.
        READY = "Ready";
        /// Only while it holds: something that follows from the object could not be written and is tried again; the message says what the
        /// API server answered.
        WRITE_FAILED = "WriteFailed";
    }
    reasons [] {
        /// The object is stored and cannot be read: it counts for nothing until it is written properly; the message says what is wrong. A
        /// request that was not decided is denied, and an assignment that gave access is `Pending`.
        UNREADABLE = "Unreadable" in "`Ready=False`";
        /// The operator tries again by itself, after longer and longer pauses.
        TRIED_AGAIN = "TriedAgain" in "`WriteFailed=True`";
    }
    events [] {
        /// Something that follows from the object could not be written and is tried again; the condition `WriteFailed` came.
        WRITE_FAILED = "WriteFailed", Warning, in "Event";
        /// The object is stored and cannot be read; the message says what is wrong.
        UNREADABLE = "Unreadable", Warning, in "Event";
    }
}

/// Words of several kinds, which list them by name.
pub mod shared {
    use super::vocabulary;

    vocabulary! {
        conditions [] {
            /// Only while it holds: an edit would take a role from so many subjects that it waits for a confirmation.
            MASS_REVOCATION_HELD = "MassRevocationHeld";
        }
        reasons [] {
            /// The object is what its spec asks for.
            AVAILABLE = "Available" in "`Ready=True`";
            /// The object is being deleted and waits for what stands on it; the message says for what.
            IN_USE = "InUse" in "`Ready=False`";
            /// The object lies in a namespace that belongs to no Catalog that is Ready.
            NO_CATALOG = "NoCatalog" in "`Ready=False`";
            /// The API server has not been asked yet whether the authors of a role may hand it out. It passes in a moment.
            NOT_YET_JUDGED = "NotYetJudged" in "`Ready=False`; of a CatalogResource `Authorized=Unknown`, too";
            /// The message says what would be taken from whom, and how to confirm it.
            CONFIRMATION_REQUIRED = "ConfirmationRequired" in "`MassRevocationHeld=True`";
        }
        events [] {
            /// The object became what its spec asks for.
            READY = "Ready", Normal, in "Event";
            /// The object is not what its spec asks for, or not for the same reason as before. It is no Warning while it passes by itself.
            NOT_READY = "NotReady", Warning, in "Event";
            /// An edit would take a role from so many that it waits for a confirmation; the condition `MassRevocationHeld` came.
            MASS_REVOCATION_HELD = "MassRevocationHeld", Warning, in "Event";
        }
    }
}

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
    kind: Word,
    state: State,
    reason: impl AsRef<str>,
    message: impl Into<String>,
    generation: i64,
    now: DateTime<Utc>,
) {
    let mut message: String = message.into();
    if message.len() > LONGEST {
        message = message.chars().take(LONGEST / 4).collect::<String>() + "...";
    }
    let fresh = Condition {
        type_: kind.as_str().to_owned(),
        status: state.as_str().to_owned(),
        reason: reason.as_ref().to_owned(),
        message,
        observed_generation: Some(generation),
        last_transition_time: to_meta(now),
    };
    match conditions.iter_mut().find(|c| c.type_ == fresh.type_) {
        Some(old) if old.status == fresh.status => {
            let since = old.last_transition_time.clone();
            *old = Condition { last_transition_time: since, ..fresh };
        }
        Some(old) => *old = fresh,
        None => conditions.push(fresh),
    }
}

/// The condition of a type.
pub fn get(conditions: &[Condition], kind: impl AsRef<str>) -> Option<&Condition> {
    conditions.iter().find(|c| c.type_ == kind.as_ref())
}

/// Whether a condition is `True`, for whichever generation.
pub fn holds(conditions: &[Condition], kind: impl AsRef<str>) -> bool {
    get(conditions, kind).is_some_and(|c| c.status == "True")
}
