//! What makes a reconciliation fail, so that it is tried again. A business refusal is no error: it stands in a status.

use crate::api::labels::OPERATOR;

/// Try again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server refused or could not be reached.
    #[error("{what}: {source}")]
    Api {
        /// What was tried, on which object.
        what: String,
        /// Why it failed.
        source: Box<kube::Error>,
    },
    /// The API server did not answer in time.
    #[error("{0}: no answer in time")]
    Timeout(String),
    /// This process does not lead: another one acts.
    #[error("{0}: not the leader")]
    NotLeading(String),
    /// An object of our name belongs to somebody else.
    #[error("Conflict: {0} exists and is not managed by {OPERATOR}: delete or rename it")]
    Conflict(String),
    /// Several things failed; the first is told.
    #[error("{first} (and {more} more)")]
    Several {
        /// The first failure.
        first: Box<Error>,
        /// How many others.
        more: usize,
    },
}

impl Error {
    /// Whether the object is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Api { source, .. } if matches!(&**source, kube::Error::Api(status) if status.code == 404))
    }

    /// Whether somebody wrote the object since we saw it.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Api { source, .. } if matches!(&**source, kube::Error::Api(status) if status.code == 409))
    }

    /// Whether the API server understood and said no: to try again at once would not help.
    pub fn is_refusal(&self) -> bool {
        let says = |status: &kube::core::Status| (400..500).contains(&status.code) && ![409, 429].contains(&status.code);
        matches!(self, Self::Api { source, .. } if matches!(&**source, kube::Error::Api(status) if says(status)))
    }

    /// Whether there was no answer, or the answer was that there is none now: what happens in an outage, and says nothing about the object.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Api { source, .. } => !matches!(&**source, kube::Error::Api(status) if status.code < 500 && status.code != 429),
            Self::Timeout(_) => true,
            Self::Several { first, .. } => first.is_outage(),
            Self::NotLeading(_) | Self::Conflict(_) => false,
        }
    }

    /// The API server's own message, for a condition.
    pub fn message(&self) -> String {
        match self {
            Self::Api { source, what } => match &**source {
                kube::Error::Api(status) => status.message.clone(),
                other => format!("{what}: {other}"),
            },
            other => other.to_string(),
        }
    }
}
