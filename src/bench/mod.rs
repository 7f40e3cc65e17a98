//! How well the search finds, measured with questions whose answers are known:
//! documents are stored as a worker stores what it makes, every question goes
//! through the search that all faces use, and what comes back is scored.

mod data;
mod fill;
mod score;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::search::{Request, Reranker, SearchError, run};
use crate::store::{Reader, StoreError};

pub use data::{Data, Document, Haystack, Id, Query};
pub use fill::{Filled, fill};
pub use score::{Score, Scores, score};

/// What the search gave for one query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Documents, best first, each once.
    pub ids: Vec<Id>,
    pub took: Duration,
}

/// Asks one query, in its own haystack only, for `limit` results, with or without a
/// sentence model. A query with
/// nothing to look for finds nothing.
///
/// # Errors
/// When the database cannot be read.
pub fn ask(
    reader: &Reader,
    filled: &Filled,
    query: &Query,
    limit: usize,
    reranker: Option<&Arc<Reranker>>,
) -> Result<Answer, StoreError> {
    let request = Request {
        text: query.text.clone(),
        projects: Some(vec![query.haystack.to_string()]),
        limit,
        reranker: reranker.cloned(),
        ..Request::default()
    };
    let began = Instant::now();
    let found = run(reader, &request);
    let took = began.elapsed();
    let rows = match found {
        Ok(results) => results.observations,
        Err(SearchError::Empty) => Vec::new(),
        Err(SearchError::Store(error)) => return Err(error),
    };
    let mut ids = Vec::new();
    for found in rows {
        if let Some(id) = filled.document(found.row.id)
            && !ids.contains(id)
        {
            ids.push(id.clone());
        }
    }
    Ok(Answer { ids, took })
}
