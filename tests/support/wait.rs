//! The one way to wait.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

const PAUSE: Duration = Duration::from_millis(50);

/// Tries until the attempt is `Ok`, and hands back what it found. The attempt is
/// an `async || { .. }` that borrows what it needs.
///
/// # Panics
/// When it is not within the time, with what was waited for and the last `Err`.
pub async fn eventually<T>(what: &str, within: Duration, mut attempt: impl AsyncFnMut() -> Result<T, String>) -> T {
    let end = Instant::now() + within;
    let mut last = String::from("the first attempt did not come back");
    loop {
        match timeout_at(end, attempt()).await {
            Ok(Ok(found)) => return found,
            Ok(Err(why)) => last = why,
            Err(_) => {}
        }
        assert!(Instant::now() < end, "not within {within:?}: {what}\nlast seen: {last}");
        sleep(PAUSE).await;
    }
}
