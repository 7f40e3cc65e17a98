//! Where a literal ends: one in quotes, plain or in JSON text of any depth, or one
//! without.

use super::bytes::{get, is_quote, run, skip_backslashes};

/// A literal in quotes: its content, and how many backslashes are before each
/// quote.
pub(super) struct Quoted {
    /// Where the content begins.
    pub(super) start: usize,
    quote: u8,
    escapes: usize,
}

/// The opening quote at `at`, behind the prefixes that languages allow (`b"`,
/// `r#"`, `&"`, `@"`).
pub(super) fn opening_quote(bytes: &[u8], at: usize) -> Option<Quoted> {
    let mut from = at;
    while from < at + 3
        && matches!(
            get(bytes, from),
            b'b' | b'B'
                | b'r'
                | b'R'
                | b'u'
                | b'U'
                | b'f'
                | b'F'
                | b'L'
                | b'@'
                | b'$'
                | b'#'
                | b'&'
        )
    {
        from += 1;
    }
    // In `&'static str` the quote begins a lifetime.
    if bytes[at..from].ends_with(b"&") && get(bytes, from) == b'\'' {
        return None;
    }
    for from in [from, at] {
        let quote = skip_backslashes(bytes, from);
        if is_quote(get(bytes, quote)) {
            return Some(Quoted {
                start: quote + 1,
                quote: get(bytes, quote),
                escapes: quote - from,
            });
        }
    }
    None
}

impl Quoted {
    /// The end of the content, and whether a quote closes it there: without one it
    /// ends with its line, or at `limit`.
    pub(super) fn end(&self, bytes: &[u8], limit: usize) -> (usize, bool) {
        let text = &bytes[..limit];
        let mut at = self.start;
        while at < limit {
            let behind = skip_backslashes(text, at);
            let byte = get(text, behind);
            let backslashes = behind - at;
            if byte == b'\n' || (backslashes > 0 && byte == b'n' && self.breaks_line(backslashes)) {
                return (at, false);
            }
            if byte == self.quote && self.closes(backslashes) {
                // The backslashes that escape the quote are not content.
                return (behind - self.escapes.min(backslashes), true);
            }
            at = behind + 1;
        }
        (limit, limit < bytes.len())
    }

    /// Whether that many backslashes before the same quote make it the closing
    /// one. JSON text inside JSON text doubles them at each level.
    fn closes(&self, backslashes: usize) -> bool {
        let (mut levels, mut left) = (self.escapes, backslashes);
        while levels > 0 {
            if left % 2 == 0 {
                return true;
            }
            left /= 2;
            levels /= 2;
        }
        left % 2 == 0
    }

    /// Whether that many backslashes before an `n` are a line break of the text
    /// in which the literal stands, and no escape sequence in it.
    fn breaks_line(&self, backslashes: usize) -> bool {
        let (mut levels, mut left) = (self.escapes, backslashes);
        while levels > 0 {
            if left % 2 == 1 {
                return true;
            }
            left /= 2;
            levels /= 2;
        }
        false
    }
}

/// The end of a bare value. An escape sequence ends it too, because the text may
/// be JSON text.
pub(super) fn bare_end(bytes: &[u8], from: usize, accepts: &impl Fn(u8) -> bool) -> usize {
    let mut at = from;
    loop {
        at = run(bytes, at, |byte| byte != b'\\' && accepts(byte));
        let escape = get(bytes, at) == b'\\'
            && matches!(
                get(bytes, at + 1),
                b'n' | b'r' | b't' | b'"' | b'\'' | b'\\' | b'u' | b'/' | 0
            );
        if get(bytes, at) != b'\\' || escape {
            return at;
        }
        at += 1;
    }
}

/// Position behind the closing quote, plain or escaped, at `at`.
pub(super) fn skip_quote(bytes: &[u8], at: usize) -> usize {
    let quote = skip_backslashes(bytes, at);
    if is_quote(get(bytes, quote)) {
        quote + 1
    } else {
        at
    }
}
