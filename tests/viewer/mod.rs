//! The viewer in a real browser, against the real server.

pub(crate) mod browser;
mod keyboard;
mod live;
mod long;
mod pages;
mod sources;
mod world;

use browser::Browser;
use world::{HOSTILE, Server, open, seeded};
