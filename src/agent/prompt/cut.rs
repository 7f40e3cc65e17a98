//! Cutting quoted text to its share, so that what matters stays.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write as _;

/// Which part of a text matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// The beginning, as of a file.
    Head,
    /// Both ends, as of a message or a diff.
    Ends,
    /// The end and whatever looks like a failure, as of a command's output.
    Output,
}

/// The longest note with its line breaks, and the mark of a line cut in front.
const NOTE: usize = 40;

/// The two notes of an output.
const OUTPUT_NOTES: usize = 48;

/// Below this there is no room for two ends and a note, in bytes.
const LEAST_ENDS: usize = 90;

/// Below this an output has no room for a choice of lines, in bytes.
const LEAST_OUTPUT: usize = 240;

/// The beginning of a text within `most` bytes.
pub(super) fn clipped(text: &str, most: usize) -> Cow<'_, str> {
    const MARK: &str = "…";
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    match most.checked_sub(MARK.len()) {
        Some(room) => Cow::Owned([&text[..text.floor_char_boundary(room)], MARK].concat()),
        None => Cow::Borrowed(""),
    }
}

/// Quoted text within `most` bytes. Cut lines stay quoted, and a note that says
/// how much is missing is not.
pub(super) fn cut(quoted: &str, most: usize, keep: Keep) -> Cow<'_, str> {
    if quoted.len() <= most {
        return Cow::Borrowed(quoted);
    }
    match keep {
        _ if most < LEAST_ENDS => Cow::Owned(brief(quoted, most, keep)),
        Keep::Head => Cow::Owned(ends(quoted, most, 0)),
        Keep::Ends => Cow::Owned(ends(quoted, most, 40)),
        Keep::Output => Cow::Owned(
            output(quoted, most)
                .filter(|text| text.len() <= most)
                .unwrap_or_else(|| ends(quoted, most, 75)),
        ),
    }
}

/// The one line that fits and says most.
fn brief(quoted: &str, most: usize, keep: Keep) -> String {
    let mut lines = quoted.split_inclusive('\n').filter(|line| {
        let words = line.chars().filter(|c| c.is_alphanumeric()).count();
        line.len() <= most && words > 3
    });
    let line = match keep {
        Keep::Head | Keep::Ends => lines.next(),
        Keep::Output => lines
            .clone()
            .find(|line| is_failure(line))
            .or(lines.next_back()),
    };
    line.unwrap_or_default().to_owned()
}

/// Head and tail; the tail has so many hundredths of the room.
fn ends(quoted: &str, most: usize, tail_percent: usize) -> String {
    let room = most.saturating_sub(NOTE);
    let tail_room = room * tail_percent / 100;
    let head = head_end(quoted, room - tail_room);
    let tail = tail_start(quoted, quoted.len() - tail_room).max(head);
    let mut out = quoted[..head].to_owned();
    if !out.ends_with('\n') {
        out.push_str("…\n");
    }
    // Writing to a string cannot fail.
    let _written = writeln!(out, "[{} bytes cut]", tail - head);
    if tail < quoted.len() && !quoted[..tail].ends_with('\n') {
        out.push_str("|…");
    }
    out.push_str(&quoted[tail..]);
    out
}

/// After the last line that ends in the last third of the head, else its end.
fn head_end(text: &str, head: usize) -> usize {
    let end = text.floor_char_boundary(head);
    let from = text.floor_char_boundary(end - end / 3);
    text[from..end].rfind('\n').map_or(end, |at| from + at + 1)
}

/// The first line that begins in the first third of the tail, else the tail.
fn tail_start(text: &str, tail: usize) -> usize {
    let start = text.ceil_char_boundary(tail);
    let until = text
        .ceil_char_boundary(start + (text.len() - start) / 3)
        .max(start);
    text[start..until]
        .find('\n')
        .map_or(start, |at| start + at + 1)
}

/// A few lines of the beginning, the failures of the middle, and the end.
fn output(quoted: &str, most: usize) -> Option<String> {
    let room = most
        .checked_sub(OUTPUT_NOTES)
        .filter(|room| *room >= LEAST_OUTPUT)?;
    let lines: Vec<&str> = quoted.split_inclusive('\n').collect();
    let head = fitting(lines.iter(), room * 15 / 100);
    let tail = fitting(lines[head..].iter().rev(), room * 55 / 100);
    let (begin, end) = (&lines[..head], &lines[lines.len() - tail..]);
    let middle = &lines[head..lines.len() - tail];
    let used: usize = begin.iter().chain(end).map(|line| line.len()).sum();
    let mut left = room.saturating_sub(used);
    let mut seen = HashSet::new();
    let failures: Vec<&str> = middle
        .iter()
        .filter(|line| is_failure(line) && seen.insert(**line))
        .take_while(|line| {
            let fits = line.len() <= left;
            left = left.saturating_sub(line.len());
            fits
        })
        .copied()
        .collect();
    if tail == 0 && failures.is_empty() {
        return None;
    }
    let missing = middle.len() - failures.len();
    let mut out = begin.concat();
    if failures.is_empty() {
        let _written = writeln!(out, "[{missing} lines cut]");
    } else {
        let _written = writeln!(out, "[{missing} lines cut around these]");
        out.push_str(&failures.concat());
        out.push_str("[…]\n");
    }
    out.push_str(&end.concat());
    Some(out)
}

/// How many of the lines fit into the room.
fn fitting<'a>(lines: impl Iterator<Item = &'a &'a str>, mut room: usize) -> usize {
    lines
        .take_while(|line| {
            let fits = line.len() <= room;
            room = room.saturating_sub(line.len());
            fits
        })
        .count()
}

/// Whether a line of output tells of a failure.
fn is_failure(line: &str) -> bool {
    const SIGNS: [&str; 19] = [
        "error",
        "fail",
        "panic",
        "assert",
        "exception",
        "traceback",
        "fatal",
        "undefined",
        "unresolved",
        "cannot ",
        "not found",
        "no such",
        "denied",
        "refused",
        "expected",
        "timed out",
        "timeout",
        "conflict",
        "warning:",
    ];
    let lower = line.to_lowercase();
    let fine = [" ok", "0 failed", "0 errors", "0 failures", "no errors"]
        .iter()
        .any(|words| lower.trim_end().ends_with(words));
    !fine && SIGNS.iter().any(|sign| lower.contains(sign))
}
