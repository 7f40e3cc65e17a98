//! Rows as text: what a model reads at the lowest price.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::context::text::{joined, line};
use crate::store::web::{WebObservation, WebPrompt, WebSummary};

use super::search::Line;

/// Characters of a prompt that stand in a line.
const PROMPT_CHARS: usize = 120;

/// What is said where there is nothing.
pub(super) const NOTHING: &str = "Nothing found.\n";

/// What stands in a line.
pub(super) const COLUMNS: &str = "id | time (UTC) | type | title | project";

/// A row with all that it tells, for clients that cannot ask for one by one.
pub(super) fn whole_observation<T: AsRef<str>>(text: &mut String, row: &WebObservation<T>) {
    observation(text, row);
    for part in [&row.subtitle, &row.narrative] {
        paragraph(text, "", part.as_ref());
    }
    list(text, "Facts", row.facts.as_ref());
    list(text, "Concepts", row.concepts.as_ref());
    list(text, "Read", row.files_read.as_ref());
    list(text, "Modified", row.files_modified.as_ref());
    text.push('\n');
}

pub(super) fn whole_summary<T: AsRef<str>>(text: &mut String, row: &WebSummary<T>) {
    summary(text, row);
    paragraph(text, "Investigated: ", row.investigated.as_ref());
    paragraph(text, "Learned: ", row.learned.as_ref());
    paragraph(text, "Completed: ", row.completed.as_ref());
    paragraph(text, "Next steps: ", row.next_steps.as_ref());
    text.push('\n');
}

pub(super) fn whole_prompt<T: AsRef<str>>(text: &mut String, row: &WebPrompt<T>) {
    prompt(text, row);
    paragraph(text, "", row.prompt_text.as_ref());
    text.push('\n');
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

pub(super) fn observation<T: AsRef<str>>(text: &mut String, row: &WebObservation<T>) {
    let (kind, title, project) = (&row.kind, &row.title, &row.project);
    one_line(
        text,
        "#",
        (row.id, row.created_at_epoch),
        [kind, title, project],
    );
}

pub(super) fn summary<T: AsRef<str>>(text: &mut String, row: &WebSummary<T>) {
    let parts = ["session", row.request.as_ref(), row.project.as_ref()];
    one_line(text, "S", (row.id, row.created_at_epoch), parts);
}

pub(super) fn prompt<T: AsRef<str>>(text: &mut String, row: &WebPrompt<T>) {
    let parts = [
        "prompt",
        shortened(row.prompt_text.as_ref()),
        row.project.as_ref(),
    ];
    one_line(text, "P", (row.id, row.created_at_epoch), parts);
}

/// The line of a row of which no more is known.
pub(super) fn entry(text: &mut String, mark: &str, row: (i64, i64), line: &Line<'_>) {
    let title = if mark == "P" {
        shortened(&line.title)
    } else {
        &line.title
    };
    one_line(text, mark, row, [&line.kind, title, &line.project]);
}

/// What of a prompt stands in a line.
fn shortened(prompt: &str) -> &str {
    match prompt.char_indices().nth(PROMPT_CHARS) {
        Some((end, _)) => &prompt[..end],
        None => prompt,
    }
}

fn one_line<T: AsRef<str>>(text: &mut String, mark: &str, (id, at): (i64, i64), parts: [T; 3]) {
    let _ = write!(text, "{mark}{id} | {}", time(at));
    for part in parts {
        text.push_str(" | ");
        text.push_str(&line(part.as_ref()));
    }
    text.push('\n');
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
