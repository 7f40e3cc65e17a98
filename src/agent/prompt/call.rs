//! One call of a tool as text: a line that names it, and below it what matters
//! of its result.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value;

use super::cut::{self, Keep};
use super::paths::Root;
use super::quote::{one_line, quoted, quoted_output};
use super::tools;
use crate::agent::ToolEvent;

/// Longest name of a tool or of a kind of agent, in bytes.
const MOST_NAME: usize = 80;

/// Most that the line which names a call says about it, in bytes.
const MOST_ABOUT: usize = 320;

/// How much a call says about what the turn brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Finding one's way about, or a repetition.
    Routine,
    /// Something was read or searched.
    Look,
    /// Something was run or asked.
    Act,
    /// A file was changed, or a call failed.
    Change,
}

impl Rank {
    /// Weight when the room for results is divided.
    pub(super) const fn weight(self) -> usize {
        match self {
            Self::Routine | Self::Look => 1,
            Self::Act => 2,
            Self::Change => 3,
        }
    }
}

/// A call as a tool tells it.
#[derive(Debug)]
pub(super) struct Told {
    /// What it was about, on one line.
    pub(super) about: String,
    /// What came of it.
    pub(super) body: String,
    /// Most bytes of the body, quoted.
    pub(super) most: usize,
    pub(super) keep: Keep,
    pub(super) rank: Rank,
}

/// A call as it goes into the record.
#[derive(Debug)]
pub(super) struct Call {
    /// The tool's name.
    pub(super) tool: String,
    /// The line, without a line break.
    pub(super) head: String,
    /// The quoted lines below it; may be empty.
    pub(super) body: String,
    pub(super) keep: Keep,
    pub(super) rank: Rank,
}

/// All calls, in their order. What repeats an earlier one is only named.
pub(super) fn all<'a>(events: impl Iterator<Item = &'a ToolEvent>, root: &Root) -> Vec<Call> {
    let mut seen = HashSet::new();
    events
        .map(|event| {
            let mut call = one(event, root);
            let repeats = !call.body.is_empty() && !seen.insert(key(event, &call));
            if repeats {
                call.body.clear();
                call.head.push_str(" (again)");
                if call.rank < Rank::Change {
                    call.rank = Rank::Routine;
                }
            }
            call
        })
        .collect()
}

/// What makes two calls the same: of reads the file, of others all.
fn key(event: &ToolEvent, call: &Call) -> String {
    match event.input.get("file_path").and_then(Value::as_str) {
        Some(path) if call.tool == "Read" => path.to_owned(),
        _ => [call.head.as_str(), &call.body].concat(),
    }
}

/// One call.
pub(super) fn one(event: &ToolEvent, root: &Root) -> Call {
    let tool = name(&event.tool_name);
    let (mut input, output) = capture::shape::shape_tool(
        &event.tool_name,
        opened(&event.input).into_owned(),
        opened(&event.output).into_owned(),
        &capture::shape::Budget::default(),
    );
    if let Some(fields) = input.as_object_mut() {
        // Where everything is needs no words.
        let everywhere =
            |path: &mut Value| path.as_str().is_some_and(|path| root.relative(path) == ".");
        if fields.get_mut("path").is_some_and(everywhere) {
            fields.remove("path");
        }
    }
    let mut told = tools::tell(&event.tool_name, &input, &output, event.failed);
    if event.failed {
        told.rank = Rank::Change;
    }
    let agent = match &event.agent_type {
        Some(agent) if !agent.is_empty() => [" by subagent ", &name(agent)].concat(),
        _ if event.agent_id.is_some() => " by a subagent".to_owned(),
        _ => String::new(),
    };
    let failed = if event.failed { " FAILED" } else { "" };
    let about = one_line(&root.relative(&told.about), MOST_ABOUT);
    let head = format!("{tool}{agent}{failed} |{about}");
    let body = root.relative(&told.body);
    let body = match told.keep {
        // Messages and changes, where a line may be a paragraph.
        Keep::Ends => quoted(&body),
        Keep::Head | Keep::Output => quoted_output(&body),
    };
    Call {
        tool,
        head,
        body: cut::cut(&body, told.most, told.keep).into_owned(),
        keep: told.keep,
        rank: told.rank,
    }
}

/// A name from the session that stands among our words: it can have no others.
fn name(given: &str) -> String {
    given
        .chars()
        .take(MOST_NAME)
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-.:".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect()
}

/// A text that holds JSON, opened.
fn opened(value: &Value) -> Cow<'_, Value> {
    match value {
        Value::String(text) if text.starts_with(['{', '[']) => {
            serde_json::from_str(text).map_or(Cow::Borrowed(value), Cow::Owned)
        }
        other => Cow::Borrowed(other),
    }
}
