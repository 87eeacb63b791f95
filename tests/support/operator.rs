//! The operator as a process of its own, with the shipped rights and no more.

use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::{Api, Client};

use super::plane::{self, Plane, ROOT};
use super::{http, kubeconfig, process};

/// The namespace that the shipped manifests make.
pub const NAMESPACE: &str = "entitlement-system";
/// The service account that the shipped manifests make.
pub const SERVICE_ACCOUNT: &str = "entitlement-operator";

const PROGRAM: &str = env!("CARGO_BIN_EXE_entitlement-operator");
const TOKEN_SECONDS: i64 = 24 * 60 * 60;
const TAIL_LINES: usize = 40;

/// Counts the operators of this process, for the names of their files.
static STARTED: AtomicUsize = AtomicUsize::new(0);

/// A running operator; dropped is killed.
pub struct Operator {
    child: Mutex<Child>,
    port: u16,
    log: PathBuf,
}

impl Operator {
    /// Starts the operator and does not wait.
    pub async fn spawn(plane: &Plane, args: &[&str]) -> Self {
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let config = plane.dir().join(format!("operator-{number}.kubeconfig"));
        write_kubeconfig(plane, &config).await;
        let log = plane.logs().join(format!("operator-{number}.log"));
        let port = http::free_port();
        let (config, listen) = (config.to_string_lossy(), format!("127.0.0.1:{port}"));
        let mut all = vec!["--kubeconfig", &config, "--listen", &listen];
        all.extend(args);
        let child = process::spawn_guarded(PROGRAM, &all, &log);
        Self { child: Mutex::new(child), port, log }
    }

    /// How it ended, if it did.
    pub fn ended(&self) -> Option<ExitStatus> {
        let ended = self.process().try_wait();
        ended.expect("a child can be waited for")
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process().id()
    }

    /// What it counts, as Prometheus reads it.
    pub async fn metrics(&self) -> String {
        let (status, body) = self.get("/metrics").await.unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(status, 200, "/metrics: {body}");
        body
    }

    /// Any page of it: status code and body.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn get(&self, path: &str) -> Result<(u16, String), String> {
        http::get(self.port, path).await
    }

    /// All it has said since it was started.
    pub fn log(&self) -> String {
        read(&self.log)
    }

    fn process(&self) -> MutexGuard<'_, Child> {
        // Also after a panic: it must still be killed.
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        process::kill(&mut self.process());
        if std::thread::panicking() {
            eprintln!("the end of the operator's log:\n{}", tail(&self.log));
        }
    }
}

/// A client with the rights of the service account.
pub async fn client(plane: &Plane) -> Client {
    account(plane, NAMESPACE, SERVICE_ACCOUNT).await
}

/// A client with the rights of any service account.
pub async fn account(plane: &Plane, namespace: &str, name: &str) -> Client {
    let path = plane.dir().join(format!("account-{namespace}-{name}.kubeconfig"));
    write_kubeconfig_of(plane, namespace, name, &path).await;
    plane::client(&path).await
}

/// Writes a kubeconfig with a token of the service account.
pub async fn write_kubeconfig(plane: &Plane, path: &Path) {
    write_kubeconfig_of(plane, NAMESPACE, SERVICE_ACCOUNT, path).await;
}

async fn write_kubeconfig_of(plane: &Plane, namespace: &str, name: &str, path: &Path) {
    let accounts: Api<ServiceAccount> = Api::namespaced(plane.admin().await, namespace);
    let wish = TokenRequest {
        spec: Some(TokenRequestSpec { expiration_seconds: Some(TOKEN_SECONDS), ..TokenRequestSpec::default() }),
        ..TokenRequest::default()
    };
    let answer = accounts
        .create_token_request(name, &PostParams::default(), &wish)
        .await
        .unwrap_or_else(|e| panic!("a token for {namespace}/{name}: {e}"));
    let token = answer.status.and_then(|s| s.token);
    let base = kubeconfig::read(&plane.kubeconfig(ROOT));
    kubeconfig::write(path, &kubeconfig::with_token(&base, token.expect("a token")));
}

fn read(log: &Path) -> String {
    let bytes = std::fs::read(log).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn tail(log: &Path) -> String {
    let text = read(log);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
