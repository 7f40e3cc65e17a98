//! Claude Code runs this; see `capture::Hook::Cleanup`.
#![forbid(unsafe_code)]

fn main() {
    capture::main(capture::Hook::Cleanup)
}
