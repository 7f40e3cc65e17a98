//! What an edit did to a file: its lines, the definitions it touched and the
//! values it changed.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;

use serde_json::Value;

use super::paths::{is_code, is_config};
use super::symbols;

/// Longest part of one edit that is read, in lines and in bytes. Generated
/// files are longer, and tell nothing more.
const MAX_LINES: usize = 400;
const MAX_BYTES: usize = 16_000;

/// What happened to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Created,
    Updated,
    Removed,
    /// Moved here from another path.
    MovedFrom(String),
}

/// One change of one file.
#[derive(Debug, Clone)]
pub(super) struct Edit {
    /// Path, relative to the project where it is inside.
    pub(super) path: String,
    pub(super) action: Action,
    /// Lines of the change: their mark (`+`, `-`, space; `@` between hunks)
    /// and their text.
    pub(super) lines: Vec<(char, String)>,
    /// Whether a later step of the turn took the change back.
    pub(super) reverted: bool,
    /// Found on the first question, since the question is asked often.
    touched: OnceCell<Touched>,
}

/// Definitions that an edit touched.
#[derive(Debug, Default, Clone)]
pub(super) struct Touched {
    pub(super) added: Vec<String>,
    pub(super) changed: Vec<String>,
    pub(super) removed: Vec<String>,
}

/// A string that holds JSON as the JSON it holds, anything else as it is.
pub(super) fn unwrapped(value: &Value) -> Cow<'_, Value> {
    if let Value::String(text) = value
        && text.trim_start().starts_with(['{', '['])
        && let Ok(inner) = serde_json::from_str(text)
    {
        return Cow::Owned(inner);
    }
    Cow::Borrowed(value)
}

/// The first of the fields that is a non-empty text.
pub(super) fn field<'a>(value: &'a Value, names: &[&str]) -> Option<&'a str> {
    names
        .iter()
        .filter_map(|name| value.get(name)?.as_str())
        .find(|text| !text.trim().is_empty())
}

/// Whether a tool result says that the file is new.
pub(super) fn is_creation(input: &Value, output: &Value) -> bool {
    match output.get("type").and_then(Value::as_str) {
        Some(kind) => kind == "create",
        None => {
            input.get("content").is_some()
                && output.get("originalFile").is_none_or(Value::is_null)
                && output.get("diff").is_none()
        }
    }
}

/// The lines of a change, in whatever form the client sent it.
pub(super) fn lines(input: &Value, output: &Value) -> Vec<(char, String)> {
    let mut out = Lines::default();
    if let Some(diff) = field(output, &["diff"]) {
        out.unified(diff);
    } else if let Some(patch) = output.get("structuredPatch").and_then(Value::as_array)
        && !patch.is_empty()
    {
        for hunk in patch {
            out.push('@', "");
            let hunk_lines = hunk.get("lines").and_then(Value::as_array);
            for line in hunk_lines.into_iter().flatten().filter_map(Value::as_str) {
                out.marked(line);
            }
        }
    } else if let Some(edits) = input.get("edits").and_then(Value::as_array) {
        for edit in edits {
            out.replacement(edit);
        }
    } else if input.get("new_string").is_some() || output.get("newString").is_some() {
        out.replacement(if input.get("new_string").is_some() {
            input
        } else {
            output
        });
    } else if let Some(text) = field(output, &["content"])
        .or_else(|| field(input, &["content", "new_source", "file_text"]))
    {
        out.all('+', text);
    }
    out.lines
}

/// The text of a new file as lines of a change.
pub(super) fn new_text(text: &str) -> Vec<(char, String)> {
    let mut out = Lines::default();
    out.all('+', text);
    out.lines
}

#[derive(Default)]
struct Lines {
    lines: Vec<(char, String)>,
    bytes: usize,
}

impl Lines {
    fn push(&mut self, mark: char, text: &str) {
        if self.lines.len() < MAX_LINES && self.bytes < MAX_BYTES {
            self.bytes += text.len();
            self.lines
                .push((mark, super::text::head(text, 400).to_owned()));
        }
    }

    fn full(&self) -> bool {
        self.lines.len() >= MAX_LINES || self.bytes >= MAX_BYTES
    }

    fn marked(&mut self, line: &str) {
        match line.chars().next() {
            Some(mark @ ('+' | '-' | ' ')) => self.push(mark, &line[1..]),
            _ => self.push(' ', line),
        }
    }

    fn unified(&mut self, diff: &str) {
        for line in diff.lines() {
            if self.full() {
                return;
            }
            if line.starts_with("+++ ") || line.starts_with("--- ") || line.starts_with('\\') {
                continue;
            }
            if let Some(rest) = line.strip_prefix("@@") {
                // Git repeats the enclosing definition behind the second mark.
                self.push(
                    '@',
                    rest.split_once("@@").map_or("", |(_, context)| context),
                );
            } else {
                self.marked(line);
            }
        }
    }

    fn all(&mut self, mark: char, text: &str) {
        for line in text.lines() {
            if self.full() {
                return;
            }
            self.push(mark, line);
        }
    }

    /// Old and new text; what both begin and end with is context.
    fn replacement(&mut self, edit: &Value) {
        let old = field(edit, &["old_string", "oldString"]).unwrap_or("");
        let new = field(edit, &["new_string", "newString"]).unwrap_or("");
        let old: Vec<&str> = old.lines().take(MAX_LINES).collect();
        let new: Vec<&str> = new.lines().take(MAX_LINES).collect();
        let prefix = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
        let suffix = old[prefix..]
            .iter()
            .rev()
            .zip(new[prefix..].iter().rev())
            .take_while(|(a, b)| a == b)
            .count();
        self.push('@', "");
        for line in &old[..prefix] {
            self.push(' ', line);
        }
        for line in &old[prefix..old.len() - suffix] {
            self.push('-', line);
        }
        for line in &new[prefix..new.len() - suffix] {
            self.push('+', line);
        }
        for line in &old[old.len() - suffix..] {
            self.push(' ', line);
        }
    }
}

impl Edit {
    pub(super) fn new(path: String, action: Action, lines: Vec<(char, String)>) -> Self {
        Self {
            path,
            action,
            lines,
            reverted: false,
            touched: OnceCell::new(),
        }
    }

    /// Texts of the lines with this mark, blank ones left out.
    pub(super) fn marked(&self, mark: char) -> impl Iterator<Item = &str> {
        self.lines
            .iter()
            .filter(move |(m, text)| *m == mark && !text.trim().is_empty())
            .map(|(_, text)| text.as_str())
    }

    /// Whether this edit does exactly the opposite of an earlier one.
    pub(super) fn undoes(&self, earlier: &Self) -> bool {
        let same = |a: char, b: char| {
            let mut left: Vec<&str> = self.marked(a).map(str::trim_end).collect();
            let mut right: Vec<&str> = earlier.marked(b).map(str::trim_end).collect();
            left.sort_unstable();
            right.sort_unstable();
            left == right
        };
        let (added, removed) = (self.marked('+').count(), self.marked('-').count());
        let fits = added == earlier.marked('-').count() && removed == earlier.marked('+').count();
        added + removed > 0 && fits && self.path == earlier.path && same('+', '-') && same('-', '+')
    }

    /// Adds this edit's lines to a balance of lines that came and went.
    pub(super) fn balance<'a>(&'a self, balance: &mut HashMap<&'a str, i64>) {
        for (mark, text) in &self.lines {
            let step = match mark {
                '+' => 1,
                '-' => -1,
                _ => continue,
            };
            if !text.trim().is_empty() {
                *balance.entry(text.trim_end()).or_default() += step;
            }
        }
    }

    /// The definitions that were added, removed or changed inside.
    pub(super) fn touched(&self) -> &Touched {
        self.touched.get_or_init(|| self.find_touched())
    }

    fn find_touched(&self) -> Touched {
        let mut touched = Touched::default();
        if !is_code(&self.path) {
            return touched;
        }
        let removed: Vec<String> = self.marked('-').filter_map(symbols::defined).collect();
        let mut enclosing: Option<(usize, String)> = None;
        for (mark, text) in &self.lines {
            if *mark == '@' {
                enclosing = symbols::defined(text).map(|name| (0, name));
                continue;
            }
            if text.trim().is_empty() {
                continue;
            }
            let indent = text.len() - text.trim_start().len();
            if let Some(name) = symbols::defined(text) {
                match mark {
                    '+' if removed.contains(&name) => add(&mut touched.changed, &name),
                    '+' => add(&mut touched.added, &name),
                    _ => {}
                }
                enclosing = Some((indent, name));
            } else if *mark != ' '
                && let Some((outer, name)) = &enclosing
                && indent > *outer
                && !touched.added.contains(name)
            {
                add(&mut touched.changed, name);
            } else if text.trim_start().len() > 1
                && enclosing.as_ref().is_some_and(|(o, _)| indent <= *o)
                && !text.trim_start().starts_with(['}', ')', ']', '{'])
                && *mark != '@'
                && indent == 0
            {
                enclosing = None;
            }
        }
        touched.removed = removed
            .into_iter()
            .filter(|name| !touched.added.contains(name) && !touched.changed.contains(name))
            .collect();
        touched
    }

    /// Whether a definition that was added is a test, by its name or by the
    /// attribute before it.
    pub(super) fn adds_test(&self, name: &str) -> bool {
        if name.starts_with("test_") {
            return true;
        }
        let added: Vec<&str> = self.marked('+').map(str::trim).collect();
        added.windows(2).any(|pair| {
            let marked = ["#[test", "@Test", "[Test", "[Fact", "@pytest"]
                .iter()
                .any(|mark| pair[0].starts_with(mark))
                || (pair[0].starts_with("#[") && pair[0].contains("::test"));
            marked && symbols::defined(pair[1]).as_deref() == Some(name)
        })
    }

    /// Single values that changed: name, old and new value.
    pub(super) fn value_changes(&self) -> Vec<(String, String, String)> {
        let mut out = Vec::new();
        let mut before: Vec<&str> = Vec::new();
        for (mark, text) in &self.lines {
            match mark {
                '-' => before.push(text),
                '+' if before.is_empty() => {}
                '+' => {
                    if let Some((name, new)) = assignment(text)
                        && let Some(old) = before.iter().find_map(|line| {
                            assignment(line)
                                .filter(|(n, _)| *n == name)
                                .map(|(_, value)| value)
                        })
                        && old != new
                        && (is_config(&self.path) || (is_literal(old) && is_literal(new)))
                    {
                        out.push((name.to_owned(), old.to_owned(), new.to_owned()));
                    }
                }
                _ => before.clear(),
            }
        }
        out
    }
}

fn add(list: &mut Vec<String>, name: &str) {
    if !list.iter().any(|known| known == name) {
        list.push(name.to_owned());
    }
}

/// `NAME = value`, `name: value`, `"name": value`, with a plain value.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let line = line.trim().trim_end_matches([',', ';']);
    let at = line.find([':', '='])?;
    let (left, right) = line.split_at(at);
    let name = left
        .trim()
        .rsplit(|c: char| c.is_whitespace())
        .next()?
        .trim_matches(['"', '\'', '$']);
    // A typed constant has its type between the colon and the equal sign.
    let value = match right[1..].split_once(" = ") {
        Some((_, value)) if right.starts_with(':') => value,
        _ => right.trim_start_matches([':', '=']),
    };
    let value = value.trim().trim_matches(['"', '\'']);
    let plain_name = !name.is_empty()
        && name.len() <= 60
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || "_-./@".contains(c));
    let plain_value = !value.is_empty()
        && value.len() <= 40
        && !value.contains(['(', ')', '}', ']', '{', '[', '<', '>', '=', '?', '|', '&'])
        && value.split_whitespace().count() <= 3;
    (plain_name && plain_value).then_some((name, value))
}

fn is_literal(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_digit() || "-.^~\"'".contains(c))
        || matches!(
            value,
            "true" | "false" | "True" | "False" | "null" | "None" | "nil"
        )
}
