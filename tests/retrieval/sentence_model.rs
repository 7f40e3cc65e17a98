//! `CLAUDE_MEM_EMBEDDING_MODEL`: a sentence model compares the best rows, and where
//! it cannot be had the search says so and answers.

use claude_mem::store::{NewObservation, Writer};

use super::memory::remember;
use crate::support::Sandbox;

/// Words that nobody knows but the model of the test.
const TITLES: [&str; 4] = [
    "plindor ledger",
    "quastle ledger",
    "murdig ledger",
    "frobask ledger",
];

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let mut writer = Writer::open(&sandbox.locations(), "test").unwrap();
    for (session, title) in ["one", "two", "three", "four"].into_iter().zip(TITLES) {
        let observation = NewObservation {
            kind: "discovery".to_owned(),
            title: title.to_owned(),
            ..NewObservation::default()
        };
        remember(&mut writer, (session, "billing"), 0, vec![observation]);
    }
    sandbox
}

/// The titles that a search finds, best first, and its answer.
fn search(sandbox: &Sandbox) -> (Vec<String>, serde_json::Value) {
    let ran = sandbox.claude_mem(["search", "--all", "--json", "zorbik ledger"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let answer = ran.json();
    let rows = answer["observations"].as_array().unwrap();
    let title = |row: &serde_json::Value| row["title"].as_str().unwrap().to_owned();
    (rows.iter().map(title).collect(), answer)
}

#[test]
fn a_model_that_cannot_be_had_is_told_and_the_search_answers_without() {
    let mut sandbox = sandbox();
    let (plain, answer) = search(&sandbox);
    assert_eq!(plain.len(), TITLES.len());
    assert!(answer.get("warning").is_none(), "{answer}");
    let model = answer["model"].clone();

    let ran = sandbox.claude_mem(["settings", "set", "CLAUDE_MEM_EMBEDDING_MODEL", "~/none"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let (found, answer) = search(&sandbox);
    assert_eq!((&found, &answer["model"]), (&plain, &model));
    let warning = answer["warning"].as_str().unwrap();
    assert!(warning.contains("CLAUDE_MEM_EMBEDDING_MODEL"), "{warning}");
    if cfg!(feature = "full-model") {
        assert!(warning.contains("none/config.json"), "{warning}");
    } else {
        assert!(warning.contains("FEATURES=full-model"), "{warning}");
    }

    sandbox.set("CLAUDE_MEM_EMBEDDING_MODEL", "/nowhere/at/all");
    let ran = sandbox.claude_mem(["search", "--all", "--explain", "zorbik ledger"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.stderr.matches("warning:").count(), 1, "{ran:?}");
    assert!(ran.stderr.contains("built-in table alone"), "{ran:?}");
    assert!(ran.stdout.contains("by the built-in table"), "{ran:?}");
    let status = sandbox.claude_mem(["status"]);
    assert_eq!(status.code, Some(0), "{status:?}");
    assert!(status.stdout.contains("built-in table alone"), "{status:?}");
}

#[cfg(feature = "full-model")]
#[test]
fn the_model_decides_between_rows_that_the_table_cannot_tell_apart() {
    use crate::support::write_sentence_model;

    let mut sandbox = sandbox();
    let directory = sandbox.home.join("tiny");
    let other = [0.0, 0.0, 1.0, -1.0];
    let words = [
        ("ledger", [1.0, 1.0, -1.0, -1.0]),
        ("zorbik", [1.0, -1.0, 0.0, 0.0]),
        ("plindor", other),
        ("quastle", [1.0, -1.0, 0.1, -0.1]),
        ("murdig", other),
        ("frobask", other),
    ];
    write_sentence_model(&directory, &words);
    let (plain, _) = search(&sandbox);
    assert_ne!(plain[0], "quastle ledger", "the model would change nothing");

    sandbox.set("CLAUDE_MEM_EMBEDDING_MODEL", directory.as_os_str());
    let (found, answer) = search(&sandbox);
    assert_eq!(found[0], "quastle ledger", "{answer}");
    let name = directory.display().to_string();
    assert_eq!(answer["model"], name);
    assert!(answer.get("warning").is_none(), "{answer}");
    let ran = sandbox.claude_mem(["search", "--all", "--explain", "zorbik ledger"]);
    assert!(ran.stdout.contains(&format!("by {name}")), "{ran:?}");
    assert!(!ran.stderr.contains("warning"), "{ran:?}");
    let status = sandbox.claude_mem(["status"]);
    assert!(!status.stdout.contains("warning"), "{status:?}");

    // One that breaks later is told as well.
    std::fs::write(directory.join("model.safetensors"), "nothing of the kind").unwrap();
    let (found, answer) = search(&sandbox);
    assert_eq!(found, plain);
    assert!(
        answer["warning"]
            .as_str()
            .unwrap()
            .contains("model.safetensors")
    );
}
