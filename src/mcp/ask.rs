//! The tools that read.

use std::path::PathBuf;

use capture::project;
use capture::settings::{Key, Settings};
use serde_json::Value;
use sockets_protocol::Locations;

use crate::context::{project_at, projects, scope_named, zone};
use crate::health::Stall;
use crate::search::{
    self, Anchor, FileRequest, Middle, Request, Reranker, SearchError, TimelineError, about_file,
    project_of,
};
use crate::store::{Around, Moment, Reader, StoreError};

use super::arguments::{ByFile, GetObservations, Search, Timeline, count, kind, question};
use super::render::{Full, Index};
use super::tools::MOST;

/// What a tool says; an error says what to do next.
pub(super) type Told = Result<String, String>;

const NOTHING_YET: &str = "Nothing is remembered yet. What this session does is remembered from now on; `claude-mem status` says whether it is.";

/// All projects, as an argument.
const ALL: &str = "*";

/// The directory that the client works in: Claude Code says it, others start the
/// server there.
pub(super) fn directory() -> Result<PathBuf, String> {
    project::host_dir()
        .map_or_else(std::env::current_dir, Ok)
        .map_err(|error| format!("the working directory cannot be found ({error}): give project"))
}

/// Epoch milliseconds.
fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Memory as it is at this call. `None` where there is none yet.
fn open(settings: &Settings) -> Result<Option<Reader>, String> {
    Reader::open(&Locations::new(settings.data_dir()).database()).map_err(told)
}

/// What the store reports, with the next step.
fn told(error: StoreError) -> String {
    let stall = Stall::of_store(&error);
    drop(error);
    format!("{}: {}", stall.cause, stall.action)
}

/// The projects that are meant.
struct Scope {
    /// As a person would call it; `None` for all.
    name: Option<String>,
    /// As they are stored; `None` for all.
    stored: Option<Vec<String>>,
}

impl Scope {
    fn of(settings: &Settings, reader: &Reader, given: Option<&str>) -> Result<Self, String> {
        let (name, scope) = match given.map(str::trim).filter(|name| !name.is_empty()) {
            Some(ALL) => {
                return Ok(Self {
                    name: None,
                    stored: None,
                });
            }
            Some(name) => (name.to_owned(), scope_named(name)),
            None => {
                let project = project_at(settings, &directory()?);
                let scope = project::read_scope(&project);
                (project.name, scope)
            }
        };
        Ok(Self {
            name: Some(name),
            stored: Some(projects(reader, &scope).map_err(told)?),
        })
    }

    /// Where nothing was found, and what to try.
    fn nothing(&self, what: &str) -> String {
        match &self.name {
            Some(name) => format!(
                "{what} in project {}. Try other words, or project \"*\" for all projects.",
                crate::context::text::line(name)
            ),
            None => format!("{what}. Try fewer or other words."),
        }
    }

    fn index(&self) -> Index {
        Index::new(self.name.clone(), zone::local())
    }
}

pub(super) fn search(asked: Search) -> Told {
    question("query", &asked.query)?;
    let limit = count("limit", asked.limit, 1)?;
    let kinds: Vec<String> = kind(asked.kind)?.into_iter().collect();
    let settings = Settings::load();
    let Some(reader) = open(&settings)? else {
        return Ok(NOTHING_YET.to_owned());
    };
    let scope = Scope::of(&settings, &reader, asked.project.as_deref())?;
    let request = Request {
        text: asked.query,
        projects: scope.stored.clone(),
        kinds,
        limit,
        reranker: settings.path(Key::EmbeddingModel).map(Reranker::at),
        ..Request::default()
    };
    let found = search::run(&reader, &request).map_err(failed)?;
    let warned = |told: String| match &found.warning {
        Some(warning) if search::is_news(warning) => {
            format!("{}\nNote: {warning}\n", told.trim_end())
        }
        _ => told,
    };
    if found.is_empty() {
        return Ok(warned(scope.nothing("Nothing found")));
    }
    let mut index = scope.index();
    for hit in &found.observations {
        index.observation(&hit.row);
    }
    // Rows of the other kinds repeat what observations tell.
    let room = limit
        .saturating_sub(found.observations.len())
        .max(limit.div_ceil(3));
    for hit in found.summaries.iter().take(room) {
        index.summary(&hit.row);
    }
    for hit in found.prompts.iter().take(room) {
        index.prompt(&hit.row);
    }
    Ok(warned(index.finish()))
}

fn failed(error: SearchError) -> String {
    match error {
        SearchError::Empty => {
            "the query has no word to look for: give names, error messages or what it is about"
                .to_owned()
        }
        SearchError::Store(error) => told(error),
    }
}

pub(super) fn timeline(asked: Timeline) -> Told {
    let (before, after) = (
        count("before", asked.before, 0)?,
        count("after", asked.after, 0)?,
    );
    let middle = match (asked.anchor, asked.query) {
        (Some(text), None) => Middle::Anchor(anchor(&text)?),
        (None, Some(query)) => {
            question("query", &query)?;
            Middle::Query(query)
        }
        _ => {
            return Err(
                "give either anchor (an id such as 12, S3 or P4, session: and its id, or a time) or query"
                    .to_owned(),
            );
        }
    };
    let settings = Settings::load();
    let Some(reader) = open(&settings)? else {
        return Ok(NOTHING_YET.to_owned());
    };
    let mut scope = Scope::of(&settings, &reader, asked.project.as_deref())?;
    // Around a row of another project is that project.
    if asked.project.is_none()
        && let Middle::Anchor(anchor) = &middle
        && let Some(project) = project_of(&reader, anchor).map_err(told)?
        && !scope.stored.iter().flatten().any(|name| *name == project)
    {
        scope.stored = Some(vec![project]);
    }
    let around = Around {
        projects: scope.stored.clone(),
        before,
        after,
    };
    let found = search::timeline(&reader, &middle, &around).map_err(|error| match error {
        TimelineError::Missing(what) => {
            format!("{what} not found: search gives the ids that there are")
        }
        TimelineError::NothingFound(_) => scope.nothing("Nothing found"),
        TimelineError::Search(error) => failed(error),
    })?;
    if found.items.is_empty() {
        return Ok(scope.nothing("Nothing happened around then"));
    }
    let mut index = scope.index();
    for (place, moment) in found.items.iter().enumerate() {
        if Some(place) == found.middle {
            index.mark();
        }
        index.moment(moment);
    }
    Ok(index.finish())
}

fn anchor(text: &str) -> Result<Anchor, String> {
    Anchor::parse(text, &zone::local(), now()).ok_or_else(|| {
        format!(
            "{:?} is no anchor: give an id such as 12, S3 or P4, session: and its id, a time such as 2026-01-31T12:00, or query instead",
            crate::context::text::clip(text, 100)
        )
    })
}

pub(super) fn get_observations(asked: &GetObservations) -> Told {
    if asked.ids.is_empty() || asked.ids.len() > MOST {
        return Err(format!("ids must be from 1 to {MOST}: search gives ids"));
    }
    let mut anchors = Vec::new();
    for id in &asked.ids {
        let text = match id {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match Anchor::parse(&text, &zone::local(), now()) {
            Some(known @ (Anchor::Observation(_) | Anchor::Summary(_) | Anchor::Prompt(_))) => {
                anchors.push(known);
            }
            _ => {
                return Err(format!(
                    "{} is no id: give numbers for observations, or S3 for a summary, P4 for a prompt",
                    crate::context::text::clip(&text, 100)
                ));
            }
        }
    }
    let settings = Settings::load();
    let Some(reader) = open(&settings)? else {
        return Ok(NOTHING_YET.to_owned());
    };
    let mut full = Full::new(zone::local());
    for anchor in anchors {
        match search::row_of(&reader, &anchor).map_err(told)? {
            Some(Moment::Observation(row)) => full.observation(&row),
            Some(Moment::Summary(row)) => full.summary(&row),
            Some(Moment::Prompt(row)) => full.prompt(&row),
            None => full.missing(&anchor),
        }
    }
    full.finish()
}

pub(super) fn by_file(asked: &ByFile) -> Told {
    question("path", &asked.path)?;
    let limit = count("limit", asked.limit, 1)?;
    let settings = Settings::load();
    let Some(reader) = open(&settings)? else {
        return Ok(NOTHING_YET.to_owned());
    };
    let scope = Scope::of(&settings, &reader, asked.project.as_deref())?;
    let root = directory().map_or_else(|_| PathBuf::new(), |dir| project_at(&settings, &dir).root);
    let request = FileRequest {
        paths: vec![search::path_in(&asked.path, &root)],
        projects: scope.stored.clone(),
        limit,
    };
    let known = about_file(&reader, &request).map_err(told)?;
    if known.is_empty() {
        return Ok(scope.nothing("Nothing is known about that file"));
    }
    let mut index = scope.index();
    for known in &known {
        index.observation(&known.row);
        index.note(&known.fits.why());
    }
    Ok(index.finish())
}
