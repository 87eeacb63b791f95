//! Words with which the stories are told.

mod content;
mod people;
mod scene;
pub mod site;
mod wishes;

pub use content::*;
pub use people::*;
pub use scene::*;
pub use wishes::*;
