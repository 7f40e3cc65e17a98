//! Memory as tools for a model: an MCP server over stdin and stdout, one process
//! a client, started and ended by it.
//!
//! Three layers keep it cheap: `search` and `timeline` give an index with what
//! reading costs, `get_observations` the rest. Everything is read through a
//! read-only handle that is opened for each call, so that a database that
//! appears, is moved or deleted meanwhile is no matter. `remember` goes the way
//! of a hook's event. Nothing but the transport writes to stdout.

mod arguments;
mod ask;
mod remember;
mod render;
mod server;
mod tools;

pub use remember::{Kept, NotKept, keep};
pub use server::serve;
pub use tools::KINDS;
