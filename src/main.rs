//! The operator: reads its configuration, starts logging, runs.

use std::process::ExitCode;

use clap::Parser;
use entitlement_operator::config::Config;
use entitlement_operator::run;
use entitlement_operator::runtime::telemetry;
use tracing::error;

#[tokio::main]
async fn main() -> ExitCode {
    let config = Config::parse();
    if let Err(failure) = telemetry::init(config.log_format, &config.log_filter) {
        eprintln!("entitlement-operator: {failure}");
        return ExitCode::FAILURE;
    }
    match run::run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            error!(%failure, "stopped");
            ExitCode::FAILURE
        }
    }
}
