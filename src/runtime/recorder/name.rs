//! Names of events: `<object>.<16 hex digits>`, unique and admitted for whatever the object is called.

use std::hash::{BuildHasher, RandomState};

/// Longest name of an object.
const LONGEST: usize = 253;

/// Hands out names. A number that starts at random and is counted up never repeats in a process, and practically never between
/// processes; a time stamp would, for two events in one instant.
pub(super) struct Names {
    number: u64,
}

impl Names {
    pub fn new() -> Self {
        Self { number: RandomState::new().hash_one(std::process::id()) }
    }

    /// A new name for an event about this object.
    pub fn next(&mut self, object: &str) -> String {
        self.number = self.number.wrapping_add(1);
        let suffix = format!(".{:016x}", self.number);
        subdomain(object, LONGEST - suffix.len()) + &suffix
    }
}

/// The nearest DNS subdomain: names of roles may have colons and capitals, names of events may not.
fn subdomain(object: &str, most: usize) -> String {
    let admitted = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let labels = object.split('.').map(|label| label.chars().map(admitted).collect::<String>());
    let mut name =
        labels.map(|label| label.trim_matches('-').to_owned()).filter(|label| !label.is_empty()).collect::<Vec<_>>().join(".");
    name.truncate(most);
    name.truncate(name.trim_end_matches(['-', '.']).len());
    if name.is_empty() { "object".into() } else { name }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keeps_what_is_admitted() {
        for (object, name) in
            [("a-1.b", "a-1.b"), ("system:Node", "system-node"), ("a..b", "a.b"), ("-a-.-", "a"), ("", "object"), ("é", "object")]
        {
            assert_eq!(subdomain(object, 236), name);
        }
    }

    #[test]
    fn never_repeats() {
        let mut names = Names::new();
        assert_eq!((0..1_000).map(|_| names.next("a")).collect::<HashSet<_>>().len(), 1_000);
    }

    proptest! {
        #[test]
        fn is_always_valid(object in "([a-zA-Z:.é-]{0,4}|[a-z0-9]{200,260}|[a-z.-]{200,260}){0,3}") {
            let name = Names::new().next(&object);
            let valid = regex::Regex::new(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\.[0-9a-f]{16}$")?;
            prop_assert!(name.len() <= LONGEST && valid.is_match(&name), "{}", name);
        }
    }
}
