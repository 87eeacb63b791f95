//! What only tests do to processes and clusters: signals to the operator, commands to the control plane, a cluster that is there.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use kube::config::Kubeconfig;

use crate::support::kubectl::Output;
use crate::support::plane::{Talk, client};
use crate::support::{Operator, Plane, eventually};

const READY_WITHIN: Duration = Duration::from_secs(60);
const STOPS_WITHIN: Duration = Duration::from_secs(30);

impl Operator {
    /// Starts the operator as its service account and waits until it is ready.
    ///
    /// # Panics
    /// When it ends before; the end of its log is printed.
    pub async fn start(plane: &Plane, args: &[&str]) -> Self {
        let operator = Self::spawn(plane, args).await;
        eventually("the operator is ready", READY_WITHIN, async || {
            if let Some(status) = operator.ended() {
                panic!("the operator ended ({status}) before it was ready");
            }
            match operator.get("/readyz").await {
                Ok((200, _)) => Ok(()),
                Ok((status, body)) => Err(format!("/readyz: {status} {body}")),
                Err(why) => Err(why),
            }
        })
        .await;
        operator
    }

    /// SIGKILL: ends it in the middle of whatever it does.
    pub fn kill(self) {
        drop(self);
    }

    /// SIGTERM: lets it finish, and says how it ended.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn stop(self) -> ExitStatus {
        signal(self.pid(), "TERM");
        eventually("the operator stops", STOPS_WITHIN, async || self.ended().ok_or_else(|| "still running".to_owned())).await
    }

    /// SIGSTOP: it stands still, and its connections stay open.
    pub fn pause(&self) {
        signal(self.pid(), "STOP");
    }

    /// SIGCONT.
    pub fn resume(&self) {
        signal(self.pid(), "CONT");
    }
}

/// Sends a signal to a process by its short name: `TERM`, `STOP`, `CONT`.
pub fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").args(["-s", name, &pid.to_string()]).status().expect("kill is there");
    assert!(status.success(), "kill -s {name} {pid}: {status}");
}

impl Plane {
    /// Starts a control plane, or takes the one that the environment names:
    /// `ENTITLEMENT_TEST_KUBECONFIG`, or with
    /// `ENTITLEMENT_TEST_EXISTING_CLUSTER=1` also `KUBECONFIG`. There, people
    /// are impersonated. `ENTITLEMENT_TEST_KEEP=1` keeps the folder.
    pub async fn start() -> Self {
        Self::on(of_existing_cluster()).await
    }

    /// A client of one of the people.
    pub async fn user(&self, name: &str) -> Client {
        client(&self.kubeconfig(name)).await
    }

    /// Tells the control plane something: `stop NAME`, `kill NAME`, `start
    /// NAME`, `pause NAME` or `resume NAME` of `etcd`, `kube-apiserver` and
    /// `kube-controller-manager`. Comes back when it is done.
    ///
    /// # Panics
    /// When it cannot be done, and with an existing cluster.
    pub async fn command(&self, line: &str) {
        let up = self.up.as_ref().expect("a control plane of our own");
        let (talk, line) = (Arc::clone(&up.talk), line.to_owned());
        let said = tokio::task::spawn_blocking(move || talk.lock().expect("no panic").say(&line));
        said.await.expect("no panic").unwrap_or_else(|e| panic!("{e}"));
    }
}

impl Talk {
    /// Says a line, and waits until it is done.
    fn say(&mut self, line: &str) -> Result<(), String> {
        let commands = self.commands.as_mut().ok_or("the control plane has ended")?;
        writeln!(commands, "{line}").map_err(|e| format!("{line}: {e}"))?;
        match self.hear()?.as_str() {
            "ok" => Ok(()),
            answer => Err(format!("{line}: {answer}")),
        }
    }
}

impl Output {
    /// What it complained about; panics when it succeeded.
    #[track_caller]
    pub fn refused(self) -> String {
        assert!(!self.status.success(), "must be refused: {self}");
        self.stderr
    }
}

/// The kubeconfig of the cluster that the environment names, if it does.
/// A plain `KUBECONFIG` counts only with an explicit word: nobody wants their
/// daily cluster to become a test bed because a variable was set.
fn of_existing_cluster() -> Option<Kubeconfig> {
    let read = |path: PathBuf| Kubeconfig::read_from(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    if let Some(path) = std::env::var_os("ENTITLEMENT_TEST_KUBECONFIG") {
        return Some(read(path.into()));
    }
    if std::env::var_os("ENTITLEMENT_TEST_EXISTING_CLUSTER").is_some_and(|v| v == "1") {
        return Some(Kubeconfig::read().unwrap_or_else(|e| panic!("KUBECONFIG: {e}")));
    }
    None
}
