//! Reads one shell event into steps.

use serde_json::Value;

use super::command::{self, Class, Command};
use super::edit::{self, Action, Edit};
use super::evidence::{Place, Run, What, is_file_word, is_scratch};
use super::git::{self, Deed};
use super::shell::{self, Link, Simple};
use super::{outcome, text};
use crate::agent::ToolEvent;

/// The steps of one shell call. `scan` bounds the output that is read, in bytes.
pub(super) fn read(event: &ToolEvent, input: &Value, place: Place<'_>, scan: usize) -> Vec<What> {
    let Some(line) = edit::field(input, &["command"]) else {
        return Vec::new();
    };
    let output = output_text(&event.output, scan);
    if is_interrupted(&output) {
        return Vec::new();
    }
    let parsed = shell::parse(line);
    let mut steps = Vec::new();
    let mut cwd = place.cwd.trim_end_matches('/').to_owned();
    for simple in &parsed {
        let here = Place {
            root: place.root,
            cwd: &cwd,
        };
        file_steps(simple, &output, event.failed, here, &mut steps);
        if let [cd, target] = simple.words.as_slice()
            && cd == "cd"
            && !cwd.ends_with(&format!("/{}", target.trim_matches('/')))
        {
            cwd = if target.starts_with('/') {
                target.clone()
            } else {
                format!("{cwd}/{target}")
            };
        }
    }
    if let Some(run) = main_run(line, &parsed, &output, event.failed) {
        // A commit on the same line comes after the run that guards it.
        let at = steps
            .iter()
            .position(|s| matches!(s, What::Commit(_) | What::Stage(_)))
            .unwrap_or(steps.len());
        steps.insert(at, What::Run(run));
    }
    steps
}

/// What a shell call printed: head and tail where it is long.
fn output_text(output: &Value, scan: usize) -> String {
    let value = edit::unwrapped(output);
    let mut out = String::new();
    match &*value {
        Value::String(s) => bounded(&mut out, s, scan),
        Value::Array(parts) => {
            for part in parts.iter().take(20) {
                bounded(
                    &mut out,
                    edit::field(part, &["text"]).unwrap_or(""),
                    scan / 4,
                );
            }
        }
        object => {
            for key in ["stdout", "stderr", "output", "error"] {
                if let Some(s) = object.get(key).and_then(Value::as_str) {
                    bounded(&mut out, s, scan);
                }
            }
        }
    }
    out
}

fn bounded(out: &mut String, s: &str, scan: usize) {
    if !out.is_empty() {
        out.push('\n');
    }
    if s.len() <= scan {
        out.push_str(s);
    } else {
        out.push_str(text::head(s, scan / 2));
        out.push('\n');
        out.push_str(text::tail(s, scan / 2));
    }
}

fn is_interrupted(output: &str) -> bool {
    let start = text::head(output, 200);
    start.contains("interrupted by user")
        || start.contains("doesn't want to proceed")
        || start.contains("user rejected")
}

/// Files that a program call read, moved, removed or wrote.
fn file_steps(
    simple: &Simple,
    output: &str,
    failed: bool,
    place: Place<'_>,
    steps: &mut Vec<What>,
) {
    let program = simple
        .words
        .first()
        .map_or("", |w| w.rsplit('/').next().unwrap_or(w));
    let args: Vec<&String> = simple.words.iter().skip(1).collect();
    let files = || {
        args.iter()
            .filter(|w| is_file_word(w))
            .map(|w| place.path(w))
    };
    let edit = |path: String, action: Action, lines| What::Edit(Edit::new(path, action, lines));
    match program {
        "git" => git_steps(simple, output, failed, place, steps),
        "cat" | "head" | "tail" | "less" | "bat" | "nl" | "sed" | "awk"
            if simple.heredoc.is_none() && !failed =>
        {
            let in_place = program == "sed" && args.iter().any(|a| a.starts_with("-i"));
            let read = files().take(10).filter(|_| program != "awk");
            steps.extend(read.map(|path| {
                if in_place {
                    edit(path, Action::Updated, Vec::new())
                } else {
                    What::Read(path)
                }
            }));
        }
        "grep" | "rg" | "egrep" | "ag" if !failed && args.len() > 1 => {
            let pattern = args.iter().find(|a| !a.starts_with('-'));
            steps.extend(pattern.map(|pattern| What::Search {
                pattern: text::clip(&text::squeeze(pattern), 60),
                files: files().take(5).collect(),
            }));
        }
        "mv" if !failed => {
            if let [from, to] = files().collect::<Vec<_>>().as_slice() {
                steps.push(edit(
                    to.clone(),
                    Action::MovedFrom(from.clone()),
                    Vec::new(),
                ));
            }
        }
        "rm" if !failed => {
            let kept = files().filter(|p| !is_scratch(p));
            steps.extend(kept.map(|path| edit(path, Action::Removed, Vec::new())));
        }
        _ => {}
    }
    if !failed {
        written(simple, program, place, steps);
    }
}

/// Files that text was redirected to. What other programs print into files is
/// their output, not the work itself.
fn written(simple: &Simple, program: &str, place: Place<'_>, steps: &mut Vec<What>) {
    if !matches!(program, "cat" | "echo" | "printf" | "tee" | "") {
        return;
    }
    let teed = simple.words.iter().skip(1).filter(|_| program == "tee");
    for target in simple.writes.iter().chain(teed).filter(|t| is_file_word(t)) {
        let path = place.path(target);
        if !is_scratch(&path) {
            let lines = edit::new_text(&printed_text(simple, program));
            steps.push(What::Edit(Edit::new(path, Action::Updated, lines)));
        }
    }
}

/// What a call prints into a file: its here document, or what `echo` is given.
fn printed_text(simple: &Simple, program: &str) -> String {
    match &simple.heredoc {
        Some(text) => text.clone(),
        None if program == "echo" => {
            let words = simple.words.iter().skip(1);
            let text: Vec<&str> = words
                .map(String::as_str)
                .skip_while(|w| matches!(*w, "-n" | "-e" | "-ne"))
                .collect();
            text.join(" ")
        }
        None => String::new(),
    }
}

fn git_steps(simple: &Simple, output: &str, failed: bool, place: Place<'_>, steps: &mut Vec<What>) {
    let paths = |list: Vec<String>| list.iter().map(|p| place.path(p)).collect::<Vec<_>>();
    match git::deed(simple, output, failed) {
        Deed::Commit(commit) => steps.push(What::Commit(commit)),
        Deed::Stage(list) if !failed => steps.push(What::Stage(paths(list))),
        Deed::Revert(list) if !failed => steps.push(What::Revert(paths(list))),
        Deed::Move(from, to) if !failed => {
            let (from, mut to) = (place.path(&from), place.path(&to));
            // A file moved into a directory keeps its name.
            let name = from.rsplit('/').next().unwrap_or("");
            if is_file_word(name) && !is_file_word(&to) {
                to = format!("{}/{name}", to.trim_end_matches('/'));
            }
            steps.push(What::Edit(Edit::new(
                to,
                Action::MovedFrom(from),
                Vec::new(),
            )));
        }
        Deed::Remove(list) if !failed => {
            for path in paths(list) {
                steps.push(What::Edit(Edit::new(path, Action::Removed, Vec::new())));
            }
        }
        _ => {}
    }
}

/// The most telling program of a line, judged by what the line printed.
fn main_run(line: &str, parsed: &[Simple], output: &str, failed: bool) -> Option<Run> {
    let commands = command::classify_all(parsed);
    let real: Vec<&Command> = commands.iter().filter(|c| c.class >= Class::Run).collect();
    // Of several equal calls the last one is the one that a failure stopped at.
    let main = real.iter().max_by_key(|c| c.class)?;
    let masked = is_masked(line, parsed, main);
    let mut outcome = outcome::judge(main.class, output, failed, masked);
    if let Some(state) = printed_exit_code(line, output) {
        outcome.state = state;
    }
    // In `cargo test | grep error` the failure is the filter's: nothing found.
    if failed
        && masked
        && output
            .lines()
            .all(|l| l.trim().is_empty() || l.starts_with("Exit code"))
    {
        outcome.state = outcome::State::Unknown;
    }
    let cures = real
        .iter()
        .filter(|c| c.class == Class::Install && c.label != main.label)
        .map(|c| c.label.clone())
        .collect();
    Some(Run {
        class: main.class,
        family: main.family.clone(),
        ecosystem: main.ecosystem,
        label: main.label.clone(),
        env: main.env.clone(),
        words: main.words.clone(),
        outcome,
        cures,
    })
}

/// Whether the line's exit code is not that of the main program.
fn is_masked(line: &str, parsed: &[Simple], main: &Command) -> bool {
    if line.contains("pipefail") {
        return false;
    }
    let at = parsed.iter().rposition(|simple| {
        command::classify_all(std::slice::from_ref(simple))
            .iter()
            .any(|c| c.label == main.label)
    });
    at.is_none_or(|at| match parsed[at].link {
        Link::Pipe | Link::Or => true,
        Link::Then => at + 1 < parsed.len(),
        Link::And | Link::End => false,
    })
}

/// `cmd; echo "exit=$?"` prints the exit code that the line itself hides.
fn printed_exit_code(line: &str, output: &str) -> Option<outcome::State> {
    if !line.contains("$?") && !line.contains("PIPESTATUS") {
        return None;
    }
    let last = output
        .lines()
        .rev()
        .map(str::trim)
        .find(|l| !l.is_empty())?;
    let digits: String = last
        .chars()
        .rev()
        .take_while(char::is_ascii_digit)
        .collect();
    if digits.is_empty() || last.len() > 30 {
        return None;
    }
    let zero = digits.chars().all(|c| c == '0');
    Some(if zero {
        outcome::State::Passed
    } else {
        outcome::State::Failed
    })
}
