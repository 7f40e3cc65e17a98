//! What was found, in the API's shape.

use std::borrow::Cow;

use serde_json::json;

use crate::store::Reader;
use crate::store::web::{Fields as _, Object, WebObservation, WebPrompt, WebRow, WebSummary};

use super::super::super::answer::{Answer, Array, Failure, Fields, Items};
use super::super::render;
use super::hits::{Hit, Hits, Line};
use super::wanted::{Format, Wanted};

/// The types of rows that have none of their own.
pub(super) const SESSION: &str = "session";
pub(super) const PROMPT: &str = "prompt";

/// A kind of row that is found.
pub(super) trait Shown: WebRow {
    /// What stands before the id.
    const MARK: &str;

    /// The project, and the platform of the session.
    fn place<'a>(row: &'a Self::Seen<'_>) -> (&'a str, &'a str);

    fn line<'a>(row: &'a Self::Seen<'_>) -> Line<'a>;

    /// All that the row tells, as text.
    fn details(text: &mut String, row: &Self::Seen<'_>);
}

macro_rules! shown {
    ($row:ident, $mark:literal, $kind:expr, $title:ident, $details:path) => {
        impl Shown for $row {
            const MARK: &str = $mark;

            fn place<'a>(row: &'a Self::Seen<'_>) -> (&'a str, &'a str) {
                (&row.project, &row.session.platform_source)
            }

            fn line<'a>(row: &'a Self::Seen<'_>) -> Line<'a> {
                let kind: fn(&'a Self::Seen<'_>) -> &'a str = $kind;
                Line {
                    kind: Cow::Borrowed(kind(row)),
                    title: Cow::Borrowed(&row.$title),
                    project: Cow::Borrowed(&row.project),
                }
            }

            fn details(text: &mut String, row: &Self::Seen<'_>) {
                $details(text, row);
            }
        }
    };
}

shown!(
    WebObservation,
    "#",
    |row| &row.kind,
    title,
    render::whole_observation
);
shown!(WebSummary, "S", |_| SESSION, request, render::whole_summary);
shown!(
    WebPrompt,
    "P",
    |_| PROMPT,
    prompt_text,
    render::whole_prompt
);

pub(super) fn render(reader: Option<&Reader>, wanted: &Wanted, found: &Hits) -> Answer {
    let mut text = String::new();
    let observations = shape::<WebObservation>(reader, wanted, &found.observations, &mut text)?;
    let sessions = shape::<WebSummary>(reader, wanted, &found.sessions, &mut text)?;
    let prompts = shape::<WebPrompt>(reader, wanted, &found.prompts, &mut text)?;
    let total = observations.1 + sessions.1 + prompts.1;
    let text = match wanted.format {
        _ if text.is_empty() => render::NOTHING.to_owned(),
        Format::Index => format!("{}\n{text}", render::COLUMNS),
        Format::Full => text,
    };
    let mut fields = Fields::default();
    if let Some(warning) = &found.warning {
        fields = fields.put("warning", warning)?;
    }
    Ok(fields
        .put_items("items", &[&observations.0, &sessions.0, &prompts.0])
        .put_items("observations", &[&observations.0])
        .put_items("sessions", &[&sessions.0])
        .put_items("prompts", &[&prompts.0])
        .put("totalResults", &total)?
        .put("query", &wanted.query.as_deref().unwrap_or_default())?
        .put("strategy", &found.strategy)?
        .put("content", &json!([{ "type": "text", "text": text }]))?
        .ok())
}

/// The rows that there are of these, as items and as text, and how many.
fn shape<R: Shown>(
    reader: Option<&Reader>,
    wanted: &Wanted,
    hits: &[Hit],
    text: &mut String,
) -> Result<(Array, usize), Failure> {
    let mut items = Items::default();
    let mut count = 0;
    let Some(reader) = reader else {
        return Ok((items.done(), count));
    };
    let mut rows = reader.web_rows_of::<R>()?;
    for hit in hits {
        let mut index = |line: &Line<'_>| {
            render::entry(text, R::MARK, (hit.id, hit.created_at_epoch), line);
            items.push(|object| {
                object.value("id", &hit.id);
                object.text("title", &line.title);
                object.text("type", &line.kind);
                object.text("project", &line.project);
                object.value("created_at_epoch", &hit.created_at_epoch);
                fit(object, count, hit);
            });
        };
        let seen = match (wanted.format, &hit.line) {
            (Format::Index, Some(line)) => {
                index(line);
                Some(())
            }
            (Format::Index, None) => rows.see(hit.id, |row| index(&R::line(&row)))?,
            (Format::Full, _) => rows.see(hit.id, |row| {
                R::details(text, &row);
                items.push(|object| {
                    row.fields(object);
                    fit(object, count, hit);
                });
            })?,
        };
        count += usize::from(seen.is_some());
    }
    Ok((items.done(), count))
}

/// How well a row fits.
fn fit(object: &mut Object<'_>, place: usize, hit: &Hit) {
    object.value("rank", &(place + 1));
    object.value("score", &hit.score);
    object.text("why", &hit.why);
    object.text("snippet", &hit.snippet);
}
