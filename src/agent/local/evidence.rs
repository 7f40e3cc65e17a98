//! Reads a turn's events into steps: what was read, searched, changed, run
//! and committed, in order, with paths told relative to the project.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use super::command::Class;
use super::edit::{self, Action, Edit};
use super::git::Commit;
use super::outcome::Outcome;
use super::{bash, text};
use crate::agent::{ToolEvent, Turn};

/// All output that is scanned in one turn, in bytes, and the share that every
/// event gets at least. It keeps a turn of hundreds of long outputs cheap.
const SCAN_TOTAL: usize = 500_000;
const SCAN_SHARE: usize = 2_000;
const SCAN_MOST: usize = 64_000;

/// One thing that happened.
#[derive(Debug)]
pub(super) struct Step<'a> {
    pub(super) event: &'a ToolEvent,
    pub(super) what: What,
}

/// What happened.
#[derive(Debug)]
pub(super) enum What {
    Read(String),
    Search {
        pattern: String,
        /// Files of which it showed lines.
        files: Vec<String>,
    },
    Edit(Edit),
    Run(Run),
    Commit(Commit),
    /// Changes thrown away, by path; empty for all.
    Revert(Vec<String>),
    /// Files named for the next commit; empty for all.
    Stage(Vec<String>),
    /// Something outside was asked: a page, a search engine, an MCP server.
    Lookup(String),
    /// Work given to a subagent.
    Delegate(String),
}

/// A program that checked, built, installed or ran something.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) class: Class,
    pub(super) family: String,
    pub(super) ecosystem: &'static str,
    pub(super) label: String,
    pub(super) env: Vec<String>,
    pub(super) words: Vec<String>,
    pub(super) outcome: Outcome,
    /// Other calls on the same line that bring something into place.
    pub(super) cures: Vec<String>,
}

/// A turn's steps.
#[derive(Debug)]
pub(super) struct Evidence<'a> {
    pub(super) steps: Vec<Step<'a>>,
    /// Events that only looked around.
    pub(super) trivial: usize,
}

/// Reads the events of a turn.
pub(super) fn gather(turn: &Turn) -> Evidence<'_> {
    let root = root(turn);
    let shells = turn
        .events
        .iter()
        .filter(|e| e.tool_name == "Bash")
        .count()
        .max(1);
    let scan = (SCAN_TOTAL / shells).clamp(SCAN_SHARE, SCAN_MOST);
    let mut steps = Vec::new();
    let mut trivial = 0;
    for event in &turn.events {
        let place = Place {
            root: &root,
            cwd: event.cwd.as_deref().unwrap_or(&root),
        };
        let found = read_event(event, place, scan);
        if found.is_empty() {
            trivial += 1;
        }
        steps.extend(found.into_iter().map(|what| Step { event, what }));
    }
    mark_reverted(&mut steps);
    Evidence { steps, trivial }
}

/// Where paths are told from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) root: &'a str,
    pub(super) cwd: &'a str,
}

impl Place<'_> {
    /// A path as it is told: relative to the project where it is inside.
    pub(super) fn path(self, raw: &str) -> String {
        let raw = raw.trim().replace('\\', "/");
        let absolute = raw.starts_with('/') || raw.get(1..3) == Some(":/");
        let full = if absolute || self.cwd.is_empty() {
            raw
        } else {
            format!("{}/{raw}", self.cwd.trim_end_matches('/'))
        };
        let full = normal(&full);
        let root = normal(self.root);
        if root.is_empty() || root == "/" {
            return full;
        }
        match full.strip_prefix(&root) {
            Some(inside) if inside.starts_with('/') => inside[1..].to_owned(),
            _ => full,
        }
    }
}

/// Resolves `.` and `..` in the text of a path.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let lead = if path.starts_with('/') { "/" } else { "" };
    format!("{lead}{}", parts.join("/"))
}

/// The project's root, or the directories' longest common part.
fn root(turn: &Turn) -> String {
    if let Some(root) = &turn.root {
        return root.to_string_lossy().replace('\\', "/");
    }
    let mut common: Option<Vec<&str>> = None;
    for cwd in turn.events.iter().filter_map(|e| e.cwd.as_deref()) {
        let parts: Vec<&str> = cwd.split('/').collect();
        common = Some(match common {
            None => parts,
            Some(old) => {
                let same = old.iter().zip(&parts).take_while(|(a, b)| a == b).count();
                old[..same].to_vec()
            }
        });
    }
    common.unwrap_or_default().join("/")
}

fn read_event(event: &ToolEvent, place: Place<'_>, scan: usize) -> Vec<What> {
    let input = edit::unwrapped(&event.input);
    let name = event.tool_name.as_str();
    match name {
        "Bash" | "BashOutput" | "PowerShell" => bash::read(event, &input, place, scan),
        _ if event.failed => Vec::new(),
        "Read" | "NotebookRead" => edit::field(&input, &["file_path", "notebook_path", "path"])
            .map(|path| What::Read(place.path(path)))
            .into_iter()
            .collect(),
        "Edit" | "MultiEdit" | "Write" | "NotebookEdit" | "Update" => {
            file_edit(event, &input, place).into_iter().collect()
        }
        "Grep" | "Glob" | "LS" | "LSP" => {
            search(&input, &event.output, place).into_iter().collect()
        }
        "WebFetch" | "WebSearch" => edit::field(&input, &["url", "query"])
            .map(|what| What::Lookup(text::clip(what, 90)))
            .into_iter()
            .collect(),
        "Agent" | "Task" => edit::field(&input, &["description", "prompt"])
            .map(|what| What::Delegate(text::clip(&text::squeeze(what), 90)))
            .into_iter()
            .collect(),
        _ => mcp(name, &input).into_iter().collect(),
    }
}

/// An MCP call, told as "server tool: main argument". Calls of a memory like
/// this one are no evidence of work.
fn mcp(name: &str, input: &Value) -> Option<What> {
    let rest = name.strip_prefix("mcp__")?;
    let (server, tool) = rest.rsplit_once("__")?;
    let server = server.strip_prefix("plugin_").unwrap_or(server);
    if server.contains("mem") {
        return None;
    }
    let argument = edit::field(
        input,
        &[
            "query", "sql", "url", "path", "key", "id", "issue", "title", "name", "q",
        ],
    )
    .map(|a| format!(": {}", text::clip(&text::squeeze(a), 70)))
    .unwrap_or_default();
    Some(What::Lookup(format!(
        "{} {}{argument}",
        server.replace('_', " "),
        tool.replace('_', " ")
    )))
}

fn file_edit(event: &ToolEvent, input: &Value, place: Place<'_>) -> Option<What> {
    let output = edit::unwrapped(&event.output);
    let raw = edit::field(input, &["file_path", "notebook_path", "path"])
        .or_else(|| edit::field(&output, &["filePath", "file_path", "notebook_path"]))?;
    let path = place.path(raw);
    if is_scratch(&path) {
        return None;
    }
    let created = event.tool_name == "Write" && edit::is_creation(input, &output);
    let action = if created {
        Action::Created
    } else {
        Action::Updated
    };
    Some(What::Edit(Edit::new(
        path,
        action,
        edit::lines(input, &output),
    )))
}

/// Places whose files are nobody's work.
pub(super) fn is_scratch(path: &str) -> bool {
    ["/tmp/", "/var/", "/dev/", "/private/tmp/", "/proc/"]
        .iter()
        .any(|dir| path.starts_with(dir))
        || path.contains("/.claude/")
            && !path.contains("/.claude/commands")
            && path.starts_with('/')
        || path.contains("scratchpad")
}

fn search(input: &Value, output: &Value, place: Place<'_>) -> Option<What> {
    let pattern = edit::field(input, &["pattern", "query", "path"])?;
    let output = edit::unwrapped(output);
    // A list of names that match shows nothing of the files.
    let mut files: Vec<String> = Vec::new();
    if let Some(content) = edit::field(&output, &["content"]) {
        for line in content.lines().take(60) {
            let Some((file, _)) = line.split_once(':') else {
                continue;
            };
            if file.contains('.') && !file.contains(' ') {
                files.push(place.path(file));
            }
        }
    }
    let mut seen = std::collections::HashSet::new();
    files.retain(|f| seen.insert(f.clone()));
    Some(What::Search {
        pattern: text::clip(&text::squeeze(pattern), 60),
        files,
    })
}

/// Marks edits that a later step took back: thrown away by git, undone by an
/// inverse edit, or on a file that was created and removed again.
fn mark_reverted(steps: &mut [Step<'_>]) {
    let mut marks: Vec<usize> = Vec::new();
    let mut open: HashMap<String, Vec<usize>> = HashMap::new();
    for (i, step) in steps.iter().enumerate() {
        match &step.what {
            What::Edit(edit) => {
                let earlier = open.entry(edit.path.clone()).or_default();
                if edit.action == Action::Removed {
                    let created = earlier.iter().any(|&j| is_created(&steps[j]));
                    if created {
                        marks.append(earlier);
                        marks.push(i);
                        continue;
                    }
                }
                // Only the latest few can be what an undo answers to.
                let undone = earlier
                    .iter()
                    .rev()
                    .take(8)
                    .position(|&j| match &steps[j].what {
                        What::Edit(before) => edit.undoes(before),
                        _ => false,
                    });
                if let Some(back) = undone {
                    let at = earlier.len() - 1 - back;
                    marks.push(earlier.remove(at));
                    marks.push(i);
                } else {
                    earlier.push(i);
                }
            }
            What::Revert(paths) if paths.is_empty() => {
                marks.extend(open.drain().flat_map(|(_, v)| v));
            }
            What::Revert(paths) => {
                for path in paths {
                    marks.extend(open.remove(path).unwrap_or_default());
                }
            }
            What::Commit(_) => open.clear(),
            _ => {}
        }
    }
    marks.extend(zero_balance(steps, &open));
    for i in marks {
        if let What::Edit(edit) = &mut steps[i].what {
            edit.reverted = true;
        }
    }
}

fn is_created(step: &Step<'_>) -> bool {
    matches!(&step.what, What::Edit(edit) if edit.action == Action::Created)
}

/// Edits of files that look at the end as they did at the beginning.
fn zero_balance(steps: &[Step<'_>], open: &HashMap<String, Vec<usize>>) -> Vec<usize> {
    let mut out = Vec::new();
    for indices in open.values().filter(|v| v.len() > 1) {
        let edits: Vec<&Edit> = indices
            .iter()
            .filter_map(|&i| match &steps[i].what {
                What::Edit(edit) => Some(edit),
                _ => None,
            })
            .collect();
        let mut balance = HashMap::new();
        for edit in &edits {
            edit.balance(&mut balance);
        }
        let plain = edits
            .iter()
            .all(|e| e.action == Action::Updated && !e.lines.is_empty());
        if plain && !balance.is_empty() && balance.values().all(|n| *n == 0) {
            out.extend(indices);
        }
    }
    out
}

impl<'a> Evidence<'a> {
    /// Steps of edits that lasted, with their position.
    pub(super) fn edits(&self) -> impl Iterator<Item = (usize, &Step<'a>, &Edit)> {
        self.steps
            .iter()
            .enumerate()
            .filter_map(|(i, step)| match &step.what {
                What::Edit(edit) if !edit.reverted => Some((i, step, edit)),
                _ => None,
            })
    }

    /// Runs, with their position.
    pub(super) fn runs(&self) -> impl Iterator<Item = (usize, &Step<'a>, &Run)> {
        self.steps
            .iter()
            .enumerate()
            .filter_map(|(i, step)| match &step.what {
                What::Run(run) => Some((i, step, run)),
                _ => None,
            })
    }

    /// Files that were opened, in order of the first touch.
    pub(super) fn files_opened(&self) -> Vec<&str> {
        let mut out: Vec<&str> = Vec::new();
        for step in &self.steps {
            if let What::Read(path) = &step.what
                && !is_scratch(path)
                && !out.contains(&path.as_str())
                && out.len() < 100
            {
                out.push(path);
            }
        }
        out
    }

    /// Files that were read, in order of the first touch. A search that showed
    /// lines of a few files counts as well.
    pub(super) fn files_read(&self) -> Vec<String> {
        self.files_read_in(&(0..usize::MAX))
    }

    /// The same for some of the steps.
    pub(super) fn files_read_in(&self, range: &std::ops::Range<usize>) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for (_, step) in self
            .steps
            .iter()
            .enumerate()
            .filter(|(at, _)| range.contains(at))
        {
            let files: &[String] = match &step.what {
                What::Read(path) => std::slice::from_ref(path),
                What::Search { files, .. } if files.len() <= 3 => files,
                _ => continue,
            };
            for file in files {
                if !is_scratch(file) && seen.insert(file.clone()) {
                    out.push(file.clone());
                }
            }
        }
        out
    }
}

/// Whether a word of a command line can be a file of the project.
pub(super) fn is_file_word(word: &str) -> bool {
    let extension = Path::new(word).extension().and_then(|e| e.to_str());
    let named = extension.is_some_and(|e| e.len() <= 10 && e.chars().all(char::is_alphanumeric));
    let plain = !word.starts_with('-')
        && !word.contains(['*', '?', '{', '$', '=', '|', '\n', '"', '\'', '^']);
    let bare = [
        "Makefile",
        "Dockerfile",
        "README",
        "Gemfile",
        "Procfile",
        "Justfile",
    ]
    .iter()
    .any(|n| word.ends_with(n));
    let number = word.chars().all(|c| c.is_ascii_digit() || ".,".contains(c));
    plain
        && !number
        && word.len() < 300
        && (named || bare)
        && !word.contains("://")
        && !word.contains(' ')
}
