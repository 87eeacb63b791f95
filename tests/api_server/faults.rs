//! What is granted is exactly what live assignments say: through edits, drift, deletions, crashes and outages.
//!
//! The soak ([`soak`]) runs 20 seconds. For longer, and for the same throws again:
//!
//! ```text
//! ENTITLEMENT_SOAK_SECONDS=600 ENTITLEMENT_SOAK_SEED=42 cargo test --test api_server soak -- --nocapture
//! ```

mod clock;
mod content;
mod crash;
mod deletion;
mod direct;
mod drift;
mod failure;
mod guard;
mod leader;
mod line;
mod mass_revocation;
mod outage;
mod replica;
mod soak;
mod uninstall;
mod unreadable;
