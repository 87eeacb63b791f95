//! The checker as a program: judges what the cluster of the current kubeconfig says about entitlements, in the catalog namespaces that are
//! its arguments, or in all. Whoever runs it must be able to read these and all bindings.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::expect_used, clippy::disallowed_methods)]

use std::process::ExitCode;

#[allow(dead_code)] // what is under way is judged by the fault tests
#[path = "mod.rs"]
mod checker;

#[tokio::main]
async fn main() -> ExitCode {
    let catalogs: Vec<String> = std::env::args().skip(1).collect();
    let judged = match kube::Client::try_default().await {
        Ok(root) => checker::judge(&root, Some(catalogs.as_slice()).filter(|some| !some.is_empty())).await,
        Err(error) => Err(format!("no cluster to judge: {error}")),
    };
    match judged {
        Ok(()) => {
            println!(
                "Every grant is that of a live assignment, every live assignment has its grants, and every approval stands."
            );
            ExitCode::SUCCESS
        }
        Err(broken) => {
            eprintln!("{broken}");
            ExitCode::FAILURE
        }
    }
}
