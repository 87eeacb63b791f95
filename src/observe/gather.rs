//! Gathers from the caches what becomes of a grant.

mod drift;
pub mod grants;
