//! Trust: nothing new is granted unless the API server vouches for who asked and who decided.
//!
//! While the admission policies are not in force, anybody can write in any name. So what was written then is not believed afterwards either:
//! requests and decisions that are older than the policies as they are now and were not judged before, and resources whose author was not
//! judged before. Whoever is refused for it hears why, and can do the same again.

pub mod shipped;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

use crate::domain::{Key, Trust, resource};
use crate::observe::Stores;
use crate::runtime::telemetry::Readiness;

use shipped::Shipped;

/// Readiness: the admission policies are in force.
pub const ADMISSION: &str = "admission";

/// Whether identities can be trusted now.
pub struct Admission {
    /// The policies as they are shipped.
    pub shipped: Shipped,
    /// Not ready while they are not in force.
    pub readiness: Readiness,
    /// `--allow-unenforced-identity`: go on without.
    pub allow: bool,
    /// Namespace in which the probe is tried.
    pub namespace: String,
    finding: Mutex<Trust>,
    /// Roles of resources, by name and digest, that stood open when the policies came into force.
    open: Mutex<BTreeSet<(Key, String, String)>>,
}

impl Admission {
    /// Trusts nobody until the policies were checked.
    pub fn new(shipped: Shipped, readiness: Readiness, allow: bool, namespace: String) -> Self {
        Self { shipped, readiness, allow, namespace, finding: Mutex::new(Trust::Undecided), open: Mutex::default() }
    }

    /// What is known now; one answer for one decision.
    pub fn trust(&self) -> Trust {
        if self.allow { Trust::Waived } else { self.finding() }
    }

    fn finding(&self) -> Trust {
        self.finding.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a role of a resource, as it is written, stood open when the policies came into force; see [`resource::stands_open`].
    pub fn found_open(&self, resource: &Key, role: &str, digest: &str) -> bool {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.contains(&(resource.clone(), role.to_owned(), digest.to_owned()))
    }

    /// Remembers what stands open, before anybody is believed.
    pub fn look_back(&self, stores: &Stores, since: DateTime<Utc>) {
        let watched = match self.finding() {
            Trust::Waived | Trust::Enforced { .. } => return,
            Trust::Undecided => false,
            Trust::Broken(_) => true,
        };
        let roles = |(key, found): (&Key, &Arc<resource::Offer>)| {
            let open = stores.resources.get(key).map(|r| resource::stands_open(r, found, since, watched)).unwrap_or_default();
            open.into_iter().map(|(role, digest)| (key.clone(), role, digest)).collect::<Vec<_>>()
        };
        let open = stores.offers.iter().flat_map(roles).collect();
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = open;
    }

    /// Keeps a new finding; tells whether it is news.
    pub fn found(&self, new: Trust) -> bool {
        let mut kept = self.finding.lock().unwrap_or_else(PoisonError::into_inner);
        let news = *kept != new;
        *kept = new;
        news
    }
}
