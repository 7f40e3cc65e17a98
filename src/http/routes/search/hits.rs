//! Which rows a question in words finds, without the rows themselves: little enough
//! to be kept while nothing changes, for whoever asks again, turns a page back or
//! opens the same search in another window.

use std::path::PathBuf;
use std::sync::Arc;

use crate::search::{self, Reranker};
use crate::store::Reader;
use crate::store::web::Criteria;

use super::super::super::answer::Failure;
use super::super::super::kept::Bytes;
use super::super::super::state::now_ms;
use super::wanted::{Kinds, MOST, Wanted};

/// `since:7d` moves with the clock: what is kept counts for so many milliseconds at
/// most.
const SPAN: i64 = 60_000;

/// All that the hits depend on, beside the database.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super::super) struct Question {
    words: String,
    criteria: Criteria,
    kinds: Kinds,
    limit: usize,
    offset: usize,
    /// The directory of the sentence model.
    model: Option<PathBuf>,
    /// The span of time in which it is asked.
    span: i64,
}

/// A row that was found, and how well it fits.
#[derive(Debug)]
pub(super) struct Hit {
    pub(super) id: i64,
    pub(super) score: f64,
    pub(super) why: String,
    pub(super) snippet: String,
}

/// What was found, each kind best first.
#[derive(Debug)]
pub(in super::super::super) struct Hits {
    pub(super) observations: Vec<Hit>,
    pub(super) sessions: Vec<Hit>,
    pub(super) prompts: Vec<Hit>,
    pub(super) strategy: &'static str,
    /// Why the sentence model that was asked for compared nothing.
    pub(super) warning: Option<String>,
}

impl Question {
    pub(super) fn of(words: &str, wanted: &Wanted) -> Self {
        // Of the best hits some, or in the order of time.
        let choosing = wanted.chooses();
        Self {
            words: words.to_owned(),
            criteria: wanted.criteria.clone(),
            kinds: wanted.kinds,
            limit: if choosing { MOST } else { wanted.limit },
            offset: if choosing { 0 } else { wanted.offset },
            model: wanted.reranker.as_ref().map(|one| one.directory().into()),
            span: now_ms() / SPAN,
        }
    }

    /// Runs the search.
    pub(super) fn ask(
        &self,
        reader: &Reader,
        reranker: Option<Arc<Reranker>>,
    ) -> Result<Hits, Failure> {
        let Criteria {
            project,
            platform: _,
            kinds,
            concepts,
            files,
            from,
            until,
        } = self.criteria.clone();
        let request = search::Request {
            text: self.words.clone(),
            projects: project.map(|project| vec![project]),
            filter: search::Filter {
                kinds,
                concepts,
                files,
                from,
                until,
                ..search::Filter::default()
            },
            tables: search::Tables {
                observations: self.kinds.observations,
                summaries: self.kinds.sessions,
                prompts: self.kinds.prompts,
            },
            reranker,
            limit: self.limit,
            offset: self.offset,
            ..search::Request::default()
        };
        let results = match search::run(reader, &request) {
            Ok(results) => results,
            Err(search::SearchError::Empty) => search::Results::default(),
            Err(search::SearchError::Store(error)) => return Err(error.into()),
        };
        let news = results.warning.as_ref();
        if let Some(warning) = news.filter(|text| search::is_news(text)) {
            tracing::warn!("{warning}");
        }
        Ok(Hits {
            observations: hits(results.observations, |row| row.id),
            sessions: hits(results.summaries, |row| row.id),
            prompts: hits(results.prompts, |row| row.id),
            strategy: results.strategy,
            warning: results.warning,
        })
    }
}

fn hits<T>(found: Vec<search::Found<T>>, id: impl Fn(&T) -> i64) -> Vec<Hit> {
    let hit = |found: search::Found<T>| Hit {
        id: id(&found.row),
        score: found.score,
        why: found.why,
        snippet: found.snippet,
    };
    found.into_iter().map(hit).collect()
}

impl Bytes for Question {
    fn bytes(&self) -> usize {
        let Criteria {
            project,
            platform,
            kinds,
            concepts,
            files,
            ..
        } = &self.criteria;
        let lists = [kinds, concepts, files];
        self.words.bytes()
            + project.bytes()
            + platform.bytes()
            + lists.into_iter().map(Bytes::bytes).sum::<usize>()
            + self.model.as_ref().map_or(0, |path| path.as_os_str().len())
    }
}

impl Bytes for Hit {
    fn bytes(&self) -> usize {
        self.why.bytes() + self.snippet.bytes()
    }
}

impl Bytes for Hits {
    fn bytes(&self) -> usize {
        let kinds = [&self.observations, &self.sessions, &self.prompts];
        size_of::<Self>() + kinds.into_iter().map(Bytes::bytes).sum::<usize>()
    }
}
