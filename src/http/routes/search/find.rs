//! Rows that are found by their words, by a file, or by what they are.

use crate::search;
use crate::store::Reader;
use crate::store::web::{Criteria, Order, WebObservation, WebPrompt, WebRow, WebSummary};

use super::super::super::answer::Failure;
use super::super::super::state::App;
use super::hits::{Hit, Question};
use super::wanted::{Kinds, LOOKED_THROUGH, Wanted};

/// The strategy of a search for a file alone.
const BY_FILE: &str = "file";

/// The strategy of a search without words.
const BY_CRITERIA: &str = "filter";

/// A row and how well it fits.
pub(in super::super) struct Scored<T> {
    pub(in super::super) row: T,
    pub(super) score: f64,
    pub(super) why: String,
    pub(super) snippet: String,
}

/// What was found.
pub(in super::super) struct Found {
    pub(in super::super) observations: Vec<Scored<WebObservation>>,
    pub(in super::super) sessions: Vec<Scored<WebSummary>>,
    pub(in super::super) prompts: Vec<Scored<WebPrompt>>,
    pub(super) strategy: String,
    /// Why the sentence model that was asked for compared nothing.
    pub(super) warning: Option<String>,
}

impl Found {
    fn nothing(strategy: &str) -> Self {
        Self {
            observations: Vec::new(),
            sessions: Vec::new(),
            prompts: Vec::new(),
            strategy: strategy.to_owned(),
            warning: None,
        }
    }
}

impl<T> Scored<T> {
    fn unscored(row: T, why: String) -> Self {
        Self {
            row,
            score: 0.0,
            why,
            snippet: String::new(),
        }
    }
}

/// Runs the search; with words by how well rows fit, else by time.
pub(in super::super) fn find(
    app: &App,
    reader: Option<&Reader>,
    wanted: &Wanted,
) -> Result<Found, Failure> {
    let Some(reader) = reader else {
        return Ok(Found::nothing(BY_CRITERIA));
    };
    match &wanted.query {
        Some(query) => by_words(app, reader, query, wanted),
        None => reader.in_snapshot(|| by_criteria(reader, wanted)),
    }
}

fn by_words(app: &App, reader: &Reader, query: &str, wanted: &Wanted) -> Result<Found, Failure> {
    // A snapshot begins after the look at the files that tell whether what is kept
    // still counts.
    let path = app.locations.database();
    let question = Question::of(query, wanted);
    let hits = app.searches.get(&path, &question, |question| {
        question.ask(reader, wanted.reranker.clone())
    })?;
    reader.in_snapshot(|| {
        Ok(Found {
            strategy: hits.strategy.to_owned(),
            warning: hits.warning.clone(),
            observations: scored(reader, &hits.observations, wanted)?,
            sessions: scored(reader, &hits.sessions, wanted)?,
            prompts: scored(reader, &hits.prompts, wanted)?,
        })
    })
}

fn scored<R: WebRow>(
    reader: &Reader,
    hits: &[Hit],
    wanted: &Wanted,
) -> Result<Vec<Scored<R>>, Failure> {
    let mut rows = Vec::new();
    for hit in hits {
        let Some(row) = reader.web_row::<R>(hit.id)? else {
            continue;
        };
        rows.push(Scored {
            row,
            score: hit.score,
            why: hit.why.clone(),
            snippet: hit.snippet.clone(),
        });
    }
    if wanted.chooses() {
        rows.retain(|scored| wanted.criteria.admits_time(&scored.row));
        in_time(&mut rows, wanted.order);
        rows.drain(..wanted.offset.min(rows.len()));
        rows.truncate(wanted.limit);
    }
    Ok(rows)
}

/// Puts rows in the order of time, where one is asked for.
fn in_time<R: WebRow>(rows: &mut [Scored<R>], order: Option<Order>) {
    let Some(order) = order else {
        return;
    };
    rows.sort_by_key(|scored| (scored.row.created_at_epoch(), scored.row.id()));
    if order == Order::NewestFirst {
        rows.reverse();
    }
}

fn by_criteria(reader: &Reader, wanted: &Wanted) -> Result<Found, Failure> {
    let Kinds {
        observations,
        sessions,
        prompts,
    } = wanted.kinds;
    Ok(Found {
        observations: listed(reader, observations, wanted)?,
        sessions: listed(reader, sessions, wanted)?,
        prompts: listed(reader, prompts, wanted)?,
        strategy: BY_CRITERIA.to_owned(),
        warning: None,
    })
}

fn listed<R: WebRow>(
    reader: &Reader,
    asked_for: bool,
    wanted: &Wanted,
) -> Result<Vec<Scored<R>>, Failure> {
    if !asked_for {
        return Ok(Vec::new());
    }
    let order = wanted.order.unwrap_or_default();
    let rows = reader.web_find(&wanted.criteria, order, wanted.limit, wanted.offset)?;
    let unscored = |row| Scored::unscored(row, String::new());
    Ok(rows.into_iter().map(unscored).collect())
}

/// What is known about files, in the order of how well it fits.
pub(super) fn about(
    reader: Option<&Reader>,
    paths: Vec<String>,
    wanted: &Wanted,
) -> Result<Found, Failure> {
    let mut found = Found::nothing(BY_FILE);
    let Some(reader) = reader else {
        return Ok(found);
    };
    let only_project = Criteria {
        project: wanted.criteria.project.clone(),
        ..Criteria::default()
    };
    let narrowed = wanted.order.is_some() || wanted.criteria != only_project;
    let request = search::FileRequest {
        paths,
        projects: wanted.criteria.project.clone().map(|project| vec![project]),
        limit: if narrowed {
            LOOKED_THROUGH
        } else {
            wanted.offset + wanted.limit
        },
    };
    reader.in_snapshot(|| {
        for fits in search::match_file(reader, &request)? {
            let row = reader.web_row(fits.id)?;
            let row = row.filter(|row| wanted.criteria.admits(row));
            let unscored = |row| Scored::unscored(row, fits.why());
            found.observations.extend(row.map(unscored));
        }
        Ok::<_, Failure>(())
    })?;
    in_time(&mut found.observations, wanted.order);
    found
        .observations
        .drain(..wanted.offset.min(found.observations.len()));
    found.observations.truncate(wanted.limit);
    Ok(found)
}
