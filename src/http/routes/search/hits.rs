//! Which rows a question in words finds, with no more of them than a list shows:
//! little enough to be kept while nothing changes, for whoever asks again, turns a
//! page back or opens the same search in another window.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use crate::search::{self, Reranker};
use crate::store::web::Criteria;
use crate::store::{ObservationRow, PromptRow, Reader, SummaryRow};

use super::super::super::answer::Failure;
use super::super::super::kept::Bytes;
use super::super::super::state::now_ms;
use super::shape::{PROMPT, SESSION};
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

/// Bytes of a title that is kept; a row with a longer one is read again.
const LONGEST_TITLE: usize = 512;

/// A row that was found, and how well it fits.
#[derive(Debug, Clone)]
pub(in super::super) struct Hit {
    pub(in super::super) id: i64,
    pub(super) created_at_epoch: i64,
    pub(super) score: f64,
    pub(super) why: String,
    pub(super) snippet: String,
    pub(super) line: Option<Line<'static>>,
}

/// What is needed to choose a row, beside its id and time.
#[derive(Debug, Clone)]
pub(in super::super) struct Line<'r> {
    pub(in super::super) kind: Cow<'r, str>,
    pub(in super::super) title: Cow<'r, str>,
    pub(in super::super) project: Cow<'r, str>,
}

impl Line<'_> {
    pub(super) fn into_owned(self) -> Line<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Line {
            kind: owned(self.kind),
            title: owned(self.title),
            project: owned(self.project),
        }
    }
}

/// What was found, each kind best first.
#[derive(Debug)]
pub(in super::super::super) struct Hits {
    pub(in super::super) observations: Vec<Hit>,
    pub(super) sessions: Vec<Hit>,
    pub(super) prompts: Vec<Hit>,
    pub(super) strategy: &'static str,
    /// Why the sentence model that was asked for compared nothing.
    pub(super) warning: Option<String>,
}

impl Hits {
    /// Nothing yet.
    pub(super) fn by(strategy: &'static str) -> Self {
        Self {
            observations: Vec::new(),
            sessions: Vec::new(),
            prompts: Vec::new(),
            strategy,
            warning: None,
        }
    }
}

impl Hit {
    /// A row that was not found by its words.
    pub(super) fn unscored((id, created_at_epoch): (i64, i64), why: String) -> Self {
        Self {
            id,
            created_at_epoch,
            score: 0.0,
            why,
            snippet: String::new(),
            line: None,
        }
    }
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
            observations: hits(results.observations, |row: ObservationRow| {
                (
                    row.id,
                    row.created_at_epoch,
                    row.kind,
                    row.title,
                    row.project,
                )
            }),
            sessions: hits(results.summaries, |row: SummaryRow| {
                (
                    row.id,
                    row.created_at_epoch,
                    SESSION,
                    row.request,
                    row.project,
                )
            }),
            prompts: hits(results.prompts, |row: PromptRow| {
                (
                    row.id,
                    row.created_at_epoch,
                    PROMPT,
                    row.prompt_text,
                    row.project,
                )
            }),
            strategy: results.strategy,
            warning: results.warning,
        })
    }
}

fn hits<T, K: Into<Cow<'static, str>>>(
    found: Vec<search::Found<T>>,
    parts: impl Fn(T) -> (i64, i64, K, String, String),
) -> Vec<Hit> {
    let hit = |found: search::Found<T>| {
        let (id, created_at_epoch, kind, title, project) = parts(found.row);
        Hit {
            id,
            created_at_epoch,
            score: found.score,
            why: found.why,
            snippet: found.snippet,
            line: (title.len() <= LONGEST_TITLE).then(|| Line {
                kind: kind.into(),
                title: title.into(),
                project: project.into(),
            }),
        }
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
        let line = self.line.as_ref().map_or(0, |line| {
            line.kind.len() + line.title.len() + line.project.len()
        });
        self.why.bytes() + self.snippet.bytes() + line
    }
}

impl Bytes for Hits {
    fn bytes(&self) -> usize {
        let kinds = [&self.observations, &self.sessions, &self.prompts];
        size_of::<Self>() + kinds.into_iter().map(Bytes::bytes).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_title_is_not_kept_and_what_is_kept_is_weighed() {
        let found = |title: String| search::Found {
            row: title,
            score: 1.0,
            why: "why".to_owned(),
            snippet: "snippet".to_owned(),
            also: Vec::new(),
            corrects: Vec::new(),
            explanation: search::Explanation::default(),
        };
        let titles = vec![
            found("a".repeat(LONGEST_TITLE)),
            found("a".repeat(LONGEST_TITLE + 1)),
        ];
        let hits = hits(titles, |title| (1, 2, PROMPT, title, "billing".to_owned()));
        let kept: Vec<bool> = hits.iter().map(|hit| hit.line.is_some()).collect();
        assert_eq!(kept, [true, false]);
        let line = LONGEST_TITLE + PROMPT.len() + "billing".len();
        assert_eq!(hits[0].bytes(), hits[1].bytes() + line);
    }
}
