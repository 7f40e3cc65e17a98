//! Claude Code runs this; see `capture::Hook::New`.
#![forbid(unsafe_code)]

fn main() {
    capture::main(capture::Hook::New)
}
