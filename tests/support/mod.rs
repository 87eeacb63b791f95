//! What the API-server tests stand on: a control plane with people, the
//! shipped manifests installed in it, and the operator as a process.
//!
//! Nothing here knows a rule of the product; everything waits for a condition,
//! never for a time to pass.

// A test that cannot go on says so and stops; it runs on the real clock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

pub mod http;
pub mod install;
pub mod kubeconfig;
pub mod kubectl;
pub mod metrics;
pub mod operator;
pub mod people;
pub mod plane;
pub mod process;
pub mod wait;

pub use install::install;
pub use operator::Operator;
pub use plane::{Plane, ROOT};
pub use wait::eventually;
