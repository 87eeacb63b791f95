//! The decision as a table, and whole elections against an API server that is slow, loses answers and fails.

mod elections;
mod server;
mod table;
