//! Private passages: tags whose content is removed together with them.
//!
//! A tag counts in any case, with attributes, and when it is written in JSON
//! escapes, because a text may itself hold JSON text. An unclosed tag reaches to
//! the end of the text: rather too much is removed than too little.

use std::borrow::Cow;

use super::bytes::{get, has_ci, skip_backslashes};

/// The tags, `<private>` first: its index is special in [`Open`].
const NAMES: [&[u8]; 6] = [
    b"private",
    b"claude-mem-context",
    b"system-reminder",
    b"system_instruction",
    b"system-instruction",
    b"persisted-output",
];

/// Index of `<private>` in [`NAMES`].
const PRIVATE: usize = 0;

/// Where the search for the `>` of a tag ends, in bytes. Longer attributes are
/// not met; the limit keeps a text of unclosed tags linear.
const TAG_MAX: usize = 512;

/// How often a text is stripped again because the parts around a removed
/// passage formed a new tag. More than one is malice; then the text is cut at
/// its first `<`.
const ROUNDS: usize = 8;

/// Removes private passages and the agent's own tags, with their content.
///
/// Borrowed when there was none.
pub fn strip_tags(text: &str) -> Cow<'_, str> {
    strip(text).0
}

/// Whether a text says nothing but what was private: it had a `<private>` tag,
/// and no letter or digit remains without it.
pub fn is_wholly_private(original: &str) -> bool {
    let (rest, had_private) = strip(original);
    had_private && !rest.chars().any(char::is_alphanumeric)
}

fn strip(text: &str) -> (Cow<'_, str>, bool) {
    let mut had_private = false;
    let Some(mut stripped) = strip_once(text, &mut had_private) else {
        return (Cow::Borrowed(text), false);
    };
    for _ in 0..ROUNDS {
        match strip_once(&stripped, &mut had_private) {
            Some(again) => stripped = again,
            None => return (Cow::Owned(stripped), had_private),
        }
    }
    let cut = next_opening(stripped.as_bytes(), 0).unwrap_or(stripped.len());
    stripped.truncate(cut);
    (Cow::Owned(stripped), had_private)
}

/// The tags that are open at a position.
///
/// `</private>` closes what was opened inside the passage as well, but no other
/// closing tag ends a private passage.
struct Open {
    /// One entry for each private passage around the position, and one for the
    /// outside: how many tags of each other name are open in it.
    frames: Vec<[u32; NAMES.len()]>,
}

impl Open {
    fn new() -> Self {
        Self {
            frames: vec![[0; NAMES.len()]],
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self.frames.as_slice(), [outside] if outside.iter().all(|count| *count == 0))
    }

    fn open(&mut self, name: usize) {
        if name == PRIVATE {
            self.frames.push([0; NAMES.len()]);
        } else if let Some(frame) = self.frames.last_mut() {
            frame[name] += 1;
        }
    }

    fn close(&mut self, name: usize) {
        if name != PRIVATE {
            if let Some(frame) = self.frames.last_mut() {
                frame[name] = frame[name].saturating_sub(1);
            }
        } else if self.frames.len() > 1 {
            self.frames.pop();
        }
    }
}

/// One pass over the text. `None` when it holds no tag.
fn strip_once(text: &str, had_private: &mut bool) -> Option<String> {
    let bytes = text.as_bytes();
    let mut kept = String::new();
    let mut visible_from = 0;
    let mut found = false;
    let mut open = Open::new();
    let mut at = 0;
    while let Some(start) = next_opening(bytes, at) {
        let Some(tag) = tag_at(bytes, start) else {
            at = skip_backslashes(bytes, start).max(start + 1);
            continue;
        };
        if !found {
            found = true;
            kept.reserve(text.len() / 2);
        }
        if open.is_empty() {
            kept.push_str(&text[visible_from..start]);
        }
        match tag.form {
            Form::Opening => {
                *had_private |= tag.name == PRIVATE;
                open.open(tag.name);
            }
            Form::Closing => open.close(tag.name),
            Form::Empty => {}
        }
        visible_from = tag.end;
        at = tag.end;
    }
    if found && open.is_empty() {
        kept.push_str(&text[visible_from..]);
    }
    found.then_some(kept)
}

/// The next position from `from` on where a tag may begin: a `<`, or the first
/// backslash of an escaped one.
fn next_opening(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += find_either(bytes.get(at..)?, b'<', b'\\')?;
        if bytes[at] == b'<' {
            return Some(at);
        }
        let behind = skip_backslashes(bytes, at);
        if has_ci(bytes, behind, b"u003c") {
            return Some(at);
        }
        at = behind;
    }
}

/// Position of the first of two bytes. Behind the first few bytes, blocks are
/// tested as a whole, which the compiler turns into vector instructions.
fn find_either(bytes: &[u8], one: u8, other: u8) -> Option<usize> {
    const BLOCK: usize = 32;
    let wanted = |byte: &u8| *byte == one || *byte == other;
    let (near, far) = bytes.split_at(bytes.len().min(BLOCK));
    if let Some(at) = near.iter().position(wanted) {
        return Some(at);
    }
    let mut blocks = far.chunks(BLOCK);
    let index = blocks.position(|block| block.iter().filter(|byte| wanted(byte)).count() > 0)?;
    let from = BLOCK + index * BLOCK;
    bytes[from..].iter().position(wanted).map(|at| from + at)
}

enum Form {
    Opening,
    Closing,
    Empty,
}

struct Tag {
    name: usize,
    form: Form,
    /// Position behind the tag.
    end: usize,
}

/// The tag that begins at `start`, if one does.
fn tag_at(bytes: &[u8], start: usize) -> Option<Tag> {
    let inside = symbol(bytes, start, b'<')?;
    let mut at = skip_space(bytes, inside);
    let slash = symbol(bytes, at, b'/');
    if let Some(behind) = slash {
        at = skip_space(bytes, behind);
    }
    // `a < private && b > c` is a comparison, so a tag with such a space must be
    // whole and have no attributes.
    let must_close = slash.is_none() && at != inside;
    let (name, behind_name) = NAMES
        .iter()
        .enumerate()
        .find_map(|(index, name)| Some((index, behind_name(bytes, at, name)?)))?;
    let ends_name = behind_name == bytes.len()
        || space_at(bytes, behind_name).is_some()
        || symbol(bytes, behind_name, b'>').is_some()
        || symbol(bytes, behind_name, b'/').is_some();
    if !ends_name {
        return None;
    }
    let bare_end = symbol(bytes, skip_space(bytes, behind_name), b'>').unwrap_or(0);
    let (end, empty) = match closing_bracket(bytes, behind_name) {
        None if must_close => return None,
        Some((end, _)) if must_close && end != bare_end => return None,
        Some(found) => found,
        None => (behind_name, false),
    };
    let form = match (slash, empty) {
        (Some(_), _) => Form::Closing,
        (None, true) => Form::Empty,
        (None, false) => Form::Opening,
    };
    Some(Tag { name, form, end })
}

/// Position behind `name` when it is at `at` in any case, each letter plain or as
/// a JSON escape of any depth (`\u0070rivate`).
fn behind_name(bytes: &[u8], at: usize, name: &[u8]) -> Option<usize> {
    let mut at = at;
    for wanted in name {
        if get(bytes, at).eq_ignore_ascii_case(wanted) {
            at += 1;
            continue;
        }
        if get(bytes, at) != b'\\' {
            return None;
        }
        let behind = skip_backslashes(bytes, at);
        let digits = bytes.get(behind + 3..behind + 5)?;
        let code = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        if !has_ci(bytes, behind, b"u00") || !code.eq_ignore_ascii_case(wanted) {
            return None;
        }
        at = behind + 5;
    }
    Some(at)
}

/// Position behind the `>` of a tag, and whether a `/` is right before it.
fn closing_bracket(bytes: &[u8], from: usize) -> Option<(usize, bool)> {
    let limit = bytes.len().min(from + TAG_MAX);
    let mut at = from;
    let mut slash = false;
    while at < limit {
        if let Some(end) = symbol(bytes, at, b'>') {
            return Some((end, slash));
        }
        if symbol(bytes, at, b'<').is_some() {
            return None;
        }
        if let Some(behind) = symbol(bytes, at, b'/') {
            slash = true;
            at = behind;
        } else if let Some(behind) = space_at(bytes, at) {
            at = behind;
        } else {
            slash = false;
            at = skip_backslashes(bytes, at).max(at + 1);
        }
    }
    None
}

/// Position behind `wanted` when it is at `at`, plain or as a JSON escape of any
/// depth (`\u003c`, `\\u003c`, `\/`).
fn symbol(bytes: &[u8], at: usize, wanted: u8) -> Option<usize> {
    if get(bytes, at) == wanted {
        return Some(at + 1);
    }
    if get(bytes, at) != b'\\' {
        return None;
    }
    let behind = skip_backslashes(bytes, at);
    if wanted == b'/' && get(bytes, behind) == b'/' {
        return Some(behind + 1);
    }
    let escape: &[u8] = match wanted {
        b'<' => b"u003c",
        b'>' => b"u003e",
        _ => b"u002f",
    };
    has_ci(bytes, behind, escape).then_some(behind + escape.len())
}

/// Position behind the white space, plain or escaped, at `at`.
fn space_at(bytes: &[u8], at: usize) -> Option<usize> {
    match get(bytes, at) {
        b' ' | b'\t' | b'\n' | b'\r' => Some(at + 1),
        b'\\' => {
            let behind = skip_backslashes(bytes, at);
            matches!(get(bytes, behind), b'n' | b'r' | b't').then_some(behind + 1)
        }
        _ => None,
    }
}

fn skip_space(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while at - from < TAG_MAX {
        match space_at(bytes, at) {
            Some(behind) => at = behind,
            None => break,
        }
    }
    at
}
