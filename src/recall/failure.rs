//! How an error was mended before.

use crate::search::Found;
use crate::store::{ObservationRow, Reader, StoreError};

use super::Listener;
use super::evidence::{Telling, held, is_code, telling, weight};

/// Lines of an error that are looked at: compilers say first what is wrong,
/// interpreters last.
const FIRST_LINES: usize = 2;
const LAST_LINES: usize = 2;

/// Longest line, in characters; what comes after is data.
const LINE_CHARS: usize = 300;

/// Words that are looked for.
const MOST_WORDS: usize = 24;

/// Signs of a line that says what is wrong, in lower case.
const SIGNS: [&str; 14] = [
    "error",
    "exception",
    "fatal",
    "panic",
    "fail",
    "cannot",
    "can't",
    "could not",
    "unable",
    "not found",
    "no such",
    "denied",
    "refused",
    "no module",
];

/// Names of errors that say nothing of what is wrong.
const GENERAL: [&str; 12] = [
    "error",
    "exception",
    "assertionerror",
    "typeerror",
    "valueerror",
    "runtimeerror",
    "keyerror",
    "attributeerror",
    "referenceerror",
    "syntaxerror",
    "oserror",
    "calledprocesserror",
];

/// Share of the error's words, by weight, that a row with its name must hold, and
/// one where the error has no name of its own.
const WITH_NAME: f64 = 0.3;
const WITHOUT_NAME: f64 = 0.6;

/// Telling words that row and error have in common, at least.
const LEAST_WORDS: f64 = 2.0;
const LEAST_WORDS_WITHOUT_NAME: f64 = 3.0;

/// A second row has nearly as much in common with the error as the first.
const BESIDE: f64 = 0.8;

/// Kinds and concepts of rows that say how something was mended.
const FIXES: [&str; 1] = ["bugfix"];
const FIX_CONCEPTS: [&str; 2] = ["problem-solution", "gotcha"];

/// The row that says how this error was mended; a second one if it may as well
/// be meant.
pub(super) fn known(
    reader: &Reader,
    text: &str,
    listener: &Listener,
) -> Result<Vec<ObservationRow>, StoreError> {
    let text = without_places(&telling_lines(text));
    let names = names(&text);
    let mut words = telling(&text);
    words.truncate(MOST_WORDS);
    if weight(&words) < LEAST_WORDS {
        return Ok(Vec::new());
    }
    let query: Vec<&str> = words.iter().map(|word| word.shown.as_str()).collect();
    let found = super::search(reader, query.join(" "), listener)?;
    let mut worth: Vec<(bool, f64, ObservationRow)> = found
        .into_iter()
        .filter(|found| is_of_this(&words, &names, found))
        .map(|found| (is_fix(&found.row), found.explanation.coverage, found.row))
        .collect();
    worth.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)));
    let first = worth.first().map(|(fix, coverage, _)| (*fix, *coverage));
    worth.retain(|(fix, coverage, _)| {
        first.is_some_and(|(first, best)| *fix == first && *coverage >= BESIDE * best)
    });
    Ok(worth.into_iter().map(|(_, _, row)| row).collect())
}

/// Whether a row is about an error of this name and words.
fn is_of_this(words: &[Telling], names: &[String], found: &Found<ObservationRow>) -> bool {
    let (least, share) = if names.is_empty() {
        (LEAST_WORDS_WITHOUT_NAME, WITHOUT_NAME)
    } else {
        (LEAST_WORDS, WITH_NAME)
    };
    let row = &found.row;
    let says = [&row.title, &row.subtitle, &row.narrative]
        .into_iter()
        .chain(&row.facts)
        .map(|text| text.to_lowercase());
    let says: Vec<String> = says.collect();
    let named = |name: &String| says.iter().any(|text| text.contains(name));
    weight(held(words, row)) >= least
        && found.explanation.coverage >= share
        && (names.is_empty() || names.iter().any(named))
}

fn is_fix(row: &ObservationRow) -> bool {
    FIXES.contains(&&*row.kind)
        || row
            .concepts
            .iter()
            .any(|concept| FIX_CONCEPTS.contains(&&**concept))
}

/// The lines that say what is wrong, or the last ones.
fn telling_lines(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with("Exit code "))
        .map(|line| line.chars().take(LINE_CHARS).collect())
        .collect();
    let says_it = |line: &&String| {
        let line = line.to_lowercase();
        SIGNS.iter().any(|sign| line.contains(sign))
    };
    let mut chosen: Vec<&String> = lines.iter().filter(says_it).collect();
    if chosen.is_empty() {
        chosen = lines.iter().collect();
        chosen.drain(..chosen.len().saturating_sub(LAST_LINES));
    }
    if chosen.len() > FIRST_LINES + LAST_LINES {
        chosen.drain(FIRST_LINES..chosen.len() - LAST_LINES);
    }
    let chosen: Vec<&str> = chosen.into_iter().map(String::as_str).collect();
    chosen.join("\n")
}

/// Without what is another the next time: directories, numbers, addresses, times.
fn without_places(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for part in text.split_inclusive(char::is_whitespace) {
        let name = part.rsplit('/').next().unwrap_or(part);
        let word = name.trim_matches(|c: char| !c.is_alphanumeric());
        let is_place = word.starts_with("0x")
            || word.chars().any(|c| c.is_ascii_digit())
                && word
                    .chars()
                    .all(|c| c.is_ascii_hexdigit() || c.is_ascii_punctuation());
        kept.push_str(if is_place && !is_error_code(word) {
            " "
        } else {
            name
        });
    }
    kept
}

/// What the error calls itself, in lower case: the class of an exception, a code.
fn names(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let mut names: Vec<String> = words
        .filter(|word| is_class(word) || is_error_code(word))
        .map(str::to_lowercase)
        .filter(|name| !GENERAL.contains(&&**name))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn is_class(word: &str) -> bool {
    const ENDS: [&str; 4] = ["Error", "Exception", "Violation", "Detected"];
    let operation = word.starts_with("Invalid") && word.len() > "Invalid".len();
    word.starts_with(char::is_uppercase)
        && (operation
            || ENDS
                .iter()
                .any(|end| word.ends_with(end) && word.len() > end.len()))
}

/// `E0502`, `TS2345`, `ECONNREFUSED`, `ERR_PNPM_OUTDATED_LOCKFILE`, `SIGSEGV`.
fn is_error_code(word: &str) -> bool {
    let is_loud = word
        .chars()
        .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    let number = word.starts_with(|c: char| c.is_ascii_uppercase()) && is_code(word);
    let named = word.len() > 4 && (word.starts_with('E') || word.starts_with("SIG"));
    is_loud && word != "ERROR" && (number || named)
}

#[cfg(test)]
#[path = "failure_tests.rs"]
mod tests;
