//! The `claude-mem` command: one module a subcommand, each of which parses,
//! calls a part of the library and renders what came of it.

mod cli;
mod context;
mod demo;
pub mod install;
mod installation;
mod list;
mod logs;
mod output;
mod place;
mod queue;
mod record;
mod search;
mod serve;
mod settings;
mod show;
mod status;
mod supervise;
mod usage;

pub use cli::main;
