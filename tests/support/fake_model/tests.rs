//! The model server, seen by a client that knows nothing but TCP.

mod answers;
mod client;
mod costs;
mod faults;
mod flow;
