//! Credentials in the headers of requests.

use super::bytes::{blanks, contains_ci, get, is_blank, is_quote, one_of, run};
use super::literal::{self, VALUE_LOOK};
use super::names::Class;
use super::quoted::{bare_end, opening_quote};
use super::secrets::Hit;

/// Authorization schemes whose parameter is the credential itself.
const SCHEMES: [&str; 8] = [
    "bearer",
    "basic",
    "token",
    "apikey",
    "api-key",
    "key",
    "negotiate",
    "bot",
];

/// The credential of an Authorization header: what is behind the scheme.
pub(super) fn authorization(bytes: &[u8], at: usize) -> Option<Hit> {
    let from = opening_quote(bytes, at).map_or(at, |quoted| quoted.start);
    let word_end = run(bytes, from, |byte| {
        byte.is_ascii_alphanumeric() || byte == b'-'
    });
    let has_scheme = one_of(&bytes[from..word_end], &SCHEMES) && is_blank(get(bytes, word_end));
    let start = if has_scheme {
        word_end + blanks(bytes, word_end)
    } else {
        from
    };
    let accepts = |byte: u8| {
        !byte.is_ascii_whitespace() && !is_quote(byte) && !matches!(byte, b',' | b';' | b')' | b'<')
    };
    let look = bytes.len().min(start + VALUE_LOOK);
    let value = &bytes[start..bare_end(&bytes[..look], start, &accepts)];
    let secret = if has_scheme {
        literal::is_credential(value)
    } else {
        literal::is_random(value, 12) && literal::is_credential(value)
    };
    secret.then(|| Hit {
        start,
        end: bare_end(bytes, start, &accepts),
        kind: "authorization",
    })
}

/// The value of a Cookie header, to the end of its line or quotes.
pub(super) fn cookie(bytes: &[u8], at: usize) -> Option<Hit> {
    let start = opening_quote(bytes, at).map_or(at, |quoted| quoted.start);
    let accepts = |byte: u8| !matches!(byte, b'\n' | b'\r' | b'"' | b'\'' | b'`');
    let look = bytes.len().min(start + VALUE_LOOK);
    let value = &bytes[start..bare_end(&bytes[..look], start, &accepts)];
    let secret =
        literal::quoted_is_secret(Class::Cookie, value) && !contains_ci(value, b"[redacted:");
    secret.then(|| Hit {
        start,
        end: bare_end(bytes, start, &accepts),
        kind: "cookie",
    })
}
