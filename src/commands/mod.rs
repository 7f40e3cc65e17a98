//! The `claude-mem` command: one module a subcommand, each of which parses,
//! calls a part of the library and renders what came of it.

mod bench;
mod cli;
mod context;
mod demo;
mod file;
pub mod install;
mod installation;
mod list;
mod logs;
mod mcp;
mod output;
mod place;
mod queue;
mod recall;
mod record;
mod remember;
mod search;
mod serve;
mod settings;
mod show;
mod status;
mod supervise;
mod timeline;
mod usage;

pub use cli::main;
