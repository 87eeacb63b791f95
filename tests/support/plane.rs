//! A control plane with people in it: our own, or a cluster that is there.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::sync::OnceCell;

use super::kubectl::{self, Output};
use super::people::people;
use super::{kubeconfig, process};

/// The name under which `kubectl` runs as the cluster's own administrator, who
/// is not one of the people.
pub const ROOT: &str = "root";

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");
const PEOPLE_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/people.csv");
/// The control plane needs a few milliseconds; a loaded machine more.
const ENDS_WITHIN: Duration = Duration::from_secs(20);

/// A running control plane.
pub struct Plane {
    dir: PathBuf,
    keep: bool,
    /// Our own control plane, if it is one.
    pub up: Option<Up>,
}

/// The process that runs our own control plane, and the talk with it.
pub struct Up {
    child: Child,
    /// Who has the turn talks.
    pub talk: Arc<Mutex<Talk>>,
}

/// What is said to it, and what it answers.
pub struct Talk {
    /// Its end stops the control plane.
    pub commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Plane {
    /// Starts a control plane, whatever the environment names: for tests that need it for themselves, or stop, disarm or uninstall things.
    pub async fn own() -> Self {
        Self::on(None).await
    }

    /// Starts a control plane, or takes the cluster of a kubeconfig.
    pub async fn on(existing: Option<Kubeconfig>) -> Self {
        let keep = std::env::var_os("ENTITLEMENT_TEST_KEEP").is_some_and(|v| v == "1");
        let dir = tempfile::Builder::new().prefix("entitlement-test-").tempdir().expect("a temporary folder").keep();
        if keep {
            eprintln!("the control plane's folder is kept: {}", dir.display());
        }
        let up = match existing {
            Some(cluster) => {
                use_existing(&dir, &cluster);
                None
            }
            None => Some(Up::start(&dir, keep).await),
        };
        let plane = Self { dir, keep, up };
        std::fs::create_dir_all(plane.logs()).expect("a folder for logs");
        plane
    }

    /// A client with all rights.
    pub async fn admin(&self) -> Client {
        client(&self.kubeconfig(ROOT)).await
    }

    /// Runs kubectl in the repository, as one of the people or as [`ROOT`].
    pub async fn kubectl(&self, user: &str, args: &[&str]) -> Output {
        self.kubectl_with_input(user, args, "").await
    }

    /// `kubectl apply -f -` of a YAML text.
    pub async fn kubectl_apply(&self, user: &str, yaml: &str) -> Output {
        let args = ["apply", "-f", "-"];
        self.kubectl_with_input(user, &args, yaml).await
    }

    /// Runs kubectl with something to read.
    pub async fn kubectl_with_input(&self, user: &str, args: &[&str], stdin: &str) -> Output {
        let cache = self.dir.join("kubectl-cache");
        kubectl::run(user, &self.kubeconfig(user), &cache, args, stdin).await
    }

    /// The kubeconfig file of one of the people, or of [`ROOT`].
    pub fn kubeconfig(&self, user: &str) -> PathBuf {
        if user == ROOT { self.dir.join("admin.kubeconfig") } else { self.dir.join("users").join(format!("{user}.kubeconfig")) }
    }

    /// Where keys, data and logs are. It goes with the control plane.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where logs are.
    pub fn logs(&self) -> PathBuf {
        self.dir.join("logs")
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        if let Some(up) = &mut self.up {
            up.end();
        }
        if !self.keep {
            std::fs::remove_dir_all(&self.dir).ok();
        }
    }
}

impl Up {
    async fn start(dir: &Path, keep: bool) -> Self {
        let mut command = Command::new(built().await);
        command.args(["up", "--users", PEOPLE_FILE, "--dir"]).arg(dir);
        if !keep {
            // Also when nobody is left to drop the plane: a static, a kill.
            command.arg("--remove-dir");
        }
        let started = tokio::task::spawn_blocking(move || Self::spawn(command));
        started.await.expect("no panic")
    }

    fn spawn(mut command: Command) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let mut talk =
            Talk { commands: child.stdin.take(), answers: BufReader::new(child.stdout.take().expect("stdout is piped")) };
        // The line says where everything is, which we have said ourselves.
        let line = talk.hear().unwrap_or_default();
        assert!(line.starts_with('{'), "the control plane did not start: {line:?}, see above");
        Self { child, talk: Arc::new(Mutex::new(talk)) }
    }

    fn end(&mut self) {
        if let Ok(mut talk) = self.talk.lock() {
            talk.commands.take();
        }
        if process::ended_within(&mut self.child, ENDS_WITHIN).is_none() {
            process::kill(&mut self.child);
        }
    }
}

impl Talk {
    /// The next line that it says.
    pub fn hear(&mut self) -> Result<String, String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(|e| format!("the control plane does not answer: {e}"))?;
        Ok(line.trim_end().to_owned())
    }
}

/// The control plane's program, built once in this process; its build script
/// lets only one process build at a time.
async fn built() -> &'static PathBuf {
    static BUILT: OnceCell<PathBuf> = OnceCell::const_new();
    BUILT.get_or_init(build).await
}

async fn build() -> PathBuf {
    let script = Path::new(REPOSITORY).join("tests/controlplane/build");
    let output = tokio::process::Command::new(&script)
        .stderr(Stdio::inherit())
        .output()
        .await
        .unwrap_or_else(|e| panic!("{}: {e}", script.display()));
    assert!(output.status.success(), "{} failed, see above; Go 1.26 is needed", script.display());
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}

/// Gives everybody a kubeconfig for a cluster that does not know them.
fn use_existing(dir: &Path, cluster: &Kubeconfig) {
    std::fs::create_dir_all(dir.join("users")).expect("a folder for users");
    kubeconfig::write(&dir.join("admin.kubeconfig"), cluster);
    for person in people() {
        let path = dir.join("users").join(format!("{}.kubeconfig", person.name));
        kubeconfig::write(&path, &kubeconfig::impersonating(cluster, &person));
    }
}

/// A client by a kubeconfig file.
pub async fn client(path: &Path) -> Client {
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig::read(path), &options)
        .await
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Client::try_from(config).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
