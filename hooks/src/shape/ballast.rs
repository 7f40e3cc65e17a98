//! Takes out what is never kept of a tool call.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::binary;
use super::bound::{Budget, bound};
use super::edits;
use crate::privacy;

/// Whole files beside an edit of them.
const WHOLE_FILES: [&str; 3] = ["originalFile", "original_file", "updated_file"];

/// What an agent's result says about its own run.
const BOOKKEEPING: [&str; 7] = [
    "usage",
    "toolStats",
    "totalDurationMs",
    "totalTokens",
    "totalToolUseCount",
    "resolvedModel",
    "agentId",
];

/// Deepest level that is looked at; [`bound()`] cuts what is deeper.
const DEPTH_MAX: usize = 24;

/// Removes what a memory never keeps: whole files beside an edit, pictures and
/// other data in base64, the bookkeeping of agents. Edits become diffs.
///
/// Strings that hold JSON stay strings.
pub fn drop_ballast(tool_name: &str, input: &mut Value, output: &mut Value) {
    match tool_name {
        // Word for word.
        crate::remember::TOOL => return,
        "Edit" | "MultiEdit" | "Write" | "NotebookEdit" => edits::reduce(input, output),
        "Agent" | "Task" => drop_bookkeeping(input, output),
        "Bash" => drop_picture(output),
        _ => {}
    }
    drop_data(input, 0);
    drop_data(output, 0);
}

/// The way of a tool call to what may leave the hook: [`drop_ballast`], then
/// [`privacy::scrub_value`], then [`bound()`].
pub fn prepare_tool(
    tool_name: &str,
    mut input: Value,
    mut output: Value,
    budget: &Budget,
) -> (Value, Value) {
    drop_ballast(tool_name, &mut input, &mut output);
    for value in [&mut input, &mut output] {
        privacy::scrub_value(value);
        bound(value, budget);
    }
    (input, output)
}

/// Reduces a tool call without scrubbing it, for values that were scrubbed before.
pub fn shape_tool(
    tool_name: &str,
    mut input: Value,
    mut output: Value,
    budget: &Budget,
) -> (Value, Value) {
    drop_ballast(tool_name, &mut input, &mut output);
    bound(&mut input, budget);
    bound(&mut output, budget);
    (input, output)
}

fn drop_bookkeeping(input: &Value, output: &mut Value) {
    let Some(result) = output.as_object_mut() else {
        return;
    };
    for key in BOOKKEEPING {
        result.remove(key);
    }
    if result
        .get("prompt")
        .is_some_and(|prompt| input.get("prompt") == Some(prompt))
    {
        result.remove("prompt");
    }
}

/// A command whose output is a picture.
fn drop_picture(output: &mut Value) {
    if output.get("isImage") != Some(&Value::Bool(true)) {
        return;
    }
    if let Some(Value::String(text)) = output.get_mut("stdout") {
        let (media, content) = match text
            .strip_prefix("data:")
            .and_then(|rest| rest.split_once(";base64,"))
        {
            Some((media, content)) if media.len() < 100 => (media, content),
            _ => ("image", text.as_str()),
        };
        *text = binary::note(media, binary::decoded_bytes(content));
    }
}

fn drop_data(value: &mut Value, depth: usize) {
    if depth > DEPTH_MAX {
        return;
    }
    match value {
        Value::String(text) => {
            if let Cow::Owned(rest) = binary::without_data(text) {
                *text = rest;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| drop_data(item, depth + 1)),
        Value::Object(fields) => {
            drop_fields(fields);
            fields
                .values_mut()
                .for_each(|part| drop_data(part, depth + 1));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn drop_fields(fields: &mut Map<String, Value>) {
    for key in WHOLE_FILES {
        fields.remove(key);
    }
    if let Some(diff) = fields.get("structuredPatch").and_then(edits::from_hunks) {
        fields.remove("structuredPatch");
        fields.insert("diff".to_owned(), Value::String(diff));
    }
    let Some(media) = media_type(fields) else {
        return;
    };
    for key in ["base64", "data", "blob"] {
        if let Some(Value::String(text)) = fields.get_mut(key)
            && !text.is_empty()
            && !text.contains([' ', '<', '['])
        {
            *text = binary::note(&media, binary::decoded_bytes(text));
        }
    }
}

/// The media type that an object states for the data in it: `mimeType` of an MCP
/// content, `type` of a file that was read, `media_type` of a model message.
fn media_type(fields: &Map<String, Value>) -> Option<String> {
    let stated = ["mimeType", "media_type", "mime_type", "type"]
        .iter()
        .find_map(|key| {
            fields
                .get(*key)?
                .as_str()
                .filter(|media| media.contains('/') && media.len() < 100)
        });
    if let Some(media) = stated {
        return Some(media.to_owned());
    }
    if let Some(kind @ ("image" | "audio" | "video" | "pdf")) =
        fields.get("type").and_then(Value::as_str)
    {
        return Some(kind.to_owned());
    }
    fields.contains_key("base64").then(|| "base64".to_owned())
}
