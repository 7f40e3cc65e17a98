//! Running a query and fetching what it found.

use serde::Serialize;

use crate::store::{Hit, ObservationRow, PromptRow, Reader, SearchFilter, StoreError, SummaryRow};

use super::explain::{self, Field};
use super::keyword;
use super::query::{self, Query};

/// Rows beyond the limit that are fetched because superseded ones fall out.
const SPARE: usize = 10;

/// What is looked for, and where.
#[derive(Debug, Clone)]
pub struct Request {
    pub text: String,
    /// `None` for all projects.
    pub projects: Option<Vec<String>>,
    /// Observation types; empty for all. With types, only observations are
    /// found.
    pub kinds: Vec<String>,
    /// Rows of each kind.
    pub limit: usize,
}

/// A row that was found. Scores compare rows of one kind in one answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found<T> {
    #[serde(flatten)]
    pub row: T,
    /// Higher is better.
    pub score: f64,
    /// Which words were found in which field.
    pub why: String,
    /// The text around the first match, in one line.
    pub snippet: String,
}

/// The answer, each kind best first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Results {
    pub observations: Vec<Found<ObservationRow>>,
    pub summaries: Vec<Found<SummaryRow>>,
    pub prompts: Vec<Found<PromptRow>>,
    /// Which channel found them.
    pub strategy: &'static str,
}

/// Nothing found.
impl Default for Results {
    fn default() -> Self {
        Self {
            observations: Vec::new(),
            summaries: Vec::new(),
            prompts: Vec::new(),
            strategy: keyword::STRATEGY,
        }
    }
}

impl Results {
    pub fn is_empty(&self) -> bool {
        self.observations.is_empty() && self.summaries.is_empty() && self.prompts.is_empty()
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error(
        "nothing to search for: give at least one word, for example `claude-mem search \"exchange rates\"`"
    )]
    Empty,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Finds the rows that fit the words best.
///
/// # Errors
/// When the text has no word in it, or the database cannot be read. No text is
/// a syntax error.
pub fn run(reader: &Reader, request: &Request) -> Result<Results, SearchError> {
    let query = query::parse(&request.text);
    if query.is_empty() {
        return Err(SearchError::Empty);
    }
    let filter = SearchFilter {
        projects: request.projects.clone(),
        kinds: request.kinds.clone(),
        limit: request.limit.saturating_add(SPARE),
    };
    let found = reader.snapshot(|| {
        let hits = keyword::hits(reader, &query, &filter)?;
        let limit = request.limit;
        Ok(Results {
            observations: rows(&hits.observations, limit, &query, |id| {
                let row = reader.observation(id)?;
                Ok(row.filter(|row| row.superseded_by.is_none()))
            })?,
            summaries: rows(&hits.summaries, limit, &query, |id| reader.summary(id))?,
            prompts: rows(&hits.prompts, limit, &query, |id| reader.prompt(id))?,
            strategy: keyword::STRATEGY,
        })
    })?;
    Ok(found)
}

fn rows<T: Explained>(
    hits: &[Hit],
    limit: usize,
    query: &Query,
    fetch: impl Fn(i64) -> Result<Option<T>, StoreError>,
) -> Result<Vec<Found<T>>, StoreError> {
    let mut found = Vec::new();
    for hit in hits {
        if found.len() == limit {
            break;
        }
        let Some(row) = fetch(hit.id)? else {
            continue;
        };
        let (why, snippet) = explain::explain(&row.fields(), query.terms());
        found.push(Found {
            row,
            score: hit.score,
            why,
            snippet,
        });
    }
    Ok(found)
}

/// A row whose fields can be shown as the reason why it was found.
trait Explained {
    /// In order of weight.
    fn fields(&self) -> Vec<Field>;
}

impl Explained for ObservationRow {
    fn fields(&self) -> Vec<Field> {
        vec![
            Field::new("title", &self.title),
            Field::new("subtitle", &self.subtitle),
            Field::new("facts", &self.facts.join("; ")),
            Field::new("narrative", &self.narrative),
            Field::new("concepts", &self.concepts.join(", ")),
            Field::new("files modified", &self.files_modified.join(", ")),
            Field::new("files read", &self.files_read.join(", ")),
        ]
    }
}

impl Explained for SummaryRow {
    fn fields(&self) -> Vec<Field> {
        vec![
            Field::new("request", &self.request),
            Field::new("completed", &self.completed),
            Field::new("learned", &self.learned),
            Field::new("investigated", &self.investigated),
            Field::new("next steps", &self.next_steps),
            Field::new("notes", &self.notes),
        ]
    }
}

impl Explained for PromptRow {
    fn fields(&self) -> Vec<Field> {
        vec![Field::new("prompt", &self.prompt_text)]
    }
}
