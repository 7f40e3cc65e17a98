//! What a search is asked, and what it answers.

use std::sync::Arc;

use serde::Serialize;

use crate::embedding::MODEL_ID;
use crate::store::{ObservationRow, PromptRow, StoreError, SummaryRow};

use super::filter::Filter;
use super::reranker::Reranker;

/// What is looked for, and where.
#[derive(Debug, Clone)]
pub struct Request {
    /// Words, phrases, exclusions and filters as a person types them.
    pub text: String,
    /// `None` for all projects.
    pub projects: Option<Vec<String>>,
    /// Observation types; empty for all. With types, only observations are
    /// found.
    pub kinds: Vec<String>,
    /// What rows must be beside what the text says.
    pub filter: Filter,
    pub tables: Tables,
    /// Rows of each kind.
    pub limit: usize,
    /// Rows of each kind that are left out before that.
    pub offset: usize,
    /// What `since:7d` counts from, in epoch milliseconds; `None` for now.
    pub now: Option<i64>,
    /// A sentence model that compares the best rows; `None` for the static table
    /// alone, which is all that anybody with a deadline has time for.
    pub reranker: Option<Arc<Reranker>>,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            text: String::new(),
            projects: None,
            kinds: Vec::new(),
            filter: Filter::default(),
            tables: Tables::default(),
            limit: 10,
            offset: 0,
            now: None,
            reranker: None,
        }
    }
}

/// Which kinds of rows are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tables {
    pub observations: bool,
    pub summaries: bool,
    pub prompts: bool,
}

/// All.
impl Default for Tables {
    fn default() -> Self {
        Self {
            observations: true,
            summaries: true,
            prompts: true,
        }
    }
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
    /// Ids of rows that say the same, older ones, and are not shown for that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<i64>,
    /// Ids of older rows about the same thing that this one takes back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub corrects: Vec<i64>,
    /// What the score is made of.
    pub explanation: Explanation,
}

/// The channels' verdicts on a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Explanation {
    /// Share of the query's weight that the row's words hold, 0 to 1.
    pub coverage: f64,
    /// The verdict of the words and of words near in meaning: 1 is about every
    /// word once in one place.
    pub words: f64,
    /// The same by exact words alone.
    pub exact: f64,
    /// The cosine of the row's vector and the query's, 0 to 1.
    pub meaning: f64,
    /// Whether a sentence model said so, and not the static table.
    pub reranked: bool,
}

/// The answer, each kind best first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Results {
    pub observations: Vec<Found<ObservationRow>>,
    pub summaries: Vec<Found<SummaryRow>>,
    pub prompts: Vec<Found<PromptRow>>,
    /// Which channels found them.
    pub strategy: &'static str,
    /// What compared the best of them with the query in meaning: the sentence model
    /// that was asked for, else the static table.
    pub model: String,
    /// Why it was not the model that was asked for, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// What was not understood as it was typed.
    pub notes: Vec<String>,
}

/// The strategy of a search by words and meaning.
pub(super) const HYBRID: &str = "hybrid";

/// The strategy of a search without words.
pub(super) const FILTER: &str = "filter";

/// Nothing found.
impl Default for Results {
    fn default() -> Self {
        Self {
            observations: Vec::new(),
            summaries: Vec::new(),
            prompts: Vec::new(),
            strategy: HYBRID,
            model: MODEL_ID.to_owned(),
            warning: None,
            notes: Vec::new(),
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
