//! What a person at the keyboard does and reads, in the shared control plane.

use serde::Deserialize;
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};

use crate::checker;
use crate::support::{Plane, ROOT, eventually};
use crate::world::{WITHIN, world};

/// A control plane with everything installed, and a running operator.
pub struct Stage<'p> {
    pub plane: &'p Plane,
    _turn: Option<MutexGuard<'static, ()>>,
}

/// The scenarios go one after the other: some share a catalog.
static TURN: Mutex<()> = Mutex::const_new(());

/// The shared control plane, with no other scenario beside.
pub async fn stage() -> Stage<'static> {
    let turn = Some(TURN.lock().await);
    Stage { plane: &world().await.plane, _turn: turn }
}

/// The full name of one of the people.
fn person(who: &str) -> String {
    if who == ROOT { who.to_owned() } else { format!("{who}@example.com") }
}

impl<'p> Stage<'p> {
    /// A control plane of one's own.
    pub fn on(plane: &'p Plane) -> Self {
        Self { plane, _turn: None }
    }

    /// Somebody applies a file of the examples.
    pub async fn applies(&self, who: &str, file: &str) {
        let path = format!("examples/{file}");
        self.second_passes(&std::fs::read_to_string(&path).expect("an example")).await;
        let applied = || async { self.plane.kubectl(&person(who), &["apply", "-f", &path]).await.result() };
        // A package that was applied a moment ago may take as long as its CRD to be known everywhere.
        eventually(&format!("{who} applies {file}"), WITHIN, applied).await;
    }

    /// Waits until the request that a decision is about is older than a second: within it only a decision that names its uid counts, and people
    /// are slower.
    async fn second_passes(&self, text: &str) {
        let documents = serde_yaml::Deserializer::from_str(text).map(|one| Value::deserialize(one).expect("YAML"));
        let Some(decision) = documents.into_iter().find(|o| o["kind"] == "ApprovalDecision") else { return };
        let (request, namespace) = (&decision["spec"]["accessRequest"], &decision["metadata"]["namespace"]);
        let (request, namespace) = (request.as_str().expect("a request"), namespace.as_str().expect("a namespace"));
        eventually(&format!("the second of request {request} passes"), WITHIN, || async {
            let found =
                self.plane.kubectl(ROOT, &["get", "accessrequest", "-n", namespace, request, "-o", "json"]).await.result()?;
            let found: Value = serde_json::from_str(&found).map_err(|e| e.to_string())?;
            let age = chrono::Utc::now().timestamp() - seconds(&found["metadata"]["creationTimestamp"]);
            if age > 0 { Ok(()) } else { Err("not yet".to_owned()) }
        })
        .await;
    }

    /// Sets a scenario up, and waits until everything in it is Ready.
    pub async fn set_up(&self, scenario: &str) {
        let file = format!("{scenario}/setup.yaml");
        self.applies(ROOT, &file).await;
        let path = format!("examples/{file}");
        eventually(&format!("{file} is Ready"), WITHIN, || async {
            let all = self.plane.kubectl(ROOT, &["get", "-f", &path, "-o", "json"]).await.result()?;
            let all: Value = serde_json::from_str(&all).map_err(|e| e.to_string())?;
            let ours = |o: &Value| o["apiVersion"].as_str().is_some_and(|version| version.starts_with("entitlement.dev/"));
            let unready = |o: &&Value| ours(o) && condition(o, "Ready") != "True";
            let waits = all["items"].as_array().into_iter().flatten().find(unready);
            waits.map_or(Ok(()), |o| Err(format!("{path}: {} {}: {}", o["kind"], o["metadata"]["name"], o["status"])))
        })
        .await;
    }

    /// Waits for the judgement of the checker about a catalog, the last act of a test.
    pub async fn is_right(&self, catalog: &str) {
        let (root, catalogs) = (self.plane.admin().await, [catalog.to_owned()]);
        let what = format!("everything is right in {catalog}");
        eventually(&what, WITHIN * 2, async || checker::judge(&root, Some(&catalogs)).await).await;
    }

    /// An object as it is.
    pub async fn read(&self, kind: &str, namespace: &str, name: &str) -> Value {
        let text = self.plane.kubectl(ROOT, &["get", kind, "-n", namespace, name, "-o", "json"]).await.ok();
        serde_json::from_str(&text).expect("kubectl prints JSON")
    }

    /// Waits until a request has a phase, and the reason if one is given after a blank.
    pub async fn request_is(&self, namespace: &str, name: &str, want: &str) -> Value {
        self.reaches("accessrequest", namespace, name, want).await
    }

    /// Waits until an object with a phase has it, and the reason if one is given after a blank.
    pub async fn reaches(&self, kind: &str, namespace: &str, name: &str, want: &str) -> Value {
        let (phase, reason) = want.split_once(' ').unwrap_or((want, ""));
        eventually(&format!("{kind} {name} is {want}"), WITHIN, || async {
            let text = self.plane.kubectl(ROOT, &["get", kind, "-n", namespace, name, "-o", "json"]).await.result()?;
            let object: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
            let status = &object["status"];
            let there = status["phase"] == phase && (reason.is_empty() || status["reason"] == reason);
            if there { Ok(object) } else { Err(status.to_string()) }
        })
        .await
    }

    /// Waits until a decision is judged: `Decided`, or why it did not count.
    pub async fn decision_is(&self, namespace: &str, name: &str, want: &str) {
        eventually(&format!("decision {name} is {want}"), WITHIN, || async {
            let text =
                self.plane.kubectl(ROOT, &["get", "approvaldecision", "-n", namespace, name, "-o", "json"]).await.result()?;
            let object: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
            let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
            let counted = conditions.iter().find(|c| c["type"] == "Counted").cloned().unwrap_or_default();
            if counted["reason"] == want { Ok(()) } else { Err(counted.to_string()) }
        })
        .await;
    }

    /// Waits until somebody can, or cannot, list pods in a namespace.
    pub async fn can_look(&self, who: &str, namespace: &str, want: bool) {
        let answer = if want { "yes" } else { "no" };
        eventually(&format!("{who} can look into {namespace}: {answer}"), WITHIN, || async {
            let said = self.plane.kubectl(&person(who), &["auth", "can-i", "list", "pods", "-n", namespace]).await;
            if said.stdout.trim() == answer { Ok(()) } else { Err(said.to_string()) }
        })
        .await;
    }

    /// What `kubectl describe` prints.
    pub async fn describes(&self, kind: &str, namespace: &str, name: &str) -> String {
        self.plane.kubectl(ROOT, &["describe", kind, "-n", namespace, name]).await.ok()
    }

    /// Waits until the catalog `terms` owns its namespace.
    pub async fn reaches_catalog(&self) {
        self.plane.kubectl(ROOT, &["wait", "--for=condition=Ready", "catalog/terms", "--timeout=30s"]).await.ok();
    }

    /// Somebody applies a text.
    pub async fn writes(&self, who: &str, yaml: &str) {
        self.second_passes(yaml).await;
        // A text that begins with a brace would be taken for JSON. Rights that follow from a policy take a moment.
        let text = format!("---\n{yaml}");
        let written = async || match self.plane.kubectl_apply(&person(who), &text).await {
            output if output.stderr.contains("cannot get resource") || output.stderr.contains("cannot create resource") => {
                Err(output.to_string())
            }
            output => Ok(output),
        };
        eventually(&format!("{who} may write {yaml}"), WITHIN, written).await.ok();
    }
}

/// The status of a condition; empty when it is not there.
pub fn condition<'o>(object: &'o Value, kind: &str) -> &'o str {
    let all = object["status"]["conditions"].as_array();
    let found = all.into_iter().flatten().find(|c| c["type"] == kind);
    found.and_then(|c| c["status"].as_str()).unwrap_or_default()
}

/// An instant in a status, in seconds since the epoch.
pub fn seconds(value: &Value) -> i64 {
    let text = value.as_str().unwrap_or_else(|| panic!("an instant, not {value}"));
    chrono::DateTime::parse_from_rfc3339(text).expect("RFC 3339").timestamp()
}
