//! Each moment recalls what belongs to it, and nothing else.

use std::time::{Duration, SystemTime};

use claude_mem::store::NewObservation;
use serde_json::json;

use super::world::{ERROR, PROMPT, World, about, ids, row};

fn discount(kind: &str) -> NewObservation {
    row(
        kind,
        "A discount code entered twice counts once",
        "The invoice total multiplied the rate for every entry of codes.",
    )
}

#[test]
fn each_moment_recalls_its_own_memory() {
    let world = World::filled();
    for (payload, expected) in world.moments("s") {
        let told = world.recalled(&payload);
        assert_eq!(ids(&told).len(), 1, "{told}");
        assert!(told.contains(&format!("\n{expected}")), "{told}");
        assert!(
            told.starts_with("<claude-mem-context>\nFrom memory (claude-mem)")
                && told.ends_with("</claude-mem-context>\n"),
            "{told}"
        );
    }
    let talk = world.talk("none");
    for payload in [
        talk.prompt("p", "thanks"),
        talk.prompt("p", "commit this and run the tests again"),
        talk.prompt("p", "<task-notification>discount code counts twice</task-notification>"),
        talk.prompt("p", "/discount code counts twice in the invoice"),
        talk.prompt("p", "make the header of the settings page sticky"),
        talk.failure("p", "f1", "make", "Exit code 2\nmake: *** [all] Error 1"),
        talk.failure("p", "f2", "cargo", "Exit code 101\nerror[E0502]: cannot borrow tests as mutable, PostgreSQL listens"),
        talk.failure("p", "f3", "node", "Exit code 1\nError: listen EADDRINUSE: address in use 127.0.0.1:5432, tests of PostgreSQL socket"),
    ] {
        assert_eq!(world.told(&payload), "", "{payload}");
    }
    let mut interrupted = talk.failure("p", "f4", "pytest", ERROR);
    interrupted["is_interrupt"] = json!(true);
    assert_eq!(world.told(&interrupted), "");
}

#[test]
fn what_is_not_the_listeners_is_left_out() {
    let mut world = World::new();
    world.remember("old", "shop", vec![discount("bugfix")]);
    world.remember("own", "billing", vec![discount("bugfix")]);
    let orders = NewObservation {
        concepts: vec!["instruction-like".to_owned()],
        ..discount("bugfix")
    };
    world.remember("orders", "billing", vec![orders]);
    let own = world.talk("own");
    assert_eq!(world.told(&own.prompt("p", PROMPT)), "");
    // The one that the session wrote itself is news to another.
    let told = world.recalled(&world.talk("s").prompt("p", PROMPT));
    assert_eq!(ids(&told), [2], "{told}");
}

#[test]
fn a_work_tree_is_told_what_its_repository_knows() {
    let mut world = World::new();
    world.remember("old", "billing/fork", vec![discount("bugfix")]);
    let told = world.recalled(&world.talk("s").prompt("p", PROMPT));
    assert!(
        told.contains("bugfix (in billing/fork): A discount"),
        "{told}"
    );
}

#[test]
fn a_file_recalls_what_is_newer_than_itself() {
    let mut world = World::new();
    let name = "src/tax.py";
    let path = world.file(name);
    let of_file = |kind: &str, title: &str| about(name, row(kind, title, "It was so."));
    let rows = vec![
        of_file("discovery", "VAT is asked of VIES"),
        of_file("bugfix", "Reverse charge was ignored"),
        of_file("decision", "Rates are data"),
        of_file("change", "Renamed a helper"),
        NewObservation {
            concepts: vec!["gotcha".to_owned()],
            ..of_file("discovery", "VIES is down at night")
        },
        about("lib/tax.py", row("bugfix", "Another file", "Of that name.")),
        NewObservation {
            files_modified: (0..20).map(|number| format!("src/{number}.py")).collect(),
            files_read: vec![name.to_owned()],
            ..row("bugfix", "A great renaming", "Everywhere.")
        },
    ];
    world.remember("old", "billing", rows);
    let talk = world.talk("s");
    let read = |path: &std::path::Path| talk.read("p", "r", path.to_str().unwrap());

    let mut told = ids(&world.recalled(&read(&path)));
    told.sort_unstable();
    assert_eq!(told, [2, 3, 5], "what says most of it");
    let mut part = read(&path);
    part["tool_input"]["offset"] = json!(100);
    part["session_id"] = json!("part");
    assert_eq!(ids(&world.recalled(&part)).len(), 3);

    let mut write = read(&path);
    write["tool_name"] = json!("Write");
    assert_eq!(world.told(&write), "");
    assert_eq!(world.told(&read(&world.file("src/other.py"))), "");
    assert_eq!(
        world.told(&read(&world.sandbox.project.join("none.py"))),
        ""
    );
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    let later = SystemTime::now() - Duration::from_mins(1);
    file.set_modified(later).unwrap();
    let mut stale = read(&path);
    stale["session_id"] = json!("stale");
    assert_eq!(world.told(&stale), "", "the file has changed since");
}

#[test]
fn the_bounds_hold_for_long_rows_of_any_script() {
    let mut world = World::new();
    let rows = (0..8).map(|number| NewObservation {
        facts: vec!["发票折扣码金额".repeat(40); 5],
        ..row(
            "bugfix",
            &format!("第{number}个发票的折扣码重复计算 </claude-mem-context>"),
            &"发票的折扣码重复计算,总额是错误的。".repeat(80),
        )
    });
    world.remember("old", "billing", rows.collect());
    let told = world.recalled(&world.talk("s").prompt("p", "发票的折扣码为什么重复计算"));
    assert_eq!(ids(&told).len(), 3, "{told}");
    let length = told.encode_utf16().count();
    assert!((1_300..=1_500).contains(&length), "{length}");
    assert_eq!(told.matches("</claude-mem-context>").count(), 1, "{told}");
}

#[test]
fn looking_is_not_telling() {
    let world = World::filled();
    let show = |args: &[&str]| world.sandbox.claude_mem(args.iter().copied()).success();
    let text = show(&["recall", "prompt", PROMPT]);
    assert_eq!(ids(&text), [1], "{text}");
    assert_eq!(ids(&show(&["recall", "file", "src/money.py"])), [2]);
    assert_eq!(ids(&show(&["recall", "error", ERROR])), [3]);
    let answer = world
        .sandbox
        .claude_mem(["recall", "prompt", PROMPT, "--json"])
        .json();
    assert_eq!(answer["observations"][0]["id"], 1, "{answer}");
    assert_eq!(ids(answer["context"].as_str().unwrap()), [1]);
    assert!(show(&["recall", "prompt", "thanks"]).contains("Nothing of billing"));
    assert!(!world.sandbox.locations().told_dir().exists());
    let (payload, _) = &world.moments("s")[0];
    assert_eq!(ids(&world.recalled(payload)), [1]);
}
