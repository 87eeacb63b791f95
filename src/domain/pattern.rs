//! Patterns that policies want answers to match: people write them, and the operator pays for them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use regex::{Regex, RegexBuilder};

/// Largest compiled pattern, in bytes.
const LARGEST: usize = 1 << 20;

/// Compiles a pattern. The engine takes time linear in the text, whatever the pattern.
pub fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).size_limit(LARGEST).build()
}

/// Patterns that were compiled before, each with what is wrong with it. Requests are judged far more often than policies are written.
static KNOWN: Mutex<BTreeMap<String, Option<String>>> = Mutex::new(BTreeMap::new());
/// Most patterns that are remembered.
const REMEMBERED: usize = 4_096;

/// What is wrong with a pattern; compiles it only once.
pub fn flaw(pattern: &str) -> Option<String> {
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(flaw) = known().get(pattern) {
        return flaw.clone();
    }
    let flaw = compile(pattern).err().map(|error| error.to_string());
    let mut known = known();
    if known.len() >= REMEMBERED {
        known.clear();
    }
    known.insert(pattern.to_owned(), flaw.clone());
    flaw
}
