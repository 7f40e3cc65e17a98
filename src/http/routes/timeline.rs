//! What happened around a row, a moment, or a query's best hit.

use axum::extract::State;
use serde_json::{Value, json};

use crate::store::Reader;
use crate::store::web::{Around, Moment};

use super::super::answer::{Answer, Failure, ok};
use super::super::ask::{Params, moment};
use super::super::state::Shared;
use super::render::moments;
use super::search::{Wanted, find};

const DEFAULT_DEPTH: usize = 10;
const MOST: usize = 100;

pub(in super::super) async fn timeline(state: State<Shared>, params: Params) -> Answer {
    if let Some(anchor) = params.owned("anchor") {
        let around = around(&params)?;
        return answer(state, around, move |reader, _| by_anchor(reader, &anchor)).await;
    }
    by_query(state, params).await
}

pub(in super::super) async fn by_query(state: State<Shared>, params: Params) -> Answer {
    let Some(query) = params.any(&["query", "q"]).map(str::to_owned) else {
        return Err(Failure::bad("anchor or query is required"));
    };
    let around = around(&params)?;
    answer(state, around, move |reader, around| {
        best_hit(reader, &query, around)
    })
    .await
}

fn around(params: &Params) -> Result<Around, Failure> {
    Ok(Around {
        project: params.owned("project"),
        before: params.count("depth_before", DEFAULT_DEPTH, MOST)?,
        after: params.count("depth_after", DEFAULT_DEPTH, MOST)?,
    })
}

/// The middle of a timeline.
struct Anchor {
    at: i64,
    row: Option<Moment>,
    /// As clients know it.
    name: Value,
}

async fn answer(
    State(app): State<Shared>,
    around: Around,
    anchor: impl FnOnce(&Reader, &Around) -> Result<Anchor, Failure> + Send + 'static,
) -> Answer {
    app.pool
        .read(move |reader| {
            let reader = reader.ok_or_else(|| Failure::not_found("Nothing is remembered yet"))?;
            let Anchor { at, row, name } = anchor(reader, &around)?;
            let order = row.as_ref().map(Moment::order);
            let found = reader.timeline(at, row, &around)?;
            ok(&json!({
                "items": found.iter().map(item).collect::<Vec<_>>(),
                "anchor": name,
                "content": [{ "type": "text", "text": moments(&found, order) }],
            }))
        })
        .await
}

/// A row with its kind; the type of an observation stands in `obs_type` too.
fn item(moment: &Moment) -> Value {
    let (kind, row) = match moment {
        Moment::Observation(row) => ("observation", serde_json::to_value(row)),
        Moment::Summary(row) => ("session", serde_json::to_value(row)),
        Moment::Prompt(row) => ("prompt", serde_json::to_value(row)),
    };
    let mut value = row.unwrap_or_default();
    value["type"] = kind.into();
    value
}

fn by_anchor(reader: &Reader, text: &str) -> Result<Anchor, Failure> {
    let name = Value::from(text);
    let id = |text: &str| text.parse::<i64>().ok().filter(|id| *id > 0);
    let missing = || Failure::not_found(format!("{text} not found"));
    let row = if let Some(id) = text.strip_prefix(['S', 's']).and_then(id) {
        Moment::Summary(Box::new(reader.web_row(id)?.ok_or_else(missing)?))
    } else if let Some(id) = text.strip_prefix(['P', 'p']).and_then(id) {
        Moment::Prompt(Box::new(reader.web_row(id)?.ok_or_else(missing)?))
    } else if let Some(id) = id(text.strip_prefix('#').unwrap_or(text)) {
        let missing = || Failure::not_found(format!("Observation #{id} not found"));
        let row = reader.web_row(id)?.ok_or_else(missing)?;
        return Ok(Anchor::of(Moment::Observation(Box::new(row)), id.into()));
    } else {
        let at = moment(text, false).ok_or_else(|| {
            Failure::bad("anchor must be an id such as 12, S12 or P3, or a time such as 2026-01-31T12:00:00Z")
        })?;
        return Ok(Anchor {
            at,
            row: None,
            name,
        });
    };
    Ok(Anchor::of(row, name))
}

impl Anchor {
    fn of(row: Moment, name: Value) -> Self {
        Self {
            at: row.order().0,
            row: Some(row),
            name,
        }
    }
}

fn best_hit(reader: &Reader, query: &str, around: &Around) -> Result<Anchor, Failure> {
    let wanted = Wanted::words(query, around.project.clone(), 1);
    let found = find(Some(reader), &wanted)?;
    let mut observations = found.observations.into_iter().map(|hit| {
        let id = hit.row.id;
        Anchor::of(Moment::Observation(Box::new(hit.row)), id.into())
    });
    let mut sessions = found.sessions.into_iter().map(|hit| {
        let name = format!("S{}", hit.row.id);
        Anchor::of(Moment::Summary(Box::new(hit.row)), name.into())
    });
    let mut prompts = found.prompts.into_iter().map(|hit| {
        let name = format!("P{}", hit.row.id);
        Anchor::of(Moment::Prompt(Box::new(hit.row)), name.into())
    });
    observations
        .next()
        .or_else(|| sessions.next())
        .or_else(|| prompts.next())
        .ok_or_else(|| Failure::not_found(format!("nothing is found for {query:?}")))
}
