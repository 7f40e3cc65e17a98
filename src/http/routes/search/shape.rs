//! What was found, in the API's shape.

use serde::Serialize;
use serde_json::json;

use crate::store::web::WebRow;

use super::super::super::answer::{Answer, Array, Failure, Fields, Items};
use super::super::render::{details, table};
use super::find::{Found, Scored};
use super::wanted::{Format, Wanted};

pub(super) fn render(wanted: &Wanted, found: &Found) -> Answer {
    let Found {
        observations,
        sessions,
        prompts,
        strategy,
        warning,
    } = found;
    let total = observations.len() + sessions.len() + prompts.len();
    let observations = shape(observations, wanted.format, |row| (&row.title, &row.kind))?;
    let sessions = shape(sessions, wanted.format, |row| (&row.request, "session"))?;
    let prompts = shape(prompts, wanted.format, |row| (&row.prompt_text, "prompt"))?;
    let text = match wanted.format {
        Format::Index => table(found),
        Format::Full => details(found),
    };
    let mut fields = Fields::default();
    if let Some(warning) = warning {
        fields = fields.put("warning", warning)?;
    }
    Ok(fields
        .put_items("items", &[&observations, &sessions, &prompts])
        .put_items("observations", &[&observations])
        .put_items("sessions", &[&sessions])
        .put_items("prompts", &[&prompts])
        .put("totalResults", &total)?
        .put("query", &wanted.query.as_deref().unwrap_or_default())?
        .put("strategy", strategy)?
        .put("content", &json!([{ "type": "text", "text": text }]))?
        .ok())
}

/// A row, or what is needed to choose it, and how well it fits.
#[derive(Serialize)]
struct Shaped<'a, T> {
    #[serde(flatten)]
    row: T,
    rank: usize,
    score: f64,
    why: &'a str,
    snippet: &'a str,
}

#[derive(Serialize)]
struct Line<'a> {
    id: i64,
    title: &'a str,
    r#type: &'a str,
    project: &'a str,
    created_at_epoch: i64,
}

fn shape<R: WebRow>(
    rows: &[Scored<R>],
    format: Format,
    title: impl Fn(&R) -> (&str, &str),
) -> Result<Array, Failure> {
    let mut items = Items::default();
    for (place, scored) in rows.iter().enumerate() {
        let row = &scored.row;
        match format {
            Format::Full => items.push(&shaped(row, place, scored))?,
            Format::Index => {
                let (title, r#type) = title(row);
                let line = Line {
                    id: row.id(),
                    title,
                    r#type,
                    project: row.project(),
                    created_at_epoch: row.created_at_epoch(),
                };
                items.push(&shaped(line, place, scored))?;
            }
        }
    }
    Ok(items.done())
}

fn shaped<T, R>(row: T, place: usize, scored: &Scored<R>) -> Shaped<'_, T> {
    Shaped {
        row,
        rank: place + 1,
        score: scored.score,
        why: &scored.why,
        snippet: &scored.snippet,
    }
}
