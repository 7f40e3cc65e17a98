//! Files in every layout come back byte for byte.

use serde_json::{Value, json};

use super::{EVENTS, World, parsed};
use crate::commands::install::Change;
use crate::commands::install::ours;

/// Files as people and programs write them: with and without hooks, in every layout.
fn formattings() -> Vec<String> {
    let other = json!({"hooks":[{"type":"command","command":"echo \"[,]{}\"","timeout":9}]});
    let mut matched = other.clone();
    matched["matcher"] = json!("Bash");
    let values = [
        json!({"model":"x"}),
        json!({"permissions":{"allow":["a","b"]},"env":{}}),
        json!({"hooks":{"Stop":[other]},"z":1}),
        json!({"a":1,"hooks":{"PreToolUse":[matched, other],"PostToolUse":[matched]}}),
    ];
    let mut texts = Vec::new();
    for value in values {
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        let compact = value.to_string();
        for text in [
            pretty.replace("  ", "    "),
            pretty.replace("  ", "\t"),
            pretty.replace('\n', "\r\n"),
            compact.replace(':', ": ").replace(',', ", "),
            pretty,
            compact,
        ] {
            texts.push(format!("{text}\n"));
            texts.push(text);
        }
    }
    let by_hand = [
        "{}",
        "{}\n",
        "{ }",
        "{\n}\n",
        "{\r\n}\r\n",
        "\n\n{\n\n}\n\n",
        "{ \"a\": 1 }",
        "{\"a\":1\n}",
        "{ \"a\": 1,\n  \"b\": 2 }",
        "{\n\"a\": 1\n}",
        "{\n  \"a\": [\n    1\n  ],\n\n  \"b\": {}\n\n}",
        "// head\n{\n  // first\n  \"a\": 1 // last, with a comma\n  // end\n}\n// tail",
        "{\n  \"a\": 1, // note\n}\n",
        "{\r\n  \"a\": 1, // note\r\n}\r\n",
        "{\r\n  \"a\": 1 // note\r\n}\r\n",
        "{\n  \"a\": 1 /* one */ /* two */\n}",
        "{ /* only */ }",
        "{ // only\n}",
        "{\"a\":1 /* x */}",
        "{\"a\":1, // x\n\"b\":2}",
        "{\n  \"a\": 1, // x\n  \"b\": 2}",
        "{\n  \"hooks\": {\n    \"Stop\": [{\n      \"hooks\": []\n    }]\n  }\n}",
        "{\n  \"hooks\": {\n    \"Stop\": [\n      {\"hooks\": []}, // mine\n    ],\n  },\n}",
        "{\"hooks\": {\"Stop\": [1 // odd\n]}}",
        "{\"é\": \"日本 \\ud83d\\ude00\", \"b\": 1.50e3}",
    ];
    texts.extend(by_hand.map(str::to_owned));
    texts
}

#[test]
fn taking_out_restores_every_byte() {
    for original in formattings() {
        let world = World::with(&original);
        let outcome = world.install();
        assert_eq!(outcome.change, Change::Updated, "{original}");
        let installed = world.text();
        assert_eq!(outcome.after, installed);
        assert_eq!(world.install().change, Change::Unchanged, "{installed}");
        assert_eq!(world.text(), installed);
        let outcome = world.uninstall();
        assert_eq!(outcome.removed.len(), EVENTS.len());
        assert_eq!(world.text(), original, "installed as: {installed}");
        assert_eq!(world.uninstall().change, Change::Unchanged);
        assert_eq!(world.others(), Vec::<String>::new());
    }
}

#[test]
fn adding_changes_nothing_else() {
    for original in formattings() {
        let Ok(mut expected) = serde_json::from_str::<Value>(&original) else {
            // Comments are compared byte for byte by the test above.
            continue;
        };
        let world = World::with(&original);
        world.install();
        let mut found = parsed(&world.text());
        for (event, executable) in EVENTS {
            let groups = found["hooks"][event].as_array_mut().unwrap();
            let group = groups.pop().unwrap();
            let command = world.plan.hooks_dir.join(executable);
            let timeout = if event == "SessionEnd" { 2 } else { 5 };
            let hook =
                json!({"type":"command","command":command,"args":["claude-mem"],"timeout":timeout});
            let mut wanted = json!({"hooks":[hook]});
            if event.contains("ToolUse") {
                let tools = if event == "PreToolUse" { "Read" } else { "*" };
                wanted["matcher"] = json!(tools);
            }
            assert_eq!(group, wanted, "{event}");
            let existing = &mut expected["hooks"][event];
            if existing.is_null() {
                *existing = json!([]);
            }
        }
        assert_eq!(found, expected, "{original}");
    }
}

#[test]
fn the_style_of_the_file_is_kept() {
    let world = World::with("{\n\t\"a\": 1\n}\n");
    world.install();
    let text = world.text();
    assert!(
        text.contains("\n\t\"hooks\": {\n\t\t\"SessionStart\": [\n\t\t\t{\n"),
        "{text}"
    );
    assert!(text.contains("\"args\": [\"claude-mem\"],\n"), "{text}");
    let world = World::with("{\r\n    \"a\": 1\r\n}");
    world.install();
    assert_eq!(
        world.text().matches('\n').count(),
        world.text().matches("\r\n").count()
    );
    assert!(
        world.text().contains("\r\n        \"Stop\": ["),
        "{}",
        world.text()
    );
    let world = World::with("{\"a\":1}\n");
    world.install();
    assert_eq!(world.text().matches('\n').count(), 1, "{}", world.text());
    assert!(!world.text().contains("\": "), "{}", world.text());
}

#[test]
fn a_comment_stays_with_what_it_is_about() {
    for (original, expected) in [
        (
            "{\n  \"a\": 1 // note\n}",
            "{\n  \"a\": 1, // note\n  \"hooks\": {",
        ),
        (
            "{\n  \"a\": 1, /* x */\n  // end\n}",
            "{\n  \"a\": 1, /* x */\n  \"hooks\": {",
        ),
    ] {
        let world = World::with(original);
        world.install();
        assert!(world.text().starts_with(expected), "{}", world.text());
    }
}

#[test]
fn a_line_comment_does_not_swallow_what_follows_a_removed_hook() {
    let ours = r#"{"hooks":[{"command":"/x/new-hook","args":["claude-mem"]}]}"#;
    for (text, expected) in [
        (
            format!("{{\"hooks\":{{\"Stop\":[1, // c\n {ours}]}}}}"),
            "{\"hooks\":{\"Stop\":[1 // c\n ]}}",
        ),
        (
            format!("{{\"hooks\":{{\"Stop\":[ // c\n {ours}, 2]}}}}"),
            "{\"hooks\":{\"Stop\":[ // c\n 2]}}",
        ),
        (
            format!("{{\"a\":1, // c\n\"hooks\":{{\"Stop\":[{ours}]}}}}"),
            "{\"a\":1 // c\n}",
        ),
    ] {
        assert_eq!(ours::uninstall(&text).unwrap().text, expected);
    }
}

#[test]
fn a_byte_order_mark_stays() {
    let world = World::with("\u{feff}{\n  \"a\": 1\n}");
    world.install();
    assert!(world.text().starts_with("\u{feff}{\n  \"a\": 1,\n"));
    world.uninstall();
    assert_eq!(world.text(), "\u{feff}{\n  \"a\": 1\n}");
}

/// What an older version has installed lacks a hook: it is added, and nothing of
/// anybody else's changes.
#[test]
fn an_older_installation_gets_what_is_new() {
    for original in formattings() {
        let world = World::with(&original);
        world.install();
        let complete = world.text();
        let document = complete.replace("recall-hook", "other-hook");
        assert_ne!(document, complete);
        std::fs::write(&world.plan.settings_path, &document).unwrap();
        let outcome = world.install();
        let added = outcome
            .added
            .iter()
            .filter(|entry| entry.event == "PreToolUse");
        assert_eq!(added.count(), 1, "{original}");
        assert_eq!(outcome.removed.len(), EVENTS.len() - 1);
        assert_eq!(world.text().matches("recall-hook").count(), 1);
        assert_eq!(world.text().matches("other-hook").count(), 1, "not ours");
        assert_eq!(world.install().change, Change::Unchanged);
        world.uninstall();
        assert!(!world.text().contains("recall-hook") && world.text().contains("other-hook"));
    }
}
