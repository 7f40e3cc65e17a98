//! What a call says, read exactly: an argument that is not known or of another
//! type is an error that says what would be right.

use rmcp::model::JsonObject;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::tools::{KINDS, MOST, Name};

/// Longest text of a question, in bytes.
const MOST_BYTES: usize = 4096;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    pub(super) query: String,
    #[serde(default, rename = "type")]
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) project: Option<String>,
    #[serde(default = "ten")]
    pub(super) limit: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Timeline {
    #[serde(default, deserialize_with = "id_or_text")]
    pub(super) anchor: Option<String>,
    #[serde(default)]
    pub(super) query: Option<String>,
    #[serde(default = "ten")]
    pub(super) before: usize,
    #[serde(default = "ten")]
    pub(super) after: usize,
    #[serde(default)]
    pub(super) project: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GetObservations {
    pub(super) ids: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ByFile {
    pub(super) path: String,
    #[serde(default)]
    pub(super) project: Option<String>,
    #[serde(default = "ten")]
    pub(super) limit: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Remember {
    pub(super) text: String,
    #[serde(default)]
    pub(super) title: Option<String>,
    #[serde(default, rename = "type")]
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) concepts: Vec<String>,
    #[serde(default)]
    pub(super) files: Vec<String>,
}

fn ten() -> usize {
    10
}

fn id_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => None,
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => return Err(serde::de::Error::custom("anchor must be an id or a text")),
    })
}

/// The arguments of a call; the error tells how to call it.
pub(super) fn read<T: DeserializeOwned>(tool: Name, given: JsonObject) -> Result<T, String> {
    serde_json::from_value(Value::Object(given))
        .map_err(|error| format!("{error}. Call it like this: {}", example(tool)))
}

fn example(tool: Name) -> &'static str {
    match tool {
        Name::Search => r#"search {"query": "invoice rounding", "type": "bugfix", "limit": 5}"#,
        Name::Timeline => {
            r#"timeline {"anchor": 12, "before": 5, "after": 5}, or {"query": "invoice rounding"}"#
        }
        Name::GetObservations => r#"get_observations {"ids": [12, "S3"]}"#,
        Name::ByFile => r#"by_file {"path": "src/billing/invoice.py"}"#,
        Name::Remember => r#"remember {"text": "Rates come from the ECB.", "type": "decision"}"#,
    }
}

/// A question of a bounded length.
pub(super) fn question(name: &str, text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err(format!("{name} is empty: give at least one word"));
    }
    if text.len() > MOST_BYTES {
        return Err(format!(
            "{name} has {} bytes, and {MOST_BYTES} are the most: give the words that matter",
            text.len()
        ));
    }
    Ok(())
}

/// A type of observation that there is.
pub(super) fn kind(given: Option<String>) -> Result<Option<String>, String> {
    match given {
        Some(kind) if !KINDS.contains(&kind.as_str()) => Err(format!(
            "there is no type {kind:?}: use one of {}",
            KINDS.join(", ")
        )),
        given => Ok(given),
    }
}

/// A count within the schema's bounds.
pub(super) fn count(name: &str, given: usize, least: usize) -> Result<usize, String> {
    if (least..=MOST).contains(&given) {
        return Ok(given);
    }
    Err(format!("{name} must be from {least} to {MOST}"))
}
