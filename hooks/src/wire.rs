//! Claude Code's hook payload as it arrives. Every field may be missing or of
//! another type than expected, and unknown ones are ignored: an event must not
//! be lost because a field that it does not need has changed.

use serde_json::{Map, Value};

/// The fields that any event of ours uses, of whatever hook event.
#[derive(Debug, Default)]
pub(crate) struct Payload {
    pub(crate) session_id: Option<String>,
    pub(crate) cwd: Option<String>,
    pub(crate) hook_event_name: Option<String>,
    pub(crate) prompt_id: Option<String>,
    pub(crate) prompt: Option<String>,
    pub(crate) tool_name: Option<String>,
    pub(crate) tool_use_id: Option<String>,
    pub(crate) tool_input: Value,
    pub(crate) tool_response: Value,
    /// Text of a failed tool call.
    pub(crate) error: Option<String>,
    /// The user ended the tool call.
    pub(crate) is_interrupt: bool,
    pub(crate) agent_id: Option<String>,
    pub(crate) agent_type: Option<String>,
    pub(crate) last_assistant_message: Option<String>,
    /// Of a compaction: `manual` or `auto`.
    pub(crate) trigger: Option<String>,
}

impl From<Map<String, Value>> for Payload {
    fn from(mut object: Map<String, Value>) -> Self {
        let mut text = |name: &str| match object.remove(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            _ => None,
        };
        let payload = Self {
            session_id: text("session_id"),
            cwd: text("cwd"),
            hook_event_name: text("hook_event_name"),
            prompt_id: text("prompt_id"),
            prompt: text("prompt"),
            tool_name: text("tool_name"),
            tool_use_id: text("tool_use_id"),
            error: text("error"),
            agent_id: text("agent_id"),
            agent_type: text("agent_type"),
            last_assistant_message: text("last_assistant_message"),
            trigger: text("trigger"),
            ..Self::default()
        };
        Self {
            is_interrupt: object.get("is_interrupt").and_then(Value::as_bool) == Some(true),
            tool_input: object.remove("tool_input").unwrap_or_default(),
            tool_response: object.remove("tool_response").unwrap_or_default(),
            ..payload
        }
    }
}
