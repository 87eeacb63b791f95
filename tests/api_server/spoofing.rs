//! Whoever pretends to be somebody else, or to have decided what they may not decide, gets nowhere.

mod identity;
mod reach;
mod record;

use crate::department::Department;
use crate::world::world;

async fn department(name: &str) -> Department<'static> {
    Department::open(&world().await.plane, name).await
}
