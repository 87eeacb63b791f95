//! What runs the rules, and knows none of them: time, queue, election, Events, logs and metrics.

pub mod clock;
pub mod lease;
pub mod queue;
pub mod recorder;
pub mod telemetry;
pub mod worker;
