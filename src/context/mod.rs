//! What a session is told when it starts.
//!
//! [`fetch()`] reads the rows, [`render()`] makes a text of them and of nothing
//! else (no clock, so that the text only changes when the memory does and the
//! model provider's prompt cache stays valid), [`hook`] answers Claude Code's
//! `SessionStart` within its deadline.

mod autostart;
mod fetch;
#[cfg(test)]
pub(crate) mod fixture;
pub mod hook;
mod layout;
mod payload;
pub mod recalled;
mod render;
pub mod savings;
mod scope;
mod sections;
#[cfg(test)]
mod tests;
pub mod text;
mod told;
pub(crate) mod zone;

pub use fetch::{Input, Mode, Options, Since, Stored, fetch, projects};
pub use render::{MAX_CHARS, framed, render};
pub use scope::{project_at, scope_named};
