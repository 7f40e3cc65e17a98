//! Pictures, sound, documents and other data in base64: nothing that a memory of
//! words can use. A note says what and how much there was.

use std::borrow::Cow;

use super::bound::grouped;

/// A run of base64 of at least this length is data, not a key or a hash, in bytes.
const RUN_MIN: usize = 512;

/// The smallest content of a `data:` address that is worth a note, in bytes.
const ADDRESS_MIN: usize = 64;

/// Longest media type with its parameters in a `data:` address, in bytes.
const MEDIA_MAX: usize = 120;

/// A note for data of a media type: `[image omitted: image/png, 48,211 bytes]`.
pub(super) fn note(media: &str, bytes: usize) -> String {
    let kind = match media.split('/').next().unwrap_or_default() {
        kind @ ("image" | "audio" | "video") => kind,
        _ if media.ends_with("/pdf") => "pdf",
        _ => "data",
    };
    let size = grouped(bytes);
    if media.contains('/') {
        format!("[{kind} omitted: {media}, {size} bytes]")
    } else {
        format!(
            "[{} omitted: {size} bytes]",
            if media.is_empty() { kind } else { media }
        )
    }
}

/// How many bytes a base64 text holds.
pub(super) fn decoded_bytes(base64: &str) -> usize {
    let padding = base64
        .bytes()
        .rev()
        .take_while(|byte| *byte == b'=')
        .count();
    ((base64.len() - padding.min(base64.len())) * 3) / 4
}

/// Replaces `data:` addresses and long runs of base64 in a text by notes.
pub(super) fn without_data(text: &str) -> Cow<'_, str> {
    match without_addresses(text) {
        Cow::Owned(rest) => match without_runs(&rest) {
            Cow::Owned(rest) => Cow::Owned(rest),
            Cow::Borrowed(_) => Cow::Owned(rest),
        },
        Cow::Borrowed(text) => without_runs(text),
    }
}

fn without_addresses(text: &str) -> Cow<'_, str> {
    const MARK: &str = ";base64,";
    let bytes = text.as_bytes();
    let mut out = String::new();
    let mut kept = 0;
    for (mark, _) in text.match_indices(MARK) {
        let from = text
            .floor_char_boundary(mark.saturating_sub(MEDIA_MAX))
            .max(kept);
        let Some(start) = text
            .get(from..mark)
            .and_then(|head| head.rfind("data:"))
            .map(|at| from + at)
        else {
            continue;
        };
        let content = mark + MARK.len();
        let end = content
            + bytes[content..]
                .iter()
                .take_while(|byte| is_base64(**byte))
                .count();
        let media = text[start + 5..mark].split(';').next().unwrap_or_default();
        let plain = media
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/+-.".contains(&byte));
        if end - content < ADDRESS_MIN || !plain {
            continue;
        }
        out.push_str(&text[kept..start]);
        out.push_str(&note(media, decoded_bytes(&text[content..end])));
        kept = end;
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[kept..]);
    Cow::Owned(out)
}

/// Looks at every [`RUN_MIN`]th byte only: a run that is long enough has one of
/// them.
fn without_runs(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut out = String::new();
    let mut kept = 0;
    let mut probe = RUN_MIN - 1;
    while probe < bytes.len() {
        if !is_base64(bytes[probe]) {
            probe += RUN_MIN;
            continue;
        }
        let back = bytes[kept..probe]
            .iter()
            .rev()
            .take_while(|byte| is_base64(**byte))
            .count();
        let end = probe
            + bytes[probe..]
                .iter()
                .take_while(|byte| is_base64(**byte))
                .count();
        let start = behind_escape(bytes, probe - back, end);
        if end - start >= RUN_MIN && is_mixed(&bytes[start..start + RUN_MIN]) {
            out.push_str(&text[kept..start]);
            out.push_str(&note("base64", decoded_bytes(&text[start..end])));
            kept = end;
        }
        probe = end + RUN_MIN;
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[kept..]);
    Cow::Owned(out)
}

/// In JSON text a run may follow an escape sequence, whose letters are no part of
/// it: `\n` or the `\u003e` that ends a tag.
fn behind_escape(bytes: &[u8], start: usize, end: usize) -> usize {
    if start == 0 || bytes[start - 1] != b'\\' {
        return start;
    }
    let length = if bytes[start] == b'u' { 5 } else { 1 };
    end.min(start + length)
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
}

/// Data has digits and letters. A ruler or a repeated letter has not.
fn is_mixed(run: &[u8]) -> bool {
    let digits = run.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = run.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    digits > 8 && letters > 64
}
