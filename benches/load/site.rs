//! Where it happens: a control plane, a catalog, an operator, and clients that write.

use std::time::Duration;

use futures::{StreamExt, stream};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, PostParams};
use serde_json::{Value, json};

use crate::board::Board;
use crate::person::{Person, object};
use crate::support::{Operator, Plane, ROOT, eventually, install, metrics, operator};

/// The namespace of the catalog.
pub const CATALOG: &str = "catalog-load";
/// How many requests are on their way at the same time; as many as the operator's.
const AT_ONCE: usize = 32;
const READY_WITHIN: Duration = Duration::from_secs(120);
/// It has read everything by then, of many holders and large objects too.
const STARTS_WITHIN: Duration = Duration::from_secs(900);
/// It has written a status for each of many holders by then.
const RESTS_WITHIN: Duration = Duration::from_secs(3_600);
/// No edit of this benchmark is confirmed, and none is a mistake.
const NEVER_CONFIRM: [&str; 2] = ["--mass-revocation-count", "1000000"];

/// A package, the policy for it, and the namespace of both.
#[derive(Clone, Copy)]
pub struct Offer {
    pub namespace: &'static str,
    pub package: &'static str,
    pub policy: &'static str,
}

/// The package with ends.
pub const ENDING: Offer = Offer { namespace: CATALOG, package: "ending", policy: "ending" };
/// The package with many holders.
pub const CROWDED: Offer = Offer { namespace: CATALOG, package: "crowded", policy: "crowded" };

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
        let mut site = Self { board: Board::watch(&root, "load", CATALOG), plane, root, operators, operator: None };
        site.start().await;
        let yaml = include_str!("site.yaml");
        eventually("the catalog is there", READY_WITHIN, async || site.plane.kubectl_apply(ROOT, yaml).await.result()).await;
        let args = ["wait", "--for=condition=Ready", "--all", "policies.entitlement.dev", "-n", CATALOG, "--timeout=60s"];
        site.plane.kubectl(ROOT, &args).await.ok();
        site
    }

    /// Starts the operator and waits until it is ready.
    pub async fn start(&mut self) {
        self.launch().await;
        self.is_ready().await;
    }

    /// Starts the operator and does not wait.
    pub async fn launch(&mut self) {
        self.operator = Some(Operator::spawn(&self.plane, &NEVER_CONFIRM).await);
    }

    /// Waits until the operator is ready.
    pub async fn is_ready(&self) {
        eventually("the operator is ready", STARTS_WITHIN, async || match self.running().get("/readyz").await {
            Ok((200, _)) => Ok(()),
            _ if self.running().ended().is_some() => panic!("the operator ended before it was ready: {}", self.running().log()),
            answer => Err(format!("/readyz: {answer:?}")),
        })
        .await;
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
        let request = object("AccessRequest", namespace, name, json!({"accessPackage": "asked"}));
        Person::alone(who).create(&self.root, &request, false).await.unwrap_or_else(|e| panic!("{who} asks: {e}"));
    }

    /// A manager gives somebody a package.
    pub async fn give(&self, offer: Offer, name: &str, who: &str, end: Option<&str>) {
        let subject = json!({"kind": "User", "name": who});
        let mut spec = json!({"accessPackage": offer.package, "policy": offer.policy, "subject": subject});
        if let Some(end) = end {
            spec["schedule"] = json!({"endTime": end});
        }
        self.create(&self.root, offer.namespace, object("Assignment", offer.namespace, name, spec)).await;
    }

    /// Waits until the operator has nothing to do.
    pub async fn rests(&self) {
        metrics::is_idle(RESTS_WITHIN, async || self.metrics().await).await;
    }

    /// What the operator counts. One that is very busy may not answer at once.
    async fn metrics(&self) -> String {
        eventually("the operator answers", RESTS_WITHIN, async || match self.running().get("/metrics").await {
            Ok((200, page)) => Ok(page),
            _ if self.running().ended().is_some() => panic!("the operator ended: {}", self.running().log()),
            answer => Err(format!("/metrics: {answer:?}")),
        })
        .await
    }
}
