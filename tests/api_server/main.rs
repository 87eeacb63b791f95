//! The operator on a real kube-apiserver, with the shipped manifests and no more rights than they give it.
//!
//! Most tests share one control plane and one operator ([`world`]), and each opens a department with a catalog of its own
//! ([`department`]). Tests that kill, freeze, cut off or disarm something, or count what an operator sends, take a quiet control plane for
//! themselves ([`world::quiet`]). So there are three at most, each of about 800 MB; they end with this process.
//! [`checker`] judges in the end, from what the API server stores and from nothing else.
//!
//! The tests run in the order of their paths, as many at a time as there are cores, and none minds which one is beside it.

// A test that cannot go on says so and stops; it runs on the real clock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

#[path = "../checker/mod.rs"]
mod checker;
#[path = "../support/mod.rs"]
mod support;

mod acts;
mod department;
mod dice;
mod person;
mod terms;
mod world;

mod bad_input;
mod breaches;
mod control;
mod crash;
mod crds;
mod doubts;
mod examples;
mod faults;
mod flow_control;
mod fuzz;
mod idle;
mod permissions;
mod quickstart;
mod spoofing;
