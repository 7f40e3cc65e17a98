//! What holds for every text: no panic, the same result when scrubbed again, no
//! canary left, linear time.

use std::time::{Duration, Instant};

use super::super::{is_wholly_private, redact, scrub, strip_tags};
use super::canaries::shaped;
use super::{ALNUM, Random};

const PIECES: [&str; 96] = [
    "<private>",
    "</private>",
    "<private",
    "<system-reminder>",
    "</system-reminder>",
    "\\u003cprivate\\u003e",
    "\\u003c",
    "<\\/private>",
    "<",
    ">",
    "/",
    "\\",
    "\\\\",
    "\"",
    "'",
    "`",
    "=",
    ":",
    "=>",
    ":=",
    " ",
    "\n",
    "\\n",
    "\t",
    ",",
    ";",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "$",
    "${",
    "%",
    "password",
    "PASSWORD",
    "secret",
    "token",
    "api_key",
    "apiKey",
    "Authorization",
    "Bearer ",
    "Basic ",
    "Cookie",
    "value",
    "name",
    "--password ",
    "--token=",
    "-----BEGIN PRIVATE KEY-----",
    "-----END PRIVATE KEY-----",
    "-----BEGIN ",
    "://",
    "https://",
    "postgres://u:",
    "@host",
    "@",
    "eyJ",
    "eyJhbGciOiJIUzI1NiJ9",
    ".",
    "sk-",
    "sk-ant-",
    "ghp_",
    "glpat-",
    "xoxb-",
    "AKIA",
    "AIza",
    "npm_",
    "pypi-AgE",
    "SG.",
    "hooks.slack.com/services/",
    "curl -u ",
    "IDENTIFIED BY '",
    "abc123def456ghi789",
    "Zq7xK93mmP2wLs8vB4nR6tYc",
    "hunter2",
    "swordfish",
    "0123456789abcdef0123456789abcdef",
    "é",
    "日本",
    "🙂",
    "\u{301}",
    "a",
    "Z",
    "9",
    "_",
    "-",
    "export ",
    "[redacted:secret]",
    "[redacted:",
    "AccountKey",
    "is ",
    "x-api-key",
    "bot",
    "123456789:AA",
    "</",
];

fn random_text(random: &mut Random, pieces: usize) -> String {
    (0..pieces).map(|_| *random.pick(&PIECES)).collect()
}

#[test]
fn any_text_is_scrubbed_once() {
    let mut random = Random::new(1);
    for _ in 0..60_000 {
        let pieces = 1 + random.below(14);
        let text = random_text(&mut random, pieces);
        let once = scrub(&text);
        assert_eq!(scrub(&once), once, "in: {text:?}");
        assert_eq!(strip_tags(&once), once, "in: {text:?}");
        let _ = is_wholly_private(&text);
    }
}

#[test]
fn a_text_may_be_cut_anywhere() {
    let mut random = Random::new(2);
    for _ in 0..300 {
        let text = random_text(&mut random, 12);
        for (cut, _) in text.char_indices() {
            for part in [&text[..cut], &text[cut..]] {
                assert!(scrub(part).len() <= 40 * (part.len() + 1));
            }
        }
    }
}

/// A canary between blanks is gone from whatever it is put into, unless a private
/// passage takes it away anyway.
#[test]
fn a_canary_is_gone_from_any_text() {
    let mut random = Random::new(4);
    let canaries = shaped();
    for _ in 0..30_000 {
        let canary = &random.pick(&canaries).text;
        let (before, after) = (random.below(8), random.below(8));
        let text = format!(
            "{} {canary} {}",
            random_text(&mut random, before),
            random_text(&mut random, after)
        );
        assert!(
            !redact(&text).contains(canary),
            "{canary} is left in {:?}",
            redact(&text)
        );
        assert!(
            !scrub(&text).contains(canary),
            "{canary} is left in {:?}",
            scrub(&text)
        );
    }
}

/// A debug build needs a tenth of this for 120 KB on a busy machine; at quadratic
/// cost it would need a minute.
const LIMIT: Duration = Duration::from_secs(3);

#[test]
fn time_is_linear() {
    let word = Random::new(6).word(30, ALNUM);
    let units = [
        "<private",
        "<private>",
        "</private>",
        "<private/>",
        "<pri<private/>",
        "<private x=",
        "< ",
        "<\\",
        "\\u003c",
        "\\",
        "\\u003cprivate ",
        "<private>x</private>",
        "<system-reminder>",
        "<private><system-reminder>",
        "sk-",
        " sk-",
        " sk-a",
        "eyJ",
        ".eyJ",
        " eyJaaaaaaaaaa.",
        "-----BEGIN",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\"",
        "-----BEGIN PRIVATE KEY-----\n",
        "-----END",
        "-",
        "://",
        "a://",
        "a://b:",
        "a://b:c",
        "password",
        "password=",
        "password='",
        "password=\"",
        "password: ",
        "password = a ",
        "password\n",
        "token",
        "token:",
        "token,",
        "\"token\",",
        "\"token\":",
        "key_",
        "KEY=",
        "authorization:",
        "authorization: Bearer ",
        "cookie:",
        "cookie: a",
        "cookie: a=",
        "Bearer ",
        "curl -u ",
        "-u a:",
        "IDENTIFIED BY '",
        "ok",
        "hooks.slack.com/services/",
        "[redacted:",
        "--password ",
        "--password",
        "ghp_",
        "ghp_a ",
        "glpat-",
        " glpat-a",
        "12345678:A",
        ":A",
        ".G",
        "MTaaaaaaaaaaaaaaaaaaaaaaaa.G",
        "xoxb-",
        "secret_",
        "name: password\nvalue",
        "name: token\n",
        "<password>",
        "password is ",
        "password\\",
        "password\\\\\"",
        "password: \\\"",
        "é",
        "token=a.b",
        &word,
    ];
    for unit in units {
        for text in [
            unit.repeat(120_000 / unit.len()),
            format!(
                "{} {}",
                unit.repeat(60_000 / unit.len()),
                "a".repeat(60_000)
            ),
        ] {
            let start = Instant::now();
            let length = scrub(&text).len();
            let took = start.elapsed();
            assert!(
                took < LIMIT,
                "{unit:?} took {took:?} for {} -> {length}",
                text.len()
            );
        }
    }
}
