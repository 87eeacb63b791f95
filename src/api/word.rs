//! The words for machines: types of conditions, and reasons. Each is declared once, beside its kind, with its meaning; `docs/api.md` lists them.

use std::fmt;

use super::{KINDS, access_package, access_request, approval_decision, assignment, catalog, catalog_resource, condition, policy};

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

/// Declares the words of a kind: `CONDITIONS` and `REASONS` list them, after those in brackets, which are declared elsewhere.
macro_rules! vocabulary {
    (
        conditions [$($other:expr),*] { $($(#[doc = $what:literal])+ $condition:ident = $kind:literal;)* }
        reasons [$($shared:expr),*] { $($(#[doc = $why:literal])+ $reason:ident = $text:literal in $place:literal;)* }
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
}

/// The words that may stand in the status of a kind, in the order of [`KINDS`].
pub fn vocabularies() -> [(&'static str, Vocabulary); KINDS.len()] {
    let words = [
        (catalog::CONDITIONS, catalog::REASONS),
        (catalog_resource::CONDITIONS, catalog_resource::REASONS),
        (access_package::CONDITIONS, access_package::REASONS),
        (policy::CONDITIONS, policy::REASONS),
        (access_request::CONDITIONS, access_request::REASONS),
        (approval_decision::CONDITIONS, approval_decision::REASONS),
        (assignment::CONDITIONS, assignment::REASONS),
    ];
    let mut kinds = KINDS.into_iter();
    words.map(|(conditions, reasons)| {
        let kind = kinds.next().unwrap_or_default();
        let denials: &[Word] = if kind == "AccessRequest" { access_request::Reason::WORDS } else { &[] };
        let conditions = [condition::CONDITIONS, conditions].concat();
        (kind, Vocabulary { conditions, reasons: [denials, reasons, condition::REASONS].concat() })
    })
}
