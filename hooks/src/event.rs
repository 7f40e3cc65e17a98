//! What a payload means to a memory.

use serde_json::Value;
use sockets_protocol::{FinalizeReason, fnv1a};
use uuid::Uuid;

use crate::wire::Payload;

/// A captured event: who, where, and what happened.
#[derive(Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) session: String,
    pub(crate) cwd: Option<String>,
    /// Ties the events of a turn together; older hosts do not send it.
    pub(crate) prompt_id: Option<String>,
    pub(crate) agent_id: Option<String>,
    pub(crate) agent_type: Option<String>,
    /// Idempotency key: the same payload gives the same id again, wherever the
    /// host names what happened.
    pub(crate) id: String,
    pub(crate) what: What,
}

#[derive(Debug, PartialEq)]
pub(crate) enum What {
    Prompt {
        text: String,
    },
    Tool {
        name: String,
        input: Value,
        output: Value,
        failed: bool,
    },
    End {
        reason: FinalizeReason,
        message: Option<String>,
    },
}

/// The event in a payload; `None` for one that a memory has no use for (an
/// unknown event, a prompt that the user did not write, the pretended subagent
/// of a compaction) or that says no session.
pub(crate) fn event(payload: Payload, fallback_session: Option<String>) -> Option<Event> {
    let session = payload.session_id.or(fallback_session)?;
    let prompt_id = payload.prompt_id;
    let fresh = || Uuid::now_v7().to_string();
    let keyed = |kind: &str, detail: &str| {
        prompt_id.as_ref().map_or_else(fresh, |prompt| {
            format!("{kind}-{prompt}-{:016x}", fnv1a(detail.as_bytes()))
        })
    };
    let message = payload.last_assistant_message;
    let end = |reason: FinalizeReason, detail: &str| (keyed(reason.as_str(), detail), reason);
    let name = payload.hook_event_name.unwrap_or_default();
    let ended = match name.as_str() {
        "UserPromptSubmit" => {
            let text = payload.prompt?;
            if is_not_the_users(&text) {
                return None;
            }
            return Some(Event {
                session,
                cwd: payload.cwd,
                agent_id: payload.agent_id,
                agent_type: payload.agent_type,
                id: prompt_id.clone().unwrap_or_else(fresh),
                prompt_id,
                what: What::Prompt { text },
            });
        }
        "PostToolUse" | "PostToolUseFailure" => {
            let failed = name == "PostToolUseFailure";
            let output = match payload.error {
                Some(error) if failed => Value::String(error),
                _ => payload.tool_response,
            };
            return Some(Event {
                session,
                cwd: payload.cwd,
                agent_id: payload.agent_id,
                agent_type: payload.agent_type,
                id: payload.tool_use_id.unwrap_or_else(fresh),
                prompt_id,
                what: What::Tool {
                    name: payload.tool_name?,
                    input: payload.tool_input,
                    output,
                    failed,
                },
            });
        }
        "Stop" => end(FinalizeReason::Stop, message.as_deref().unwrap_or("")),
        "StopFailure" => end(
            FinalizeReason::StopFailure,
            message.as_deref().unwrap_or(""),
        ),
        "SessionEnd" => end(FinalizeReason::SessionEnd, ""),
        "PreCompact" => end(
            FinalizeReason::PreCompact,
            payload.trigger.as_deref().unwrap_or(""),
        ),
        "SubagentStop" => {
            payload.agent_type.as_ref()?;
            end(
                FinalizeReason::SubagentStop,
                payload.agent_id.as_deref().unwrap_or(""),
            )
        }
        _ => return None,
    };
    Some(Event {
        session,
        cwd: payload.cwd,
        agent_id: payload.agent_id,
        agent_type: payload.agent_type,
        id: ended.0,
        prompt_id,
        what: What::End {
            reason: ended.1,
            message,
        },
    })
}

/// Claude Code submits the end of a background job as a prompt.
fn is_not_the_users(prompt: &str) -> bool {
    let prompt = prompt.trim();
    prompt.is_empty()
        || (prompt.starts_with("<task-notification>") && prompt.ends_with("</task-notification>"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(payload: Value) -> Option<Event> {
        let Value::Object(object) = payload else {
            panic!("payloads are objects");
        };
        event(object.into(), None)
    }

    #[test]
    fn the_same_payload_gives_the_same_id() {
        for payload in [
            json!({"session_id":"s","prompt_id":"p","hook_event_name":"UserPromptSubmit","prompt":"hi"}),
            json!({"session_id":"s","prompt_id":"p","hook_event_name":"PostToolUse","tool_name":"Read","tool_use_id":"t"}),
            json!({"session_id":"s","prompt_id":"p","hook_event_name":"Stop","last_assistant_message":"done"}),
            json!({"session_id":"s","prompt_id":"p","hook_event_name":"SessionEnd"}),
        ] {
            let first = read(payload.clone()).unwrap();
            assert_eq!(first, read(payload).unwrap());
            assert_ne!(first.id, "");
        }
    }

    #[test]
    fn two_stops_of_a_turn_that_went_on_are_two_events() {
        let stop = |text: &str| {
            read(
                json!({"session_id":"s","prompt_id":"p","hook_event_name":"Stop",
                        "last_assistant_message":text}),
            )
            .unwrap()
        };
        assert_ne!(stop("first try").id, stop("second try").id);
    }

    #[test]
    fn a_failed_call_carries_its_error() {
        let seen = read(
            json!({"session_id":"s","hook_event_name":"PostToolUseFailure",
            "tool_name":"Bash","tool_input":{"command":"false"},"error":"Exit code 1"}),
        )
        .unwrap();
        assert_eq!(
            seen.what,
            What::Tool {
                name: "Bash".into(),
                input: json!({"command":"false"}),
                output: json!("Exit code 1"),
                failed: true
            }
        );
    }

    #[test]
    fn what_a_memory_has_no_use_for_is_nothing() {
        for payload in [
            json!({}),
            json!({"hook_event_name":"Stop"}),
            json!({"session_id":"s"}),
            json!({"session_id":"s","hook_event_name":"Notification"}),
            json!({"session_id":"s","hook_event_name":"Yodel"}),
            json!({"session_id":"s","hook_event_name":"PostToolUse"}),
            json!({"session_id":"s","hook_event_name":"UserPromptSubmit","prompt":"  "}),
            json!({"session_id":"s","hook_event_name":"UserPromptSubmit",
                   "prompt":"<task-notification>job 1 done</task-notification>\n"}),
            json!({"session_id":"s","hook_event_name":"SubagentStop","agent_type":"",
                   "last_assistant_message":"a summary"}),
        ] {
            assert_eq!(read(payload.clone()), None, "{payload}");
        }
    }

    #[test]
    fn fields_of_the_wrong_type_do_not_lose_the_event() {
        let seen = read(
            json!({"session_id":"s","hook_event_name":"PostToolUse","tool_name":"Read",
            "tool_use_id":7,"cwd":[1],"prompt_id":null,"tool_input":"{}","agent_id":{}}),
        )
        .unwrap();
        assert_eq!((seen.cwd, seen.agent_id), (None, None));
        assert!(!seen.id.is_empty());
    }
}
