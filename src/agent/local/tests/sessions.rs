//! Recorded sessions of other stacks, in which less is said and more goes wrong.

use super::recording::extracted;
use super::{has_fact, shown};
use crate::agent::{Concept, Extraction, Observation, ObservationKind as Kind, Summary};

#[track_caller]
fn only(turn: &Extraction, kind: Kind) -> (&Observation, &Summary) {
    let [observation] = turn.observations.as_slice() else {
        panic!("{}", shown(turn));
    };
    assert_eq!(observation.kind, kind, "{}", shown(turn));
    (observation, turn.summary.as_ref().unwrap())
}

#[test]
fn a_panic_is_fixed_with_its_test_and_its_limit() {
    let session = extracted("session-rust-cli.jsonl");
    let (fix, summary) = only(&session[0], Kind::Bugfix);
    assert!(fix.title.contains("logcut panics"), "{}", fix.title);
    assert!(!fix.narrative.contains("Logcut"), "{}", fix.narrative);
    assert_eq!(fix.files_modified, ["src/slice.rs"]);
    assert_eq!(fix.files_read, ["src/main.rs"]);
    has_fact(fix, "byte index 2 is not a char boundary");
    has_fact(fix, "Changed cut_line in src/slice.rs");
    has_fact(
        fix,
        "Test added in src/slice.rs: cuts_before_a_split_character",
    );
    has_fact(fix, "2 tests pass (cargo test)");
    assert!(summary.learned.contains("slicing by byte"));
    assert!(summary.completed.contains("is_char_boundary"));
}

#[test]
fn a_rename_is_a_refactoring_and_its_build_error_nothing() {
    let session = extracted("session-rust-cli.jsonl");
    let (refactor, summary) = only(&session[1], Kind::Refactor);
    assert_eq!(
        refactor.title,
        "Rename cut_line to truncate_line, in module text"
    );
    has_fact(refactor, "src/slice.rs moved to src/text.rs");
    has_fact(refactor, "Commit 7be1a90");
    assert!(
        refactor
            .files_modified
            .contains(&"benches/cut.rs".to_owned())
    );
    assert!(!shown(&session[1]).contains("E0425"));
    // The search showed these files; nobody opened them.
    assert!(!summary.investigated.contains("src/main.rs"));
    let (docs, _) = only(&session[2], Kind::Change);
    assert_eq!(docs.files_modified, ["README.md"]);
    assert!(docs.title.contains("--width"), "{}", docs.title);
}

#[test]
fn a_terse_message_gives_cause_and_deed() {
    let session = extracted("session-pipeline.jsonl");
    let (fix, summary) = only(&session[0], Kind::Bugfix);
    assert!(
        fix.title.starts_with("load_readings now drops duplicates"),
        "{}",
        fix.title
    );
    assert_eq!(
        fix.files_modified,
        ["tests/test_ingest.py", "meterflow/ingest.py"]
    );
    has_fact(
        fix,
        "test_repeated_upload_counts_once failed: assert 27.0 == 25.0",
    );
    has_fact(fix, "Changed load_readings in meterflow/ingest.py");
    has_fact(fix, "2 tests pass (python -m pytest -q)");
    assert!(summary.learned.contains("uploaded twice"));
    assert!(summary.completed.contains("drops duplicates"));
    assert!(!summary.investigated.contains("searched for ."));
    let (feature, summary) = only(&session[1], Kind::Feature);
    assert!(
        feature.title.starts_with("export writes Parquet"),
        "{}",
        feature.title
    );
    assert_eq!(feature.files_modified, ["meterflow/export.py"]);
    assert!(summary.investigated.contains("inline python script"));
}

#[test]
fn a_decision_in_words_alone_keeps_both_sides_and_the_reason() {
    let session = extracted("session-pipeline.jsonl");
    let (decision, summary) = only(&session[2], Kind::Decision);
    assert!(decision.title.contains("raw uploads in S3"));
    has_fact(decision, "Chosen: keep raw uploads in S3");
    has_fact(decision, "Rejected: the NFS share");
    has_fact(decision, "Reason: 41 GB grows by about 2 GB a month");
    assert!(decision.files_modified.is_empty());
    assert!(summary.next_steps.contains("denies deletes"));
}

#[test]
fn a_reverted_guess_is_no_fact_and_a_missing_module_its_own() {
    let session = extracted("session-messy.jsonl");
    let [fix, missing] = session[0].observations.as_slice() else {
        panic!("{}", shown(&session[0]));
    };
    assert_eq!(fix.kind, Kind::Bugfix);
    assert!(
        fix.title.contains("mails sometimes just vanish"),
        "{}",
        fix.title
    );
    assert_eq!(fix.files_modified, ["tests/test_sender.py", "app/retry.py"]);
    has_fact(fix, "DID NOT RAISE <class 'OSError'>");
    has_fact(
        fix,
        "after the last attempt the decorator swallows the exception",
    );
    let summary = session[0].summary.as_ref().unwrap();
    let told = format!(
        "{fix:?} {missing:?} {} {}",
        summary.learned, summary.completed
    );
    assert!(
        !told.contains("timeout") && !told.contains("30 s"),
        "{told}"
    );
    assert!(summary.notes.contains("Tried without success"));
    assert!(summary.next_steps.contains("requirements-dev.txt"));

    assert_eq!(missing.kind, Kind::Discovery);
    assert!(missing.concepts.contains(&Concept::Gotcha));
    has_fact(missing, "No module named 'aiosmtpd'");
    has_fact(missing, "Cure: pip install aiosmtpd");
    assert!(!missing.narrative.contains("swallows"));
}

#[test]
fn an_interrupted_turn_tells_what_the_subagent_found_and_what_was_begun() {
    let session = extracted("session-messy.jsonl");
    let [begun, found] = session[1].observations.as_slice() else {
        panic!("{}", shown(&session[1]));
    };
    assert_eq!(
        (begun.kind, begun.title.as_str()),
        (Kind::Change, "Changed locale_for in app/geo.py")
    );
    has_fact(begun, "interrupted");
    assert_eq!(found.kind, Kind::Discovery);
    assert!(
        found.title.contains("Only app/geo.py relies on None"),
        "{}",
        found.title
    );
    assert!(found.files_modified.is_empty());
    let summary = session[1].summary.as_ref().unwrap();
    assert!(summary.learned.contains("app/geo.py relies on None"));
    assert!(!summary.completed.contains("relies on None"));
    assert!(summary.notes.contains("interrupted"));

    let (change, _) = only(&session[2], Kind::Change);
    assert_eq!(change.files_modified, ["requirements-dev.txt"]);
    has_fact(change, "aiosmtpd 1.4.6 in requirements-dev.txt");
    has_fact(change, "Earlier changes to app/geo.py were thrown away");
}

#[test]
fn no_secret_of_an_output_is_told() {
    let told: String = extracted("session-messy.jsonl").iter().map(shown).collect();
    assert!(told.contains("holds a live token"), "{told}");
    for secret in ["Vw9$kQ2m", "wJalrXUt", "ghp_"] {
        assert!(!told.contains(secret), "{told}");
    }
}
