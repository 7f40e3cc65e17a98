//! Small questions about bytes that all scanners of this module share.
//!
//! Scanners work on bytes and cut only beside ASCII bytes, so a cut is always
//! on a character boundary.

/// How many bytes before a token are looked at to find an escape sequence that
/// ends there: `\u003c` is the longest one.
const ESCAPE_MAX: usize = 6;

/// How far around a name the parts of an assignment may be, in bytes: blanks, a
/// type, the words before it on its line.
pub(super) const NEAR: usize = 64;

pub(super) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

pub(super) fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

/// Letters, digits, `_` and `-`: the alphabet of base64url and of most tokens.
pub(super) fn is_url64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// The byte at `at`, or 0 past the end. No scanner asks for a 0 byte.
pub(super) fn get(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// Whether `bytes` has `word` at `at`.
pub(super) fn has(bytes: &[u8], at: usize, word: &[u8]) -> bool {
    bytes.get(at..).is_some_and(|rest| rest.starts_with(word))
}

/// Whether `bytes` has `word` at `at` in any case.
pub(super) fn has_ci(bytes: &[u8], at: usize, word: &[u8]) -> bool {
    bytes
        .get(at..at.saturating_add(word.len()))
        .is_some_and(|found| found.eq_ignore_ascii_case(word))
}

/// Whether `word`, in any case, is somewhere in `bytes`.
pub(super) fn contains_ci(bytes: &[u8], word: &[u8]) -> bool {
    bytes
        .windows(word.len())
        .any(|window| window.eq_ignore_ascii_case(word))
}

/// Whether `word` in any case is one of `list`, whose entries are lower case.
pub(super) fn one_of(word: &[u8], list: &[&str]) -> bool {
    list.iter()
        .any(|entry| word.eq_ignore_ascii_case(entry.as_bytes()))
}

/// The first position from `from` on whose byte `accepts` refuses.
pub(super) fn run(bytes: &[u8], from: usize, accepts: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest
        .iter()
        .position(|&byte| !accepts(byte))
        .unwrap_or(rest.len())
}

/// How many blanks are at `from`, at most [`NEAR`].
pub(super) fn blanks(bytes: &[u8], from: usize) -> usize {
    let limit = bytes.len().min(from + NEAR);
    run(&bytes[..limit], from, is_blank) - from
}

/// Position behind the run of backslashes that starts at `from`.
pub(super) fn skip_backslashes(bytes: &[u8], from: usize) -> usize {
    run(bytes, from, |byte| byte == b'\\')
}

/// Whether a token may begin at `at`: the text begins there, or the byte before
/// is no part of a word, or it is the end of an escape sequence (`\n`, `\u0022`,
/// `%3D`, a terminal colour), as in text that holds JSON or log output.
pub(super) fn is_boundary(bytes: &[u8], at: usize) -> bool {
    let Some(before) = at.checked_sub(1) else {
        return true;
    };
    let last = get(bytes, before);
    !is_url64(last) || ends_escape(&bytes[at.saturating_sub(ESCAPE_MAX)..at])
}

fn ends_escape(tail: &[u8]) -> bool {
    match *tail {
        [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f'] => true,
        [.., b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => true,
        [.., b'\\', b'u', a, b, c, d] => [a, b, c, d].iter().all(u8::is_ascii_hexdigit),
        // A terminal colour: escape character, '[', numbers, 'm'.
        [.., b'm'] => {
            let numbers = tail[..tail.len() - 1].iter().rev();
            let count = numbers
                .take_while(|byte| byte.is_ascii_digit() || **byte == b';')
                .count();
            tail[..tail.len() - 1 - count].ends_with(b"[")
        }
        _ => false,
    }
}
