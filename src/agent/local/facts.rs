//! Facts that stand in the edits and runs themselves.

use super::edit::{Action, Edit, Touched};
use super::evidence::Run;
use super::text::{self, CODE, counted, listing};
use super::work::{Cured, Unit};
use super::{paths, surface};

/// Names told in one fact.
const NAMES: usize = 4;

/// What a cured failure says: what failed, and with which message.
pub(super) fn failure(cured: &Cured<'_>) -> String {
    let run = cured.failed.1;
    let name = match run.outcome.failing.as_slice() {
        [] => run.label.clone(),
        names => listing(names, 3),
    };
    match &run.outcome.error {
        Some(error) => format!("{CODE}{name} failed: {error}"),
        None => format!("{CODE}{name} failed before the fix"),
    }
}

/// What passes: "3 tests pass (pytest -q)".
pub(super) fn success(run: &Run) -> String {
    match run.outcome.passed {
        Some(n) if n > 0 => {
            let verb = if n == 1 { "passes" } else { "pass" };
            format!("{} {verb} ({})", counted(n, "test"), run.label)
        }
        _ => format!("{CODE}{} succeeds", run.label),
    }
}

/// "Commit 1a2b3c4: Subject".
pub(super) fn commit(unit: &Unit<'_>) -> Option<String> {
    let (_, commit) = unit.commit?;
    if commit.sha.is_none() && super::phrasing::is_vague(&commit.subject) {
        return None;
    }
    let sha = commit
        .sha
        .as_deref()
        .map(|sha| format!(" {sha}"))
        .unwrap_or_default();
    Some(format!("Commit{sha}: {}", text::clip(&commit.subject, 100)))
}

/// How much changed in each file.
pub(super) fn sizes(unit: &Unit<'_>) -> Vec<String> {
    let files = unit.files();
    let edits = |path: &str| {
        unit.edits
            .iter()
            .map(|t| t.edit)
            .filter(|e| e.path == path)
            .collect::<Vec<_>>()
    };
    files
        .iter()
        .take(3)
        .filter_map(|path| {
            let edits = edits(path);
            let count = |mark| edits.iter().flat_map(|e| e.marked(mark)).count();
            let (added, removed) = (count('+'), count('-'));
            (added + removed > 0).then(|| {
                let lines = if added == 1 { "line" } else { "lines" };
                format!("{CODE}{path}: {added} {lines} added, {removed} removed")
            })
        })
        .collect()
}

/// How much changed in code that none of these facts names.
pub(super) fn untold(unit: &Unit<'_>, facts: &[String]) -> Vec<String> {
    let told = |path: &str| facts.iter().any(|fact| fact.contains(path));
    let quiet = |path: &str| paths::is_test_path(path) || !paths::is_code(path) || told(path);
    sizes(unit)
        .into_iter()
        .filter(|size| {
            let path = size.trim_start_matches(CODE).split(": ").next();
            path.is_some_and(|path| !quiet(path))
        })
        .collect()
}

/// One word that was replaced by another in most of the changed lines.
pub(super) fn replacement(unit: &Unit<'_>) -> Option<String> {
    let mut seen: Vec<((&str, &str), Vec<&str>)> = Vec::new();
    let mut pairs = 0;
    for touch in unit.edits.iter().take(200) {
        let removed = touch.edit.marked('-').take(40);
        for (old, new) in removed.zip(touch.edit.marked('+')) {
            pairs += 1;
            let Some(words) = one_word(old, new) else {
                continue;
            };
            let path = touch.edit.path.as_str();
            if let Some(at) = seen.iter().position(|(known, _)| *known == words) {
                seen[at].1.push(path);
            } else if seen.len() < 20 {
                seen.push((words, vec![path]));
            }
        }
    }
    let ((old, new), mut files) = seen.into_iter().max_by_key(|(_, files)| files.len())?;
    let common = files.len() * 2 >= pairs && files.len() >= 3;
    files.dedup();
    (common && files.len() >= 2)
        .then(|| format!("{CODE}{old} replaced by {new} in {} files", files.len()))
}

/// The only word in which two lines differ.
fn one_word<'a>(old: &'a str, new: &'a str) -> Option<(&'a str, &'a str)> {
    let split = |line: &'a str| {
        line.split(|c: char| !(c.is_alphanumeric() || "_$-".contains(c)))
            .filter(|w| !w.is_empty())
            .collect::<Vec<_>>()
    };
    let (old, new) = (split(old), split(new));
    if old.len() != new.len() {
        return None;
    }
    let mut different = old.iter().zip(&new).filter(|(a, b)| a != b);
    let (a, b) = different.next()?;
    let same = different.all(|(c, d)| c == a && d == b);
    let name = |w: &str| w.starts_with(|c: char| c.is_alphabetic() || c == '_');
    (same && name(a) && name(b)).then_some((*a, *b))
}

/// What the edits did, most telling first.
pub(super) fn changes<'u>(unit: &'u Unit<'_>) -> &'u [String] {
    unit.changes.get_or_init(|| find_changes(unit))
}

fn find_changes(unit: &Unit<'_>) -> Vec<String> {
    let mut out = Vec::new();
    let mut paths: Vec<&str> = Vec::new();
    for touch in &unit.edits {
        let path = touch.edit.path.as_str();
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    // Source before tests, and both before settings and prose.
    paths.sort_by_key(|p| (paths::is_test_path(p), !paths::is_code(p)));
    for path in paths.iter().take(12) {
        let edits: Vec<&Edit> = unit
            .edits
            .iter()
            .map(|t| t.edit)
            .filter(|e| e.path == *path)
            .collect();
        file(path, &edits, &mut out);
    }
    // They differ by names alone; the mark keeps them from being taken for
    // repetitions of each other.
    for fact in out.iter_mut().filter(|fact| !fact.starts_with(CODE)) {
        fact.insert(0, CODE);
    }
    out
}

fn file(path: &str, edits: &[&Edit], out: &mut Vec<String>) {
    let created = edits.iter().any(|e| e.action == Action::Created);
    let removed = edits.last().is_some_and(|e| e.action == Action::Removed);
    if let Some(old) = edits.iter().find_map(|e| match &e.action {
        Action::MovedFrom(old) => Some(old),
        _ => None,
    }) {
        out.push(format!("{CODE}{old} moved to {path}"));
    }
    if removed {
        out.push(format!("{CODE}{path} removed"));
        return;
    }
    let mut touched = merged(edits);
    let test = paths::is_test_path(path);
    if !test && !created {
        // Rust and others keep tests beside the code.
        let (tests, rest): (Vec<String>, Vec<String>) = std::mem::take(&mut touched.added)
            .into_iter()
            .filter(|name| name != "tests")
            .partition(|name| edits.iter().any(|e| e.adds_test(name)));
        touched.added = rest;
        if !tests.is_empty() {
            out.push(format!("Test added in {path}: {}", listing(&tests, NAMES)));
        }
    }
    if created {
        out.push(match touched.added.as_slice() {
            [] => format!("New file {path}"),
            names if test => format!("New tests in {path}: {}", listing(names, NAMES)),
            names => format!("New file {path} with {}", listing(names, NAMES)),
        });
    } else if !touched.added.is_empty() {
        let what = if test { "Test" } else { "Added" };
        let names = listing(&touched.added, NAMES);
        out.push(if test {
            format!("{what} added in {path}: {names}")
        } else {
            format!("{what} {names} in {path}")
        });
    }
    if !touched.changed.is_empty() && !created {
        out.push(format!(
            "Changed {} in {path}",
            listing(&touched.changed, NAMES)
        ));
    }
    if !touched.removed.is_empty() && !created {
        out.push(format!(
            "Removed {} from {path}",
            listing(&touched.removed, NAMES)
        ));
    }
    if !created {
        for (name, old, new) in edits.iter().flat_map(|e| e.value_changes()).take(3) {
            out.push(format!("{CODE}{name} in {path}: {old} → {new}"));
        }
    }
    surface::tell(path, edits, out);
}

fn merged(edits: &[&Edit]) -> Touched {
    let mut all = Touched::default();
    for edit in edits {
        let touched = edit.touched().clone();
        for (from, to) in [
            (touched.added, &mut all.added),
            (touched.changed, &mut all.changed),
            (touched.removed, &mut all.removed),
        ] {
            for name in from {
                if !to.contains(&name) {
                    to.push(name);
                }
            }
        }
    }
    let (added, removed) = (all.added.clone(), all.removed.clone());
    all.added.retain(|n| !removed.contains(n));
    all.changed.retain(|n| !added.contains(n));
    all.removed.retain(|n| !added.contains(n));
    all
}

/// Removes repetitions and bounds the number of facts.
pub(super) fn settled(facts: Vec<String>, max: usize) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for fact in facts {
        let fact = super::phrasing::fact(&fact);
        // Facts out of the edits differ by names alone, so they are compared as
        // they stand.
        let prose = |fact: &str| !fact.starts_with(CODE) && text::word_count(fact) > 3;
        let known = out.iter().any(|old| {
            old == &fact || (prose(old) && prose(&fact) && text::same_statement(old, &fact))
        });
        if !fact.is_empty() && !known && out.len() < max {
            out.push(fact);
        }
    }
    out
}
