//! What happened around a row, a moment, or a query's best hit.

use axum::extract::State;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::search::{self, Anchor, Middle, SearchError, Timeline, TimelineError};
use crate::store::web::{WebObservation, WebPrompt, WebRow, WebSummary};
use crate::store::{Around, Moment, Reader, StoreError};

use super::super::answer::{Answer, Failure, ok};
use super::super::ask::Params;
use super::super::state::{Shared, now_ms};
use super::render::{COLUMNS, observation, prompt, summary};

/// What clients call the row in the middle.
const ANCHOR: [&str; 3] = ["anchor", "anchor_id", "observation"];

const MOST: usize = 100;

pub(in super::super) async fn timeline(state: State<Shared>, params: Params) -> Answer {
    let Some(text) = params.any(&ANCHOR) else {
        return by_query(state, params).await;
    };
    let anchor = Anchor::parse(text, &TimeZone::UTC, now_ms()).ok_or_else(|| {
        Failure::bad("anchor must be an id such as 12, S12 or P3, session: and an id, or a time such as 2026-01-31T12:00:00Z")
    })?;
    answer(state, &params, Middle::Anchor(anchor)).await
}

pub(in super::super) async fn by_query(state: State<Shared>, params: Params) -> Answer {
    let Some(query) = params.any(&["query", "q"]).map(str::to_owned) else {
        return Err(Failure::bad("anchor or query is required"));
    };
    answer(state, &params, Middle::Query(query)).await
}

async fn answer(State(app): State<Shared>, params: &Params, middle: Middle) -> Answer {
    let depth = |names: [&'static str; 3]| {
        let name = names.into_iter().find(|name| params.get(name).is_some());
        params.count(name.unwrap_or_default(), search::DEFAULT_DEPTH, MOST)
    };
    let around = Around {
        projects: params.owned("project").map(|project| vec![project]),
        before: depth(["depth_before", "before", "window"])?,
        after: depth(["depth_after", "after", "window"])?,
    };
    app.pool
        .read(move |reader| {
            let reader = reader.ok_or_else(|| Failure::not_found("Nothing is remembered yet"))?;
            let found = search::timeline(reader, &middle, &around).map_err(failure)?;
            ok(&render(reader, &found)?)
        })
        .await
}

fn failure(error: TimelineError) -> Failure {
    match error {
        TimelineError::Search(SearchError::Store(error)) => error.into(),
        TimelineError::Search(SearchError::Empty) => Failure::not_found("nothing is found"),
        TimelineError::Missing(_) | TimelineError::NothingFound(_) => {
            Failure::not_found(error.to_string())
        }
    }
}

fn render(reader: &Reader, found: &Timeline) -> Result<Value, StoreError> {
    let mut text = format!("{COLUMNS}\n");
    let mut items = Vec::with_capacity(found.items.len());
    for (place, moment) in found.items.iter().enumerate() {
        if Some(place) == found.middle {
            text.push_str("→ ");
        }
        items.extend(match moment {
            Moment::Observation(row) => {
                item::<WebObservation>(reader, row.id, "observation", &mut text, observation)?
            }
            Moment::Summary(row) => {
                item::<WebSummary>(reader, row.id, "session", &mut text, summary)?
            }
            Moment::Prompt(row) => item::<WebPrompt>(reader, row.id, "prompt", &mut text, prompt)?,
        });
    }
    Ok(json!({
        "items": items,
        "timeline": items,
        "anchor": match &found.anchor {
            Anchor::Observation(id) => Value::from(*id),
            other => other.to_string().into(),
        },
        "content": [{ "type": "text", "text": text }],
    }))
}

/// A row with its kind; the type of an observation stands in `obs_type` too.
fn item<T: WebRow>(
    reader: &Reader,
    id: i64,
    kind: &str,
    text: &mut String,
    line: fn(&mut String, &T),
) -> Result<Option<Value>, StoreError> {
    let Some(row) = reader.web_row::<T>(id)? else {
        return Ok(None);
    };
    line(text, &row);
    let mut value = serde_json::to_value(&row).unwrap_or_default();
    value["type"] = kind.into();
    Ok(Some(value))
}
