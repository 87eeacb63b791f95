//! Whoever pretends to be somebody else, or to have decided what they may not decide, gets nowhere.

mod identity;
mod reach;
mod record;
