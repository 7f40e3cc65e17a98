//! Reads what the user asked, past pasted logs, tags and politeness.

use super::text::{self, has, squeeze};
use super::words::{CHORE, FEATURE, FIX, POLITE, QUESTION, REFACTOR};
use super::{markdown, phrasing};

/// Longest request in a summary, in characters.
const REQUEST: usize = 300;
/// Longest part of a prompt that is read, in bytes. What people ask stands
/// before what they paste.
const MAX_PROMPT: usize = 12_000;

/// What sort of work was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    Fix,
    Feature,
    Refactor,
    Chore,
    Question,
    Unclear,
}

/// A prompt of the user.
#[derive(Debug, Clone)]
pub(super) struct Prompt {
    /// The request in one line.
    pub(super) request: String,
    /// Its sentences.
    pub(super) sentences: Vec<String>,
    pub(super) intent: Intent,
    /// Whether it says too little by itself, such as "continue".
    pub(super) vague: bool,
}

impl Prompt {
    /// Marks the project's name at the beginning of sentences as code, so that
    /// it keeps its letters.
    pub(super) fn mark(&mut self, project: &str) {
        for sentence in &mut self.sentences {
            if sentence.split_whitespace().next() == Some(project)
                && !phrasing::is_instruction(sentence)
            {
                sentence.insert(0, text::CODE);
            }
        }
    }
}

/// Reads a prompt. `None` where there is none of the user's own.
pub(super) fn read(raw: Option<&str>) -> Option<Prompt> {
    let raw = text::head(raw?.trim(), MAX_PROMPT);
    if raw.starts_with("<task-notification")
        || raw.starts_with("<local-command")
        || raw.starts_with("[Request interrupted")
    {
        return None;
    }
    let plain = strip_tags(raw);
    let prose = prose(&plain);
    let mut sentences: Vec<String> = Vec::new();
    for line in prose {
        for sentence in markdown::sentences(&line) {
            let sentence = markdown::inline(&sentence);
            if sentence.chars().any(char::is_alphanumeric) && !has_hole(&sentence) {
                sentences.push(sentence);
            }
        }
    }
    if sentences.is_empty() {
        return None;
    }
    let whole = sentences.join(" ");
    Some(Prompt {
        request: request(&sentences),
        intent: intent(&sentences),
        vague: is_vague(&whole),
        sentences,
    })
}

/// Sentences that are still whole but for a word that was taken out of them.
fn has_hole(sentence: &str) -> bool {
    [" is ,", " is .", " is )", " , ", "[private]"]
        .iter()
        .any(|hole| sentence.contains(hole))
}

/// Sentences as long as they fit; the first one is cut if it is too long.
fn request(sentences: &[String]) -> String {
    let mut out = String::new();
    for sentence in sentences {
        let longer = out.chars().count() + sentence.chars().count() + 1;
        if longer > REQUEST {
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(sentence);
    }
    if out.is_empty() {
        out = text::clip(&sentences[0], REQUEST);
    }
    out
}

/// Removes what the host or the user's privacy puts into tags.
fn strip_tags(raw: &str) -> String {
    let mut text = raw.to_owned();
    for tag in [
        "private",
        "system-reminder",
        "local-command-stdout",
        "command-message",
        "claude-mem-context",
    ] {
        let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
        while let Some(start) = text.find(&open) {
            let end = text[start..]
                .find(&close)
                .map_or(text.len(), |n| start + n + close.len());
            text.replace_range(start..end, "");
        }
    }
    for tag in [
        "<command-name>",
        "</command-name>",
        "<command-args>",
        "</command-args>",
    ] {
        text = text.replace(tag, " ");
    }
    text
}

/// The lines that a person wrote, without code, logs and traces.
fn prose(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut fence = false;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.starts_with("```") {
            fence = !fence;
            continue;
        }
        if !fence && !trimmed.is_empty() && !is_pasted(line) {
            out.push(trimmed.trim_start_matches(['#', '>', ' ']).to_owned());
        }
        if out.len() >= 40 {
            break;
        }
    }
    if out.is_empty() {
        out.push(text::clip(&squeeze(text), REQUEST));
    }
    out
}

fn is_pasted(line: &str) -> bool {
    let trimmed = line.trim();
    let digits = trimmed.chars().take(4).filter(char::is_ascii_digit).count();
    let symbols = trimmed
        .chars()
        .filter(|c| "{}[]()<>=;|\\/$&".contains(*c))
        .count();
    let length = trimmed.chars().count().max(1);
    digits >= 3
        || [
            "at ",
            "File \"",
            "Traceback",
            "$ ",
            "% ",
            "+++",
            "---",
            "@@",
            "E   ",
            "npm ERR!",
            "error[",
            "[ERROR]",
            "[INFO]",
            "WARN",
            "INFO",
            "DEBUG",
            "ERROR",
        ]
        .iter()
        .any(|mark| trimmed.starts_with(mark))
        || symbols * 5 > length && length > 12
}

fn is_vague(whole: &str) -> bool {
    phrasing::is_vague(whole) || (text::word_count(whole) <= 2 && !whole.starts_with('/'))
}

fn intent(sentences: &[String]) -> Intent {
    let whole = sentences
        .iter()
        .take(8)
        .map(|s| s.to_lowercase())
        .collect::<Vec<_>>()
        .join(" ");
    let first = instruction(sentences).to_lowercase();
    let verb = first
        .split(|c: char| c.is_whitespace() || c == ':')
        .next()
        .unwrap_or("");
    for (verbs, intent) in VERBS {
        if verbs.contains(&verb) {
            // "Change x so that it no longer crashes" is still a fix.
            let fixes = *intent == Intent::Chore && has(&whole, FIX);
            return if fixes { Intent::Fix } else { *intent };
        }
    }
    if has(&whole, FIX) {
        return Intent::Fix;
    }
    // "The export should write Parquet" wants something new; "it should be 90
    // but is 81" does not.
    let wish = |s: &String| {
        let lower = s.to_lowercase();
        has(&lower, &["should"]) && !has(&lower, &["but", "instead", "we", "i"])
    };
    if sentences
        .first()
        .is_some_and(|s| wish(s) && !s.ends_with('?'))
    {
        return Intent::Feature;
    }
    for (words, intent) in [
        (REFACTOR, Intent::Refactor),
        (FEATURE, Intent::Feature),
        (CHORE, Intent::Chore),
    ] {
        if has(&whole, words) {
            return intent;
        }
    }
    let asks = sentences.iter().any(|s| s.ends_with(['?', '？'])) || has(&whole, QUESTION);
    if asks {
        Intent::Question
    } else {
        Intent::Unclear
    }
}

/// The first sentence that tells what to do, without politeness.
pub(super) fn instruction(sentences: &[String]) -> String {
    let polite: Vec<String> = sentences.iter().map(|s| strip_politeness(s)).collect();
    if let Some(whole) = polite.iter().find(|s| phrasing::is_instruction(s)) {
        return whole.clone();
    }
    // "Review x and make it safe": the looking is only the way there.
    let second = polite.iter().find_map(|s| {
        let (_, tail) = s.split_once(" and ")?;
        let clear = phrasing::is_instruction(tail) && text::word_count(tail) >= 2;
        clear.then(|| tail.to_owned())
    });
    second
        .or_else(|| polite.first().cloned())
        .unwrap_or_default()
}

/// What is wrong, without the wish to have it mended: "x crashes, please fix".
pub(super) fn complaint(sentences: &[String]) -> Option<String> {
    let first = sentences.first()?;
    let lower = first.to_lowercase();
    let mut end = first.len();
    if lower.len() == first.len() {
        for mark in [
            ", please",
            ", can you",
            ", could you",
            ", fix",
            ", get ",
            " - fix",
            " - please",
            " and fix",
            ", find",
            ", look",
            "; fix",
            ", bitte",
            ", help",
            ". find",
            ". figure",
            ", figure",
            ". fix",
            ". please",
            ". can you",
        ] {
            end = end.min(lower.find(mark).unwrap_or(end));
        }
    }
    let plain = first[..end].trim_end_matches(['.', '!', '?', ':', '，', '。', ' ']);
    let plain = plain.split("，请").next().unwrap_or(plain);
    let words = text::word_count(plain);
    let bare = strip_politeness(plain);
    let verb = bare.split_whitespace().next().unwrap_or("").to_lowercase();
    let instruction =
        phrasing::is_instruction(&bare) || LOOKING.contains(&verb.as_str()) || first.ends_with('?');
    ((3..=22).contains(&words) && !instruction && !phrasing::is_vague(plain))
        .then(|| plain.to_owned())
}

/// Instructions to find something out, which complain of nothing.
const LOOKING: &[&str] = &[
    "review",
    "check",
    "look",
    "investigate",
    "find",
    "figure",
    "see",
    "show",
    "explain",
    "debug",
    "run",
    "use",
    "try",
    "go",
    "start",
];

/// Whether a text is English, as far as its small words tell.
pub(super) fn is_english(text: &str) -> bool {
    let foreign = [
        "der", "die", "das", "und", "bei", "ist", "el", "los", "las", "que", "les", "une", "des",
        "est", "bitte", "por", "il", "di",
    ];
    text.is_ascii() && !has(&text.to_lowercase(), &foreign)
}

fn strip_politeness(sentence: &str) -> String {
    let mut rest = sentence.trim();
    for _ in 0..4 {
        let lower = rest.to_lowercase();
        let lead = POLITE.iter().find(|lead| {
            lower.len() == rest.len() && lower.starts_with(**lead) && rest.len() > lead.len()
        });
        match lead {
            Some(lead) => rest = rest[lead.len()..].trim_start_matches([' ', ',', ':', '.']),
            None => break,
        }
    }
    rest.trim_end_matches(['?', '？', '.', '!']).to_owned()
}

const VERBS: &[(&[&str], Intent)] = &[
    (
        &[
            "fix",
            "repair",
            "debug",
            "behebe",
            "repariere",
            "arregla",
            "corrige",
            "corriger",
            "исправь",
            "resolve",
        ],
        Intent::Fix,
    ),
    (
        &[
            "add",
            "implement",
            "support",
            "create",
            "introduce",
            "build",
            "ergänze",
            "implementiere",
            "añade",
            "ajoute",
            "добавь",
            "expose",
            "allow",
            "enable",
            "extend",
        ],
        Intent::Feature,
    ),
    (
        &[
            "refactor",
            "rename",
            "extract",
            "move",
            "restructure",
            "simplify",
            "split",
            "deduplicate",
            "inline",
            "cleanup",
            "clean",
            "tidy",
        ],
        Intent::Refactor,
    ),
    (
        &[
            "bump",
            "upgrade",
            "update",
            "document",
            "format",
            "reformat",
            "configure",
            "change",
            "set",
            "pin",
            "adjust",
        ],
        Intent::Chore,
    ),
    (
        &[
            "why", "what", "how", "where", "which", "explain", "describe", "who", "when", "is",
            "does", "are", "tell", "warum", "wie", "wo", "was",
        ],
        Intent::Question,
    ),
];
