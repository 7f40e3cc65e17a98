//! The floor of every hook's time: a process that reads nothing and says
//! nothing. `scripts/bench` spawns it between the hooks.
#![forbid(unsafe_code)]

fn main() {}
