//! What the tools are called, what they take, and what a model is told about
//! them. Every session pays for each word here.

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Value, json};

/// A tool of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Search,
    Timeline,
    GetObservations,
    ByFile,
    Remember,
}

impl Name {
    pub(super) const ALL: [Self; 5] = [
        Self::Search,
        Self::Timeline,
        Self::GetObservations,
        Self::ByFile,
        Self::Remember,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Timeline => "timeline",
            Self::GetObservations => "get_observations",
            Self::ByFile => "by_file",
            Self::Remember => "remember",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.as_str() == name)
    }

    fn description(self) -> &'static str {
        match self {
            Self::Search => {
                "Search memories of earlier sessions. Step 1 of 3: returns an index (id, time, type, tokens to read, title). Then get_observations reads ids, timeline shows what happened around one. Any words match, best first; \"a phrase\", -word and file: concept: since:7d before:2026-01-31 narrow it."
            }
            Self::Timeline => {
                "Step 2 of 3: what happened before and after an id, session or time, or a query's best hit, in order of time."
            }
            Self::GetObservations => {
                "Step 3 of 3: read memories in full. Give all wanted ids at once."
            }
            Self::ByFile => {
                "What earlier sessions learned about a file, even if it was moved: index as in search. Worth a call before editing."
            }
            Self::Remember => {
                "Keep a text word for word for later sessions: a decision, a gotcha, a wish of the user. Credentials are taken out."
            }
        }
    }

    fn schema(self) -> Value {
        let count = |default: usize, least: usize| json!({"type": "integer", "minimum": least, "maximum": MOST, "default": default});
        let kind = json!({"type": "string", "enum": KINDS});
        let text = json!({"type": "string"});
        let texts = json!({"type": "array", "items": {"type": "string"}});
        match self {
            Self::Search => object(
                &json!({
                    "query": text, "type": kind, "project": project(), "limit": count(10, 1),
                }),
                &["query"],
            ),
            Self::Timeline => object(
                &json!({
                    "anchor": {"type": ["string", "integer"], "description": "12, S3, P4, session:ID or ISO time"},
                    "query": {"type": "string", "description": "instead of anchor"},
                    "before": count(10, 0), "after": count(10, 0), "project": project(),
                }),
                &[],
            ),
            Self::GetObservations => object(
                &json!({
                    "ids": {
                        "type": "array", "items": {"type": ["integer", "string"]},
                        "minItems": 1, "maxItems": MOST,
                    },
                }),
                &["ids"],
            ),
            Self::ByFile => object(
                &json!({"path": text, "project": project(), "limit": count(10, 1)}),
                &["path"],
            ),
            Self::Remember => object(
                &json!({"text": text, "title": text, "type": kind, "concepts": texts, "files": texts}),
                &["text"],
            ),
        }
    }

    pub(super) fn tool(self) -> Tool {
        let schema: JsonObject = match self.schema() {
            Value::Object(fields) => fields,
            _ => JsonObject::new(),
        };
        let hints = match self {
            Self::Remember => ToolAnnotations::new().read_only(false).destructive(false),
            _ => ToolAnnotations::new().read_only(true),
        };
        Tool::new(self.as_str(), self.description(), Arc::new(schema))
            .with_annotations(hints.open_world(false))
    }
}

/// Rows of one answer, and ids of one question.
pub(super) const MOST: usize = 50;

/// Types of observations.
pub const KINDS: [&str; 8] = [
    "bugfix",
    "feature",
    "refactor",
    "change",
    "discovery",
    "decision",
    "security_alert",
    "security_note",
];

fn project() -> Value {
    json!({"type": "string", "description": "default: this one; * for all"})
}

fn object(properties: &Value, required: &[&str]) -> Value {
    let mut schema =
        json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four characters a token is generous for JSON of short English words.
    #[test]
    fn all_tools_together_cost_a_session_little() {
        let tools: Vec<Tool> = Name::ALL.map(Name::tool).into();
        let text = serde_json::to_string(&tools).unwrap();
        assert!(text.len() < 1_200 * 4, "{} characters: {text}", text.len());
    }

    #[test]
    fn reading_is_said_to_be_reading() {
        for name in Name::ALL {
            let hints = name.tool().annotations.unwrap();
            assert_eq!(hints.read_only_hint, Some(name != Name::Remember));
            assert_eq!(hints.open_world_hint, Some(false));
            assert_eq!(Name::parse(name.as_str()), Some(name));
        }
        assert_eq!(Name::parse("Search"), None);
    }
}
