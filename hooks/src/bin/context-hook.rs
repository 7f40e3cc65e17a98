//! Claude Code runs this at `SessionStart`; `claude-mem context` does the work.
#![forbid(unsafe_code)]

fn main() {
    capture::exec_context()
}
