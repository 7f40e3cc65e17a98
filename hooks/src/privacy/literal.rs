//! Whether a value is a literal that can be a secret, or code, a placeholder, a
//! path or plain words.

use super::bytes::{contains_ci, is_quote, one_of};
use super::names::Class;

/// Shortest secret in quotes or in a bare value, in bytes. Shorter ones are type
/// names and numbers far more often than passwords.
pub(super) const VALUE_MIN: usize = 6;

/// How much of a value is looked at, in bytes. What looks like a secret in its
/// first part is one; the limit keeps repeated looks at a long text linear.
pub(super) const VALUE_LOOK: usize = 64;

/// Words that stand where a secret would be without being one: types, schema
/// words, states and the words that follow an option in a manual.
const PLAIN_WORDS: [&str; 62] = [
    "string",
    "number",
    "boolean",
    "integer",
    "object",
    "required",
    "optional",
    "nullable",
    "undefined",
    "default",
    "invalid",
    "missing",
    "hidden",
    "redacted",
    "removed",
    "disabled",
    "enabled",
    "bearer",
    "public",
    "private",
    "header",
    "cookie",
    "query",
    "username",
    "password",
    "passwd",
    "passwort",
    "passphrase",
    "secret",
    "secrets",
    "token",
    "tokens",
    "apikey",
    "api_key",
    "api-key",
    "identifier",
    "keyword",
    "varchar",
    "unknown",
    "option",
    "options",
    "parameter",
    "argument",
    "arguments",
    "prompt",
    "instead",
    "requires",
    "without",
    "expired",
    "revoked",
    "rotated",
    "changeme",
    "change-me",
    "change_me",
    "placeholder",
    "example",
    "dummy",
    "sample",
    "empty",
    "authorization",
    "confirmed",
    "authenticated",
];

/// Words that only a sentence has.
const SENTENCE_WORDS: [&str; 24] = [
    "the",
    "is",
    "are",
    "was",
    "your",
    "a",
    "an",
    "to",
    "for",
    "must",
    "not",
    "enter",
    "please",
    "with",
    "of",
    "or",
    "and",
    "be",
    "at",
    "in",
    "on",
    "has",
    "your_password",
    "password",
];

/// What is known about the place of a bare value.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// `NAME=value` with a SCREAMING name, a header, or an option: no code.
    pub(super) env_like: bool,
    /// `name=value` without blanks, and no `,` or `)` behind, as in a shell or a
    /// properties file.
    pub(super) shell_like: bool,
    /// The byte behind the value, 0 at the end.
    pub(super) next: u8,
}

/// Counts of what a value consists of.
struct Mix {
    lower: usize,
    upper: usize,
    digit: usize,
    /// Punctuation and what is not ASCII.
    other: usize,
    blank: bool,
    /// Changes between letters and digits inside a word.
    changes: usize,
    /// Changes between upper and lower case inside a word.
    turns: usize,
    /// Longest run of letters and digits.
    longest: usize,
    /// The text is letters and digits with `_`, and begins with no digit.
    identifier: bool,
}

impl Mix {
    fn of(value: &[u8]) -> Self {
        let mut mix = Self {
            lower: 0,
            upper: 0,
            digit: 0,
            other: 0,
            blank: false,
            changes: 0,
            turns: 0,
            longest: 0,
            identifier: value.first().is_some_and(|byte| !byte.is_ascii_digit()),
        };
        let (mut before, mut length) = (0, 0);
        for &byte in value {
            match byte {
                b'a'..=b'z' => mix.lower += 1,
                b'A'..=b'Z' => mix.upper += 1,
                b'0'..=b'9' => mix.digit += 1,
                b' ' | b'\t' => mix.blank = true,
                _ => mix.other += 1,
            }
            length = if byte.is_ascii_alphanumeric() {
                length + 1
            } else {
                0
            };
            mix.longest = mix.longest.max(length);
            mix.identifier &= byte.is_ascii_alphanumeric() || byte == b'_';
            let both = length > 1;
            mix.changes += usize::from(both && is_digit(before) != is_digit(byte));
            let letters = both && !is_digit(before) && !is_digit(byte);
            mix.turns +=
                usize::from(letters && before.is_ascii_uppercase() != byte.is_ascii_uppercase());
            before = byte;
        }
        mix
    }

    fn is_random(&self) -> bool {
        let mixed = self.digit > 1 && self.letters() > 1 && self.changes > 2;
        // Words in camel case have few capital letters, one at each beginning.
        let both_cases = self.upper * 3 >= self.letters() && self.lower * 4 >= self.letters();
        let turning = self.longest > 11 && self.turns * 5 > self.letters() * 2 && both_cases;
        let long = self.longest > 19 && self.digit > 0 && both_cases;
        !self.blank && self.longest >= VALUE_MIN && (mixed || turning || long)
    }

    fn letters(&self) -> usize {
        self.lower + self.upper
    }
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

/// Whether a value looks like a random key: letters and digits that change often,
/// or letters whose case does.
pub(super) fn is_random(value: &[u8], min: usize) -> bool {
    value.len() >= min && Mix::of(value).is_random()
}

/// Whether a value in quotes, whose name has this class, is a secret.
pub(super) fn quoted_is_secret(class: Class, value: &[u8]) -> bool {
    let value = &value[..value.len().min(VALUE_LOOK)];
    if value.len() < VALUE_MIN {
        return false;
    }
    let mix = Mix::of(value);
    let sentence = || mix.blank && is_sentence(value);
    let literal = match class {
        Class::Password => {
            let field =
                mix.identifier && mix.digit == 0 && is_compound(value) && names_secret(value);
            !(field || sentence())
        }
        Class::Secret => {
            let words = mix.digit == 0 && (mix.identifier || is_kebab(value)) && is_compound(value);
            let short_word = mix.digit + mix.upper + mix.other == 0 && value.len() < 9;
            !(words || short_word || sentence())
        }
        Class::Token | Class::Authorization => value.len() > 7 && mix.is_random(),
        Class::Cookie => is_cookie(value),
    };
    literal && !stands_for_value(value)
}

/// Whether a value without quotes, whose name has this class, is a secret.
pub(super) fn bare_is_secret(class: Class, value: &[u8], place: Place) -> bool {
    let value = &value[..value.len().min(VALUE_LOOK)];
    let min = if place.env_like && class == Class::Password {
        4
    } else {
        VALUE_MIN
    };
    if value.len() < min {
        return false;
    }
    let mix = Mix::of(value);
    let called = matches!(place.next, b'(' | b'[' | b'{')
        || (place.next == b'<' && mix.identifier && !place.env_like);
    let code = matches!(
        value[0],
        b'&' | b'*' | b'!' | b'@' | b'|' | b'-' | b'=' | b'+' | b':' | b'$'
    ) && !place.env_like;
    if called || code {
        return false;
    }
    let random = mix.is_random() && mix.letters() + mix.other > 0;
    let literal = match class {
        Class::Password if place.env_like => true,
        Class::Password => {
            let word = mix.identifier && (value.contains(&b'_') || names_secret(value));
            let plain = mix.digit + mix.other == 0;
            !word && (!plain || (place.shell_like && !is_compound(value)))
        }
        Class::Secret if place.env_like => value.len() > 7 || mix.digit > 0,
        Class::Secret => random && value.len() > 7,
        Class::Token | Class::Authorization if place.env_like => {
            value.len() > 11 || (value.len() > 7 && mix.digit > 0)
        }
        Class::Token | Class::Authorization => random && value.len() > 11,
        Class::Cookie => is_cookie(value),
    };
    let member = || is_member_access(value) && !(place.env_like && value.len() > 15 && random);
    literal && !stands_for_value(value) && !member()
}

fn stands_for_value(value: &[u8]) -> bool {
    one_of(value, &PLAIN_WORDS) || is_placeholder(value) || is_path(value)
}

/// Whether the text behind an authorization scheme is a credential and no word
/// of a manual.
pub(super) fn is_credential(value: &[u8]) -> bool {
    let value = &value[..value.len().min(VALUE_LOOK)];
    let mix = Mix::of(value);
    let mixed = mix.digit > 0 || (mix.upper > 0 && mix.lower > 0 && mix.turns > 2);
    value.len() >= VALUE_MIN && mixed && !is_placeholder(value) && !is_member_access(value)
}

/// Stands for a value, or is computed at run time.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    let first = value.first().copied().unwrap_or_default();
    let last = value.last().copied().unwrap_or_default();
    let variable = first == b'$'
        && value.len() > 1
        && value[1..]
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let wrapped = matches!(
        (first, last),
        (b'<', b'>') | (b'%', b'%') | (b'{', b'}') | (b'[', b']')
    );
    let template = value
        .windows(2)
        .any(|two| matches!(two, b"${" | b"$(" | b"#{" | b"{{" | b"%{" | b"<%" | b"%("))
        || braces(value);
    let marked =
        value.starts_with(b"[redacted:") || value.starts_with(b"ENC[") || value.starts_with(b"...");
    let told = first.eq_ignore_ascii_case(&b'y')
        && [&b"your-"[..], b"your_", b"your ", b"yourp", b"youra"]
            .iter()
            .any(|word| contains_ci(value, word));
    let told = told || first == b'<';
    let same = value
        .iter()
        .all(|byte| matches!(byte, b'*' | b'.' | b'-' | b'#' | b'_'))
        || value.iter().all(|byte| byte.eq_ignore_ascii_case(&b'x'))
        || value
            .chunks(3)
            .all(|chunk| "•".as_bytes().starts_with(chunk) || "…".as_bytes().starts_with(chunk));
    variable
        || wrapped
        || template
        || marked
        || told
        || same
        || value.starts_with(b"%s")
        || first == b'$' && is_quote(last)
}

/// A name in braces, as in a format string.
fn braces(value: &[u8]) -> bool {
    let Some(open) = value.iter().position(|byte| *byte == b'{') else {
        return false;
    };
    value[open..].contains(&b'}')
}

/// A path or an address. A key may begin with a slash too, but then it is random.
fn is_path(value: &[u8]) -> bool {
    let rooted = value.starts_with(b"/")
        || value.starts_with(b"./")
        || value.starts_with(b"../")
        || value.starts_with(b"~/");
    let drive = value.len() > 2 && value[1] == b':' && matches!(value[2], b'\\' | b'/');
    let address = value.windows(3).any(|three| three == b"://");
    (rooted && !(value.len() > 31 && is_random(value, 32) && !value.contains(&b'.')))
        || drive
        || address
}

/// `self.token`, `process.env.TOKEN`, `Kind::Token`: names joined by dots, none of
/// which looks random.
fn is_member_access(value: &[u8]) -> bool {
    let joined = value.contains(&b'.') || value.windows(2).any(|two| two == b"::" || two == b"->");
    joined
        && value
            .split(|byte| matches!(byte, b'.' | b':' | b'-' | b'>' | b'?' | b'!'))
            .all(|part| {
                part.iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
                    && !part.first().is_some_and(u8::is_ascii_digit)
                    && part.len() < 32
            })
}

/// Says what it is instead of being it: `user_password`, `tokenValue`.
fn names_secret(value: &[u8]) -> bool {
    ["pass", "pwd", "secret", "token", "key", "cred", "auth"]
        .iter()
        .any(|word| contains_ci(value, word.as_bytes()))
}

/// More than one word: with `_`, `-` or in camel case.
fn is_compound(value: &[u8]) -> bool {
    value.contains(&b'_')
        || value.contains(&b'-')
        || value
            .windows(2)
            .any(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase())
}

fn is_kebab(value: &[u8]) -> bool {
    value
        .iter()
        .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'.'))
}

fn is_sentence(value: &[u8]) -> bool {
    let says = value
        .split(|byte| *byte == b' ')
        .any(|word| one_of(word, &SENTENCE_WORDS));
    let ends = value
        .last()
        .is_some_and(|byte| matches!(byte, b'.' | b'!' | b'?' | b':'));
    says || ends
        || value[0].is_ascii_uppercase()
            && value
                .iter()
                .all(|byte| byte.is_ascii_alphabetic() || *byte == b' ')
}

/// `name=value` with a value that is long enough to matter.
fn is_cookie(value: &[u8]) -> bool {
    value.split(|byte| *byte == b';').any(|pair| {
        let Some(equals) = pair.iter().position(|byte| *byte == b'=') else {
            return false;
        };
        let (name, content) = (&pair[..equals], &pair[equals + 1..]);
        let named = name
            .trim_ascii()
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
        named
            && !name.trim_ascii().is_empty()
            && content.trim_ascii().len() >= VALUE_MIN
            && !content.starts_with(b" ")
            && !is_placeholder(content)
    })
}
