//! The control planes that the tests share: one with an operator that everybody leaves alone, and quiet ones without.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

use crate::department::Department;
use crate::person::Person;
pub use crate::support::metrics::sum;
use crate::support::operator::{self, NAMESPACE};
use crate::support::{Operator, Plane, ROOT, install, metrics};

/// How long the operator may take for anything, on a machine that does much else.
pub const WITHIN: Duration = Duration::from_secs(30);

/// "Within seconds", on the same machine.
pub const SOON: Duration = Duration::from_secs(10);

/// What the shipped manifests have in common: a cluster may have policies of others.
pub const OURS: &str = "app.kubernetes.io/part-of=entitlement-operator";

/// From more losers than this on an edit waits in the shared control plane.
pub const MOST_AT_ONCE: usize = 3;

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
    // The same few people ask in all tests, and leave requests open.
    let asked = ["--open-requests", "1000", "--recent-requests", "1000"];
    let operator = Operator::start(&plane, &[&asked[..], &["--mass-revocation-count", &MOST_AT_ONCE.to_string()]].concat()).await;
    World { plane, operator }
}

/// A department of its own in the shared control plane.
pub async fn department(name: &str) -> Department<'static> {
    Department::open(&world().await.plane, name).await
}

/// A control plane without an operator, for one test at a time.
pub struct Quiet {
    plane: Option<Plane>,
    damaged: AtomicBool,
    _turn: SemaphorePermit<'static>,
}

/// Control planes that nobody uses at the moment, and whether they were damaged.
static FREE: Mutex<Vec<(Plane, bool)>> = Mutex::new(Vec::new());
/// As many as there are tests that run at the same time on a small machine.
static TURNS: Semaphore = Semaphore::const_new(2);

impl Quiet {
    /// Whoever comes next finds the installation as it was shipped, whatever happens from now on.
    pub fn will_be_damaged(&self) {
        self.damaged.store(true, Ordering::SeqCst);
    }
}

impl Deref for Quiet {
    type Target = Plane;

    fn deref(&self) -> &Plane {
        self.plane.as_ref().expect("it is there until it is given back")
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let plane = self.plane.take().map(|plane| (plane, self.damaged.load(Ordering::SeqCst)));
        FREE.lock().unwrap_or_else(PoisonError::into_inner).extend(plane);
    }
}

/// One that is free, if there is one.
fn free() -> Option<(Plane, bool)> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

/// Takes a quiet control plane; waits until one is free. Departments of tests before are still in it.
pub async fn quiet() -> Quiet {
    let turn = TURNS.acquire().await.expect("it is never closed");
    let plane = match free() {
        Some((plane, damaged)) => {
            restore(&plane, damaged).await;
            plane
        }
        None => installed().await,
    };
    Quiet { plane: Some(plane), damaged: AtomicBool::new(false), _turn: turn }
}

/// Takes a quiet control plane in which nothing was done before; one that is free makes room for it.
pub async fn quiet_and_new() -> Quiet {
    let turn = TURNS.acquire().await.expect("it is never closed");
    drop(free());
    Quiet { plane: Some(installed().await), damaged: AtomicBool::new(false), _turn: turn }
}

async fn installed() -> Plane {
    let plane = Plane::own().await;
    install(&plane).await;
    plane
}

/// Takes away what a test has left.
async fn restore(plane: &Plane, damaged: bool) {
    // A leader that was killed holds its lease to the end.
    plane.kubectl(ROOT, &["delete", "lease", "-n", NAMESPACE, "--all"]).await.ok();
    if damaged {
        // What somebody else wrote into them would survive an apply.
        let policies = "validatingadmissionpolicies,validatingadmissionpolicybindings";
        plane.kubectl(ROOT, &["delete", "-l", OURS, policies]).await.ok();
        install(plane).await;
    }
}

/// Somebody with the token of the operator's service account.
pub async fn operator_itself(plane: &Plane) -> Person {
    Person { client: operator::client(plane).await }
}

/// Waits until the operator has nothing to do.
pub async fn is_idle(operator: &Operator) {
    metrics::is_idle(WITHIN, async || operator.metrics().await).await;
}

/// Fails when the operator says anything that only a bug can make it say.
pub fn is_sound(operator: &Operator) {
    assert!(operator.ended().is_none(), "the operator runs");
    let log = operator.log();
    let bug = log.lines().find(|line| ["panic", "this is a bug", "cannot be read"].iter().any(|word| line.contains(word)));
    assert!(bug.is_none(), "the operator's log: {bug:?}");
}
