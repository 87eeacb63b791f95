//! Every file under `examples/` is applied by the person it is meant for, and does what its folder says.

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
