//! kubectl as a person runs it, and what came out.

use std::path::Path;
use std::process::{ExitStatus, Stdio};

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// One finished command.
#[derive(Clone, Debug)]
pub struct Output {
    /// Who ran what, for messages.
    pub command: String,
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Output {
    /// What it printed; panics when it failed.
    #[track_caller]
    pub fn ok(self) -> String {
        assert!(self.status.success(), "must succeed: {self}");
        self.stdout
    }

    /// What it printed, or all of it as an error: for `eventually`.
    ///
    /// # Errors
    /// When the command failed.
    pub fn result(self) -> Result<String, String> {
        if self.status.success() { Ok(self.stdout) } else { Err(self.to_string()) }
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { command, status, stdout, stderr } = self;
        write!(f, "{command}\n{status}\n{stdout}{stderr}")
    }
}

/// Runs kubectl with a kubeconfig. Its discovery cache is kept in `cache`: the
/// usual one goes by address, and addresses come back with another cluster.
pub async fn run(who: &str, config: &Path, cache: &Path, args: &[&str], stdin: &str) -> Output {
    let command = format!("{who}$ kubectl {}", args.join(" "));
    let mut child = Command::new("kubectl")
        .arg("--kubeconfig")
        .arg(config)
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("KUBECONFIG")
        .env("KUBECACHEDIR", cache)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|e| panic!("{command}: {e}; is kubectl in PATH?"));

    let mut pipe = child.stdin.take().expect("stdin is piped");
    let feed = async move {
        // kubectl that ends before it read everything says why by itself.
        pipe.write_all(stdin.as_bytes()).await.ok();
    };
    let ((), output) = tokio::join!(feed, child.wait_with_output());
    let output = output.unwrap_or_else(|e| panic!("{command}: {e}"));
    Output {
        command,
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
