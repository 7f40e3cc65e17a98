//! Listings, single rows and batches.

use axum::extract::State;
use serde_json::Value;

use crate::search::{FileRequest, match_file};
use crate::store::Reader;
use crate::store::web::{
    Fields as _, Page, ProjectCounts, WebObservation, WebPrompt, WebRow, WebSession, WebSummary,
};

use super::super::answer::{Answer, Array, Failure, Fields, Items, array, object, ok};
use super::super::ask::{JsonBody, Params, Segment};
use super::super::state::Shared;

const DEFAULT_LIMIT: usize = 20;
const MOST: usize = 100;

/// Rows that one batch may ask for.
const MOST_IDS: usize = 1000;

pub(in super::super) async fn observations(state: State<Shared>, params: Params) -> Answer {
    let count = |counts: ProjectCounts| counts.observations;
    list::<WebObservation>(state, params, "observations", count).await
}

pub(in super::super) async fn summaries(state: State<Shared>, params: Params) -> Answer {
    let count = |counts: ProjectCounts| counts.summaries;
    list::<WebSummary>(state, params, "summaries", count).await
}

pub(in super::super) async fn prompts(state: State<Shared>, params: Params) -> Answer {
    let count = |counts: ProjectCounts| counts.prompts;
    list::<WebPrompt>(state, params, "prompts", count).await
}

/// The rows of these ids that there are, and how many.
fn written<T: WebRow>(reader: &Reader, ids: &[i64]) -> Result<(Array, usize), Failure> {
    let mut rows = reader.web_rows_of::<T>()?;
    let mut items = Items::default();
    let mut count = 0;
    for id in ids {
        let seen = rows.see(*id, |row| items.push(|object| row.fields(object)))?;
        count += usize::from(seen.is_some());
    }
    Ok((items.done(), count))
}

/// One page; the rows stand under two names.
async fn list<T: WebRow>(
    State(app): State<Shared>,
    params: Params,
    name: &'static str,
    count: fn(ProjectCounts) -> i64,
) -> Answer {
    let page = Page {
        project: params.owned("project"),
        platform: params.owned("platformSource"),
        limit: params.count("limit", DEFAULT_LIMIT, MOST)?,
        offset: params.count("offset", 0, usize::MAX)?,
    };
    let asked = std::sync::Arc::clone(&app);
    app.pool
        .read(move |reader| {
            let (rows, shown, total) = match reader {
                None => (Items::default().done(), 0, 0),
                Some(reader) => {
                    let (rows, shown) = reader
                        .in_snapshot(|| written::<T>(reader, &reader.web_page::<T>(&page)?))?;
                    let total = if page.platform.is_some() {
                        reader.web_count_of_platform::<T>(&page)?
                    } else {
                        let path = asked.locations.database();
                        asked.counted.with(&path, Some(reader), |census| {
                            count(census.counts(page.project.as_deref()))
                        })?
                    };
                    (rows, shown, total)
                }
            };
            let end = i64::try_from(page.offset.saturating_add(shown)).unwrap_or(i64::MAX);
            Ok(Fields::default()
                .put_items("items", &[&rows])
                .put_items(name, &[&rows])
                .put("total", &total)?
                .put("hasMore", &(shown > 0 && end < total))?
                .put("offset", &page.offset)?
                .put("limit", &page.limit)?
                .ok())
        })
        .await
}

pub(in super::super) async fn observation(state: State<Shared>, id: Segment) -> Answer {
    one::<WebObservation>(state, id, "Observation").await
}

pub(in super::super) async fn summary(state: State<Shared>, id: Segment) -> Answer {
    one::<WebSummary>(state, id, "Session").await
}

pub(in super::super) async fn prompt(state: State<Shared>, id: Segment) -> Answer {
    one::<WebPrompt>(state, id, "Prompt").await
}

async fn one<T: WebRow>(
    State(app): State<Shared>,
    Segment(id): Segment,
    what: &'static str,
) -> Answer {
    let id = number(&id)?;
    app.pool
        .read(move |reader| {
            let found = match reader {
                Some(reader) => {
                    let mut rows = reader.web_rows_of::<T>()?;
                    rows.see(id, |row| object(|object| row.fields(object)))?
                }
                None => None,
            };
            found.ok_or_else(|| Failure::not_found(format!("{what} #{id} not found")))
        })
        .await
}

/// A row's id in a path.
pub(in super::super) fn number(text: &str) -> Result<i64, Failure> {
    text.parse::<i64>()
        .ok()
        .filter(|id| *id > 0)
        .ok_or_else(|| Failure::bad("Invalid id"))
}

pub(in super::super) async fn observations_batch(
    State(app): State<Shared>,
    body: JsonBody,
) -> Answer {
    let Some(Value::Array(ids)) = body.value(&["ids"]) else {
        return Err(Failure::bad("ids must be an array of numbers"));
    };
    if !ids.iter().all(Value::is_number) {
        return Err(Failure::bad("ids must be an array of numbers"));
    }
    let ids: Option<Vec<i64>> = ids.iter().map(Value::as_i64).collect();
    let mut ids = ids.ok_or_else(|| Failure::bad("All ids must be integers"))?;
    if ids.len() > MOST_IDS {
        return Err(Failure::bad(format!("ids may have {MOST_IDS} items")));
    }
    ids.sort_unstable();
    ids.dedup();
    let oldest_first = match body.text(&["orderBy"]) {
        Some("date_asc") => true,
        Some("date_desc") | None => false,
        Some(_) => return Err(Failure::bad("orderBy must be date_desc or date_asc")),
    };
    let limit = body.count("limit", MOST_IDS, MOST_IDS)?;
    let project = body.text(&["project"]).map(str::to_owned);
    app.pool
        .read(move |reader| {
            let mut rows: Vec<WebObservation> = reader
                .map(|reader| reader.web_rows_by_id(&ids))
                .transpose()?
                .unwrap_or_default();
            rows.retain(|row| {
                project
                    .as_ref()
                    .is_none_or(|project| *project == row.project)
            });
            rows.sort_by_key(|row| (row.created_at_epoch, row.id));
            if !oldest_first {
                rows.reverse();
            }
            rows.truncate(limit);
            let mut items = Items::default();
            for row in &rows {
                items.push(|object| row.fields(object));
            }
            Ok(array(&items.done()))
        })
        .await
}

pub(in super::super) async fn by_file(State(app): State<Shared>, params: Params) -> Answer {
    let paths: Vec<String> = params.values("path").map(str::to_owned).collect();
    if paths.is_empty() {
        return Err(Failure::bad("path is required"));
    }
    let projects = params.list("projects");
    let request = FileRequest {
        paths,
        projects: (!projects.is_empty()).then_some(projects),
        limit: params.count("limit", 15, MOST)?,
    };
    app.pool
        .read(move |reader| {
            let (observations, count) = match reader {
                None => (Items::default().done(), 0),
                Some(reader) => reader.in_snapshot(|| {
                    let found = match_file(reader, &request)?;
                    let ids: Vec<i64> = found.iter().map(|fits| fits.id).collect();
                    written::<WebObservation>(reader, &ids)
                })?,
            };
            Ok(Fields::default()
                .put_items("observations", &[&observations])
                .put("count", &count)?
                .ok())
        })
        .await
}

pub(in super::super) async fn sessions_batch(State(app): State<Shared>, body: JsonBody) -> Answer {
    let ids: Option<Vec<String>> = match body.value(&["memorySessionIds", "sdkSessionIds"]) {
        Some(Value::Array(ids)) => ids
            .iter()
            .map(|id| id.as_str().map(str::to_owned))
            .collect(),
        _ => None,
    };
    let ids = ids.ok_or_else(|| Failure::bad("memorySessionIds must be an array of strings"))?;
    if ids.len() > MOST_IDS {
        return Err(Failure::bad(format!(
            "memorySessionIds may have {MOST_IDS} items"
        )));
    }
    app.pool
        .read(move |reader| {
            let sessions: Vec<WebSession> = reader
                .map(|reader| reader.web_sessions(&ids))
                .transpose()?
                .unwrap_or_default();
            ok(&sessions)
        })
        .await
}
