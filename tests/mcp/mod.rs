//! `claude-mem mcp`: the real process, spoken to over its pipes.

mod client;
mod protocol;
mod reading;
mod remembering;
mod world;

use client::Client;
use world::{World, filled};
