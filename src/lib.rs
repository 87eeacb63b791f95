//! Entitlement management for Kubernetes.
//!
//! People request *access packages*, the right people approve, access is granted in the real systems and ends by itself at its
//! deadline. Everything is a custom resource; this crate is the operator that reconciles them.

pub mod api;
