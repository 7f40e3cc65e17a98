//! Finding memories: from a person's words to ranked rows.
//!
//! [`query`] turns words into an FTS5 expression, `keyword` runs it, [`run`]
//! puts the channels together and fetches the rows, `explain` says why a row
//! was found. SQL lives in the store, faces (commands, HTTP, MCP) only render.

mod explain;
mod keyword;
pub mod query;
mod results;
#[cfg(test)]
mod tests;

pub use results::{Found, Request, Results, SearchError, run};
