//! Whether the API server vouches for who asked, who decided and who wrote.
//!
//! Read once for each decision and handed into its input: two reads could fall on both sides of a change of the admission policies.

use chrono::{DateTime, Utc};

/// What is known of the admission policies at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Nobody wants to know (`--allow-unenforced-identity`): everybody is believed.
    Waived,
    /// They were not checked yet since this process began to lead.
    Undecided,
    /// They are not in force, and why.
    Broken(String),
    /// They are in force.
    Enforced {
        /// What was created from this instant on was stamped and checked; what is older, and was not judged then, may have been written in any
        /// name.
        since: DateTime<Utc>,
    },
}

impl Trust {
    /// Why nothing new may be granted now, if so.
    pub fn objection(&self) -> Option<&str> {
        match self {
            Self::Waived | Self::Enforced { .. } => None,
            Self::Undecided => Some("the admission policies have not been checked yet"),
            Self::Broken(why) => Some(why),
        }
    }

    /// Whether something that was created at an instant, and was not judged before, may have been written in any name.
    pub fn doubts(&self, created: DateTime<Utc>) -> bool {
        match self {
            Self::Waived => false,
            Self::Undecided | Self::Broken(_) => true,
            Self::Enforced { since } => created < *since,
        }
    }
}
