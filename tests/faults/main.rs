//! What is granted is exactly what live assignments say: through edits, drift, deletions, crashes and outages.
//!
//! Tests that leave the operator and the installation alone share one control plane ([`world::shared`]) and open a department each.
//! Tests that kill, freeze, cut off or disarm something take a quiet control plane for themselves ([`world::quiet`]).
//! Each ends with the [`checker`], which reads the API server and nothing else.
//!
//! The soak ([`soak`]) runs 20 seconds. For longer, and for the same throws again:
//!
//! ```text
//! ENTITLEMENT_SOAK_SECONDS=600 ENTITLEMENT_SOAK_SEED=42 cargo test --test faults soak -- --nocapture
//! ```

// A test that cannot go on says so and stops; it runs on the real clock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

#[path = "../checker/mod.rs"]
mod checker;
#[path = "../support/mod.rs"]
mod support;

// The department and its people are those of the API-server tests; not all of them come here.
#[allow(dead_code)]
#[path = "../api_server/department.rs"]
mod department;
#[path = "../api_server/dice.rs"]
#[allow(dead_code)]
mod dice;
#[allow(dead_code)]
#[path = "../api_server/person.rs"]
mod person;
#[allow(dead_code)]
#[path = "../api_server/terms.rs"]
mod terms;

mod acts;
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
mod world;
