//! Rows as text: what a model reads at the lowest price.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::context::text::line;
use crate::store::web::{Moment, WebObservation, WebPrompt, WebSummary};

use super::search::Found;

/// Characters of a prompt that stand in a line.
const PROMPT_CHARS: usize = 120;

/// One line a row: id, time, type, title, project.
pub(super) fn table(found: &Found) -> String {
    let mut text = String::new();
    for scored in &found.observations {
        observation(&mut text, &scored.row);
    }
    for scored in &found.sessions {
        summary(&mut text, &scored.row);
    }
    for scored in &found.prompts {
        prompt(&mut text, &scored.row);
    }
    if text.is_empty() {
        return "Nothing found.\n".to_owned();
    }
    format!("id | time (UTC) | type | title | project\n{text}")
}

/// The same for moments, with the anchor marked.
pub(super) fn moments(moments: &[Moment], anchor: Option<(i64, u8, i64)>) -> String {
    let mut text = String::from("id | time (UTC) | type | title | project\n");
    for moment in moments {
        if Some(moment.order()) == anchor {
            text.push_str("→ ");
        }
        match moment {
            Moment::Observation(row) => observation(&mut text, row),
            Moment::Summary(row) => summary(&mut text, row),
            Moment::Prompt(row) => prompt(&mut text, row),
        }
    }
    text
}

pub(super) fn observation(text: &mut String, row: &WebObservation) {
    let (at, kind) = (time(row.created_at_epoch), line(&row.kind));
    let (title, project) = (line(&row.title), line(&row.project));
    let _ = writeln!(text, "#{} | {at} | {kind} | {title} | {project}", row.id);
}

pub(super) fn summary(text: &mut String, row: &WebSummary) {
    let at = time(row.created_at_epoch);
    let (title, project) = (line(&row.request), line(&row.project));
    let _ = writeln!(text, "S{} | {at} | session | {title} | {project}", row.id);
}

fn prompt(text: &mut String, row: &WebPrompt) {
    let at = time(row.created_at_epoch);
    let short: String = row.prompt_text.chars().take(PROMPT_CHARS).collect();
    let (title, project) = (line(&short), line(&row.project));
    let _ = writeln!(text, "P{} | {at} | prompt | {title} | {project}", row.id);
}

fn time(epoch_ms: i64) -> String {
    Timestamp::from_millisecond(epoch_ms).map_or_else(
        |_| "unknown".to_owned(),
        |at| {
            let at = at.to_zoned(TimeZone::UTC);
            at.strftime("%Y-%m-%d %H:%M").to_string()
        },
    )
}
