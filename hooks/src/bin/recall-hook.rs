//! Claude Code runs this before a file is read; see `capture::Hook::Recall`.
#![forbid(unsafe_code)]

fn main() {
    capture::main(capture::Hook::Recall)
}
