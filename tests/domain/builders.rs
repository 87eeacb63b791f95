//! Words with which the stories are told.

mod content;
mod people;
mod policies;
mod requests;
mod scene;
pub mod site;

pub use content::*;
pub use people::*;
pub use policies::*;
pub use requests::*;
pub use scene::*;
