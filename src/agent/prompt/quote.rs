//! Text of the session as lines that cannot be taken for ours.

use std::borrow::Cow;

/// Longest line that is kept whole, in bytes. Longer ones are data or minified.
const MOST_LINE: usize = 500;

/// A longer run of one ruling character says nothing more.
const RULE: usize = 8;

/// Largest text that is looked at, in bytes.
const MOST_TEXT: usize = 48 * 1024;

/// What somebody said, with `|` before each line, each with its line break. Empty
/// for a text without words.
///
/// Terminal colours, control characters and overwritten progress are gone, runs
/// of empty lines are one, rules and gaps are shortened.
pub(super) fn quoted(text: &str) -> String {
    quoted_lines(text, usize::MAX)
}

/// The same of files and output, whose overlong lines are shortened too.
pub(super) fn quoted_output(text: &str) -> String {
    quoted_lines(text, MOST_LINE)
}

fn quoted_lines(text: &str, most_line: usize) -> String {
    let text = capture::shape::head_and_tail(text, MOST_TEXT);
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    let mut empty = true;
    for line in text.split(['\n', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']) {
        let line = plain(shown(line));
        let line = line.trim_end();
        if line.is_empty() && empty {
            continue;
        }
        empty = line.is_empty();
        out.push('|');
        push_line(&mut out, line, most_line);
        out.push('\n');
    }
    if empty && out.ends_with("|\n") {
        out.truncate(out.len() - 2);
    }
    out
}

/// A text on a quoted line of its own, as an item of a list. Empty for a text
/// without words.
pub(super) fn item(text: &str, most: usize) -> String {
    let line = one_line(text, most);
    if line.is_empty() {
        return line;
    }
    format!("|{line}\n")
}

/// A text as one line of at most `most` bytes, the end cut off.
pub(super) fn one_line(text: &str, most: usize) -> String {
    let text = &text[..text.floor_char_boundary(most.saturating_mul(4).max(4_096))];
    let plain = plain(text);
    let mut line = String::with_capacity(plain.len().min(most));
    for word in plain.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > most {
            break;
        }
    }
    if line.len() > most {
        line.truncate(line.floor_char_boundary(most.saturating_sub('…'.len_utf8())));
        line.push('…');
    }
    line
}

/// What a terminal shows of a line that was written over: its last version.
fn shown(line: &str) -> &str {
    line.trim_end_matches('\r')
        .rsplit('\r')
        .find(|part| !part.trim().is_empty())
        .unwrap_or_default()
}

/// Without terminal sequences, controls and characters that change the order of
/// the text or have no width. White space stays, as blanks.
fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            // A control sequence ends with a letter; others are two characters.
            if chars.next_if_eq(&'[').is_some() {
                while chars
                    .next_if(|c| ('\u{20}'..'\u{40}').contains(c))
                    .is_some()
                {}
            }
            let _last = chars.next();
        } else if c == '\t' {
            out.push('\t');
        } else if c.is_whitespace() {
            out.push(' ');
        } else if !is_hidden(c) {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

fn is_hidden(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(c, '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

fn push_line(out: &mut String, line: &str, most: usize) {
    let end = line.floor_char_boundary(most);
    let mut run = (char::MIN, 0);
    let indent = line.len() - line.trim_start().len();
    for (at, c) in line[..end].char_indices() {
        run = if c == run.0 { (c, run.1 + 1) } else { (c, 1) };
        let filler = is_rule(c) || (c == ' ' && at >= indent);
        if run.1 <= RULE || !filler {
            out.push(c);
        }
    }
    if end < line.len() {
        out.push('…');
    }
}

fn is_rule(c: char) -> bool {
    matches!(c, '=' | '-' | '_' | '*' | '#' | '~' | '.' | '─' | '━' | '═')
}
