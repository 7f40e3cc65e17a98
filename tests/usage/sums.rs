//! `claude-mem usage` over a ledger filled by hand.

use serde_json::{Value, json};

use crate::support::{Sandbox, Talk};

use super::ledger::{DAY_MS, HAIKU, filled, remember};

fn near(value: &Value, wanted: f64) -> bool {
    value
        .as_f64()
        .is_some_and(|seen| (seen - wanted).abs() < 1e-6)
}

/// The names of the groups with the tokens of each.
fn groups(report: &Value) -> Vec<(String, u64)> {
    let all = report["groups"].as_array().unwrap();
    all.iter()
        .map(|group| {
            let name = group["name"].as_str().unwrap().to_owned();
            (name, group["tokens"].as_u64().unwrap())
        })
        .collect()
}

#[test]
fn days_are_added_up_with_prices_and_the_budget() {
    let noon = filled();
    let report = noon.usage(&[]);
    let (today, yesterday) = (noon.day(noon.now), noon.day(noon.now - DAY_MS));
    assert_eq!(
        groups(&report),
        [(today.clone(), 4_100_000), (yesterday, 1_650)]
    );
    assert_eq!(
        (&report["until"], &report["days"]),
        (&json!(today), &json!(7))
    );
    let now = &report["groups"][0];
    assert_eq!(now["calls"], 3);
    assert_eq!(now["failed"], json!({"rate_limit": 1}));
    assert_eq!(now["cache_read_tokens"], 2_000_000);
    assert_eq!(
        (&now["running_calls"], &now["reserved_tokens"]),
        (&json!(1), &json!(9_000))
    );
    assert_eq!(
        (&now["duration_ms"], &now["observations"]),
        (&json!(3_000), &json!(2))
    );
    assert_eq!(now["tokens_per_observation"], 2_050_000);
    assert!(
        near(&now["cost"]["dollars"], 1.0 + 0.2 + 1.25 + 0.5),
        "{now}"
    );
    assert_eq!(now["cost"]["at_least"], false);
    let total = &report["total"];
    assert_eq!(
        (&total["calls"], &total["tokens"]),
        (&json!(5), &json!(4_101_650))
    );
    assert!(near(&total["cost"]["dollars"], 2.95 + 0.0045), "{total}");
    assert_eq!(total["cost"]["at_least"], true);
    assert_eq!(total["cost"]["subscription"], true);
    assert_eq!(total["cost"]["unknown_models"], json!(["moonshine-2"]));
    let budget = &report["budget"];
    assert_eq!(budget["tokens_used"], 4_109_000);
    assert_eq!(
        (&budget["daily_tokens"], &budget["calls_last_hour"]),
        (&json!(2_000_000), &json!(3))
    );
    assert_eq!(noon.usage(&["--days", "9"])["total"]["calls"], 6);
    assert_eq!(groups(&noon.usage(&["--days", "1"])).len(), 1);
}

#[test]
fn calls_are_added_up_by_project_session_and_model() {
    let noon = filled();
    let by = |what: &str| noon.usage(&["--by", what]);
    let named = |name: &str, tokens: u64| (name.to_owned(), tokens);
    let projects = by("project");
    assert_eq!(
        groups(&projects),
        [
            named("billing", 4_101_100),
            named("shop", 550),
            named("", 0)
        ]
    );
    assert_eq!(projects["groups"][0]["observations"], 2);
    let sessions = by("session");
    assert_eq!(
        groups(&sessions),
        [named("one", 4_101_100), named("two", 550), named("", 0)]
    );
    assert_eq!(sessions["groups"][0]["project"], "billing");
    assert_eq!(sessions["groups"][0]["observations"], 2);
    let models = by("model");
    assert_eq!(
        groups(&models),
        [
            named(HAIKU, 4_100_000),
            named("claude-sonnet-4-5", 1_100),
            named("moonshine-2", 550)
        ]
    );
    assert_eq!(models["groups"][0]["tokens_per_observation"], 2_050_000);
    assert_eq!(models["groups"][1]["tokens_per_observation"], Value::Null);
    for what in ["project", "session", "model"] {
        assert_eq!(by(what)["total"], by("day")["total"], "{what}");
    }
}

#[test]
fn the_table_is_aligned_and_says_how_sure_the_prices_are() {
    let noon = filled();
    let text = noon.text(&["--by", "model"]);
    let lines: Vec<&str> = text.lines().collect();
    let place = |line: &str, word: &str| {
        let at = line
            .find(word)
            .unwrap_or_else(|| panic!("{word} in {text}"));
        at + word.len()
    };
    assert!(lines[0].starts_with("model"), "{text}");
    assert_eq!(place(lines[0], "input"), place(lines[1], "1,000,000"));
    assert!(lines[1].ends_with("  $2.95"), "{text}");
    assert!(lines[2].ends_with("  ≈ $0.0045 at API prices"), "{text}");
    assert!(lines[3].ends_with("  price unknown"), "{text}");
    assert!(lines[4].starts_with("total "), "{text}");
    assert!(
        lines[4].ends_with("at least ≈ $2.95 at API prices"),
        "{text}"
    );
    for words in [
        "\nfailed    rate_limit 1\n",
        "\nrunning   1 call, of 9,000 tokens at most\n",
        "\nunpriced  moonshine-2: ",
        "\ntoday     4,109,000 of 2,000,000 tokens, 3 of 240 calls in the last hour\n",
    ] {
        assert!(text.contains(words), "{words:?} in {text}");
    }
    let newest_first = noon.text(&[]);
    let today = newest_first.find(&noon.day(noon.now)).unwrap();
    assert!(today < newest_first.find(&noon.day(noon.now - DAY_MS)).unwrap());
}

#[test]
fn prices_can_be_set_and_a_broken_one_is_named() {
    let mut noon = filled();
    noon.sandbox.set(
        "CLAUDE_MEM_PRICES",
        r#"{"moonshine": [1000, 2000], "claude-haiku-4-5": [2, 0.2, 2.5, 10], "odd": [1]}"#,
    );
    let report = noon.usage(&["--by", "model"]);
    let dollars: Vec<&Value> = (0..3)
        .map(|group| &report["groups"][group]["cost"]["dollars"])
        .collect();
    assert!(near(dollars[0], 2.0 + 0.4 + 2.5 + 1.0), "{report}");
    assert!(near(dollars[2], 0.5 + 0.1), "{report}");
    assert_eq!(report["total"]["cost"]["at_least"], false);
    let warnings = report["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].as_str().unwrap().contains("odd"),
        "{warnings:?}"
    );

    noon.sandbox.set("CLAUDE_MEM_PRICES", "cheap");
    let text = noon.text(&[]);
    assert!(
        text.contains("CLAUDE_MEM_PRICES is not a JSON object"),
        "{text}"
    );
    noon.sandbox.set("CLAUDE_MEM_PRICES", "");
    noon.sandbox.set("CLAUDE_MEM_OPENAI_BASE_URL", "ollama");
    let report = noon.usage(&[]);
    assert_eq!(report["total"]["cost"]["at_least"], false, "{report}");
}

#[test]
fn what_sessions_were_told_saves_the_work_behind_it() {
    let noon = filled();
    let text = noon.text(&[]);
    assert!(text.contains("saved     nothing yet"), "{text}");
    let one = Talk::new("one", &noon.sandbox.project);
    let told = noon.sandbox.told(&one, "startup");
    assert!(told.contains("Another"), "{told}");
    let saved = noon.usage(&[])["saved"].clone();
    assert_eq!(
        (&saved["sessions"], &saved["estimated"]),
        (&json!(1), &json!(true))
    );
    assert_eq!(saved["work_tokens"], 80_000);
    let tokens = told.chars().count().div_ceil(4);
    assert_eq!(saved["told_tokens"], tokens);
    assert_eq!(saved["saved_tokens"], 80_000 - tokens);
    // What came later was not told.
    remember(&noon, "later", &["A third thing"]);
    assert_eq!(noon.usage(&[])["saved"]["work_tokens"], 80_000);
    assert!(
        noon.text(&[])
            .contains(" tokens (estimated): 1 session read ~")
    );
    assert_eq!(noon.usage(&["--days", "1"])["saved"]["sessions"], 1);
}

#[test]
fn without_a_call_there_is_a_friendly_line() {
    let sandbox = Sandbox::new();
    let text = sandbox.claude_mem(["usage"]).success();
    assert!(text.starts_with("No model was called in 7 days."), "{text}");
    let report = sandbox.claude_mem(["usage", "--json"]).json();
    assert_eq!(report["groups"], json!([]));
    assert_eq!(report["total"]["calls"], 0);
    assert!(!sandbox.data.exists(), "looking makes nothing");
    let ran = sandbox.claude_mem(["usage", "--days", "0"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
}
