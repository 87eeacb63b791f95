//! Every file under `examples/` is applied by the person it is meant for, and does what its folder says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

#[allow(dead_code)] // what is under way is judged by the fault tests
#[path = "../checker/mod.rs"]
mod checker;
#[path = "../support/mod.rs"]
mod support;

mod approval_chain;
mod extension;
mod on_behalf;
mod reader;
mod restore;
mod retention;
mod scheduled;
mod separation_of_duties;
mod stage;
mod terms;
