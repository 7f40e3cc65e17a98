//! `claude-mem queue` and `claude-mem queue redo` over turns that the offline
//! extractor did in a model's place.

use std::process::Stdio;
use std::time::Duration;

use claude_mem::store::Retention;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::support::fake_model::{FakeModel, Fault};
use crate::support::{Sandbox, binary};

use super::past::{Fate, Past, WHY, now};

/// Each turn's outcome, in the order of the report.
fn outcomes(report: &Value) -> Vec<(i64, &str)> {
    let turns = report["turns"].as_array().unwrap();
    turns
        .iter()
        .map(|turn| {
            (
                turn["turn_id"].as_i64().unwrap(),
                turn["outcome"].as_str().unwrap(),
            )
        })
        .collect()
}

#[test]
fn what_failed_and_what_was_done_offline_is_listed_and_nothing_is_said_of_the_rest() {
    let mut past = Past::new();
    let offline = past.turn("one", "prices", &Fate::Offline);
    let failed = past.turn("two", "sessions", &Fate::Failed);
    let listing = past.queue(&[]);
    assert_eq!(listing["sessions"][0]["content_session_id"], "two");
    assert_eq!(listing["sessions"][0]["failed"], 3);
    assert_eq!(listing["turns"][0]["turn_id"], offline);
    assert_eq!(listing["turns"][0]["reason"], WHY);
    assert_eq!(listing["turns"][1]["turn_id"], failed);
    assert_eq!(listing["turns"][1]["reason"], "no luck");
    assert_eq!(listing["stall"], Value::Null);
    assert_eq!(listing, past.queue(&["list"]));
    let text = past.sandbox.claude_mem(["queue"]).success();
    for words in [
        "billing: pending 0, processing 0, failed 3",
        "billing, turn 1: done offline, 2 events",
        WHY,
        "billing, turn 1: 3 events failed",
        "`claude-mem queue redo` has them done again",
    ] {
        assert!(text.contains(words), "{words:?} in {text}");
    }
    let nothing = Sandbox::new();
    let text = nothing.claude_mem(["queue"]).success();
    assert_eq!(text, "Nothing waits, and nothing failed.\n");
    let text = nothing.claude_mem(["queue", "redo"]).success();
    assert!(text.starts_with("There is nothing to do again"), "{text}");
    assert!(!nothing.data.exists(), "looking makes nothing");
}

#[test]
fn a_dry_run_does_nothing_and_says_what_it_would_take() {
    let mut past = Past::new();
    let turn = past.turn("one", "prices", &Fate::Offline);
    let before = past.sandbox.dump("SELECT * FROM pending_messages");
    let report = past.queue(&["redo", "--dry-run"]);
    assert_eq!(outcomes(&report), [(turn, "planned")]);
    assert_eq!(
        report["estimated_tokens"], 0,
        "the offline extractor is free"
    );
    assert!(
        report["warnings"][0]
            .as_str()
            .unwrap()
            .contains("no model is chosen")
    );
    let model = FakeModel::start(Vec::new());
    past.ask(&model);
    let report = past.queue(&["redo", "--dry-run"]);
    let bytes = report["turns"][0]["bytes"].as_i64().unwrap();
    assert_eq!(report["estimated_tokens"], bytes / 4 + 3_000);
    assert_eq!(report["warnings"], json!([]));
    let text = past
        .sandbox
        .claude_mem(["queue", "redo", "--dry-run"])
        .success();
    assert!(
        text.contains("Nothing was done. Doing it takes about 3,"),
        "{text}"
    );
    assert_eq!(past.sandbox.dump("SELECT * FROM pending_messages"), before);
    assert_eq!(model.calls(), 0);
}

#[test]
fn a_turn_is_done_again_and_the_new_memory_takes_the_place_of_the_old() {
    let mut past = Past::new();
    let turn = past.turn("one", "prices", &Fate::Offline);
    let report = past.queue(&["redo", "--offline"]);
    assert_eq!(outcomes(&report), [(turn, "done")], "{report}");
    assert_eq!(report["turns"][0]["model"], "local");
    let (current, old) = past.titles("one");
    assert_eq!(old.len(), 1, "{old:?}");
    assert!(old[0].contains("A guess at prices"), "{old:?}");
    assert!(
        !current.is_empty() && !current[0].contains("guess"),
        "{current:?}"
    );
    assert_eq!(past.queue(&[])["turns"], json!([]));
    let listed = past
        .sandbox
        .claude_mem(["context", "--project", "billing"])
        .success();
    assert!(!listed.contains("A guess at"), "{listed}");
    past.sandbox.assert_sound();
    assert_eq!(past.pending(), 0);
    assert_eq!(past.queue(&["redo"])["turns"], json!([]));
}

#[test]
fn a_choice_is_kept_to_and_unknown_and_deleted_turns_are_named() {
    let mut past = Past::new();
    let first = past.turn("one", "prices", &Fate::Offline);
    let gone = past.writer.prune(
        Retention {
            age: Duration::ZERO,
            bytes: 0,
        },
        now() + 1,
    );
    assert_eq!(gone.unwrap(), 3);
    let second = past.turn("two", "sessions", &Fate::Offline);
    let third = past.turn("three", "queues", &Fate::Failed);
    let report = past.queue(&["redo", "--failed"]);
    assert_eq!(outcomes(&report), [(third, "done")]);
    let ran = past.sandbox.claude_mem(["queue", "redo", "1", "77"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("there is no turn 77"), "{ran:?}");
    let ran = past.sandbox.claude_mem(["queue", "redo", "--all"]);
    let text = ran.success();
    let wanted =
        format!("{first} billing, turn 1: left as it is: its first events are no longer kept");
    assert!(text.contains(&wanted), "{text}");
    assert!(
        text.contains(&format!("{second} billing, turn 1: done by local\n")),
        "{text}"
    );
    assert_eq!(past.titles("one").1.len(), 0, "what it became stays");
    past.sandbox.assert_sound();
    // One that the model did well can be asked for by its id.
    let id = third.to_string();
    assert_eq!(outcomes(&past.queue(&["redo", &id])), [(third, "done")]);
    past.sandbox.assert_sound();
}

#[test]
fn a_model_that_answers_does_what_was_done_without_it() {
    let mut past = Past::new();
    let model = FakeModel::start(Vec::new());
    past.ask(&model);
    let turns = [
        past.turn("one", "prices", &Fate::Offline),
        past.turn("one", "sessions", &Fate::Offline),
        past.turn("two", "queues", &Fate::Failed),
    ];
    let report = past.queue(&["redo"]);
    assert_eq!(
        outcomes(&report),
        turns.map(|turn| (turn, "done")),
        "{report}"
    );
    for turn in report["turns"].as_array().unwrap() {
        assert!(
            turn["model"].as_str().unwrap().starts_with("claude-haiku"),
            "{turn}"
        );
    }
    assert_eq!(model.calls(), 3);
    assert_eq!(past.titles("one").1.len(), 2);
    let usage = past.sandbox.claude_mem(["usage", "--json"]).json();
    assert_eq!(usage["total"]["calls"], 3);
    past.sandbox.assert_sound();
}

#[test]
fn a_provider_that_refuses_leaves_the_turn_waiting_and_the_others_as_they_are() {
    let mut past = Past::new();
    let model = FakeModel::start(Vec::new());
    model.set_fault(Some(Fault::Auth));
    past.ask(&model);
    let first = past.turn("one", "prices", &Fate::Offline);
    let second = past.turn("two", "sessions", &Fate::Offline);
    let report = past.queue(&["redo"]);
    assert_eq!(
        outcomes(&report),
        [(first, "waits"), (second, "left")],
        "{report}"
    );
    assert!(
        report["turns"][0]["why"]
            .as_str()
            .unwrap()
            .starts_with("auth"),
        "{report}"
    );
    assert_eq!(
        past.titles("one").0.len(),
        1,
        "what it became stays meanwhile"
    );
    assert_eq!(past.pending(), 2);
    past.sandbox.assert_sound();
    let ran = past.sandbox.claude_mem(["queue", "redo", "--dry-run"]);
    assert!(
        ran.stderr.contains("anthropic does not answer (auth"),
        "{ran:?}"
    );
    assert_eq!(ran.code, Some(0));
}

#[test]
fn ctrl_c_gives_back_what_is_not_done() {
    let mut past = Past::new();
    let model = FakeModel::start(Vec::new());
    model.hold();
    past.ask(&model);
    past.turn("one", "prices", &Fate::Offline);
    past.turn("two", "sessions", &Fate::Offline);
    let child = past
        .sandbox
        .command(binary("claude-mem"))
        .args(["queue", "redo"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    model.wait_for_calls(1);
    kill(
        Pid::from_raw(i32::try_from(child.id()).unwrap()),
        Signal::SIGINT,
    )
    .unwrap();
    let output = child.wait_with_output().unwrap();
    let (text, error) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(output.status.code(), Some(1), "{text}{error}");
    assert!(error.contains("interrupted: what is done stays"), "{error}");
    assert!(
        text.contains("waits") && text.contains("left as it is"),
        "{text}"
    );
    assert_eq!(
        past.titles("one").0.len(),
        1,
        "what it became stays meanwhile"
    );
    past.sandbox.assert_sound();
    // The next worker of the session does what was interrupted.
    model.release();
    drop(past.sandbox.claude_mem(["worker", "one"]).success());
    assert_eq!(past.titles("one").1.len(), 1);
    assert_eq!(past.titles("two").1.len(), 0);
    assert_eq!(past.pending(), 0);
    past.sandbox.assert_sound();
}
