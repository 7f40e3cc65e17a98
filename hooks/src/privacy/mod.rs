//! What must never leave the hook process: private passages and credentials.
//!
//! Every text that a hook captures goes through [`scrub()`] or [`scrub_value`]
//! before it is sent, spooled or logged. Passages in `<private>` and in the
//! tags that the agent adds by itself go with their content; credentials are
//! replaced by `[redacted:kind]`, so that a memory can still say that there was
//! one.
//!
//! There is no regular expression here: the whole life of a hook process is
//! about a millisecond, and compiling a pattern would take longer than that.
//! This module decides nothing about sizes; that is [`crate::shape`].

mod assign;
mod bytes;
mod headers;
mod literal;
mod names;
mod quoted;
mod scrub;
mod secrets;
mod tags;
mod tokens;
mod wrapped;

#[cfg(test)]
mod tests;

pub use scrub::{scrub, scrub_value};
pub use secrets::redact;
pub use tags::{is_wholly_private, strip_tags};
