//! Texts for people, which have bounds in the schemas.

/// The beginning of a text, at most so many characters.
pub fn clip(text: &str, longest: usize) -> String {
    text.chars().take(longest).collect()
}
