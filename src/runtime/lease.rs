//! Leader election: of all replicas only the holder of one Lease acts.
//!
//! Every write is a compare-and-swap on the resourceVersion, so two candidates cannot both win. No two clocks are compared: a
//! candidate takes over when it has watched the lease stay unchanged for its whole duration, and the leader gives up earlier, after
//! two thirds of it, counted from before its last renewal was sent. A leader that lost ends its process: what was decided under
//! the lease must not be written after it.

mod election;
mod leadership;
mod step;
#[cfg(test)]
mod tests;

pub use self::election::{Election, Ended};
pub use self::leadership::Leadership;

/// Name of the Lease in the operator's namespace.
pub const NAME: &str = "entitlement-operator";
