//! claude-mem: a memory for Claude Code.
//!
//! `ARCHITECTURE.md` has the map: which part owns what, and who may know whom.
#![forbid(unsafe_code)]

pub mod agent;
pub mod commands;
pub mod configuration;
pub mod context;
pub mod health;
pub mod http;
pub mod search;
pub mod store;
pub mod worker;
