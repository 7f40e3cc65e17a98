//! What happened around a row, a moment, or a query's best hit.

use axum::extract::State;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::search::{self, Anchor, Middle, SearchError, Timeline, TimelineError};
use crate::store::web::{Fields as RowFields, WebObservation, WebPrompt, WebSummary};
use crate::store::{Around, Kind, Point, Reader};

use super::super::answer::{Answer, Failure, Fields, Items};
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
            reader.in_snapshot(|| {
                let found = search::points(reader, &middle, &around).map_err(failure)?;
                render(reader, &found)
            })
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

fn render(reader: &Reader, found: &Timeline<Point>) -> Answer {
    let mut text = format!("{COLUMNS}\n");
    let mut items = Items::default();
    let mut observations = reader.web_rows_of::<WebObservation>()?;
    let mut summaries = reader.web_rows_of::<WebSummary>()?;
    let mut prompts = reader.web_rows_of::<WebPrompt>()?;
    for (place, point) in found.items.iter().enumerate() {
        let start = text.len();
        match point.kind {
            Kind::Observation => observations.see(point.id, |row| {
                observation(&mut text, &row);
                items.push(|object| row.fields_as("observation", object));
            })?,
            Kind::Summary => summaries.see(point.id, |row| {
                summary(&mut text, &row);
                push(&mut items, "session", &row);
            })?,
            Kind::Prompt => prompts.see(point.id, |row| {
                prompt(&mut text, &row);
                push(&mut items, "prompt", &row);
            })?,
        };
        if Some(place) == found.middle {
            text.insert_str(start, "→ ");
        }
    }
    let items = items.done();
    let anchor = match &found.anchor {
        Anchor::Observation(id) => Value::from(*id),
        other => other.to_string().into(),
    };
    Ok(Fields::default()
        .put_items("items", &[&items])
        .put_items("timeline", &[&items])
        .put("anchor", &anchor)?
        .put("content", &json!([{ "type": "text", "text": text }]))?
        .ok())
}

/// Adds a row with its kind.
fn push(items: &mut Items, r#type: &str, row: &impl RowFields) {
    items.push(|object| {
        object.text("type", r#type);
        row.fields(object);
    });
}
