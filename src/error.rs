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
    NameTaken(String),
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
    /// What many attempts failed with, if any did. An outage is told first, because it is over sooner than a refusal.
    pub fn of_all(mut failures: Vec<Error>) -> Result<(), Error> {
        let Some(more) = failures.len().checked_sub(1) else { return Ok(()) };
        let first = failures.swap_remove(failures.iter().position(Self::is_outage).unwrap_or_default());
        Err(if more > 0 { Self::Several { first: Box::new(first), more } } else { first })
    }

    /// Whether the object is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Api { source, .. } if matches!(&**source, kube::Error::Api(status) if status.code == 404))
    }

    /// Whether somebody wrote the object since we saw it, or created it before us: the API server calls that a conflict.
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
            Self::Api { source, .. } => match &**source {
                kube::Error::Api(status) => status.code >= 500 || status.code == 429,
                kube::Error::SerdeError(_) => false, // there was an answer, and it is the same the next time
                _ => true,
            },
            Self::Timeout(_) => true,
            Self::Several { first, .. } => first.is_outage(),
            Self::NotLeading(_) | Self::NameTaken(_) => false,
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

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn answered(code: u16) -> Error {
        let status = Status { code, ..Status::default() };
        Error::Api { what: "write".to_owned(), source: Box::new(kube::Error::Api(Box::new(status))) }
    }

    #[test]
    fn an_outage_is_no_answer_or_none_now() {
        let unread = serde_json::from_str::<bool>("?").unwrap_err();
        let unread = Error::Api { what: "read".to_owned(), source: Box::new(kube::Error::SerdeError(unread)) };
        for (error, expected) in [
            (answered(500), true),
            (answered(503), true),
            (answered(429), true),
            (Error::Timeout("write".to_owned()), true),
            (answered(403), false),
            (answered(409), false),
            (answered(422), false),
            (unread, false),
            (Error::NameTaken("RoleBinding x".to_owned()), false),
        ] {
            assert_eq!(error.is_outage(), expected, "{error}");
        }
    }

    #[test]
    fn of_many_failures_an_outage_counts() {
        assert!(Error::of_all(Vec::new()).is_ok());
        let one = Error::of_all(vec![answered(403)]).unwrap_err();
        assert!(one.is_refusal());
        let several = Error::of_all(vec![answered(403), answered(503), answered(422)]).unwrap_err();
        assert!(several.is_outage() && several.to_string().ends_with("(and 2 more)"), "{several}");
    }
}
