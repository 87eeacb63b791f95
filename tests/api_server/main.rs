//! The operator on a real kube-apiserver, with the shipped manifests and no more rights than they give it.
//!
//! Most tests share one control plane and one operator ([`world`]), and each opens a department with a catalog of its own
//! ([`department`]). Tests that kill the operator or count its requests take the quiet control plane, one after the other.
//! [`checker`] judges in the end, from what the API server stores and from nothing else.

// A test that cannot go on says so and stops; it runs on the real clock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

#[allow(dead_code)] // what is under way is judged by the fault tests
#[path = "../checker/mod.rs"]
mod checker;
#[path = "../support/mod.rs"]
mod support;

mod bad_input;
mod breaches;
mod crash;
mod crds;
mod department;
mod dice;
mod doubts;
mod flow_control;
mod fuzz;
mod idle;
mod permissions;
mod person;
mod quickstart;
mod spoofing;
mod terms;
mod world;
