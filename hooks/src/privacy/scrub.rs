//! Private passages and credentials of texts and of whole JSON values.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::assign;
use super::secrets::redact;
use super::tags::strip_tags;

/// How often a text is looked at until nothing changes any more. What remains
/// after a removal may form something new; three rounds were never needed.
const ROUNDS: usize = 4;

/// Deepest level of a JSON value that is kept. The parser's own limit is 128.
const DEPTH_MAX: usize = 128;

/// What stands for the parts of a value that are nested deeper than that.
const TOO_DEEP: &str = "[nested too deep]";

/// Removes private passages from a text, then redacts the credentials in the
/// rest. Scrubbing a scrubbed text changes nothing.
///
/// Borrowed when nothing had to go.
pub fn scrub(text: &str) -> Cow<'_, str> {
    let Some(mut scrubbed) = scrub_once(text) else {
        return Cow::Borrowed(text);
    };
    for _ in 1..ROUNDS {
        match scrub_once(&scrubbed) {
            Some(again) => scrubbed = again,
            None => break,
        }
    }
    Cow::Owned(scrubbed)
}

/// Scrubs all strings of a value in place, and the keys of its objects. A key
/// that names a secret condemns the string beside it, an option such as
/// `--password` the next item of its array.
pub fn scrub_value(value: &mut Value) {
    scrub_level(value, 0);
}

fn scrub_once(text: &str) -> Option<String> {
    match strip_tags(text) {
        Cow::Owned(stripped) => Some(match redact(&stripped) {
            Cow::Owned(redacted) => redacted,
            Cow::Borrowed(_) => stripped,
        }),
        Cow::Borrowed(_) => match redact(text) {
            Cow::Owned(redacted) => Some(redacted),
            Cow::Borrowed(_) => None,
        },
    }
}

fn scrub_string(text: &mut String) {
    if let Cow::Owned(scrubbed) = scrub(text) {
        *text = scrubbed;
    }
}

fn scrub_level(value: &mut Value, depth: usize) {
    if depth > DEPTH_MAX {
        *value = Value::String(TOO_DEEP.to_owned());
        return;
    }
    match value {
        Value::String(text) => scrub_string(text),
        Value::Array(items) => {
            let mut option = false;
            for item in items {
                if option && let Value::String(text) = item {
                    scrub_named("--password", text);
                }
                option = item.as_str().is_some_and(assign::is_secret_option);
                scrub_level(item, depth + 1);
            }
        }
        Value::Object(fields) => scrub_object(fields, depth),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn scrub_object(fields: &mut Map<String, Value>, depth: usize) {
    let entry = ["name", "key", "Name", "Key"]
        .iter()
        .find_map(|key| fields.get(*key)?.as_str().map(str::to_owned));
    for (key, value) in fields.iter_mut() {
        if let Value::String(text) = value {
            scrub_named(key, text);
            if let Some(name) = &entry
                && key.eq_ignore_ascii_case("value")
            {
                scrub_named(name, text);
            }
        }
        scrub_level(value, depth + 1);
    }
    if fields.keys().any(|key| matches!(scrub(key), Cow::Owned(_))) {
        let old = std::mem::take(fields);
        for (key, value) in old {
            fields.insert(scrub(&key).into_owned(), value);
        }
    }
}

/// Redacts the part of a string that is a secret because of its name.
fn scrub_named(name: &str, text: &mut String) {
    scrub_string(text);
    if let Some(hit) = assign::secret_part(name, text)
        && let Some(part) = text.get(hit.start..hit.end)
        && !part.contains("[redacted:")
    {
        text.replace_range(hit.start..hit.end, &format!("[redacted:{}]", hit.kind));
    }
}
