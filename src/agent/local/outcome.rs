//! Judges what a program printed: did it succeed, and if not, what failed?
//!
//! Exit codes get lost in pipes and behind `|| true`, so the text has the last
//! word where the exit code cannot be trusted. Only the output of programs that
//! check or run something comes here, never the text of a file.

use super::command::Class;
use super::report::{self, Counts};
use super::text;

/// Whether a run did what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Passed,
    Failed,
    /// Neither the exit code nor the text tells.
    Unknown,
}

/// What is known about the result of a run.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) state: State,
    /// Names of the failing tests, at most five.
    pub(super) failing: Vec<String>,
    /// The most telling error message.
    pub(super) error: Option<String>,
    /// How many tests passed.
    pub(super) passed: Option<u64>,
}

/// Judges the output of a run.
///
/// `masked` says that the exit code is not the run's own.
pub(super) fn judge(class: Class, output: &str, failed: bool, masked: bool) -> Outcome {
    let mut scan = Scan::default();
    for line in output.lines() {
        let plain = strip_ansi(line);
        scan.line(class, &plain);
    }
    let state = scan.state(class, failed, masked, output.trim().is_empty());
    let error = (state == State::Failed).then(|| scan.message()).flatten();
    let failing = if state == State::Failed {
        distinct(&scan.failing)
    } else {
        Vec::new()
    };
    Outcome {
        state,
        failing,
        error,
        passed: scan.counts.passed(),
    }
}

/// Runners name a test twice, once with its suite; the longer name stays.
fn distinct(names: &[String]) -> Vec<String> {
    names
        .iter()
        .filter(|name| {
            !names
                .iter()
                .any(|other| other.len() > name.len() && other.ends_with(name.as_str()))
        })
        .cloned()
        .collect()
}

#[derive(Default)]
struct Scan {
    counts: Counts,
    failing: Vec<String>,
    best: Option<(u8, String)>,
    bad: bool,
    good: bool,
    /// The next line holds the message that this one announced.
    announced: Option<u8>,
    wanted: Option<String>,
    seen: Option<String>,
}

impl Scan {
    fn line(&mut self, class: Class, raw: &str) {
        let line = raw.trim();
        if line.is_empty() || line.len() > 2_000 {
            return;
        }
        if class == Class::Test {
            self.counts.read(line);
            if self.failing.len() < 5
                && let Some(name) = report::failing_name(line)
                && !self.failing.contains(&name)
            {
                self.failing.push(name);
            }
        }
        if class == Class::Lint || class == Class::Build {
            self.counts.read_problems(line);
        }
        self.bad |= is_bad(class, line);
        self.good |= is_good(line);
        self.comparison(line);
        if let Some(score) = self.announced.take()
            && !line.starts_with("note:")
        {
            self.offer(score, line);
        }
        if let Some((score, message)) = error_message(line) {
            self.offer(score, &message);
        }
        if is_announcement(line) {
            self.announced = Some(9);
        }
    }

    fn offer(&mut self, score: u8, message: &str) {
        if self.best.as_ref().is_none_or(|(best, _)| score > *best) {
            self.best = Some((score, text::clip(&text::squeeze(message), 180)));
        }
    }

    /// "Expected: 1" and "Received: 2" on lines of their own.
    fn comparison(&mut self, line: &str) {
        let Some((label, value)) = line.split_once(':') else {
            return;
        };
        let value = value.trim();
        if value.is_empty() || value.len() > 80 {
            return;
        }
        let slot = match label.trim().to_lowercase().as_str() {
            "expected" | "left" | "want" | "expected value" => &mut self.wanted,
            "received" | "right" | "got" | "actual" | "received value" => &mut self.seen,
            _ => return,
        };
        slot.get_or_insert_with(|| format!("{} {value}", label.trim().to_lowercase()));
    }

    fn message(&self) -> Option<String> {
        let compared = match (&self.wanted, &self.seen) {
            (Some(wanted), Some(seen)) => Some(format!("{wanted}, {seen}")),
            _ => None,
        };
        match (&self.best, compared) {
            (Some((score, message)), Some(compared)) if *score < 9 || message.len() < 60 => {
                let trimmed = message.trim_end_matches([':', '.']);
                Some(format!("{trimmed} ({compared})"))
            }
            (Some((_, message)), _) => Some(message.clone()),
            (None, compared) => compared.map(|c| text::capitalise(&c)),
        }
    }

    fn state(&self, class: Class, failed: bool, masked: bool, silent: bool) -> State {
        let counted_bad = self.counts.failed.is_some_and(|n| n > 0);
        if failed || counted_bad {
            return State::Failed;
        }
        if !masked {
            return State::Passed;
        }
        let proven = self.counts.passed().is_some_and(|n| n > 0);
        if self.bad && !(proven && self.counts.failed == Some(0)) {
            return State::Failed;
        }
        if proven || self.good {
            return State::Passed;
        }
        if silent && matches!(class, Class::Lint | Class::Build) {
            return State::Passed;
        }
        State::Unknown
    }
}

/// Lines after which the message itself follows.
fn is_announcement(line: &str) -> bool {
    (line.contains("panicked at") && line.ends_with(':'))
        || line.starts_with("* What went wrong:")
        || line.starts_with("Failure/Error:") && line.len() < 16
}

fn is_bad(class: Class, line: &str) -> bool {
    let starts = |marks: &[&str]| marks.iter().any(|m| line.starts_with(m));
    let contains = |marks: &[&str]| text::contains_any(line, marks);
    if starts(&[
        "npm ERR!",
        "npm error",
        "error[",
        "error: could not compile",
        "BUILD FAILED",
        "[ERROR] BUILD FAILURE",
        "make: ***",
        "FAILED (",
        "FAILURES!",
        "fatal: ",
        "ERR_PNPM",
        "error Command failed",
        "Traceback (most recent call last)",
        "panic: ",
        "error: failed to",
        "ERROR: failed to",
    ]) || contains(&[
        "BUILD FAILURE",
        "command not found",
        "Segmentation fault",
        ": error TS",
        "ELIFECYCLE",
    ]) {
        return true;
    }
    if class == Class::Test {
        return line == "FAIL"
            || starts(&[
                "--- FAIL",
                "FAIL\t",
                "FAIL ",
                "FAIL: ",
                "FAILED ",
                "not ok ",
                "[  FAILED  ]",
                "Failed! ",
            ])
            || contains(&["test result: FAILED", "' panicked at ", ") panicked at "]);
    }
    matches!(class, Class::Build | Class::Lint | Class::Install)
        && (starts(&["error: ", "Error: ", "ERROR: "])
            || contains(&[": error: ", ": fatal error: "]))
}

fn is_good(line: &str) -> bool {
    line == "OK"
        || line == "PASS"
        || [
            "OK (",
            "ok  \t",
            "ok \t",
            "PASS ",
            "Passed! ",
            "Finished `",
            "Success: no issues",
            "Plan: ",
            "No changes. ",
            "[  PASSED  ]",
        ]
        .iter()
        .any(|mark| line.starts_with(mark))
        || [
            "BUILD SUCCESS",
            "All checks passed",
            "test result: ok",
            "Compiled successfully",
            "no issues found",
            "Successfully built",
            "Successfully installed",
            "built in ",
            "0 problems",
            "found 0 vulnerabilities",
        ]
        .iter()
        .any(|mark| line.contains(mark))
}

/// The message of a line that reports an error, and how telling it is.
fn error_message(line: &str) -> Option<(u8, String)> {
    let line = line.strip_prefix("[ERROR] ").map_or(line, str::trim);
    if let Some(rest) = line.strip_prefix("E ") {
        let rest = rest.trim();
        let score = if rest.contains("Error") || rest.starts_with("assert") {
            9
        } else {
            5
        };
        return (rest.len() > 4).then(|| (score, rest.to_owned()));
    }
    if let Some(at) = line.find(" panicked at '") {
        return Some((9, line[at + 1..].to_owned()));
    }
    for mark in ["npm ERR! ", "npm error "] {
        if let Some(rest) = line.strip_prefix(mark) {
            let useful = !rest.contains("complete log") && text::word_count(rest) > 1;
            let score = match rest {
                code if code.starts_with("code ") => 5,
                cause if cause.contains("Not compatible") => 9,
                cause if is_cause(cause) => 8,
                _ => 4,
            };
            return useful.then(|| (score, rest.to_owned()));
        }
    }
    if line.starts_with("error[") || line.contains(": error TS") || line.contains("- error TS") {
        return Some((9, line.to_owned()));
    }
    // Kotlin: `e: file:///a.kt:17:25 Unresolved reference: x`. Gradle says less.
    if let Some((place, message)) = line.strip_prefix("e: ").and_then(|l| l.split_once(' ')) {
        return place.contains(':').then(|| (10, message.to_owned()));
    }
    if is_exception(line) {
        return Some((8, line.to_owned()));
    }
    if let Some(rest) = located(line) {
        return Some((7, rest));
    }
    for &(mark, score) in MARKS {
        if line.starts_with(mark) {
            let better = if is_cause(line) { score + 1 } else { score };
            return Some((better, line.to_owned()));
        }
    }
    is_cause(line).then(|| (6, line.to_owned()))
}

/// Beginnings of messages, and how telling the rest of the line is.
#[rustfmt::skip]
const MARKS: &[(&str, u8)] = &[
    ("error: could not compile", 2), ("error: test failed", 1), ("error: process didn't exit", 1),
    ("error Command failed", 1), ("error: ", 7), ("Error: ", 7), ("ERROR: ", 6), ("fatal: ", 7),
    ("FATAL: ", 7), ("panic: ", 8), ("curl: (", 7), ("Command timed out", 6), ("fatal error: ", 8),
];

/// Wordings that name the cause, whatever program printed them.
fn is_cause(line: &str) -> bool {
    text::contains_any(line, CAUSES)
}

#[rustfmt::skip]
const CAUSES: &[&str] = &[
    "command not found", "No such file or directory", "Permission denied", "permission denied",
    "No module named", "Cannot find module", "Module not found", "ECONNREFUSED",
    "onnection refused", "cannot find package", "undefined reference", "is not defined",
    "Unsupported engine", "EBADENGINE", "ERESOLVE", "No matching version", "ModuleNotFound",
    "no such table", "does not exist", "not installed", "Address already in use", "EADDRINUSE",
    "Segmentation fault", "out of memory", "requires a peer", "unrecognized arguments",
    "unknown option", "could not resolve", "No space left", "not set", "version mismatch",
    "engine \"node\" is incompatible",
];

/// `ValueError: bad`, `java.lang.NullPointerException: x`, `AssertionError [X]: y`.
fn is_exception(line: &str) -> bool {
    let line = line.strip_prefix("Uncaught ").unwrap_or(line);
    let name_end = line
        .find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '$')))
        .unwrap_or(line.len());
    let (name, rest) = line.split_at(name_end);
    let last = name.rsplit('.').next().unwrap_or(name);
    let typed = ["Error", "Exception", "Failure", "Fault", "Panic"]
        .iter()
        .any(|end| last.ends_with(end) && last.len() > end.len());
    typed
        && last.starts_with(char::is_uppercase)
        && (rest.is_empty() || rest.starts_with([':', ' ']))
}

/// `main.go:12:3: undefined: x`, `x_test.go:12: got 1, want 2`, `a.py:3: error: msg`.
fn located(line: &str) -> Option<String> {
    let (place, message) = line.split_once(": ")?;
    let (file, position) = place.split_once(':')?;
    let numeric = !position.is_empty() && position.chars().all(|c| c.is_ascii_digit() || c == ':');
    let named = file.contains('.') && !file.contains(' ') && file.len() < 120;
    let kind = message.trim_start();
    let harmless = ["warning", "note", "hint", "info"]
        .iter()
        .any(|w| kind.starts_with(w));
    (numeric && named && !harmless && !kind.is_empty()).then(|| line.to_owned())
}

/// Removes terminal colours.
fn strip_ansi(line: &str) -> std::borrow::Cow<'_, str> {
    if !line.contains('\u{1b}') {
        return line.into();
    }
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            for c in chars.by_ref() {
                if c.is_ascii_alphabetic() {
                    break;
                }
            }
        } else {
            out.push(c);
        }
    }
    out.into()
}
