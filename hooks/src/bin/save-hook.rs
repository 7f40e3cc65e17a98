//! Claude Code runs this; see `capture::Hook::Save`.
#![forbid(unsafe_code)]

fn main() {
    capture::main(capture::Hook::Save)
}
