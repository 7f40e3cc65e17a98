//! What the model says to Claude Code about one prompt.

use serde_json::{Value, json};

use super::tokens::Usage;

/// What the model says where nothing is written down for it.
const DEFAULT_TEXT: &str = "Done.";

/// What the model does about one prompt, one answer after the other.
pub(crate) struct Scene {
    words: String,
    turns: Vec<Turn>,
}

/// One answer: text, calls of tools, or both.
struct Turn {
    text: String,
    calls: Vec<(String, Value)>,
}

impl Scene {
    /// Is played for prompts that contain these words; of several scenes, the
    /// first one that fits.
    pub(crate) fn about(words: &str) -> Self {
        Self {
            words: words.to_owned(),
            turns: Vec::new(),
        }
    }

    /// The next answer: what is said, and the tools called with their input, all
    /// at once. It follows when the calls of the answers before it have their
    /// results.
    #[must_use]
    pub(crate) fn turn<const N: usize>(mut self, text: &str, calls: [(&str, Value); N]) -> Self {
        self.turns.push(Turn {
            text: text.to_owned(),
            calls: calls
                .map(|(tool, input)| (tool.to_owned(), input))
                .into_iter()
                .collect(),
        });
        self
    }

    /// The answer that is due after so many tool results.
    fn after(&self, results: usize) -> Option<&Turn> {
        let mut before = 0;
        self.turns.iter().find(|turn| {
            let due = before == results;
            before += turn.calls.len();
            due
        })
    }
}

/// The blocks of the answer that is due in a conversation, and whether tools are
/// called in them. `number` makes the ids of the calls.
pub(super) fn play(scenes: &[Scene], body: &Value, number: usize) -> (Vec<Value>, bool) {
    let (prompt, results) = newest_prompt(body);
    let scene = scenes.iter().find(|scene| prompt.contains(&scene.words));
    let mut content = Vec::new();
    let mut calls = false;
    if let Some(turn) = scene.and_then(|scene| scene.after(results)) {
        if !turn.text.is_empty() {
            content.push(json!({"type": "text", "text": turn.text}));
        }
        // Who offers no tools cannot run any.
        if body["tools"]
            .as_array()
            .is_some_and(|tools| !tools.is_empty())
        {
            for (index, (tool, input)) in turn.calls.iter().enumerate() {
                let id = format!("toolu_{number:06}{index:02}");
                content.push(json!({"type": "tool_use", "id": id, "name": tool, "input": input}));
                calls = true;
            }
        }
    }
    if content.is_empty() {
        content.push(json!({"type": "text", "text": DEFAULT_TEXT}));
    }
    (content, calls)
}

/// The text in an answer's blocks.
pub(super) fn words_of(content: &[Value]) -> String {
    content
        .iter()
        .filter_map(|block| block["text"].as_str())
        .collect()
}

/// About what a tokenizer would count in a whole request and its answer.
pub(super) fn usage(body: &Value, content: &[Value]) -> Usage {
    let tokens = |text: &str| text.len() as u64 / 4 + 1;
    Usage {
        input: tokens(&body.to_string()),
        output: tokens(&json!(content).to_string()),
        ..Usage::default()
    }
}

/// What the user said last, without what the host adds to it, and the number of
/// tool results that came after it.
pub(super) fn newest_prompt(body: &Value) -> (String, usize) {
    let (mut prompt, mut results) = (String::new(), 0);
    let messages = body["messages"].as_array().into_iter().flatten();
    for message in messages.filter(|message| message["role"] == "user") {
        let new_results = blocks(&message["content"])
            .filter(|block| block["type"] == "tool_result")
            .count();
        if new_results > 0 {
            results += new_results;
            continue;
        }
        let said = said(&message["content"]);
        if !said.is_empty() {
            (prompt, results) = (said, 0);
        }
    }
    (prompt, results)
}

fn said(content: &Value) -> String {
    if let Some(text) = content.as_str() {
        return text.to_owned();
    }
    blocks(content)
        .filter_map(|block| block["text"].as_str())
        .filter(|text| !text.trim_start().starts_with("<system-reminder>"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn blocks(content: &Value) -> impl Iterator<Item = &Value> {
    content.as_array().into_iter().flatten()
}
