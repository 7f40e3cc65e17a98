//! Credentials that are known by what is around them: key blocks, addresses,
//! signed tokens, headers and commands.

use super::bytes::{
    get, has, has_ci, is_blank, is_boundary, is_url64, one_of, run, skip_backslashes,
};
use super::literal::{is_credential, is_placeholder, is_random};
use super::secrets::Hit;

/// Longest user name and password in an address, in bytes each.
const USERINFO_MAX: usize = 512;

/// How far before `-u` the word `curl` is searched, in bytes.
const COMMAND_MAX: usize = 160;

/// Where the first base64 of a key must be, in bytes behind its first line.
const KEY_LINE_MAX: usize = 120;

/// What [`at`] must be asked for.
pub(super) const PAIRS: [[u8; 2]; 12] = [
    *b"-B", *b":/", *b"ey", *b"Be", *b":A", *b".G", *b".X", *b".Y", *b".Z", *b"ok", *b"-u", *b"Y ",
];

/// Where the next end line of a key block is, so that a text of many first lines
/// is searched for it only once.
#[derive(Default)]
pub(super) struct Ends {
    searched_from: Option<usize>,
    found: Option<usize>,
}

impl Ends {
    fn next(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        let known = self.searched_from.is_some_and(|start| start <= from)
            && self.found.is_none_or(|found| found >= from);
        if !known {
            self.searched_from = Some(from);
            self.found = bytes[from..]
                .windows(8)
                .position(|eight| eight == b"-----END")
                .map(|at| from + at);
        }
        self.found
    }
}

/// The credential whose surroundings have the pair that begins at `pair_at`.
pub(super) fn at(bytes: &[u8], pair_at: usize, ends: &mut Ends) -> Option<Hit> {
    match [get(bytes, pair_at), get(bytes, pair_at + 1)] {
        [b'-', b'B'] => private_key(bytes, pair_at, ends),
        [b':', b'/'] => url_password(bytes, pair_at),
        [b':', b'A'] => telegram(bytes, pair_at),
        [b'e', b'y'] => jwt(bytes, pair_at),
        [b'B', b'e'] => bearer(bytes, pair_at),
        [b'.', _] => discord(bytes, pair_at),
        [b'o', b'k'] => webhook(bytes, pair_at),
        [b'-', b'u'] => curl_user(bytes, pair_at),
        [b'Y', b' '] => identified_by(bytes, pair_at),
        _ => None,
    }
}

/// `-----BEGIN … PRIVATE KEY-----` to its end line, or to the end of the text
/// when the end line was cut off. A mention in code, which a quote follows, is
/// a key only when base64 comes next.
fn private_key(bytes: &[u8], dash: usize, ends: &mut Ends) -> Option<Hit> {
    let start = dash.checked_sub(4)?;
    if !has(bytes, start, b"-----BEGIN ") {
        return None;
    }
    let label = start + b"-----BEGIN ".len();
    let label_end = run(bytes, label, |byte| {
        byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' '
    });
    let name = &bytes[label..label_end.min(label + 60)];
    if !name.windows(11).any(|words| words == b"PRIVATE KEY") || !has(bytes, label_end, b"-----") {
        return None;
    }
    let body = label_end + 5;
    let end_line = ends.next(bytes, body);
    let body_end = end_line.unwrap_or(bytes.len());
    if !holds_key(&bytes[body..body_end], end_line.is_none()) {
        return None;
    }
    let end = end_line.map_or(bytes.len(), |line| {
        let words = run(bytes, line + 8, |byte| {
            byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' '
        });
        run(bytes, words, |byte| byte == b'-').min(words + 5)
    });
    Some(Hit {
        start,
        end,
        kind: "private-key",
    })
}

fn holds_key(body: &[u8], cut: bool) -> bool {
    let mut at = 0;
    loop {
        let behind = skip_backslashes(body, at);
        if behind > at && matches!(get(body, behind), b'n' | b'r' | b't') {
            at = behind + 1;
        } else if get(body, at).is_ascii_whitespace() {
            at += 1;
        } else {
            break;
        }
    }
    if get(body, at).is_ascii_alphanumeric() || matches!(get(body, at), b'+' | b'/' | b'[') {
        let line = run(body, at, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
        });
        return get(body, at) != b'[' && (at > 0 || line - at > 15);
    }
    // The lines of a key may each be in quotes of their own.
    let near = &body[..body.len().min(KEY_LINE_MAX)];
    let longest = near
        .split(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'+' | b'/'))
        .map(<[u8]>::len)
        .max();
    longest.is_some_and(|length| length > 39) || (cut && at >= body.len() && at > 0)
}

/// The password of `scheme://user:password@host`.
fn url_password(bytes: &[u8], colon: usize) -> Option<Hit> {
    if !has(bytes, colon, b"://") || !get(bytes, colon.checked_sub(1)?).is_ascii_alphanumeric() {
        return None;
    }
    let user = colon + 3;
    let limit = bytes.len().min(user + USERINFO_MAX);
    let user_end = run(&bytes[..limit], user, |byte| {
        !ends_authority(byte) && !matches!(byte, b':' | b'@' | b'?' | b'#' | b'[')
    });
    if get(bytes, user_end) != b':' {
        return None;
    }
    let start = user_end + 1;
    let limit = bytes.len().min(start + USERINFO_MAX);
    let authority_end = run(&bytes[..limit], start, |byte| !ends_authority(byte));
    let at_sign = start
        + bytes[start..authority_end]
            .iter()
            .rposition(|byte| *byte == b'@')?;
    let password = &bytes[start..at_sign];
    let digits = run(password, 0, |byte| byte.is_ascii_digit());
    let port = digits > 0 && digits < 6 && matches!(get(password, digits), b'?' | b'#');
    let digest = has(bytes, at_sign, b"@sha256:") || has(bytes, at_sign, b"@sha512:");
    if password.is_empty() || port || digest || is_stand_in(password) {
        return None;
    }
    Some(Hit {
        start,
        end: at_sign,
        kind: "url-password",
    })
}

fn ends_authority(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'/' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\')
}

/// A stand-in for the password: `${PW}`, `$PW`, `***`, `[redacted:…]`.
fn is_stand_in(password: &[u8]) -> bool {
    let word = one_of(password, &["password", "passwd", "pass", "pwd", "pw"]);
    is_placeholder(password) || word || password.starts_with(b"{")
}

/// A signed web token: base64url parts joined by dots, the first of which is
/// JSON.
fn jwt(bytes: &[u8], start: usize) -> Option<Hit> {
    const PART_MIN: usize = 10;
    if !has(bytes, start, b"eyJ") || !is_boundary(bytes, start) {
        return None;
    }
    let head_end = run(bytes, start, is_url64);
    if head_end - start < PART_MIN || get(bytes, head_end) != b'.' {
        return None;
    }
    let mut end = head_end;
    let mut longest = 0;
    while get(bytes, end) == b'.' && (is_url64(get(bytes, end + 1)) || get(bytes, end + 1) == b'.')
    {
        let part = end + 1;
        end = run(bytes, part, is_url64);
        longest = longest.max(end - part);
    }
    (longest >= PART_MIN).then_some(Hit {
        start,
        end,
        kind: "jwt",
    })
}

/// `Bearer` with a token, where no header name is before it.
fn bearer(bytes: &[u8], start: usize) -> Option<Hit> {
    if !has(bytes, start, b"Bearer ") || !is_boundary(bytes, start) {
        return None;
    }
    let from = start + 7;
    let end = run(bytes, from, |byte| {
        is_url64(byte) || matches!(byte, b'.' | b'+' | b'/' | b'=' | b'~')
    });
    let token = &bytes[from..end];
    (is_random(&token[..token.len().min(USERINFO_MAX)], 16) && is_credential(token)).then_some(
        Hit {
            start: from,
            end,
            kind: "authorization",
        },
    )
}

/// A Telegram bot token: eight to ten digits, a colon, `AA` and 33 more.
fn telegram(bytes: &[u8], colon: usize) -> Option<Hit> {
    let digits = bytes[..colon]
        .iter()
        .rev()
        .take(11)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let start = colon - digits;
    let end = run(bytes, colon + 1, is_url64);
    let prefixed = has(bytes, start.saturating_sub(3), b"bot") && start > 2;
    let fits = (8..=10).contains(&digits) && (34..=36).contains(&(end - colon - 1));
    (fits && (prefixed || is_boundary(bytes, start))).then_some(Hit {
        start,
        end,
        kind: "telegram-token",
    })
}

/// A Discord bot token: three base64url parts, of which the middle one is a time.
fn discord(bytes: &[u8], dot: usize) -> Option<Hit> {
    let heads = (23..=28).filter_map(|length| dot.checked_sub(length));
    let mut starts = heads
        .filter(|&start| matches!(bytes[start], b'M' | b'N' | b'O') && is_boundary(bytes, start));
    let start = starts.find(|&start| run(&bytes[..dot], start, is_url64) == dot)?;
    let middle_end = run(bytes, dot + 1, is_url64);
    let end = run(bytes, middle_end + 1, is_url64);
    let fits = middle_end - dot == 7
        && get(bytes, middle_end) == b'.'
        && (27..=45).contains(&(end - middle_end - 1));
    fits.then_some(Hit {
        start,
        end,
        kind: "discord-token",
    })
}

/// The secret part of an incoming webhook's address (Slack, Discord). `ok` is the
/// pair in "hooks".
fn webhook(bytes: &[u8], pair_at: usize) -> Option<Hit> {
    let (start, kind) = if has(bytes, pair_at, b"oks.slack.com/") {
        let service = pair_at + b"oks.slack.com/".len();
        let path = [&b"services/"[..], b"workflows/", b"triggers/"]
            .into_iter()
            .find(|path| has(bytes, service, path))?;
        (service + path.len(), "slack-token")
    } else if has(bytes, pair_at, b"oks/") && has(bytes, pair_at.checked_sub(10)?, b"/api/webho") {
        let number = pair_at + 4;
        let behind = run(bytes, number, |byte| byte.is_ascii_digit());
        if behind - number < 10 || get(bytes, behind) != b'/' {
            return None;
        }
        (behind + 1, "discord-token")
    } else {
        return None;
    };
    let end = run(bytes, start, |byte| is_url64(byte) || byte == b'/');
    (end - start >= 16 && bytes[start..end].iter().any(u8::is_ascii_digit)).then_some(Hit {
        start,
        end,
        kind,
    })
}

/// The password of `curl -u user:password`.
fn curl_user(bytes: &[u8], dash: usize) -> Option<Hit> {
    let option = if has(bytes, dash, b"-user ") {
        dash + 6
    } else if has(bytes, dash, b"-u ") {
        dash + 3
    } else {
        return None;
    };
    let line_from = dash.saturating_sub(COMMAND_MAX);
    if !bytes[line_from..dash]
        .windows(5)
        .any(|five| five == b"curl ")
    {
        return None;
    }
    let mut from = run(bytes, option, is_blank);
    from = skip_backslashes(bytes, from);
    from += usize::from(matches!(get(bytes, from), b'"' | b'\''));
    let limit = bytes.len().min(from + USERINFO_MAX);
    let end = run(&bytes[..limit], from, |byte| {
        !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'' | b'\\' | b'`')
    });
    let start = from + bytes[from..end].iter().position(|byte| *byte == b':')? + 1;
    (start < end && !is_stand_in(&bytes[start..end])).then_some(Hit {
        start,
        end,
        kind: "authorization",
    })
}

/// The literal of `IDENTIFIED BY '…'` in SQL.
fn identified_by(bytes: &[u8], y: usize) -> Option<Hit> {
    if !has_ci(bytes, y.checked_sub(12)?, b"IDENTIFIED BY ") {
        return None;
    }
    let quote = run(bytes, y + 1, is_blank);
    if get(bytes, quote) != b'\'' {
        return None;
    }
    let start = quote + 1;
    let end = run(bytes, start, |byte| byte != b'\'' && byte != b'\n');
    (end > start && get(bytes, end) == b'\'' && !is_placeholder(&bytes[start..end])).then_some(
        Hit {
            start,
            end,
            kind: "secret",
        },
    )
}
