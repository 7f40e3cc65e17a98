//! Which names say that their value is a secret.
//!
//! A name is looked at by its segments, in snake, kebab, dotted, camel and
//! SCREAMING form, so `tokenizer`, `max_tokens` or `primary_key` are no hits.

use super::bytes::one_of;

/// How much a name says about its value, from most to least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A password: any literal is a secret, even a plain word.
    Password,
    /// A secret or a key: a literal that is more than a word is a secret.
    Secret,
    /// A token and the like: only a value that looks random is a secret, because
    /// parsers and page cursors have tokens as well.
    Token,
    /// The Authorization header: what follows the scheme is a secret.
    Authorization,
    /// The Cookie headers: the whole value is a secret.
    Cookie,
}

/// Longer names are not met; a longer run is data, not a name.
const NAME_MAX: usize = 96;

/// Names with more segments than this are read by their last ones.
const SEGMENTS_MAX: usize = 16;

/// Segments that may follow the word that matters: `SECRET_KEY_BASE`,
/// `DB_PASSWORD_PROD`. Any other one makes it another thing: `token_count`.
const SUFFIXES: [&str; 27] = [
    "base",
    "prod",
    "production",
    "dev",
    "development",
    "staging",
    "stage",
    "test",
    "testing",
    "live",
    "main",
    "old",
    "new",
    "current",
    "previous",
    "backup",
    "default",
    "local",
    "value",
    "plain",
    "plaintext",
    "raw",
    "b64",
    "base64",
    "confirm",
    "confirmation",
    "again",
];

/// What a key must be called besides `key` to be a secret for sure.
const KEY_OF_SECRET: [&str; 13] = [
    "api",
    "access",
    "secret",
    "private",
    "priv",
    "encryption",
    "signing",
    "signature",
    "master",
    "auth",
    "account",
    "service",
    "encrypt",
];

/// What a key may be called to be a secret when its value looks random. Keys of
/// tables, caches, maps and keyboards are not here.
const KEY_OF_SERVICE: [&str; 53] = [
    "app",
    "application",
    "ssh",
    "gpg",
    "pgp",
    "aes",
    "rsa",
    "hmac",
    "jwt",
    "session",
    "cipher",
    "crypto",
    "shared",
    "subscription",
    "consumer",
    "role",
    "admin",
    "root",
    "deploy",
    "license",
    "webhook",
    "server",
    "client",
    "stripe",
    "openai",
    "anthropic",
    "azure",
    "google",
    "gcp",
    "aws",
    "github",
    "gitlab",
    "sendgrid",
    "mailgun",
    "twilio",
    "slack",
    "maps",
    "firebase",
    "algolia",
    "datadog",
    "sentry",
    "heroku",
    "dd",
    "write",
    "ingest",
    "ingestion",
    "integration",
    "bot",
    "cookie",
    "storage",
    "rapidapi",
    "supabase",
    "cosmos",
];

/// Secret words that are written without a separator.
const JOINED_KEYS: [&str; 16] = [
    "apikey",
    "secretkey",
    "accesskey",
    "privatekey",
    "privkey",
    "authkey",
    "masterkey",
    "signingkey",
    "encryptionkey",
    "accountkey",
    "sharedaccesskey",
    "secretaccesskey",
    "apisecret",
    "servicekey",
    "connectionstring",
    "connstr",
];

const JOINED_TOKENS: [&str; 10] = [
    "authtoken",
    "accesstoken",
    "refreshtoken",
    "bottoken",
    "apitoken",
    "usertoken",
    "sessiontoken",
    "idtoken",
    "bearertoken",
    "secrettoken",
];

/// Tokens of parsers, language models, pagers and schedulers.
const OTHER_TOKENS: [&str; 38] = [
    "next",
    "page",
    "continuation",
    "max",
    "min",
    "pad",
    "eos",
    "bos",
    "unk",
    "sep",
    "cls",
    "mask",
    "stop",
    "num",
    "count",
    "cancellation",
    "cancel",
    "special",
    "input",
    "output",
    "prompt",
    "completion",
    "design",
    "sync",
    "first",
    "last",
    "prev",
    "previous",
    "current",
    "lookahead",
    "start",
    "end",
    "begin",
    "string",
    "number",
    "peek",
    "expected",
    "unexpected",
];

/// Words that turn `pass` into a verb or a round.
const OTHER_PASSES: [&str; 16] = [
    "test", "tests", "by", "first", "second", "single", "multi", "one", "two", "render", "shader",
    "to", "did", "should", "must", "low",
];

/// The class of a name, or `None` when it says nothing about a secret.
pub(super) fn classify(name: &[u8]) -> Option<Class> {
    if name.len() > NAME_MAX {
        return None;
    }
    let name = name.strip_prefix(b"--").unwrap_or(name);
    if one_of(name, &["cookie", "set-cookie"]) {
        return Some(Class::Cookie);
    }
    let mut found = Segments::default();
    found.split(name);
    let mut segments = &found.list[..found.len];
    for _ in 0..2 {
        if let [rest @ .., suffix] = segments
            && !rest.is_empty()
            && (one_of(suffix, &SUFFIXES) || is_number(suffix))
        {
            segments = rest;
        }
    }
    let (last, before) = segments.split_last()?;
    let qualifier = before.last().copied().unwrap_or_default();
    class_of(without_digits(last), without_digits(qualifier))
}

fn class_of(last: &[u8], qualifier: &[u8]) -> Option<Class> {
    let lower = |word: &str| last.eq_ignore_ascii_case(word.as_bytes());
    if ends_with_ci(
        last,
        &["password", "passwd", "passphrase", "passwort", "pwd"],
    ) {
        return (!one_of(last, &["nopasswd", "oldpwd"])).then_some(Class::Password);
    }
    if ends_with_ci(last, &["secret"]) || one_of(last, &JOINED_KEYS) {
        return Some(Class::Secret);
    }
    if lower("key") {
        if one_of(qualifier, &KEY_OF_SECRET) {
            return Some(Class::Secret);
        }
        return one_of(qualifier, &KEY_OF_SERVICE).then_some(Class::Token);
    }
    if lower("string") && one_of(qualifier, &["connection"]) {
        return Some(Class::Secret);
    }
    if lower("token") {
        return (!one_of(qualifier, &OTHER_TOKENS)).then_some(Class::Token);
    }
    if lower("pass") {
        return (!one_of(qualifier, &OTHER_PASSES)).then_some(Class::Token);
    }
    if lower("authorization") {
        return Some(Class::Authorization);
    }
    let other = one_of(last, &["credential", "credentials", "creds", "auth"])
        || one_of(last, &JOINED_TOKENS);
    other.then_some(Class::Token)
}

/// The last segments of a name, in order.
#[derive(Default)]
struct Segments<'a> {
    list: [&'a [u8]; SEGMENTS_MAX],
    len: usize,
}

impl<'a> Segments<'a> {
    fn split(&mut self, name: &'a [u8]) {
        for part in name.split(|byte| matches!(byte, b'_' | b'-' | b'.')) {
            let mut from = 0;
            for at in 1..part.len() {
                let next_is_lower = part.get(at + 1).is_some_and(u8::is_ascii_lowercase);
                let starts_word = part[at].is_ascii_uppercase()
                    && (!part[at - 1].is_ascii_uppercase() || next_is_lower);
                if starts_word {
                    self.push(&part[from..at]);
                    from = at;
                }
            }
            self.push(&part[from..]);
        }
    }

    fn push(&mut self, segment: &'a [u8]) {
        if segment.is_empty() {
            return;
        }
        if self.len == SEGMENTS_MAX {
            self.list.rotate_left(1);
            self.len -= 1;
        }
        self.list[self.len] = segment;
        self.len += 1;
    }
}

fn ends_with_ci(word: &[u8], endings: &[&str]) -> bool {
    endings.iter().any(|ending| {
        word.len()
            .checked_sub(ending.len())
            .is_some_and(|from| word[from..].eq_ignore_ascii_case(ending.as_bytes()))
    })
}

fn is_number(segment: &[u8]) -> bool {
    segment.iter().all(u8::is_ascii_digit)
}

/// `password2` is a password as well.
fn without_digits(segment: &[u8]) -> &[u8] {
    let digits = segment
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    &segment[..segment.len() - digits]
}
