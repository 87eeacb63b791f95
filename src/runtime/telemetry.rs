//! What the operator tells about itself: logs, metrics, health.

mod client_layer;
mod http;
mod metrics;
mod readiness;
mod skew;

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

pub use self::client_layer::{CountRequests, CountedRequests, KINDS};
pub use self::http::serve;
pub use self::metrics::{Answer, Metrics, Request};
pub use self::readiness::Readiness;
use crate::config::LogFormat;

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is not one.
    #[error("log filter: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Logging was set up before.
    #[error("logging: {0}")]
    Init(#[from] tracing_subscriber::util::TryInitError),
}

/// Starts writing log lines to standard error; once in a process.
pub fn init(format: LogFormat, filter: &str) -> Result<(), LogError> {
    let colours = std::io::stderr().is_terminal();
    let lines =
        tracing_subscriber::fmt().with_env_filter(EnvFilter::try_new(filter)?).with_ansi(colours).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => lines.finish().try_init()?,
        LogFormat::Json => lines.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}
