//! The thinking: pure, synchronous and total.
//!
//! Each machine takes its input and the time, and returns a [`Plan`]: the status to write, the effects to carry out, what to tell
//! people, and when to reconcile again. Nothing in here knows a client, a runtime or a clock, so that years of life can be played in
//! milliseconds.

pub mod approval;
pub mod assignment;
pub mod catalog;
pub mod content;
pub mod decision;
pub mod digest;
pub mod eligibility;
pub mod grant;
pub mod guards;
pub mod history;
pub mod holdings;
pub mod meta;
pub mod package;
pub mod pattern;
pub mod plan;
pub mod policy;
pub mod readiness;
pub mod refusal;
pub mod request;
pub mod resource;
pub mod schedule;
pub mod separation;
pub mod text;
pub mod trust;

pub use meta::Key;
pub use plan::{Effect, Notice, Plan};
pub use trust::Trust;
