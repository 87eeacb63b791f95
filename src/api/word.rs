//! The words for machines: types of conditions, reasons, and events. Each is declared once, beside its kind, with its meaning; `docs/api.md`
//! lists them.

use std::fmt;

use super::{KINDS, access_request, condition, each_kind};

/// A word for machines in a status. Only the lists beside the kinds make one, so that none can be used that is not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    text: &'static str,
    place: &'static str,
    meaning: &'static str,
}

impl Word {
    pub(in crate::api) const fn new(text: &'static str, place: &'static str, meaning: &'static str) -> Self {
        Self { text, place, meaning }
    }

    /// As it stands in the status.
    pub const fn as_str(self) -> &'static str {
        self.text
    }

    /// Where a reason stands: the condition and its status, or the phase. Empty for the type of a condition.
    pub const fn place(self) -> &'static str {
        self.place
    }

    /// What it means.
    pub fn meaning(self) -> &'static str {
        self.meaning.trim()
    }
}

impl AsRef<str> for Word {
    fn as_ref(&self) -> &str {
        self.text
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl PartialEq<Word> for String {
    fn eq(&self, word: &Word) -> bool {
        self == word.text
    }
}

/// Whether an Event tells of something normal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It is told for who follows what happens.
    Normal,
    /// A person must act on it.
    Warning,
}

/// Something that happens: the reason of a Kubernetes Event, and the word of an entry in a timeline. Only the lists beside the kinds make one,
/// so that nothing is told by a word that is not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventReason {
    text: &'static str,
    severity: Severity,
    /// Where it is told.
    place: &'static str,
    meaning: &'static str,
}

impl EventReason {
    pub(in crate::api) const fn new(text: &'static str, severity: Severity, place: &'static str, meaning: &'static str) -> Self {
        Self { text, severity, place, meaning }
    }

    /// As it stands in an Event or a timeline.
    pub const fn as_str(self) -> &'static str {
        self.text
    }

    /// Whether a person must act on it, unless its meaning says that it depends.
    pub const fn severity(self) -> Severity {
        self.severity
    }

    /// Where it is told: `timeline and Event`, or `Event`.
    pub const fn place(self) -> &'static str {
        self.place
    }

    /// What it means.
    pub fn meaning(self) -> &'static str {
        self.meaning.trim()
    }
}

impl PartialEq<EventReason> for String {
    fn eq(&self, event: &EventReason) -> bool {
        self == event.text
    }
}

/// Declares the words of a kind: `CONDITIONS`, `REASONS` and `EVENTS` list them, after those in brackets, which are declared elsewhere. Events
/// have a module of their own, because some are called like a condition or a reason.
macro_rules! vocabulary {
    (
        conditions [$($other:expr),*] { $($(#[doc = $what:literal])+ $condition:ident = $kind:literal;)* }
        reasons [$($shared:expr),*] { $($(#[doc = $why:literal])+ $reason:ident = $text:literal in $place:literal;)* }
        events [$($common:expr),*] {
            $($(#[doc = $means:literal])+ $event:ident = $happened:literal, $severity:ident, in $told:literal;)*
        }
    ) => {
        $(
            #[doc = "Condition:"]
            $(#[doc = $what])+
            pub const $condition: $crate::api::word::Word = $crate::api::word::Word::new($kind, "", concat!($($what),+));
        )*
        $(
            #[doc = concat!("Reason, in ", $place, ":")]
            $(#[doc = $why])+
            pub const $reason: $crate::api::word::Word = $crate::api::word::Word::new($text, $place, concat!($($why),+));
        )*
        /// The types of its conditions.
        pub const CONDITIONS: &[$crate::api::word::Word] = &[$($other,)* $($condition),*];
        /// Its reasons.
        pub const REASONS: &[$crate::api::word::Word] = &[$($shared,)* $($reason),*];
        /// Its events.
        pub const EVENTS: &[$crate::api::word::EventReason] = &[$($common,)* $(events::$event),*];
        /// What happens to it.
        pub mod events {
            $(
                $(#[doc = $means])+
                pub const $event: $crate::api::word::EventReason = $crate::api::word::EventReason::new(
                    $happened,
                    $crate::api::word::Severity::$severity,
                    $told,
                    concat!($($means),+),
                );
            )*
        }
    };
}
pub(in crate::api) use vocabulary;

/// The words of one kind.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// Types of its conditions.
    pub conditions: Vec<Word>,
    /// Reasons of its conditions, and of its status where it has one.
    pub reasons: Vec<Word>,
    /// What Events about it, and its timeline where it has one, tell.
    pub events: Vec<EventReason>,
}

/// What a module of a kind declares.
type Declared = (&'static [Word], &'static [Word], &'static [EventReason]);

macro_rules! declared {
    ($($kind:ident: $module:ident,)*) => {
        const DECLARED: [Declared; KINDS.len()] =
            [$((super::$module::CONDITIONS, super::$module::REASONS, super::$module::EVENTS)),*];
    };
}
each_kind!(declared);

/// The words that may be said of a kind, in the order of [`KINDS`].
pub fn vocabularies() -> [(&'static str, Vocabulary); KINDS.len()] {
    let mut kinds = KINDS.into_iter();
    DECLARED.map(|(conditions, reasons, events)| {
        let kind = kinds.next().unwrap_or_default();
        let denials: &[Word] = if kind == "AccessRequest" { access_request::Reason::WORDS } else { &[] };
        let conditions = [condition::CONDITIONS, conditions].concat();
        let events = [events, condition::EVENTS].concat();
        (kind, Vocabulary { conditions, reasons: [denials, reasons, condition::REASONS].concat(), events })
    })
}
