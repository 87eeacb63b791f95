//! Whether the operator is ready, as the sum of named conditions that other parts report.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Named conditions, all of which must hold. Clones share their state.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    /// What is missing by name; `None` for a condition that holds.
    conditions: Arc<RwLock<BTreeMap<&'static str, Option<String>>>>,
}

impl Readiness {
    /// Conditions none of which holds yet, so that nothing is ready before it has reported.
    pub fn new(names: &[&'static str]) -> Self {
        let conditions = names.iter().map(|name| (*name, Some("not started".to_owned()))).collect();
        Self { conditions: Arc::new(RwLock::new(conditions)) }
    }

    /// Reports that a condition holds.
    pub fn holds(&self, name: &'static str) {
        self.set(name, None);
    }

    /// Reports that a condition does not hold, and what is missing in one line.
    pub fn misses(&self, name: &'static str, what: impl Into<String>) {
        self.set(name, Some(what.into()));
    }

    /// Whether every condition holds.
    pub fn is_ready(&self) -> bool {
        self.conditions.read().unwrap_or_else(PoisonError::into_inner).values().all(Option::is_none)
    }

    /// What is missing, one `name: what` a line.
    pub fn missing(&self) -> Vec<String> {
        let conditions = self.conditions.read().unwrap_or_else(PoisonError::into_inner);
        conditions.iter().filter_map(|(name, what)| Some(format!("{name}: {}", what.as_ref()?.replace('\n', " ")))).collect()
    }

    fn set(&self, name: &'static str, what: Option<String>) {
        self.conditions.write().unwrap_or_else(PoisonError::into_inner).insert(name, what);
    }
}
