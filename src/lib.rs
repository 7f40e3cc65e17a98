//! claude-mem: a memory for Claude Code.
//!
//! `ARCHITECTURE.md` has the map: which part owns what, and who may know whom.
#![forbid(unsafe_code)]

pub mod agent;
pub mod analysis;
pub mod bench;
pub mod commands;
pub mod configuration;
pub mod context;
pub mod embedding;
pub mod health;
pub mod http;
mod lock_file;
pub mod mcp;
pub mod recall;
pub mod search;
pub mod store;
pub mod usage;
pub mod worker;
