//! The read-only HTTP process: the API, the live stream and the viewer.
//!
//! `lifecycle` decides who serves a data directory and when it ends, `listen`
//! accepts connections and bounds them, `guard` says who may talk, `router`
//! knows the routes, `routes` answer them, `stream` tells what is new. The
//! process holds a [`Reader`](crate::store::Reader) and nothing that writes; in
//! relay mode it hands events to the session's worker, as a hook does.

mod answer;
mod ask;
mod census;
mod guard;
mod kept;
pub mod lifecycle;
mod listen;
mod log;
mod peer;
mod pool;
mod relay;
mod router;
mod routes;
mod state;
mod stream;

pub use lifecycle::{Options, serve};
