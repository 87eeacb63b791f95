//! The thinking, played without a cluster: every row of every table by an example, and whole lives by chance.

// A test that cannot go on says so and stops.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
// The words read better without a line of explanation each.
#![allow(missing_docs)]

mod builders;
mod grants;
mod life;
mod tables;
