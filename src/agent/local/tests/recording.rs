//! Recorded sessions as turns, cleaned and cut as hooks and worker do it.

use serde_json::Value;

use crate::agent::local::extract;
use crate::agent::{Close, Extraction, SubagentMessage, ToolEvent, Turn};

/// What comes out of each turn of a recording in `tests/data`.
pub(super) fn extracted(file: &str) -> Vec<Extraction> {
    turns(file).iter().map(extract).collect()
}

fn turns(file: &str) -> Vec<Turn> {
    let path = format!("{}/tests/data/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut turns: Vec<Turn> = Vec::new();
    for line in text.lines() {
        let mut payload: Value = serde_json::from_str(line).unwrap();
        capture::privacy::scrub_value(&mut payload);
        let string = |key: &str| payload[key].as_str().map(str::to_owned);
        match payload["hook_event_name"].as_str().unwrap() {
            "UserPromptSubmit" => {
                let answered = |turn: &Turn| turn.last_assistant_message.is_some();
                if let Some(before) = turns.last_mut().filter(|turn| !answered(turn)) {
                    before.close = Close::NextPrompt;
                }
                let root = string("cwd").unwrap();
                turns.push(Turn {
                    project: root.rsplit('/').next().unwrap().to_owned(),
                    root: Some(root.into()),
                    prompt: string("prompt"),
                    ..Turn::default()
                });
            }
            name @ ("PostToolUse" | "PostToolUseFailure") => {
                let failed = name == "PostToolUseFailure";
                let turn = turns.last_mut().unwrap();
                let id = i64::try_from(turn.events.len()).unwrap();
                turn.events.push(ToolEvent {
                    earlier: false,
                    id,
                    tool_name: string("tool_name").unwrap(),
                    input: payload["tool_input"].clone(),
                    output: payload[if failed { "error" } else { "tool_response" }].clone(),
                    failed,
                    cwd: string("cwd"),
                    agent_id: string("agent_id"),
                    agent_type: string("agent_type"),
                    at: id,
                });
            }
            "SubagentStop" => turns
                .last_mut()
                .unwrap()
                .subagent_messages
                .push(SubagentMessage {
                    agent_id: string("agent_id").unwrap(),
                    agent_type: string("agent_type").unwrap(),
                    text: string("last_assistant_message").unwrap(),
                }),
            "Stop" => {
                turns.last_mut().unwrap().last_assistant_message = string("last_assistant_message");
            }
            _ => {}
        }
    }
    turns
}
