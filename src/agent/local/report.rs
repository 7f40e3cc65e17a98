//! Reads the reports of test runners: how many passed, and which failed.
//!
//! Runners word their reports differently, but nearly all put numbers beside
//! the same few words. So the words are looked for, not the runners.

/// Numbers of a report.
#[derive(Debug, Default)]
pub(super) struct Counts {
    passed: Option<u64>,
    total: Option<u64>,
    /// How many failed; `Some(0)` when the report says so.
    pub(super) failed: Option<u64>,
}

impl Counts {
    /// How many tests passed, where the report tells.
    pub(super) fn passed(&self) -> Option<u64> {
        self.passed.or_else(|| {
            self.total
                .map(|total| total.saturating_sub(self.failed.unwrap_or(0)))
        })
    }

    /// Takes in one line, if it is a line of totals.
    pub(super) fn read(&mut self, line: &str) {
        if line.len() > 200 || !line.bytes().any(|b| b.is_ascii_digit()) {
            return;
        }
        // Suites and files are counted on lines of their own.
        if ["Test Suites", "Test Files", "Suites"]
            .iter()
            .any(|s| line.starts_with(s))
        {
            return;
        }
        let Some(found) = totals(line) else {
            return;
        };
        // Cargo and others print one line for each binary; Maven repeats the
        // sum of what it printed before.
        let adds = line.starts_with("test result:");
        let merge = |old: Option<u64>, new: Option<u64>| match (old, new) {
            (Some(old), Some(new)) if adds => Some(old.saturating_add(new)),
            (Some(old), Some(new)) => Some(old.max(new)),
            (old, new) => new.or(old),
        };
        self.passed = merge(self.passed, found.passed);
        self.failed = merge(self.failed, found.failed);
        self.total = merge(self.total, found.total);
    }

    /// Takes in the last line of a linter or compiler: "Found 3 errors".
    pub(super) fn read_problems(&mut self, line: &str) {
        if line.len() > 200 || !line.bytes().any(|b| b.is_ascii_digit()) {
            return;
        }
        let lower = line.to_lowercase();
        let words: Vec<&str> = lower
            .split(|c: char| !c.is_alphanumeric())
            .filter(|w| !w.is_empty())
            .collect();
        let summary = ["found", "problems", "due to", "generated", "issues"]
            .iter()
            .any(|w| lower.contains(w));
        if !summary {
            return;
        }
        for pair in words.windows(2) {
            let problem = matches!(
                pair[1],
                "error" | "errors" | "previous" | "issues" | "offenses"
            );
            if problem && let Ok(n) = pair[0].parse::<u64>() {
                self.failed = Some(self.failed.unwrap_or(0).max(n));
            }
        }
    }
}

enum Token<'a> {
    Number(u64),
    Word(&'a str),
    Sign,
}

fn totals(line: &str) -> Option<Counts> {
    let lower = line.to_lowercase();
    let tokens = tokens(&lower)?;
    let mut counts = Counts::default();
    let mut any = false;
    for (i, token) in tokens.iter().enumerate() {
        let Token::Number(n) = token else {
            continue;
        };
        let Some(word) = word_of(&tokens, i) else {
            continue;
        };
        let slot = match word {
            w if FAIL.contains(&w) => &mut counts.failed,
            w if PASS.contains(&w) => &mut counts.passed,
            _ => &mut counts.total,
        };
        *slot = Some(slot.unwrap_or(0).saturating_add(*n));
        any = true;
    }
    // "Ran 3 tests in 0.1s" and "5 examples" are totals; a bare "3 tests" in
    // prose is caught by the limit on unknown words.
    any.then_some(counts)
}

/// The word that a number counts: "1 failed", "1 test failed", "failures=1",
/// "Failures: 1", "# fail 1".
fn word_of<'a>(tokens: &[Token<'a>], at: usize) -> Option<&'a str> {
    let counted = |w: &str| FAIL.contains(&w) || PASS.contains(&w);
    let mut next = tokens[at + 1..].iter().take(2);
    let first = next.next();
    if let Some(Token::Sign) = tokens[..at].last() {
        // "Tests: 1 failed, 5 passed" has a sign before the first number that
        // belongs to the whole line; in "Run: 5, Failures: 1" the word after
        // the number has a sign, and a number, of its own.
        if let Some(Token::Word(w)) = first
            && counted(w)
            && !matches!(tokens.get(at + 2), Some(Token::Sign))
        {
            return Some(w);
        }
        return match tokens[..at].len().checked_sub(2).map(|i| &tokens[i]) {
            Some(Token::Word(w)) if counted(w) || TOTAL.contains(w) || *w == "run" => Some(w),
            _ => None,
        };
    }
    if let [.., Token::Word("out"), Token::Word("of")] = tokens[..at] {
        return Some("tests");
    }
    match (first, next.next()) {
        (Some(Token::Word(w)), _) if counted(w) => Some(w),
        (Some(Token::Word(noun)), Some(Token::Word(w))) if TOTAL.contains(noun) && counted(w) => {
            Some(w)
        }
        (Some(Token::Word(noun)), _) if TOTAL.contains(noun) => Some(noun),
        _ => match tokens[..at].last() {
            Some(Token::Word(w)) if counted(w) && at <= 2 && first.is_none() => Some(w),
            _ => None,
        },
    }
}

/// The line's numbers and words. Lines with more than one word that reports do
/// not use are something else.
fn tokens(lower: &str) -> Option<Vec<Token<'_>>> {
    let mut out = Vec::new();
    let mut unknown = 0;
    let mut rest = lower;
    while let Some(c) = rest.chars().next() {
        if c.is_alphanumeric() {
            let end = rest
                .find(|c: char| !(c.is_alphanumeric() || c == '.' || c == '_' || c == '%'))
                .unwrap_or(rest.len());
            let word = rest[..end].trim_end_matches('.');
            match word.parse::<u64>() {
                Ok(n) => out.push(Token::Number(n)),
                Err(_) if word.starts_with(|c: char| c.is_ascii_digit()) => {}
                Err(_) => {
                    unknown += usize::from(!KNOWN.contains(&word));
                    if unknown > 1 {
                        return None;
                    }
                    out.push(Token::Word(word));
                }
            }
            rest = &rest[end..];
        } else {
            if matches!(c, ':' | '=') && !matches!(out.last(), Some(Token::Sign)) {
                out.push(Token::Sign);
            }
            rest = &rest[c.len_utf8()..];
        }
    }
    // A rule of equal signs around pytest's summary is no sign.
    if lower.starts_with('=') && matches!(out.first(), Some(Token::Sign)) {
        out.remove(0);
    }
    Some(out)
}

const FAIL: &[&str] = &[
    "failed", "failures", "failure", "failing", "fail", "errors", "error", "errored", "broken",
];
const PASS: &[&str] = &["passed", "passing", "pass", "passes", "succeeded", "ok"];
const TOTAL: &[&str] = &[
    "test",
    "tests",
    "examples",
    "example",
    "runs",
    "scenarios",
    "specs",
    "checks",
];
const KNOWN: &[&str] = &[
    "failed",
    "failures",
    "failure",
    "failing",
    "fail",
    "errors",
    "error",
    "errored",
    "broken",
    "passed",
    "passing",
    "pass",
    "passes",
    "succeeded",
    "ok",
    "test",
    "tests",
    "examples",
    "example",
    "runs",
    "scenarios",
    "specs",
    "ran",
    "run",
    "in",
    "s",
    "ms",
    "sec",
    "seconds",
    "total",
    "skipped",
    "ignored",
    "pending",
    "todo",
    "warnings",
    "warning",
    "result",
    "measured",
    "filtered",
    "out",
    "of",
    "time",
    "elapsed",
    "xfailed",
    "xpassed",
    "deselected",
    "assertions",
    "executed",
    "with",
    "summary",
    "info",
    "and",
    "finished",
    "completed",
    "checks",
    "rerun",
    "duration",
    "from",
    "unexpected",
    "suites",
    "expect",
    "calls",
    "steps",
    "undefined",
    "cancelled",
    "skip",
    "excluded",
    "retried",
    "flaky",
];

/// The name of the test that a line reports as failed.
pub(super) fn failing_name(line: &str) -> Option<String> {
    let name = candidate(line)?;
    let name = strip_timing(name).trim();
    let length = name.chars().count();
    let useful = (2..=140).contains(&length) && name.chars().any(char::is_alphabetic);
    useful.then(|| name.to_owned())
}

fn candidate(line: &str) -> Option<&str> {
    for mark in ["FAIL: ", "ERROR: "] {
        if let Some(rest) = line.strip_prefix(mark) {
            let (name, _) = rest.split_once(" (")?;
            return (!name.contains(' ')).then_some(name);
        }
    }
    for mark in ["FAILED ", "ERROR "] {
        if let Some(rest) = line.strip_prefix(mark) {
            let id = rest.split(" - ").next().unwrap_or(rest);
            return id
                .contains("::")
                .then(|| id.rsplit("::").next().unwrap_or(id));
        }
    }
    if let Some(rest) = line.strip_prefix("test ") {
        return rest
            .strip_suffix(" ... FAILED")
            .map(|n| n.split(" - ").next().unwrap_or(n));
    }
    if let Some(rest) = line.strip_prefix("FAIL ") {
        // Vitest: `file > suite > name`; nextest: `[ 0.1s] crate module::name`.
        if let Some((_, name)) = rest.split_once(" > ") {
            return Some(name);
        }
        return rest
            .trim_start()
            .strip_prefix('[')?
            .split_once("] ")
            .map(|(_, name)| name);
    }
    for mark in ["--- FAIL: ", "● ", "✕ ", "✖ ", "× ", "(fail) ", "✗ "] {
        if let Some(rest) = line.strip_prefix(mark) {
            let banner = rest.contains("problems")
                || rest.contains("Console")
                || rest.starts_with("failing tests");
            return (!banner).then_some(rest);
        }
    }
    if let Some(rest) = line.strip_prefix("not ok ") {
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
        return Some(rest.strip_prefix("- ").unwrap_or(rest));
    }
    if let Some(rest) = line.strip_prefix("[  FAILED  ] ") {
        return rest
            .contains('.')
            .then(|| rest.split(',').next().unwrap_or(rest));
    }
    if let Some((place, name)) = line.split_once(" # ") {
        return place.starts_with("rspec ").then_some(name);
    }
    listed(line)
}

/// Wordings in which the name is not at a fixed place.
fn listed(line: &str) -> Option<&str> {
    if let Some(name) = line.strip_suffix(" FAILED") {
        // Gradle: `FooTest > bar FAILED`; nothing else is that short.
        return (name.contains(" > ") || name.ends_with("()")).then_some(name);
    }
    if let Some(rest) = line.strip_prefix("[ERROR] ") {
        // Maven: `FooTest.bar:12 expected …`.
        let id = rest.trim().split([' ', ':']).next()?;
        let (class, method) = id.split_once('.')?;
        let named = class.ends_with("Test") || class.ends_with("Tests") || class.ends_with("IT");
        return (named && !method.is_empty()).then_some(id);
    }
    if let Some(rest) = line.strip_prefix("Failed ") {
        return rest.ends_with(" ms]").then_some(rest);
    }
    if let Some(rest) = line.strip_suffix("(Failed)") {
        return rest.split_once(" - ").map(|(_, name)| name);
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    if (1..=3).contains(&digits) {
        let rest = line[digits..].strip_prefix(") ")?;
        return Some(rest.trim_end_matches(':'));
    }
    None
}

/// Removes `(0.00s)`, `(5 ms)` and `[12 ms]` from the end.
fn strip_timing(name: &str) -> &str {
    let name = name.trim_end();
    for (open, close) in [(" (", ')'), (" [", ']')] {
        if let Some((head, time)) = name.strip_suffix(close).and_then(|n| n.rsplit_once(open))
            && time.starts_with(|c: char| c.is_ascii_digit() || c == '<')
        {
            return head;
        }
    }
    name
}
