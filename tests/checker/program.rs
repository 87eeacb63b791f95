//! The checker as a program: judges what the cluster of the current kubeconfig says about entitlements, in the catalog namespaces that are
//! its arguments, or in all. With `--midway` as well while something is under way: then only what must be true at every moment.
//! Whoever runs it must be able to read these and all bindings.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::expect_used, clippy::disallowed_methods)]

use std::process::ExitCode;

#[path = "mod.rs"]
mod checker;

#[tokio::main]
async fn main() -> ExitCode {
    let (flags, catalogs): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|word| word == "--midway");
    let catalogs = Some(catalogs.as_slice()).filter(|some| !some.is_empty());
    let judged = match kube::Client::try_default().await {
        Ok(root) if flags.is_empty() => checker::judge(&root, catalogs).await,
        Ok(root) => checker::judge_midway(&root, catalogs).await,
        Err(error) => Err(format!("no cluster to judge: {error}")),
    };
    match judged {
        Ok(()) => {
            let what = if flags.is_empty() {
                "Every grant is that of a live assignment, every live assignment has its grants"
            } else {
                "Nobody has a grant without an open assignment"
            };
            println!("{what}, and every approval stands.");
            ExitCode::SUCCESS
        }
        Err(broken) => {
            eprintln!("{broken}");
            ExitCode::FAILURE
        }
    }
}
