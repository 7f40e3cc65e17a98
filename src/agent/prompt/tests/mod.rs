mod bounds;
mod context;
mod cutting;
mod record;
mod recorded;
mod wording;

use serde_json::{Value, json};

use super::{Prompt, build};
use crate::agent::mode;
use crate::agent::{ToolEvent, Turn};

/// The size of a request that the worker allows by default.
const MOST: usize = 24_000;

fn code() -> mode::Mode {
    mode::load("code", None).unwrap()
}

fn asked(turn: &Turn) -> Prompt {
    build(&code(), turn, MOST)
}

fn call(tool: &str, input: Value, output: Value) -> ToolEvent {
    ToolEvent {
        tool_name: tool.to_owned(),
        input,
        output,
        cwd: Some("/home/demo/shop".to_owned()),
        ..ToolEvent::default()
    }
}

fn ran(command: &str, output: &str) -> ToolEvent {
    call(
        "Bash",
        json!({"command": command}),
        json!({"stdout": output, "stderr": ""}),
    )
}

fn failed(command: &str, error: &str) -> ToolEvent {
    ToolEvent {
        failed: true,
        ..call("Bash", json!({"command": command}), json!(error))
    }
}

fn turn(events: Vec<ToolEvent>) -> Turn {
    Turn {
        project: "shop".to_owned(),
        root: Some("/home/demo/shop".into()),
        prompt: Some("Fix the totals.".to_owned()),
        prompt_number: 3,
        events,
        last_assistant_message: Some("Fixed.".to_owned()),
        ..Turn::default()
    }
}

/// Asserts that all of these are in a text, in this order.
#[track_caller]
fn in_order(text: &str, parts: &[&str]) {
    let mut from = 0;
    for part in parts {
        let Some(at) = text[from..].find(part) else {
            panic!("'{part}' is not in its place in:\n{text}");
        };
        from += at + part.len();
    }
}
