//! The control planes that the tests share.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, OnceCell};

use crate::department::Department;
use crate::support::{Operator, Plane, ROOT, eventually, install};

/// How long the operator may take for anything, on a machine that does much else.
pub const WITHIN: Duration = Duration::from_secs(30);

/// "Within seconds", on the same machine.
pub const SOON: Duration = Duration::from_secs(10);

/// From how many losers on the brake holds an edit in the shared control plane.
pub const BRAKE: usize = 3;

/// A control plane with everything installed, and a running operator.
pub struct World {
    pub plane: Plane,
    pub operator: Operator,
}

/// The one that most tests share.
pub async fn world() -> &'static World {
    static WORLD: OnceCell<World> = OnceCell::const_new();
    WORLD.get_or_init(start).await
}

async fn start() -> World {
    let plane = Plane::start().await;
    install(&plane).await;
    let operator = Operator::start(&plane, &["--hold-count", &BRAKE.to_string()]).await;
    World { plane, operator }
}

/// A department of its own in the shared control plane.
pub async fn shared(name: &str) -> Department<'static> {
    Department::open(&world().await.plane, name).await
}

/// A control plane without an operator, for one test at a time.
pub struct Quiet {
    plane: MutexGuard<'static, Plane>,
    damaged: &'static AtomicBool,
}

impl Quiet {
    /// Whoever comes next finds the installation as it was shipped, whatever happens from now on.
    pub fn will_be_damaged(&self) {
        self.damaged.store(true, Ordering::SeqCst);
    }
}

impl Deref for Quiet {
    type Target = Plane;

    fn deref(&self) -> &Plane {
        &self.plane
    }
}

pub async fn quiet() -> Quiet {
    static QUIET: OnceCell<Mutex<Plane>> = OnceCell::const_new();
    static DAMAGED: AtomicBool = AtomicBool::new(true);
    let plane = QUIET.get_or_init(async || Mutex::new(Plane::start().await)).await.lock().await;
    if DAMAGED.swap(false, Ordering::SeqCst) {
        // What somebody else wrote into them would survive an apply.
        plane.kubectl(ROOT, &["delete", "--all", "validatingadmissionpolicies,validatingadmissionpolicybindings"]).await.ok();
        install(&plane).await;
    }
    Quiet { plane, damaged: &DAMAGED }
}

/// The sum of a metric over all time series whose labels hold each of `labels`.
pub fn sum(metrics: &str, metric: &str, labels: &[&str]) -> f64 {
    let lines = metrics.lines().filter(|line| line.strip_prefix(metric).is_some_and(|rest| rest.starts_with(['{', ' '])));
    let matching = lines.filter(|line| labels.iter().all(|label| line.contains(label)));
    matching.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// Waits until an operator has nothing to do.
pub async fn is_idle(metrics: impl AsyncFn() -> String) {
    eventually("the operator's queue is empty", WITHIN, async || {
        let page = metrics().await;
        assert!(page.contains("entitlement_queue_depth "), "there is a queue depth: {page}");
        match sum(&page, "entitlement_queue_depth", &[]) {
            0.0 => Ok(()),
            depth => Err(format!("{depth} keys are in the queue")),
        }
    })
    .await;
}
