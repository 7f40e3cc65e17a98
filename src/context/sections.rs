//! The pieces of a rendering: an observation's line, a summary's line, a
//! summary in full.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::store::{ObservationRow, SummaryRow};

use super::fetch::Input;
use super::layout::Item;
use super::text::{clip, clip_units, joined, line};

/// Longest title or request of a line.
const TITLE_CHARS: usize = 160;

/// Files named in a line, and the longest name.
const FILES: usize = 3;
const FILE_CHARS: usize = 60;

/// Longest text of an observation shown in full.
const DETAIL_CHARS: usize = 1_500;

/// Most characters of the last summary, so that it leaves room for the index,
/// and of one of its fields.
const SUMMARY_CHARS: usize = 4_000;
const SUMMARY_FIELD_CHARS: usize = 1_500;

/// Four characters a token is the usual rule for English and code.
const CHARS_PER_TOKEN: usize = 4;

pub(super) fn observation(row: &ObservationRow, input: &Input, in_full: bool) -> Item {
    let (day, time) = day_and_time(row.created_at_epoch, &input.zone);
    let options = &input.options;
    let title = first_of(&[&row.title, &row.subtitle, &row.narrative]);
    let read_tokens = read_tokens(row);
    let mut end = other_project(&row.project, input);
    if options.read_tokens {
        end = format!("{end} ~{read_tokens}t");
    }
    if options.work_tokens && row.discovery_tokens > 0 {
        end = format!("{end} work ~{}t", row.discovery_tokens);
    }
    Item {
        is_summary: false,
        day,
        start: format!("#{} {time} {}: {title}", row.id, clip(&line(&row.kind), 20)),
        files: files(row),
        end,
        detail: if in_full {
            detail(row, input)
        } else {
            String::new()
        },
        read_tokens,
        work_tokens: row.discovery_tokens.max(0),
    }
}

pub(super) fn summary(row: &SummaryRow, input: &Input) -> Item {
    let (day, time) = day_and_time(row.created_at_epoch, &input.zone);
    let title = first_of(&[&row.request, &row.completed, &row.learned]);
    Item {
        is_summary: true,
        day,
        start: format!("S{} {time} summary: {title}", row.id),
        end: other_project(&row.project, input),
        ..Item::default()
    }
}

/// A summary with all that it says.
pub(super) fn full_summary(row: &SummaryRow, zone: &TimeZone) -> String {
    let (day, time) = day_and_time(row.created_at_epoch, zone);
    let mut text = format!("\n## Last summary (S{}, {day} {time})\n", row.id);
    let mut left = SUMMARY_CHARS;
    for (name, value) in [
        ("Request", &row.request),
        ("Investigated", &row.investigated),
        ("Learned", &row.learned),
        ("Completed", &row.completed),
        ("Next steps", &row.next_steps),
    ] {
        let value = clip_units(&joined(value), left.min(SUMMARY_FIELD_CHARS));
        if !value.is_empty() {
            left = left.saturating_sub(super::text::units(&value));
            text = format!("{text}{name}: {value}\n");
        }
    }
    text
}

/// What reading the whole observation costs, in tokens.
pub(crate) fn read_tokens(row: &ObservationRow) -> i64 {
    let lists = [
        &row.facts,
        &row.concepts,
        &row.files_read,
        &row.files_modified,
    ];
    let chars = [&row.title, &row.subtitle, &row.narrative]
        .into_iter()
        .chain(lists.into_iter().flatten())
        .map(|text| text.chars().count())
        .sum::<usize>();
    i64::try_from(chars.div_ceil(CHARS_PER_TOKEN)).unwrap_or(i64::MAX)
}

fn detail(row: &ObservationRow, input: &Input) -> String {
    let text = if input.options.full_facts {
        let facts: Vec<String> = row.facts.iter().map(|fact| joined(fact)).collect();
        facts.join("; ")
    } else {
        joined(&row.narrative)
    };
    if text.is_empty() {
        return String::new();
    }
    format!("  {}\n", clip_units(&text, DETAIL_CHARS))
}

fn files(row: &ObservationRow) -> String {
    let mut names: Vec<&String> = Vec::new();
    for name in row.files_modified.iter().chain(&row.files_read) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return String::new();
    }
    let shown: Vec<String> = names
        .iter()
        .take(FILES)
        .map(|name| clip(&line(name), FILE_CHARS))
        .collect();
    let more = names.len() - shown.len();
    let more = if more == 0 {
        String::new()
    } else {
        format!(", +{more}")
    };
    format!(" [{}{more}]", shown.join(", "))
}

/// Names the project of a row that is not the reader's own: a work tree's or
/// the main repository's.
fn other_project(project: &str, input: &Input) -> String {
    if project == input.project {
        return String::new();
    }
    format!(" (in {})", clip(&line(project), 60))
}

fn first_of(texts: &[&String]) -> String {
    let text = texts
        .iter()
        .map(|text| joined(text))
        .find(|text| !text.is_empty());
    clip(text.as_deref().unwrap_or("(untitled)"), TITLE_CHARS)
}

fn day_and_time(epoch_ms: i64, zone: &TimeZone) -> (String, String) {
    match Timestamp::from_millisecond(epoch_ms) {
        Ok(at) => {
            let at = at.to_zoned(zone.clone());
            (
                at.strftime("%Y-%m-%d").to_string(),
                at.strftime("%H:%M").to_string(),
            )
        }
        Err(_) => ("unknown day".to_owned(), "--:--".to_owned()),
    }
}
