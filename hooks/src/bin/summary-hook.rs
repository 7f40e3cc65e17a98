//! Claude Code runs this; see `capture::Hook::Summary`.
#![forbid(unsafe_code)]

fn main() {
    capture::main(capture::Hook::Summary)
}
