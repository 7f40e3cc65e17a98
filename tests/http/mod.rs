//! The HTTP process as its clients see it: a real process, real sockets, and a
//! database that real writers have filled.

mod assets;
mod client;
mod clients;
mod contract;
mod lifecycle;
mod relay;
mod schema;
mod search;
mod security;
mod statistics;
mod stream;
mod world;

use client::{Answer, Client};
use world::{Server, filled, remember};
