//! The capture library: from Claude Code's JSON on a hook's stdin to an event
//! that a worker has committed, or that lies in the spool.
//!
//! A hook process lives about a millisecond, on the critical path of a person's
//! work. So this crate links no async runtime, no SQLite, no TLS and no regular
//! expressions, and whatever happens ends in exit code 0 and valid JSON within a
//! deadline. The parts, in the order in which an event meets them: `stdin`,
//! `wire` (Claude Code's shapes), `event` (ours), [`skip`], [`project`],
//! [`privacy`] and [`shape`], [`deliver`] with its spool, and at some of them
//! `recall`; `run` puts them together.
#![forbid(unsafe_code)]

pub mod deliver;
mod event;
mod log;
mod patience;
pub mod privacy;
pub mod project;
mod recall;
pub mod relay;
pub mod remember;
mod run;
pub mod settings;
pub mod shape;
pub mod skip;
pub mod stdin;
mod wire;

pub use patience::Patience;
pub use recall::envelope;
pub use run::{Hook, answer, exec_context, find_in_time, main, say};
