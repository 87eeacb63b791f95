//! Entitlement management for Kubernetes.
//!
//! People request *access packages*, the right people approve, access is granted in the real systems and ends by itself at its
//! deadline. Everything is a custom resource; this crate is the operator that reconciles them.
//!
//! ```text
//! API server --watch--> observe (caches, indexes) --> kinds (input) --> domain::decide(input, now) -> Plan --> writer --> API server
//!                          ^                         ^                                                  |
//!                          |                         +------- queue (what is next, deadlines) <---------+
//!                          +---------------------------------- answers --------------------------------+
//! ```

pub mod admission;
pub mod api;
pub mod config;
pub mod domain;
pub mod error;
pub mod kinds;
pub mod observe;
pub mod run;
pub mod runtime;
mod table;
pub mod targets;
pub mod writer;
