//! Secrets that are known by the name they are given to: `PASSWORD=…`,
//! `"apiKey": "…"`, `--token …`, `Authorization: Bearer …`.

use std::ops::Range;

use super::bytes::{
    NEAR, blanks, get, has, has_ci, is_blank, is_quote, one_of, run, skip_backslashes,
};
use super::headers;
use super::literal::{self, Place, VALUE_LOOK};
use super::names::{self, Class};
use super::quoted::{Quoted, bare_end, opening_quote, skip_quote};
use super::secrets::Hit;

/// The name in which a word was found. `until` is the end of the last name.
pub(super) fn name_around(bytes: &[u8], inside: usize, until: usize) -> Range<usize> {
    let end = run(bytes, inside, is_name);
    let back = bytes[until..inside]
        .iter()
        .rev()
        .take_while(|byte| is_name(**byte))
        .count();
    let mut start = inside - back;
    // In `\nTOKEN=` the `n` belongs to the escape.
    if start > 0
        && bytes[start - 1] == b'\\'
        && matches!(bytes[start], b'n' | b'r' | b't')
        && start < inside
    {
        start += 1;
    }
    start..end
}

/// The secret that the name at `name` is given, if it is one.
pub(super) fn secret_of(bytes: &[u8], name: Range<usize>) -> Option<Hit> {
    let end = name.start
        + bytes[name.clone()]
            .iter()
            .rposition(|byte| !matches!(byte, b'.' | b'-'))?
        + 1;
    let start = run(&bytes[..end], name.start, |byte| byte == b'.');
    let class = names::classify(&bytes[start..end])?;
    if bytes[..name.start].ends_with(b"[redacted:") {
        return None;
    }
    let found = operator(bytes, start..end, class)?;
    let kind = if has_ci(bytes, start, b"aws_") {
        "aws-key"
    } else {
        "secret"
    };
    let whole = found.value + blanks(bytes, found.value);
    match class {
        Class::Authorization => headers::authorization(bytes, whole),
        Class::Cookie if !matches!(found.operator, Operator::Colon | Operator::Equals) => None,
        Class::Cookie => headers::cookie(bytes, whole),
        _ => plain(bytes, whole, class, &found, kind),
    }
}

/// Whether a value that belongs to a name, as in a JSON object, is a secret: the
/// part of it that is one.
pub(super) fn secret_part(name: &str, value: &str) -> Option<Hit> {
    let name = name.trim().as_bytes();
    let value = value.as_bytes();
    let class = names::classify(name)?;
    match class {
        Class::Authorization => headers::authorization(value, 0),
        _ => literal::quoted_is_secret(class, value).then_some(Hit {
            start: 0,
            end: value.len(),
            kind: "secret",
        }),
    }
}

/// Whether a command line argument is an option whose value is a secret.
pub(super) fn is_secret_option(argument: &str) -> bool {
    argument.starts_with("--") && names::classify(argument.as_bytes()).is_some()
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equals,
    Colon,
    /// `=>` and `:=`, which only code has.
    Code,
    /// `--name value`.
    Option,
    /// `("name", "value")`.
    Comma,
    /// `<name>value</name>`.
    Element,
    /// `name 'value'`, as in SQL.
    Literal,
    /// `password is value`, in prose.
    Prose,
}

struct Found {
    operator: Operator,
    /// Where the value begins, or white space before it.
    value: usize,
    env_like: bool,
    tight: bool,
    /// The line that the name begins: then the value reaches to the end of it.
    line: Option<Line>,
}

/// What stands between a name and its value.
fn operator(bytes: &[u8], name: Range<usize>, class: Class) -> Option<Found> {
    let after_quote = skip_quote(bytes, name.end);
    let quoted = after_quote > name.end;
    let mut behind = after_quote;
    behind += usize::from(quoted && get(bytes, behind) == b']');
    behind +=
        usize::from(matches!(get(bytes, behind), b'?' | b'!') && get(bytes, behind + 1) == b':');
    let at = behind + blanks(bytes, behind);
    let next = get(bytes, at + 1);
    let word = &bytes[name.clone()];
    let option = word.starts_with(b"--");
    let (operator, value) = match get(bytes, at) {
        b'=' if next == b'>' => (Operator::Code, at + 2),
        b'=' if !matches!(next, b'=' | b'~') => (Operator::Equals, at + 1),
        b':' | b'?' | b'|' if next == b'=' => (Operator::Code, at + 2),
        b':' if next != b':' => (Operator::Colon, at + 1),
        b'>' if name.start > 0 && bytes[name.start - 1] == b'<' => (Operator::Element, at + 1),
        b',' if quoted => match sibling(bytes, at, name.start) {
            Some(value) => (Operator::Colon, value),
            None if option => (Operator::Option, at + 1),
            None => (Operator::Comma, at + 1),
        },
        b'\'' if at > name.end && class == Class::Password => (Operator::Literal, at),
        b'i' if class == Class::Password && has(bytes, at, b"is ") && at > name.end => {
            (Operator::Prose, at + 3)
        }
        _ if option && at > name.end => (Operator::Option, at),
        _ => (Operator::Colon, sibling(bytes, name.end, name.start)?),
    };
    let tight = operator == Operator::Equals && at == name.end && !is_blank(next);
    let screaming =
        word.iter().any(u8::is_ascii_uppercase) && !word.iter().any(u8::is_ascii_lowercase);
    let header = operator == Operator::Colon && has_ci(word, 0, b"x-");
    let env_like = (tight && (screaming || option))
        || operator == Operator::Option
        || header
        || operator == Operator::Element;
    let line = if tight && screaming {
        begins_line(bytes, name.start)
    } else {
        None
    };
    Some(Found {
        operator,
        value,
        env_like,
        tight,
        line,
    })
}

/// The value of `name: DB_PASSWORD` with `value: …` beside it, as in a container's
/// environment.
fn sibling(bytes: &[u8], from: usize, name_start: usize) -> Option<usize> {
    let head = &bytes[..name_start];
    let head = head.trim_ascii_end();
    let quotes = head
        .iter()
        .rev()
        .take_while(|byte| is_quote(**byte) || **byte == b'\\')
        .count();
    if !head[..head.len() - quotes].trim_ascii_end().ends_with(b":") {
        return None;
    }
    let limit = bytes.len().min(from + NEAR);
    let text = &bytes[..limit];
    let mut at = from;
    loop {
        let behind = skip_backslashes(text, at);
        if behind > at && matches!(get(text, behind), b'n' | b'r' | b't') {
            at = behind + 1;
        } else if behind > at
            || get(text, at).is_ascii_whitespace()
            || matches!(get(text, at), b'"' | b'\'' | b',')
        {
            at = behind.max(at + usize::from(behind == at));
        } else {
            break;
        }
    }
    if !has_ci(text, at, b"value") {
        return None;
    }
    let behind = skip_quote(text, at + 5);
    let colon = behind + blanks(text, behind);
    (get(text, colon) == b':').then_some(colon + 1)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Own,
    /// A line of JSON text in the text: an escaped line break is before it.
    Escaped,
}

/// The line that a name begins, where nothing but `export` and the like is before
/// it.
fn begins_line(bytes: &[u8], start: usize) -> Option<Line> {
    let line = &bytes[start.saturating_sub(NEAR)..start];
    let from = line
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let whole = from > 0 || start <= NEAR;
    let head = line[from..].trim_ascii();
    let word = one_of(head, &["export", "set", "env", "-", "-e", "+"]);
    if matches!(head, [.., b'\\', b'n' | b'r' | b't']) {
        return Some(Line::Escaped);
    }
    (whole && (head.is_empty() || word)).then_some(Line::Own)
}

fn plain(bytes: &[u8], at: usize, class: Class, found: &Found, kind: &'static str) -> Option<Hit> {
    if let Some(quoted) = opening_quote(bytes, at) {
        return in_quotes(bytes, &quoted, class, found, kind);
    }
    match found.operator {
        Operator::Code | Operator::Comma | Operator::Literal => return None,
        Operator::Colon => {
            if let Some(quoted) = behind_type(bytes, at) {
                return in_quotes(bytes, &quoted, class, found, kind);
            }
        }
        _ => {}
    }
    let look = bytes.len().min(at + VALUE_LOOK);
    let accepts = bare_bytes(found);
    let end = bare_end(&bytes[..look], at, &accepts);
    let next = get(bytes, end);
    let place = Place {
        env_like: found.env_like,
        shell_like: found.tight
            && matches!(
                next,
                0 | b' ' | b'\t' | b'\n' | b'\r' | b'"' | b'\'' | b';' | b'&' | b'\\'
            ),
        next,
    };
    let value = &bytes[at..end];
    let secret = match found.operator {
        Operator::Prose => {
            literal::is_random(value, 8)
                || (value.len() > 5 && value.iter().any(u8::is_ascii_digit))
        }
        Operator::Option if value.starts_with(b"-") => false,
        Operator::Element if !closes_element(bytes, end, look) => false,
        Operator::Option => {
            literal::bare_is_secret(class, value, place) && !(is_prose(value) && value.len() < 8)
        }
        _ => literal::bare_is_secret(class, value, place),
    };
    secret.then(|| Hit {
        start: at,
        end: bare_end(bytes, at, &accepts),
        kind,
    })
}

/// Whether a value that was looked at up to `look` is followed by a closing tag.
fn closes_element(bytes: &[u8], end: usize, look: usize) -> bool {
    let slash = skip_backslashes(bytes, end + 1);
    (get(bytes, end) == b'<' && get(bytes, slash) == b'/') || (end == look && look < bytes.len())
}

fn is_prose(value: &[u8]) -> bool {
    value.iter().all(u8::is_ascii_lowercase)
}

fn in_quotes(
    bytes: &[u8],
    quoted: &Quoted,
    class: Class,
    found: &Found,
    kind: &'static str,
) -> Option<Hit> {
    let look = bytes.len().min(quoted.start + VALUE_LOOK);
    let (end, closed) = quoted.end(bytes, look);
    let value = &bytes[quoted.start..end];
    // The quote may be the end of the text in which the name stands.
    let begins = !matches!(
        value.first(),
        None | Some(b')' | b',' | b';' | b' ' | b':' | b'}')
    );
    if !begins || !(closed || found.env_like) {
        return None;
    }
    let place = Place {
        env_like: true,
        shell_like: true,
        next: 0,
    };
    let secret = match found.operator {
        Operator::Comma => literal::is_random(value, 8),
        Operator::Literal => !literal::is_placeholder(value) && value.len() > 3,
        _ => {
            let word = found.env_like && !value.contains(&b' ');
            literal::quoted_is_secret(class, value)
                || (word && literal::bare_is_secret(class, value, place))
        }
    };
    secret.then(|| Hit {
        start: quoted.start,
        end: quoted.end(bytes, bytes.len()).0,
        kind,
    })
}

/// The literal behind a type, as in `let password: &str = "…"`.
fn behind_type(bytes: &[u8], at: usize) -> Option<Quoted> {
    let limit = bytes.len().min(at + NEAR);
    let end = run(&bytes[..limit], at, |byte| {
        byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'_' | b'&' | b'\'' | b'<' | b'>' | b'[' | b']' | b'|' | b' ' | b'.' | b':' | b'?'
            )
    });
    if get(bytes, end) != b'=' || matches!(get(bytes, end + 1), b'=' | b'>') {
        return None;
    }
    opening_quote(bytes, end + 1 + blanks(bytes, end + 1))
}

/// Which bytes a bare value may have at this place.
fn bare_bytes(found: &Found) -> impl Fn(u8) -> bool {
    let element = found.operator == Operator::Element;
    let line = found.line.is_some();
    // In JSON text a quote ends the string in which the line stands.
    let own = found.line == Some(Line::Own);
    move |byte| match byte {
        b'<' => !element && line,
        b'"' | b'`' => element || own,
        b',' | b';' | b')' | b'(' | b']' | b'[' | b'}' | b'{' | b'>' | b'|' | b'&' | b'\'' => {
            line || element
        }
        _ => !byte.is_ascii_whitespace(),
    }
}
