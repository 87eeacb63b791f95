//! An operator at the end of a [`Line`].

use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::line::Line;
use crate::control::signal;
use crate::support::{Plane, eventually, http, kubeconfig, process};

const PROGRAM: &str = env!("CARGO_BIN_EXE_entitlement-operator");
const READY_WITHIN: Duration = Duration::from_secs(60);
const TAIL: usize = 30;

/// A running operator; dropped is killed.
pub struct Replica {
    child: Child,
    port: u16,
    log: PathBuf,
}

impl Replica {
    /// Starts it and does not wait.
    pub fn spawn(plane: &Plane, line: &Line, args: &[&str]) -> Self {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let config = plane.dir().join(format!("replica-{number}.kubeconfig"));
        kubeconfig::write(&config, &line.kubeconfig());
        let (log, port) = (plane.logs().join(format!("operator-replica-{number}.log")), http::free_port());
        let (config, listen) = (config.to_string_lossy(), format!("127.0.0.1:{port}"));
        let mut all = vec!["--kubeconfig", &config, "--listen", &listen];
        all.extend(args);
        Self { child: process::spawn_guarded(PROGRAM, &all, &log), port, log }
    }

    /// Starts it and waits until it is ready.
    pub async fn start(plane: &Plane, line: &Line, args: &[&str]) -> Self {
        let replica = Self::spawn(plane, line, args);
        eventually("the replica is ready", READY_WITHIN, async || replica.is_ready().await).await;
        replica
    }

    /// Whether it is ready.
    ///
    /// # Errors
    /// What it waits for.
    pub async fn is_ready(&self) -> Result<(), String> {
        match http::get(self.port, "/readyz").await {
            Ok((200, _)) => Ok(()),
            Ok((_, page)) => Err(page),
            Err(why) => Err(why),
        }
    }

    /// What it counts; nothing while it does not answer.
    pub async fn metrics(&self) -> String {
        http::get(self.port, "/metrics").await.map(|(_, page)| page).unwrap_or_default()
    }

    /// SIGSTOP.
    pub fn freeze(&self) {
        signal(self.child.id(), "STOP");
    }

    /// SIGCONT.
    pub fn wake(&self) {
        signal(self.child.id(), "CONT");
    }

    /// SIGTERM.
    pub fn is_told_to_stop(&self) {
        signal(self.child.id(), "TERM");
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// All it has said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        process::kill(&mut self.child);
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("the end of the replica's log:\n{}", lines[lines.len().saturating_sub(TAIL)..].join("\n"));
        }
    }
}
