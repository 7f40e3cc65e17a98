//! The extractor answers whatever it is given, and soon.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::build::turn;
use crate::agent::local::extract;
use crate::agent::{Close, ToolEvent, Turn};

/// Values that no tool sends, and texts that break careless slicing.
fn odd_values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(7),
        json!([]),
        json!("{broken"),
        json!({"command": 3}),
        json!({"command": "git commit -m"}),
        json!({"command": "git commit -m \"$(cat <<'EOF'\nä"}),
        json!({"command": "cargo test | tail", "file_path": "ä/ö.rs", "pattern": "("}),
        json!({"file_path": "", "diff": "@@\n+\n-é\n", "edits": [1, {"old_string": "é"}]}),
        json!({"structuredPatch": [{"lines": ["", "é", 4]}], "filePath": "x.py"}),
        json!({"stdout": "💥 FAILED (failures=\u{301}1)\nE \n(fail) \n1) \n[ERROR] .:"}),
        json!("panicked at \u{fffd}:\n"),
    ]
}

#[test]
fn no_value_makes_it_panic() {
    let values = odd_values();
    let tools = [
        "Bash",
        "Read",
        "Edit",
        "Write",
        "MultiEdit",
        "NotebookEdit",
        "Grep",
        "Agent",
        "mcp__",
        "mcp__a__b",
        "",
    ];
    for tool in tools {
        for input in &values {
            for output in &values {
                let event = |failed| ToolEvent {
                    tool_name: tool.to_owned(),
                    input: input.clone(),
                    output: output.clone(),
                    failed,
                    ..ToolEvent::default()
                };
                drop(extract(&Turn {
                    prompt: Some("`".to_owned()),
                    events: vec![event(false), event(true)],
                    last_assistant_message: Some("- **".to_owned()),
                    ..Turn::default()
                }));
            }
        }
    }
}

#[test]
fn no_message_makes_it_panic() {
    let messages = [
        "",
        ".",
        "。",
        "`",
        "```",
        "|||",
        "|a|b|\n|-|-|",
        "# ",
        "**:**",
        "Decision:",
        "Reasons:",
        "; that is worth a follow-up",
        "İstanbul'da because İ; revisit İ",
        "ﬁx: ǅ because ß",
        "I first suspected İ, but the actual cause was x",
        "[](",
        "[a](b",
        "<br",
        "_a_ *b",
        "1. ",
        "Next steps:",
        "\u{2060}",
        "Note that",
        "💥💥. 💥",
        "é: é; é",
    ];
    for message in messages {
        for prompt in messages {
            for close in [Close::Stop, Close::StopFailure, Close::NextPrompt] {
                let mut turn = turn(prompt)
                    .edit("a.rs", "@@ -1 +1 @@\n-fn a() {\n+fn b() {\n")
                    .says(message);
                turn.close = close;
                drop(extract(&turn));
                turn.events.clear();
                drop(extract(&turn));
            }
        }
    }
}

#[test]
fn the_same_turn_gives_the_same_result() {
    let turn = super::stacks::go_feature();
    assert_eq!(extract(&turn), extract(&turn));
}

/// A turn of events with 16 KB each.
fn big(events: usize) -> Turn {
    let line = "    assert_eq!(total(&lines), 90); // some line of output 12 passed, or of code\n";
    let text = line.repeat(16_000 / line.len());
    let diff = format!(
        "@@ -1,9 +1,9 @@\n{}",
        text.replace("    assert", "+    assert")
    );
    let mut builder = turn("Rename everything");
    for i in 0..events {
        let path = format!("src/f{}.rs", i % 40);
        builder = match i % 4 {
            0 => builder.edit(&path, &diff),
            1 => builder.bash_fails("cargo test 2>&1", &text),
            2 => builder.bash("cat src/x.rs", &text),
            _ => builder.bash("cargo test", &text),
        };
    }
    builder.says(&"This is a sentence about `code` and more. ".repeat(300))
}

fn best_time(turn: &Turn) -> Duration {
    let once = |_| {
        let start = Instant::now();
        drop(extract(turn));
        start.elapsed()
    };
    (0..3).map(once).min().unwrap_or_default()
}

#[test]
fn its_time_grows_with_the_events_only() {
    let (small, large) = (best_time(&big(125)), best_time(&big(500)));
    println!("{small:?} for 125 events, {large:?} for 500");
    // Four times the events take four times as long at most; twice that is
    // allowed for a busy machine.
    assert!(
        large < small * 8 + Duration::from_millis(50),
        "{small:?} for 125 events, {large:?} for 500"
    );
}

#[test]
fn adversarial_texts_take_linear_time() {
    let parts = [
        "[", "*", "_a ", "`", "a. ", "<", "**a** ", "(", "; ", ": ", "|a", "' ", "$(", " (", "é ",
    ];
    for text in parts {
        let long = text.repeat(60_000 / text.len());
        let turn = turn(&long)
            .bash(&long, &long)
            .bash_fails(&format!("cargo test {long}"), &long)
            .edit("a.rs", &long)
            .says(&long);
        let start = Instant::now();
        drop(extract(&turn));
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "{text:?}: {:?}",
            start.elapsed()
        );
    }
}
