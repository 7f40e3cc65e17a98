//! Search: the same code as behind the command line, in the API's shape.

use axum::extract::State;
use serde_json::{Value, json};

use crate::search;
use crate::store::Reader;
use crate::store::web::{Criteria, Order, WebObservation, WebPrompt, WebRow, WebSummary};

use super::super::answer::{Answer, Failure, ok};
use super::super::ask::{Params, moment};
use super::super::state::Shared;
use super::render::{details, table};

const DEFAULT_LIMIT: usize = 20;
const MOST: usize = 100;

/// Best hits that are looked through for rows that meet the criteria too.
const LOOKED_THROUGH: usize = 400;

/// The strategy of a search for a file alone.
const BY_FILE: &str = "file";

/// The strategy of a search without words.
const BY_CRITERIA: &str = "filter";

/// What is looked for.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) query: Option<String>,
    kinds: Kinds,
    pub(super) criteria: Criteria,
    order: Option<Order>,
    pub(super) limit: usize,
    offset: usize,
    format: Format,
}

/// Which tables.
#[derive(Debug, Clone, Copy)]
struct Kinds {
    observations: bool,
    sessions: bool,
    prompts: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// What is needed to choose.
    Index,
    /// Rows.
    Full,
}

const ALL: Kinds = Kinds {
    observations: true,
    sessions: true,
    prompts: true,
};
const OBSERVATIONS: Kinds = Kinds {
    observations: true,
    sessions: false,
    prompts: false,
};

/// A row and how well it fits.
pub(super) struct Scored<T> {
    pub(super) row: T,
    score: f64,
    why: String,
    snippet: String,
}

/// What was found.
pub(super) struct Found {
    pub(super) observations: Vec<Scored<WebObservation>>,
    pub(super) sessions: Vec<Scored<WebSummary>>,
    pub(super) prompts: Vec<Scored<WebPrompt>>,
    strategy: String,
}

impl Wanted {
    fn from_params(params: &Params) -> Result<Self, Failure> {
        let mut kinds = ALL;
        let mut criteria = Criteria {
            project: params.owned("project"),
            kinds: params.list("obs_type"),
            concepts: params.list("concepts"),
            files: params.list("files"),
            from: at(params, "dateStart", false)?,
            until: at(params, "dateEnd", true)?,
        };
        match params.get("type") {
            None => {}
            Some("observations") => kinds = OBSERVATIONS,
            Some("sessions") => {
                kinds = Kinds {
                    observations: false,
                    sessions: true,
                    prompts: false,
                };
            }
            Some("prompts") => {
                kinds = Kinds {
                    observations: false,
                    sessions: false,
                    prompts: true,
                };
            }
            // Some clients call the type of observations so.
            Some(kind) => criteria.kinds.extend(kind.split(',').map(str::to_owned)),
        }
        if criteria.is_about_observations() {
            kinds = OBSERVATIONS;
        }
        let order = match params.get("orderBy") {
            None | Some("relevance") => None,
            Some("date_desc") => Some(Order::NewestFirst),
            Some("date_asc") => Some(Order::OldestFirst),
            Some(_) => {
                return Err(Failure::bad(
                    "orderBy must be relevance, date_desc or date_asc",
                ));
            }
        };
        let format = match params.get("format") {
            None | Some("index") => Format::Index,
            Some("full" | "json") => Format::Full,
            Some(_) => return Err(Failure::bad("format must be index, full or json")),
        };
        Ok(Self {
            query: params.any(&["query", "q"]).map(str::to_owned),
            kinds,
            criteria,
            order,
            limit: params.count("limit", DEFAULT_LIMIT, MOST)?,
            offset: params.count("offset", 0, LOOKED_THROUGH)?,
            format,
        })
    }

    /// A search by words alone.
    pub(super) fn words(query: &str, project: Option<String>, limit: usize) -> Self {
        Self {
            query: Some(query.to_owned()),
            kinds: ALL,
            criteria: Criteria {
                project,
                ..Criteria::default()
            },
            order: None,
            limit,
            offset: 0,
            format: Format::Full,
        }
    }
}

fn at(params: &Params, name: &str, end: bool) -> Result<Option<i64>, Failure> {
    params
        .get(name)
        .map(|text| {
            moment(text, end).ok_or_else(|| {
                Failure::bad(format!(
                    "{name} must be a date, such as 2026-01-31, or milliseconds"
                ))
            })
        })
        .transpose()
}

fn invalid() -> Failure {
    Failure::bad("Either query or filters required for search")
        .with("code", "INVALID_SEARCH_REQUEST")
}

pub(in super::super) async fn all(state: State<Shared>, params: Params) -> Answer {
    answer(state, Wanted::from_params(&params)?).await
}

pub(in super::super) async fn observations(state: State<Shared>, params: Params) -> Answer {
    let mut wanted = Wanted::from_params(&params)?;
    wanted.kinds = OBSERVATIONS;
    answer(state, wanted).await
}

pub(in super::super) async fn sessions(state: State<Shared>, params: Params) -> Answer {
    let mut wanted = Wanted::from_params(&params)?;
    wanted.kinds = Kinds {
        observations: false,
        sessions: true,
        prompts: false,
    };
    answer(state, wanted).await
}

pub(in super::super) async fn prompts(state: State<Shared>, params: Params) -> Answer {
    let mut wanted = Wanted::from_params(&params)?;
    wanted.kinds = Kinds {
        observations: false,
        sessions: false,
        prompts: true,
    };
    answer(state, wanted).await
}

pub(in super::super) async fn by_concept(state: State<Shared>, params: Params) -> Answer {
    let concepts = required(&params, &["concept", "concepts"])?;
    by(state, &params, |criteria| criteria.concepts = concepts).await
}

pub(in super::super) async fn by_file(state: State<Shared>, params: Params) -> Answer {
    let files = required(&params, &["filePath", "files"])?;
    let mut wanted = Wanted::from_params(&params)?;
    wanted.kinds = OBSERVATIONS;
    if wanted.query.is_some() {
        wanted.criteria.files = files;
        return answer(state, wanted).await;
    }
    wanted.criteria.files = Vec::new();
    let State(app) = state;
    app.pool
        .read(move |reader| ok(&render(&wanted, &about(reader, files, &wanted)?)))
        .await
}

/// What is known about files, in the order of how well it fits.
fn about(reader: Option<&Reader>, paths: Vec<String>, wanted: &Wanted) -> Result<Found, Failure> {
    let mut found = Found {
        observations: Vec::new(),
        sessions: Vec::new(),
        prompts: Vec::new(),
        strategy: BY_FILE.to_owned(),
    };
    let Some(reader) = reader else {
        return Ok(found);
    };
    let request = search::FileRequest {
        paths,
        projects: wanted.criteria.project.clone().map(|project| vec![project]),
        limit: LOOKED_THROUGH,
    };
    for known in search::about_file(reader, &request)? {
        let why = known.why();
        found.observations.extend(
            reader
                .web_row(known.row.id)?
                .filter(|row| wanted.criteria.admits(row))
                .map(|row| Scored {
                    row,
                    score: 0.0,
                    why,
                    snippet: String::new(),
                }),
        );
    }
    in_time(&mut found.observations, wanted.order);
    found
        .observations
        .drain(..wanted.offset.min(found.observations.len()));
    found.observations.truncate(wanted.limit);
    Ok(found)
}

pub(in super::super) async fn by_type(state: State<Shared>, params: Params) -> Answer {
    let kinds = required(&params, &["type", "obs_type"])?;
    by(state, &params, |criteria| criteria.kinds = kinds).await
}

pub(in super::super) async fn decisions(state: State<Shared>, params: Params) -> Answer {
    by(state, &params, |criteria| {
        criteria.kinds = vec!["decision".to_owned()];
    })
    .await
}

pub(in super::super) async fn changes(state: State<Shared>, params: Params) -> Answer {
    let kinds = ["bugfix", "feature", "refactor", "change"];
    by(state, &params, |criteria| {
        criteria.kinds = kinds.map(str::to_owned).into();
    })
    .await
}

pub(in super::super) async fn how_it_works(state: State<Shared>, params: Params) -> Answer {
    by(state, &params, |criteria| {
        criteria.concepts = vec!["how-it-works".to_owned()];
    })
    .await
}

fn required(params: &Params, names: &[&str]) -> Result<Vec<String>, Failure> {
    let found: Vec<String> = names.iter().flat_map(|name| params.list(name)).collect();
    if found.is_empty() {
        return Err(Failure::bad(format!("{} is required", names[0])));
    }
    Ok(found)
}

async fn by(state: State<Shared>, params: &Params, set: impl FnOnce(&mut Criteria)) -> Answer {
    let mut wanted = Wanted::from_params(params)?;
    wanted.kinds = OBSERVATIONS;
    set(&mut wanted.criteria);
    answer(state, wanted).await
}

async fn answer(State(app): State<Shared>, wanted: Wanted) -> Answer {
    if wanted.query.is_none() && wanted.criteria.is_empty() {
        return Err(invalid());
    }
    app.pool
        .read(move |reader| ok(&render(&wanted, &find(reader, &wanted)?)))
        .await
}

/// Runs the search; with words by how well rows fit, else by time.
pub(super) fn find(reader: Option<&Reader>, wanted: &Wanted) -> Result<Found, Failure> {
    let Some(reader) = reader else {
        return Ok(Found {
            observations: Vec::new(),
            sessions: Vec::new(),
            prompts: Vec::new(),
            strategy: BY_CRITERIA.to_owned(),
        });
    };
    match &wanted.query {
        Some(query) => by_words(reader, query, wanted),
        None => by_criteria(reader, wanted),
    }
}

fn by_words(reader: &Reader, query: &str, wanted: &Wanted) -> Result<Found, Failure> {
    let Criteria {
        project,
        kinds,
        concepts,
        files,
        from,
        until,
    } = wanted.criteria.clone();
    let Kinds {
        observations,
        sessions,
        prompts,
    } = wanted.kinds;
    let by_time = wanted.order.is_some();
    let request = search::Request {
        text: query.to_owned(),
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
            observations,
            summaries: sessions,
            prompts,
        },
        // The best hits, then in the order of time.
        limit: if by_time { MOST } else { wanted.limit },
        offset: if by_time { 0 } else { wanted.offset },
        ..search::Request::default()
    };
    let results = match search::run(reader, &request) {
        Ok(results) => results,
        Err(search::SearchError::Empty) => search::Results::default(),
        Err(search::SearchError::Store(error)) => return Err(error.into()),
    };
    Ok(Found {
        strategy: results.strategy.to_owned(),
        observations: scored(reader, results.observations, wanted, |row| row.id)?,
        sessions: scored(reader, results.summaries, wanted, |row| row.id)?,
        prompts: scored(reader, results.prompts, wanted, |row| row.id)?,
    })
}

fn scored<T, R: WebRow>(
    reader: &Reader,
    found: Vec<search::Found<T>>,
    wanted: &Wanted,
    id: impl Fn(&T) -> i64,
) -> Result<Vec<Scored<R>>, Failure> {
    let mut rows = Vec::new();
    for hit in found {
        let Some(row) = reader.web_row::<R>(id(&hit.row))? else {
            continue;
        };
        rows.push(Scored {
            row,
            score: hit.score,
            why: hit.why,
            snippet: hit.snippet,
        });
    }
    if wanted.order.is_some() {
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
    let unscored = |row| Scored {
        row,
        score: 0.0,
        why: String::new(),
        snippet: String::new(),
    };
    Ok(rows.into_iter().map(unscored).collect())
}

fn render(wanted: &Wanted, found: &Found) -> Value {
    let Found {
        observations,
        sessions,
        prompts,
        strategy,
    } = found;
    let title = |row: &WebObservation| (row.title.clone(), Some(row.kind.clone()));
    let observations = shape(observations, wanted.format, title);
    let sessions = shape(sessions, wanted.format, |row| {
        (row.request.clone(), Some("session".to_owned()))
    });
    let prompts = shape(prompts, wanted.format, |row| {
        (row.prompt_text.clone(), Some("prompt".to_owned()))
    });
    let items = [&observations[..], &sessions[..], &prompts[..]].concat();
    let text = match wanted.format {
        Format::Index => table(found),
        Format::Full => details(found),
    };
    json!({
        "items": items,
        "observations": observations,
        "sessions": sessions,
        "prompts": prompts,
        "totalResults": found.observations.len() + found.sessions.len() + found.prompts.len(),
        "query": wanted.query.as_deref().unwrap_or_default(),
        "strategy": strategy,
        "content": [{ "type": "text", "text": text }],
    })
}

fn shape<R: WebRow>(
    rows: &[Scored<R>],
    format: Format,
    title: impl Fn(&R) -> (String, Option<String>),
) -> Vec<Value> {
    let numbered = rows.iter().enumerate();
    numbered
        .map(|(rank, scored)| {
            let row = &scored.row;
            let mut value = match format {
                Format::Full => serde_json::to_value(row).unwrap_or_default(),
                Format::Index => {
                    let (title, kind) = title(row);
                    json!({
                        "id": row.id(),
                        "title": title,
                        "type": kind,
                        "project": row.project(),
                        "created_at_epoch": row.created_at_epoch(),
                    })
                }
            };
            value["rank"] = (rank + 1).into();
            value["score"] = scored.score.into();
            value["why"] = scored.why.clone().into();
            value["snippet"] = scored.snippet.clone().into();
            value
        })
        .collect()
}
