//! The door: see `claude_mem::commands`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    claude_mem::commands::main()
}
