//! The keyword channel: FTS5 with bm25.

use crate::store::{Hit, Reader, SearchFilter, StoreError};

use super::query::Query;

/// The name of this channel in an answer.
pub(super) const STRATEGY: &str = "keyword";

/// Ids with scores, best first, for each kind of row.
#[derive(Debug, Default)]
pub(super) struct Hits {
    pub(super) observations: Vec<Hit>,
    pub(super) summaries: Vec<Hit>,
    pub(super) prompts: Vec<Hit>,
}

pub(super) fn hits(
    reader: &Reader,
    query: &Query,
    filter: &SearchFilter,
) -> Result<Hits, StoreError> {
    let expression = query.expression();
    let observations = reader.match_observations(expression, filter)?;
    if !filter.kinds.is_empty() {
        // Only observations have a type.
        return Ok(Hits {
            observations,
            ..Hits::default()
        });
    }
    Ok(Hits {
        observations,
        summaries: reader.match_summaries(expression, filter)?,
        prompts: reader.match_prompts(expression, filter)?,
    })
}
