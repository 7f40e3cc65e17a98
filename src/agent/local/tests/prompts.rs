//! What users ask, and how.

use crate::agent::local::prompt::{Intent, complaint, instruction, read};

#[test]
fn intents_are_read_in_several_languages() {
    let cases = [
        ("Add a --json flag to the report command.", Intent::Feature),
        ("Please add error handling to the parser", Intent::Feature),
        (
            "Customers see a wrong total. Find out why and fix it, with a test.",
            Intent::Fix,
        ),
        ("Can you rename UserRepo to UserStore?", Intent::Refactor),
        ("How does the cache expire entries?", Intent::Question),
        ("Bitte behebe den Fehler beim Login", Intent::Fix),
        ("修复登录超时的问题", Intent::Fix),
        ("Bump serde to 1.0.200", Intent::Chore),
        ("the export should write parquet", Intent::Feature),
        ("Should the export write parquet?", Intent::Question),
    ];
    for (prompt, expected) in cases {
        assert_eq!(read(Some(prompt)).unwrap().intent, expected, "{prompt}");
    }
}

#[test]
fn a_request_to_look_is_no_complaint() {
    let of = |prompt: &str| read(Some(prompt)).unwrap().sentences;
    let review = of("Please review src/calc.py and make div safe.");
    assert_eq!(complaint(&review), None);
    assert_eq!(instruction(&review), "make div safe");
    let totals = of("the daily totals are too high on one day. find out and fix");
    assert_eq!(
        complaint(&totals).as_deref(),
        Some("the daily totals are too high on one day")
    );
}

#[test]
fn what_is_not_the_users_own_is_left_out() {
    assert!(read(Some("<task-notification>done</task-notification>")).is_none());
    assert!(read(Some("  ")).is_none());
    let pasted = read(Some(
        "The import crashes, fix it:\n```\nTraceback (most recent call last)\n```\n2026-01-02 ERROR x\n  at foo (a.js:1)",
    ))
    .unwrap();
    assert_eq!(pasted.request, "The import crashes, fix it:");
    let private = read(Some(
        "Decide. (The key is <private>abc</private>, keep it.)",
    ))
    .unwrap();
    assert_eq!(private.request, "Decide.");
    assert!(read(Some("continue")).unwrap().vague);
    assert!(
        read(Some(&"长".repeat(9000)))
            .unwrap()
            .request
            .chars()
            .count()
            <= 300
    );
}
