//! Edits as diffs. The payload of an edit holds the change up to four times and
//! the whole file before it; one diff says the same.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::privacy;

/// How many unchanged lines around a change are kept.
const CONTEXT: usize = 3;

/// How a private key in a file begins and ends.
const KEY_BLOCK: &str = "PRIVATE KEY-----";

/// Fields of an edit's input that its diff replaces.
const REPLACED: [&str; 5] = ["old_string", "new_string", "edits", "content", "new_source"];

/// Reduces an edit to what it did: the input keeps the path and the flags, the
/// output becomes path, type and diff, or the content of a new file.
///
/// Without an output the edit failed; then the input stays as it is. An edit that
/// was reduced before, by the hook that sent it, keeps its diff.
pub(super) fn reduce(input: &mut Value, output: &mut Value) {
    let Some(result) = output.as_object_mut().filter(|result| !result.is_empty()) else {
        return;
    };
    let mut kept = Map::new();
    if let Some(path) = path_of(result, input) {
        kept.insert("filePath".to_owned(), path);
    }
    for key in ["type", "cell_id", "cell_type", "edit_mode", "error"] {
        if let Some(small) = result.remove(key).filter(|small| !small.is_null()) {
            kept.insert(key.to_owned(), small);
        }
    }
    if result.get("userModified") == Some(&Value::Bool(true)) {
        kept.insert("userModified".to_owned(), Value::Bool(true));
    }
    let diff = result
        .remove("diff")
        .and_then(|own| own.as_str().map(str::to_owned))
        .or_else(|| hiding_diff(result, input))
        .or_else(|| from_hunks(result.get("structuredPatch")?))
        .or_else(|| from_strings(input))
        .or_else(|| from_strings_of(result, "oldString", "newString"));
    if let Some(diff) = diff {
        kept.insert("diff".to_owned(), Value::String(diff));
    } else if let Some((key, content)) = content_of(result, input) {
        kept.insert(key.to_owned(), content);
    }
    if let Some(fields) = input.as_object_mut() {
        for key in REPLACED {
            fields.remove(key);
        }
    }
    *output = Value::Object(kept);
}

/// A structured patch as the text of a diff, or `None` when it has no hunk.
pub(super) fn from_hunks(patch: &Value) -> Option<String> {
    let hunks = patch.as_array().filter(|hunks| !hunks.is_empty())?;
    let mut diff = String::new();
    for hunk in hunks {
        let lines = hunk.get("lines")?.as_array()?;
        let number = |key: &str| hunk.get(key).and_then(Value::as_u64).unwrap_or(0);
        let (old, old_lines) = (number("oldStart"), number("oldLines"));
        let (new, new_lines) = (number("newStart"), number("newLines"));
        // Writing to a string cannot fail.
        let _written = writeln!(diff, "@@ -{old},{old_lines} +{new},{new_lines} @@");
        for line in lines {
            diff.push_str(line.as_str().unwrap_or_default());
            diff.push('\n');
        }
    }
    Some(diff)
}

fn path_of(result: &mut Map<String, Value>, input: &Value) -> Option<Value> {
    let own = ["filePath", "file_path", "notebook_path"]
        .iter()
        .find_map(|key| result.remove(*key));
    own.or_else(|| {
        ["file_path", "notebook_path"]
            .iter()
            .find_map(|key| input.get(*key).cloned())
    })
}

/// The content of a new file or notebook cell, which the output repeats.
fn content_of(result: &mut Map<String, Value>, input: &mut Value) -> Option<(&'static str, Value)> {
    ["content", "new_source"].into_iter().find_map(|key| {
        let own = result.remove(key);
        own.or_else(|| input.get_mut(key).map(Value::take))
            .map(|content| (key, content))
    })
}

/// The diff of a file that has private passages or a key in it. A hunk may begin
/// in the middle of one, where nothing says so; only the whole file, before and
/// after, shows what has to go.
fn hiding_diff(result: &Map<String, Value>, input: &Value) -> Option<String> {
    let before = ["originalFile", "original_file"]
        .iter()
        .find_map(|key| result.get(*key)?.as_str())?;
    let text = |key: &str| input.get(key).and_then(Value::as_str);
    let after = match (text("old_string"), text("new_string"), text("content")) {
        (Some(old), Some(new), _) if input.get("replace_all") == Some(&Value::Bool(true)) => {
            Cow::Owned(before.replace(old, new))
        }
        (Some(old), Some(new), _) => Cow::Owned(before.replacen(old, new, 1)),
        (_, _, Some(content)) => Cow::Borrowed(content),
        _ => return None,
    };
    let hides =
        |text: &str| text.contains(KEY_BLOCK) || matches!(privacy::strip_tags(text), Cow::Owned(_));
    (hides(before) || hides(&after)).then(|| line_diff(before, &after))
}

fn from_strings(input: &Value) -> Option<String> {
    let fields = input.as_object()?;
    if let Some(edits) = fields.get("edits").and_then(Value::as_array) {
        let diffs: Vec<String> = edits
            .iter()
            .filter_map(|edit| from_strings_of(edit.as_object()?, "old_string", "new_string"))
            .collect();
        return (!diffs.is_empty()).then(|| diffs.join("@@\n"));
    }
    from_strings_of(fields, "old_string", "new_string")
}

fn from_strings_of(fields: &Map<String, Value>, old: &str, new: &str) -> Option<String> {
    Some(line_diff(
        fields.get(old)?.as_str()?,
        fields.get(new)?.as_str()?,
    ))
}

/// What is between the common beginning and the common end of two texts: the old
/// lines, then the new ones.
///
/// The texts are scrubbed first, because the line that begins a private passage
/// may be too far from the change to be in the diff.
fn line_diff(old: &str, new: &str) -> String {
    let (old, new) = (privacy::scrub(old), privacy::scrub(new));
    let old: Vec<&str> = old.lines().collect();
    let new: Vec<&str> = new.lines().collect();
    let shorter = old.len().min(new.len());
    let same = (0..shorter)
        .take_while(|&index| old[index] == new[index])
        .count();
    let same_end = (0..shorter - same)
        .take_while(|&index| old[old.len() - 1 - index] == new[new.len() - 1 - index])
        .count();
    let (old_end, new_end) = (old.len() - same_end, new.len() - same_end);
    let mut diff = String::new();
    push_lines(&mut diff, ' ', &old[same.saturating_sub(CONTEXT)..same]);
    push_lines(&mut diff, '-', &old[same..old_end]);
    push_lines(&mut diff, '+', &new[same..new_end]);
    push_lines(
        &mut diff,
        ' ',
        &old[old_end..old.len().min(old_end + CONTEXT)],
    );
    diff
}

fn push_lines(diff: &mut String, sign: char, lines: &[&str]) {
    for line in lines {
        diff.push(sign);
        diff.push_str(line);
        diff.push('\n');
    }
}
