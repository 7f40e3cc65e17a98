//! A whole sentence model, for those who have one: `CLAUDE_MEM_EMBEDDING_MODEL`
//! names the directory it lies in. It reads the query and the few best answers
//! when a search is made, to put these in order; nothing of it is stored.
//!
//! Reading its words takes some fifty more crates (`tokenizers`), so it is behind
//! the feature `full-model`. Without that feature [`Model::open`] says so.

use std::path::{Path, PathBuf};

#[cfg(feature = "full-model")]
mod bert;
#[cfg(not(feature = "full-model"))]
#[path = "absent.rs"]
mod model;
#[cfg(feature = "full-model")]
mod model;
#[cfg(feature = "full-model")]
mod weights;

#[cfg(test)]
mod tests;

pub use model::Model;

/// Why there is no answer of a sentence model.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "this claude-mem was built without the feature full-model, which runs the sentence model that CLAUDE_MEM_EMBEDDING_MODEL names"
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

/// What a model's directory must hold.
const FILES: [&str; 3] = ["config.json", "tokenizer.json", "model.safetensors"];

/// Why no model can be had, as far as a glance at its directory tells: no file is
/// read, so it takes no time.
///
/// # Errors
/// When this program cannot run one, or a file of it is missing.
pub fn look(directory: &Path) -> Result<(), Error> {
    if !cfg!(feature = "full-model") {
        return Err(Error::NotBuilt);
    }
    for name in FILES {
        let path = directory.join(name);
        if let Err(source) = std::fs::metadata(&path) {
            return Err(Error::Unreadable { path, source });
        }
    }
    Ok(())
}

/// What is told where a model was asked for and there is none: what holds
/// instead, why, and what to do.
pub fn without(error: &Error) -> String {
    let remedy = match error {
        Error::NotBuilt => {
            "`CLAUDE_MEM_FEATURES=full-model ./scripts/install` in its source directory installs one that does; `claude-mem settings unset CLAUDE_MEM_EMBEDDING_MODEL` goes without"
        }
        _ => {
            "CLAUDE_MEM_EMBEDDING_MODEL must be the directory of a BERT sentence model, with config.json, tokenizer.json and model.safetensors; `claude-mem settings unset CLAUDE_MEM_EMBEDDING_MODEL` goes without"
        }
    };
    format!("the search compares by the built-in table alone, because {error}: {remedy}")
}
