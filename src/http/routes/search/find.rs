//! Which rows are found by their words, by a file, or by what they are.

use std::sync::Arc;

use crate::search;
use crate::store::Reader;
use crate::store::web::{Criteria, Order, WebObservation, WebPrompt, WebRow, WebSummary};

use super::super::super::answer::Failure;
use super::super::super::state::App;
use super::hits::{Hit, Hits, Question};
use super::shape::Shown;
use super::wanted::{Kinds, LOOKED_THROUGH, Wanted};

/// The strategy of a search for a file alone.
const BY_FILE: &str = "file";

/// The strategy of a search without words.
const BY_CRITERIA: &str = "filter";

/// Runs the search; with words by how well rows fit, else by time.
pub(in super::super) fn find(
    app: &App,
    reader: Option<&Reader>,
    wanted: &Wanted,
) -> Result<Arc<Hits>, Failure> {
    let Some(reader) = reader else {
        return Ok(Arc::new(Hits::by(BY_CRITERIA)));
    };
    match &wanted.query {
        Some(query) => by_words(app, reader, query, wanted),
        None => by_criteria(reader, wanted).map(Arc::new),
    }
}

fn by_words(
    app: &App,
    reader: &Reader,
    query: &str,
    wanted: &Wanted,
) -> Result<Arc<Hits>, Failure> {
    let path = app.locations.database();
    let question = Question::of(query, wanted);
    let hits = app.searches.get(&path, &question, |question| {
        question.ask(reader, wanted.reranker.clone())
    })?;
    if !wanted.chooses() {
        return Ok(hits);
    }
    Ok(Arc::new(Hits {
        observations: chosen::<WebObservation>(reader, &hits.observations, wanted)?,
        sessions: chosen::<WebSummary>(reader, &hits.sessions, wanted)?,
        prompts: chosen::<WebPrompt>(reader, &hits.prompts, wanted)?,
        strategy: hits.strategy,
        warning: hits.warning.clone(),
    }))
}

/// Of the best hits those that meet the criteria, in the order that is asked for.
fn chosen<R: Shown>(reader: &Reader, hits: &[Hit], wanted: &Wanted) -> Result<Vec<Hit>, Failure> {
    let mut rows = reader.web_rows_of::<R>()?;
    let mut chosen = Vec::new();
    for hit in hits {
        let is_meant = rows.see(hit.id, |row| {
            let (project, platform) = R::place(&row);
            let at = hit.created_at_epoch;
            wanted.criteria.admits_any(project, platform, at)
        })?;
        if is_meant == Some(true) {
            chosen.push(hit.clone());
        }
    }
    Ok(page(chosen, wanted))
}

/// The part that is asked for, in the order of time where one is.
fn page(mut hits: Vec<Hit>, wanted: &Wanted) -> Vec<Hit> {
    if let Some(order) = wanted.order {
        hits.sort_by_key(|hit| (hit.created_at_epoch, hit.id));
        if order == Order::NewestFirst {
            hits.reverse();
        }
    }
    hits.drain(..wanted.offset.min(hits.len()));
    hits.truncate(wanted.limit);
    hits
}

fn by_criteria(reader: &Reader, wanted: &Wanted) -> Result<Hits, Failure> {
    let Kinds {
        observations,
        sessions,
        prompts,
    } = wanted.kinds;
    Ok(Hits {
        observations: listed::<WebObservation>(reader, observations, wanted)?,
        sessions: listed::<WebSummary>(reader, sessions, wanted)?,
        prompts: listed::<WebPrompt>(reader, prompts, wanted)?,
        ..Hits::by(BY_CRITERIA)
    })
}

fn listed<R: WebRow>(
    reader: &Reader,
    asked_for: bool,
    wanted: &Wanted,
) -> Result<Vec<Hit>, Failure> {
    if !asked_for {
        return Ok(Vec::new());
    }
    let order = wanted.order.unwrap_or_default();
    let found = reader.web_find::<R>(&wanted.criteria, order, wanted.limit, wanted.offset)?;
    let unscored = |row| Hit::unscored(row, String::new());
    Ok(found.into_iter().map(unscored).collect())
}

/// What is known about files, in the order of how well it fits.
pub(super) fn about(
    reader: Option<&Reader>,
    paths: Vec<String>,
    wanted: &Wanted,
) -> Result<Hits, Failure> {
    let mut hits = Hits::by(BY_FILE);
    let Some(reader) = reader else {
        return Ok(hits);
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
    let mut rows = reader.web_rows_of::<WebObservation>()?;
    let mut found = Vec::new();
    for fits in search::match_file(reader, &request)? {
        let hit = rows.see(fits.id, |row| {
            let is_meant = wanted.criteria.admits(&row);
            is_meant.then(|| Hit {
                line: Some(WebObservation::line(&row).into_owned()),
                ..Hit::unscored((row.id, row.created_at_epoch), fits.why())
            })
        })?;
        found.extend(hit.flatten());
    }
    hits.observations = page(found, wanted);
    Ok(hits)
}
