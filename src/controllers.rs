//! What grants are reconciled by, and the questions to the API server.

pub mod authority;
pub mod grant;

pub use crate::kinds::Context;
