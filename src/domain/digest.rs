//! A digest of texts: equal exactly when the texts are, one by one.

use sha2::{Digest as _, Sha256};

/// Bytes of a digest that are kept: enough that nobody finds two texts with the same one.
const KEPT: usize = 16;

/// A digest in the making.
#[derive(Clone, Default)]
pub struct Digest(Sha256);

impl Digest {
    /// Adds a text. Its length goes first, so that no two lists of texts run together into the same bytes.
    pub fn add(&mut self, text: &str) -> &mut Self {
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text);
        self
    }

    /// Adds several texts, and how many there are.
    pub fn all<'a>(&mut self, texts: impl ExactSizeIterator<Item = &'a str>) -> &mut Self {
        self.0.update((texts.len() as u64).to_be_bytes());
        texts.for_each(|text| {
            self.add(text);
        });
        self
    }

    /// The digest, in hexadecimal.
    pub fn hex(&self) -> String {
        self.0.clone().finalize().iter().take(KEPT).map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(texts: &[String]) -> String {
        Digest::default().all(texts.iter().map(String::as_str)).hex()
    }

    proptest! {
        #[test]
        fn texts_that_differ_have_different_digests(one in proptest::collection::vec("[ab]{0,3}", 0..4), other in proptest::collection::vec("[ab]{0,3}", 0..4)) {
            prop_assert_eq!(of(&one) == of(&other), one == other);
        }
    }
}
