//! What a field of an answer says, cleaned and bounded.

use std::borrow::Cow;

use quick_xml::escape::unescape;

/// Longest entity, in bytes: `&#x10FFFF;`.
const MOST_ENTITY: usize = 12;

/// A text with its entities decoded, once. What is no entity stays as it is.
pub(super) fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(MOST_ENTITY).position(|byte| byte == b';');
        let length = end.map_or(1, |end| end + 1);
        let meant = end.and_then(|_| unescape(&rest[..length]).ok());
        if let Some(meant) = meant {
            out.push_str(&meant);
            rest = &rest[length..];
        } else {
            out.push('&');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// A field on one line of at most `most` characters, cut at a word.
pub(super) fn line(text: &str, most: usize) -> String {
    let text = head(text, most);
    let text = without_cdata(text);
    let mut out = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().filter(|c| !is_invisible(*c)));
    }
    bounded(out, most)
}

/// A field that may have lines, of at most `most` characters. Runs of empty lines
/// and of blanks within a line are one.
pub(super) fn lines(text: &str, most: usize) -> String {
    let text = head(text, most);
    let mut out = String::new();
    let mut paragraph = false;
    for own in without_cdata(text).lines() {
        let own = line(own, usize::MAX / 8);
        if own.is_empty() {
            paragraph = !out.is_empty();
            continue;
        }
        if !out.is_empty() {
            out.push_str(if paragraph { "\n\n" } else { "\n" });
        }
        paragraph = false;
        out.push_str(&own);
    }
    bounded(out, most)
}

/// The decoded field, empty where the model says that there is nothing.
pub(super) fn said(text: &str) -> Cow<'_, str> {
    if is_nothing(text) {
        return Cow::Borrowed("");
    }
    decoded(text)
}

/// Whether a value only says that there is none.
pub(super) fn is_nothing(text: &str) -> bool {
    let bare = text
        .trim()
        .trim_matches(['.', '-', '–', '—', '(', ')', '[', ']', '"', '\'', '*']);
    [
        "",
        "none",
        "null",
        "nil",
        "n/a",
        "na",
        "nothing",
        "undefined",
        "empty",
        "unknown",
    ]
    .iter()
    .any(|nothing| bare.eq_ignore_ascii_case(nothing))
}

/// Letters and digits in lower case: what two spellings have in common.
pub(super) fn key(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Enough of a text for `most` characters to be left of it.
fn head(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most.saturating_mul(8).saturating_add(1_000))]
}

fn without_cdata(text: &str) -> Cow<'_, str> {
    if text.contains("<![CDATA[") {
        Cow::Owned(text.replace("<![CDATA[", "").replace("]]>", ""))
    } else {
        Cow::Borrowed(text)
    }
}

/// Characters without width that could hide words or turn their order.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// At most `most` characters, cut at the last word's end if that is near.
fn bounded(mut text: String, most: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(most) else {
        return text;
    };
    let last = text[..end]
        .char_indices()
        .next_back()
        .map_or(0, |(at, _)| at);
    let word = text[..last].rfind(char::is_whitespace);
    let cut = word.filter(|word| *word >= last / 2).unwrap_or(last);
    text.truncate(cut);
    let kept = text
        .trim_end_matches(|c: char| c.is_whitespace() || ",;:–-".contains(c))
        .len();
    text.truncate(kept);
    text.push('…');
    text
}
