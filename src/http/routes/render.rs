//! Rows as text: what a model reads at the lowest price.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::context::text::{joined, line};
use crate::store::web::{WebObservation, WebPrompt, WebSummary};

use super::search::Found;

/// Characters of a prompt that stand in a line.
const PROMPT_CHARS: usize = 120;

const NOTHING: &str = "Nothing found.\n";

/// What stands in a line.
pub(super) const COLUMNS: &str = "id | time (UTC) | type | title | project";

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
        return NOTHING.to_owned();
    }
    format!("{COLUMNS}\n{text}")
}

/// Rows with all that they tell, for clients that cannot ask for one by one.
pub(super) fn details(found: &Found) -> String {
    let mut text = String::new();
    for scored in &found.observations {
        observation(&mut text, &scored.row);
        for part in [&scored.row.subtitle, &scored.row.narrative] {
            paragraph(&mut text, "", part);
        }
        list(&mut text, "Facts", &scored.row.facts);
        list(&mut text, "Concepts", &scored.row.concepts);
        list(&mut text, "Read", &scored.row.files_read);
        list(&mut text, "Modified", &scored.row.files_modified);
        text.push('\n');
    }
    for scored in &found.sessions {
        let row = &scored.row;
        summary(&mut text, row);
        paragraph(&mut text, "Investigated: ", &row.investigated);
        paragraph(&mut text, "Learned: ", &row.learned);
        paragraph(&mut text, "Completed: ", &row.completed);
        paragraph(&mut text, "Next steps: ", &row.next_steps);
        text.push('\n');
    }
    for scored in &found.prompts {
        prompt(&mut text, &scored.row);
        paragraph(&mut text, "", &scored.row.prompt_text);
        text.push('\n');
    }
    if text.is_empty() {
        return NOTHING.to_owned();
    }
    text
}

fn paragraph(text: &mut String, name: &str, words: &str) {
    let words = joined(words);
    if !words.is_empty() {
        let _ = writeln!(text, "{name}{words}");
    }
}

/// The items of a list that is kept as JSON.
fn list(text: &mut String, name: &str, json: &str) {
    let items: Vec<String> = serde_json::from_str(json).unwrap_or_default();
    if !items.is_empty() {
        let items: Vec<String> = items.iter().map(|item| line(item)).collect();
        let _ = writeln!(text, "{name}: {}", items.join("; "));
    }
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

pub(super) fn prompt(text: &mut String, row: &WebPrompt) {
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
