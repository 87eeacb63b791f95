//! The control planes that the tests share.

use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, OnceCell};

use crate::person::Person;
pub use crate::support::metrics::sum;
use crate::support::{Operator, Plane, install, metrics, operator};

/// How long the operator may take for anything, on a machine that does much else.
pub const WITHIN: Duration = Duration::from_secs(30);

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
    let operator = Operator::start(&plane, &["--recent-requests", "1000"]).await;
    World { plane, operator }
}

/// A control plane without an operator, for one test at a time.
pub async fn quiet() -> MutexGuard<'static, Plane> {
    static QUIET: OnceCell<Mutex<Plane>> = OnceCell::const_new();
    let plane = QUIET.get_or_init(|| async {
        let plane = Plane::own().await;
        install(&plane).await;
        Mutex::new(plane)
    });
    plane.await.lock().await
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
