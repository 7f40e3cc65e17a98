//! A whole sentence model, for those who have one: `CLAUDE_MEM_EMBEDDING_MODEL`
//! names the directory it lies in. It reads the query and the few best answers
//! when a search is made, to put these in order; nothing of it is stored.
//!
//! Running one takes a hundred more crates, so it is behind the feature
//! `full-model`. Without that feature [`Model::open`] says so.

use std::path::PathBuf;

#[cfg(not(feature = "full-model"))]
#[path = "absent.rs"]
mod model;
#[cfg(feature = "full-model")]
#[path = "bert.rs"]
mod model;

#[cfg(test)]
mod tests;

pub use model::Model;

/// Why there is no answer of a sentence model.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "this claude-mem was built without the feature full-model: build it with `cargo build --release --features full-model`, or unset CLAUDE_MEM_EMBEDDING_MODEL"
    )]
    NotBuilt,
    #[error("cannot read {path}: {source}")]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path} is not usable: {reason}")]
    Unusable { path: PathBuf, reason: String },
    #[error("the sentence model failed: {0}")]
    Failed(String),
}
