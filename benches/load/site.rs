//! Where it happens: a control plane, a catalog, an operator, and clients that write.

use std::time::Duration;

use futures::{StreamExt, stream};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, PostParams};
use serde_json::{Value, json};

use crate::board::Board;
use crate::support::{Operator, Plane, ROOT, eventually, install, metrics, operator};

/// The namespace of the catalog.
pub const CATALOG: &str = "catalog-load";
/// How many requests are on their way at the same time; as many as the operator's.
const AT_ONCE: usize = 32;
const READY_WITHIN: Duration = Duration::from_secs(120);
/// It has written a status for each of many holders by then.
const RESTS_WITHIN: Duration = Duration::from_secs(3_600);

/// A control plane with a catalog, and an operator.
pub struct Site {
    /// Everything runs in it.
    pub plane: Plane,
    /// The administrator.
    pub root: Client,
    /// With the rights of the operator.
    pub operators: Client,
    /// The operator itself; taken away for a while to measure without it.
    pub operator: Option<Operator>,
    /// What is seen.
    pub board: Board,
}

/// The resource of a kind of ours.
pub fn resource(kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("entitlement.dev", "v1alpha1", kind))
}

/// The name of a user by number.
pub fn user(group: &str, number: usize) -> String {
    format!("{group}-{number}@example.com")
}

/// Does the same with each number, many at a time.
pub async fn each<F: Future<Output = ()>>(count: usize, act: impl Fn(usize) -> F) {
    stream::iter(0..count).map(act).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

impl Site {
    /// Starts everything.
    pub async fn open() -> Self {
        let plane = Plane::own().await;
        install(&plane).await;
        let (root, operators) = (plane.admin().await, operator::client(&plane).await);
        let mut site = Self { board: Board::watch(&root), plane, root, operators, operator: None };
        site.start().await;
        let yaml = include_str!("site.yaml");
        eventually("the catalog is there", READY_WITHIN, async || site.plane.kubectl_apply(ROOT, yaml).await.result()).await;
        let args = ["wait", "--for=condition=Ready", "--all", "policies.entitlement.dev", "-n", CATALOG, "--timeout=60s"];
        site.plane.kubectl(ROOT, &args).await.ok();
        site
    }

    /// Starts the operator.
    pub async fn start(&mut self) {
        // No edit of this benchmark is confirmed, and none is a mistake.
        self.operator = Some(Operator::start(&self.plane, &["--hold-count", "1000000"]).await);
    }

    /// The operator that runs.
    pub fn running(&self) -> &Operator {
        self.operator.as_ref().expect("the operator runs")
    }

    /// Creates an object.
    pub async fn create(&self, client: &Client, namespace: &str, object: Value) {
        let kind = object["kind"].as_str().expect("a kind").to_owned();
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource(&kind));
        let object = serde_json::from_value(object).expect("an object");
        api.create(&PostParams::default(), &object).await.unwrap_or_else(|e| panic!("{kind}: {e}"));
    }

    /// Somebody asks for the package `asked`.
    pub async fn ask(&self, namespace: &str, name: &str, who: &str) {
        let body = json!({
            "apiVersion": "entitlement.dev/v1alpha1", "kind": "AccessRequest",
            "metadata": {"name": name, "namespace": namespace}, "spec": {"accessPackage": "asked"},
        });
        let request = http_request(namespace, who).body(serde_json::to_vec(&body).expect("JSON")).expect("a request");
        self.root.request::<Value>(request).await.unwrap_or_else(|e| panic!("{who} asks: {e}"));
    }

    /// A manager assigns a package.
    pub async fn assign(&self, package: &str, name: &str, who: &str, end: Option<&str>) {
        let mut spec = json!({"accessPackage": package, "policy": package, "subject": {"kind": "User", "name": who}});
        if let Some(end) = end {
            spec["schedule"] = json!({"endTime": end});
        }
        let metadata = json!({"name": name, "namespace": CATALOG});
        let object = json!({"apiVersion": "entitlement.dev/v1alpha1", "kind": "Assignment", "metadata": metadata, "spec": spec});
        self.create(&self.root, CATALOG, object).await;
    }

    /// Waits until the operator has nothing to do.
    pub async fn rests(&self) {
        metrics::is_idle(RESTS_WITHIN, async || self.running().metrics().await).await;
    }
}

fn http_request(namespace: &str, who: &str) -> axum::http::request::Builder {
    axum::http::Request::post(format!("/apis/entitlement.dev/v1alpha1/namespaces/{namespace}/accessrequests"))
        .header("content-type", "application/json")
        .header("impersonate-user", who)
        .header("impersonate-group", "system:authenticated")
}
