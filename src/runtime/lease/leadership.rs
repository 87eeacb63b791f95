//! Whether this process leads, for everybody who is about to act.

use tokio::sync::watch;
use tokio::time::Instant;

/// Who leads, as this process knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lead {
    /// Not us.
    No,
    /// We do, until then unless renewed.
    Until(Instant),
    /// We do, there is no election.
    Always,
}

/// A view on the election; clones see the same.
#[derive(Clone, Debug)]
pub struct Leadership {
    lead: watch::Receiver<Lead>,
}

impl Leadership {
    /// For a process that runs alone: it always leads.
    pub fn always() -> Self {
        Self { lead: watch::channel(Lead::Always).1 }
    }

    pub(super) fn elected() -> (watch::Sender<Lead>, Self) {
        let (sender, lead) = watch::channel(Lead::No);
        (sender, Self { lead })
    }

    /// Whether this process may act at this moment. It compares the monotonic clock, so that a process which was stopped for a
    /// while knows it before the election's own task has run again: ask right before every write.
    pub fn is_leader(&self) -> bool {
        match *self.lead.borrow() {
            Lead::No => false,
            Lead::Until(end) => Instant::now() < end,
            Lead::Always => true,
        }
    }

    /// Waits until this process leads; without an end if it never does.
    pub async fn acquired(&self) {
        let mut lead = self.lead.clone();
        if lead.wait_for(|lead| *lead != Lead::No).await.is_err() {
            std::future::pending().await
        }
    }
}
