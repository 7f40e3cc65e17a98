use serde_json::Value;

use crate::context::fixture::{MINUTE, MORNING, Memory};
use crate::store::NewObservation;

use super::*;

/// Rows of a project, prompts that one of them answers, and prompts that none
/// does.
const PROMPTS: &str = include_str!("../../tests/data/recall.jsonl");

/// Notes of other work.
const NOTES: &str = include_str!("../../tests/data/paraphrase.jsonl");

fn lines(data: &'static str) -> impl Iterator<Item = Value> {
    data.lines().map(|line| serde_json::from_str(line).unwrap())
}

fn rows() -> Vec<NewObservation> {
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let list = |row: &Value, name: &str| {
        let items = row[name].as_array().unwrap().iter();
        items
            .map(|item| item.as_str().unwrap().to_owned())
            .collect()
    };
    let rows = lines(PROMPTS).filter(|line| line["row"].is_string());
    rows.zip(1..)
        .map(|(row, number)| NewObservation {
            kind: text(&row, "type"),
            title: text(&row, "title"),
            // What it is called in the data, where no word is looked for.
            agent_type: Some(text(&row, "row")),
            narrative: text(&row, "narrative"),
            facts: list(&row, "facts"),
            concepts: list(&row, "concepts"),
            files_modified: list(&row, "files"),
            at: MORNING + number * MINUTE,
            ..NewObservation::default()
        })
        .collect()
}

fn notes() -> Vec<NewObservation> {
    let notes = lines(NOTES).filter(|line| line["kind"] == "doc");
    notes
        .zip(1..)
        .map(|(note, number)| {
            let text = note["text"].as_str().unwrap();
            let (title, narrative) = text.split_once('\n').unwrap_or((text, ""));
            NewObservation {
                kind: "discovery".to_owned(),
                title: title.to_owned(),
                narrative: narrative.to_owned(),
                at: MORNING - number * MINUTE,
                ..NewObservation::default()
            }
        })
        .collect()
}

/// Of the prompts that have an answer, how many are told it; and those of the
/// others that are told anything.
fn recalled(memory: &Memory) -> (usize, Vec<String>) {
    let reader = memory.reader();
    let listener = Listener {
        projects: vec!["billing".to_owned()],
        ..Listener::default()
    };
    let (mut right, mut needless) = (0, Vec::new());
    for line in lines(PROMPTS) {
        let Some(prompt) = line["prompt"].as_str() else {
            continue;
        };
        let mut told = known(&reader, prompt, &listener).unwrap();
        told.truncate(3);
        match line["recalls"].as_str() {
            Some(key) => {
                let is_right = |row: &ObservationRow| row.agent_type.as_deref() == Some(key);
                right += usize::from(told.iter().any(is_right));
            }
            None if told.is_empty() => {}
            None => needless.push(prompt.to_owned()),
        }
    }
    (right, needless)
}

#[test]
fn prompts_recall_what_answers_them_and_others_recall_nothing() {
    let mut memory = Memory::new();
    memory.remember(("old", "billing"), MORNING, rows(), None);
    let (right, needless) = recalled(&memory);
    assert!(right >= 31 && needless.is_empty(), "{right} {needless:?}");
    memory.remember(("older", "billing"), MORNING + MINUTE, notes(), None);
    let (right, needless) = recalled(&memory);
    assert!(right >= 30 && needless.len() <= 2, "{right} {needless:?}");
}
