//! Whether memory is being kept: an equation over data and a look at the file
//! system, never a message from a process that may be dead.
//!
//! [`check()`] gathers everything that `claude-mem status` shows, [`stall()`] only
//! what a starting session must be told.

mod check;
mod directory;
mod model;
mod spool;
mod stall;
#[cfg(test)]
mod tests;
mod workers;

pub use check::{Database, Health, check};
pub use directory::is_writable;
pub use model::Provider;
pub use spool::Spool;
pub use stall::{Stall, stall};
pub use workers::Worker;
