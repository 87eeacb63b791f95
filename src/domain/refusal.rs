//! Why a guard lets nothing pass: a reason for machines, and a message for people.

use crate::api::Word;
pub use crate::api::access_request::Reason;

/// A reason and its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For machines: a [`Reason`], or a word of an assignment.
    pub reason: Word,
    /// For people: names the object, the field, the value, and what to do.
    pub message: String,
}

impl Refusal {
    /// A reason and its message.
    pub fn new(reason: impl Into<Word>, message: impl Into<String>) -> Self {
        Self { reason: reason.into(), message: message.into() }
    }
}

/// A guard that does not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objection {
    /// Something is missing that may still come.
    Wait(Refusal),
    /// No.
    Refuse(Refusal),
}

impl Objection {
    /// Something is missing that may still come.
    pub fn wait(reason: impl Into<Word>, message: impl Into<String>) -> Self {
        Self::Wait(Refusal::new(reason, message))
    }

    /// No.
    pub fn refuse(reason: impl Into<Word>, message: impl Into<String>) -> Self {
        Self::Refuse(Refusal::new(reason, message))
    }

    /// What stands in the way, where nothing is waited for.
    pub fn refusal(self) -> Refusal {
        let (Self::Wait(refusal) | Self::Refuse(refusal)) = self;
        refusal
    }
}

impl From<Refusal> for Objection {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}
