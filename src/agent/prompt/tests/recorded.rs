//! What a recorded session costs, and what of it the model gets to see.

use capture::shape::{Budget, prepare_tool};
use serde_json::Value;

use super::{MOST, code, in_order};
use crate::agent::prompt::{Prompt, build};
use crate::agent::{SubagentMessage, ToolEvent, Turn};

fn string(payload: &Value, key: &str) -> Option<String> {
    let text = payload[key].as_str()?;
    Some(capture::privacy::scrub(text).into_owned())
}

/// A call as the hook sends it.
fn event(payload: &Value, failed: bool) -> ToolEvent {
    let tool_name = string(payload, "tool_name").unwrap();
    let output = &payload[if failed { "error" } else { "tool_response" }];
    let (input, output) = prepare_tool(
        &tool_name,
        payload["tool_input"].clone(),
        output.clone(),
        &Budget::default(),
    );
    ToolEvent {
        tool_name,
        input,
        output,
        failed,
        cwd: string(payload, "cwd"),
        ..ToolEvent::default()
    }
}

/// The turns of a recording as the worker has them: scrubbed, shaped and cut.
fn turns(file: &str) -> Vec<Turn> {
    let path = format!("{}/tests/data/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut turns: Vec<Turn> = Vec::new();
    for line in text.lines() {
        let payload: Value = serde_json::from_str(line).unwrap();
        let string = |key| string(&payload, key);
        match payload["hook_event_name"].as_str().unwrap() {
            "UserPromptSubmit" => {
                let root = string("cwd").unwrap();
                let earlier_prompts = turns.iter().filter_map(|turn| turn.prompt.clone());
                turns.push(Turn {
                    project: root.rsplit('/').next().unwrap().to_owned(),
                    prompt: string("prompt"),
                    prompt_number: i64::try_from(turns.len()).unwrap() + 1,
                    earlier_prompts: earlier_prompts.collect(),
                    root: Some(root.into()),
                    ..Turn::default()
                });
            }
            name @ ("PostToolUse" | "PostToolUseFailure") => {
                let event = event(&payload, name == "PostToolUseFailure");
                turns.last_mut().unwrap().events.push(event);
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

fn prompts(file: &str) -> Vec<Prompt> {
    let mode = code();
    let turns = turns(file);
    turns.iter().map(|turn| build(&mode, turn, MOST)).collect()
}

fn size(prompt: &Prompt) -> usize {
    prompt.system.chars().count() + prompt.user.chars().count()
}

#[test]
fn the_first_recorded_session_costs_little() {
    let prompts = prompts("session-a.jsonl");
    assert_eq!(prompts.len(), 3);
    let all: usize = prompts.iter().map(size).sum();
    assert!(all <= 36_000, "{all} characters");
}

#[test]
fn what_matters_of_it_is_there() {
    let prompts = prompts("session-a.jsonl");
    in_order(
        &prompts[0].user,
        &[
            "Customers report that an invoice total is too low",
            "Grep |for apply_discount|find_discount",
            "Edit |tests/test_invoice.py",
            "|+    def test_same_code_twice_counts_once",
            "Bash FAILED |$ python3 -m unittest discover",
            "|AssertionError: Decimal('81.00') != Decimal('90.00')",
            "|FAILED (failures=1)",
            "Edit |billing/invoice.py",
            "|-        self.codes.append(code)",
            "|+        if code not in self.codes:",
            "|Ran 3 tests",
            "|OK",
            "|116696e Count a discount code once per invoice",
            "The root cause: Invoice.codes was a plain list",
            "worth a follow-up.",
        ],
    );
    in_order(
        &prompts[1].user,
        &[
            "Customers report",
            "Add a --json flag",
            "Write |billing/report.py",
            "|+    parser.add_argument(\"--json\"",
            "|{\"invoices\": [\"a\", \"b\"]}",
            "No module named billing.repot",
            "|31b5454 Add --json",
            "put real totals into the JSON",
        ],
    );
    in_order(
        &prompts[2].user,
        &[
            "SQLite or in Redis",
            "Write |docs/decisions/0001-exchange-rates.md",
            "|Rates change once a day",
            "Revisit if several hosts share one cache.",
            "Decision: cache exchange rates in SQLite, not Redis.",
        ],
    );
    assert!(!prompts[2].user.contains("rk_live"));
    for prompt in prompts {
        assert!(!prompt.user.contains("/home/demo/"), "{}", prompt.user);
    }
}

#[test]
fn other_recordings_are_told_with_their_failures_and_ends() {
    for (file, parts) in [
        (
            "session-messy.jsonl",
            [
                "aiosmtpd",
                "Check whether the longer timeout helps",
                "The timeout was not it, revert",
            ]
            .as_slice(),
        ),
        (
            "session-rust-cli.jsonl",
            &[
                "not a char boundary",
                "truncate_line",
                "cannot find function `cut_line`",
                "counts bytes of UTF-8",
            ],
        ),
        ("session-pipeline.jsonl", &["keep raw uploads in S3"]),
    ] {
        let all: String = prompts(file)
            .into_iter()
            .map(|prompt| prompt.user)
            .collect();
        in_order(&all, parts);
    }
}
