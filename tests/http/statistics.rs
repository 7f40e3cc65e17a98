//! What each of the last days brought, and what it cost.

use claude_mem::store::{NewObservation, Writer};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::world::writable;
use super::{Server, remember};
use crate::support::Sandbox;

const HOUR: i64 = 3_600_000;

/// Days begin six hours before those of Greenwich, without a change of the clock.
const ZONE: &str = "<+06>-6";

fn day_of(at: i64) -> String {
    let zone = TimeZone::posix(ZONE).unwrap();
    let at = Timestamp::from_millisecond(at).unwrap();
    at.to_zoned(zone).date().to_string()
}

fn observation(kind: &str, at: i64) -> NewObservation {
    NewObservation {
        kind: kind.to_owned(),
        title: format!("about a {kind}"),
        narrative: format!("made at {at}, which has 30 chars"),
        discovery_tokens: 700,
        at,
        ..NewObservation::default()
    }
}

/// Turns of two projects yesterday, and one of 40 days ago.
fn of_some_days(now: i64) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("TZ", ZONE);
    let mut writer = Writer::open(&sandbox.locations(), "test").unwrap();
    let yesterday = now - 24 * HOUR;
    for (session, project, at, kinds) in [
        ("a", "billing", yesterday, &["bugfix", "feature"][..]),
        ("b", "shop", yesterday + 1000, &["bugfix"]),
        ("c", "billing", now - 40 * 24 * HOUR, &["decision"]),
    ] {
        let rows = kinds.iter().map(|kind| observation(kind, at)).collect();
        remember(&mut writer, session, project, at, rows);
    }
    sandbox
}

fn rows_of(answer: &Value) -> Vec<&Value> {
    answer["days"].as_array().unwrap().iter().collect()
}

fn day<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let days = rows_of(answer);
    let found = days.iter().find(|day| day["day"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {days:?}"))
}

#[test]
fn days_are_the_users_and_none_is_left_out() {
    let now = Timestamp::now().as_millisecond();
    let sandbox = of_some_days(now);
    let server = Server::start(&sandbox, &[]);
    let get = |query: &str| {
        let answer = server.client.get(&format!("/api/stats/daily{query}"));
        answer.ok()
    };
    let month = get("");
    let days = rows_of(&month);
    assert_eq!(days.len(), 30);
    assert!(
        days.windows(2)
            .all(|pair| pair[0]["day"].as_str() < pair[1]["day"].as_str())
    );
    assert_eq!(
        (&month["from"], &month["until"]),
        (&days[0]["day"], &days[29]["day"])
    );
    assert!(month["until"].as_str().unwrap() >= day_of(now).as_str());

    let yesterday = day_of(now - 24 * HOUR);
    let found = day(&month, &yesterday);
    assert_eq!(found["observations"], 3);
    assert_eq!(
        found["byType"],
        serde_json::json!({"bugfix": 2, "feature": 1})
    );
    assert_eq!(
        (&found["summaries"], &found["prompts"]),
        (&2.into(), &2.into())
    );
    assert_eq!(found["discovery_tokens"], 2100);
    let read = found["read_tokens"].as_i64().unwrap();
    assert!((30..=60).contains(&read), "{read}");
    let others = days.iter().filter(|day| day["day"] != yesterday.as_str());
    for other in others {
        assert_eq!(other["observations"], 0, "{other}");
        assert_eq!(other["byType"], serde_json::json!({}), "{other}");
    }

    let billing = get("?project=billing&days=60");
    assert_eq!(rows_of(&billing).len(), 60);
    assert_eq!(day(&billing, &yesterday)["observations"], 2);
    assert_eq!(day(&billing, &yesterday)["prompts"], 1);
    let long_ago = day(&billing, &day_of(now - 40 * 24 * HOUR));
    assert_eq!(long_ago["byType"], serde_json::json!({"decision": 1}));
    assert_eq!(rows_of(&get("?days=9999")).len(), 366);
}

/// Calls as they stand in the ledger when they are settled, or still run.
fn call(sandbox: &Sandbox, project: &str, model: &str, outcome: &str, at: i64) {
    let reserved = if outcome == "running" { 9000 } else { 0 };
    writable(sandbox)
        .execute(
            "INSERT INTO usage (project, provider, model, outcome, input_tokens,
                 cache_read_tokens, cache_write_tokens, output_tokens, reserved_tokens,
                 created_at_epoch)
             VALUES (?1, 'anthropic', ?2, ?3, ?4, 0, 0, ?5, ?6, ?7)",
            rusqlite::params![
                project,
                model,
                outcome,
                if reserved > 0 { 0 } else { 1_000_000 },
                if reserved > 0 { 0 } else { 100_000 },
                reserved,
                at
            ],
        )
        .unwrap();
}

#[test]
fn usage_is_priced_by_day_and_held_against_the_limit() {
    let now = Timestamp::now().as_millisecond();
    let mut sandbox = of_some_days(now);
    sandbox.set("CLAUDE_MEM_DAILY_TOKENS", "5000000");
    let haiku = "claude-haiku-4-5";
    call(&sandbox, "billing", haiku, "ok", now);
    call(&sandbox, "shop", haiku, "timeout", now);
    call(&sandbox, "shop", haiku, "running", now);
    call(&sandbox, "billing", haiku, "ok", now - 48 * HOUR);
    call(&sandbox, "billing", "moonshine", "ok", now - 72 * HOUR);
    let server = Server::start(&sandbox, &[]);
    let get = |query: &str| server.client.get(&format!("/api/usage{query}")).ok();
    let week = get("?days=7");
    assert_eq!(rows_of(&week).len(), 7);
    let today = day(&week, &day_of(now));
    assert_eq!((&today["calls"], &today["failed"]), (&3.into(), &1.into()));
    assert_eq!(today["input_tokens"], 2_000_000);
    assert_eq!(today["output_tokens"], 200_000);
    // A dollar a million in, five out.
    assert_eq!(today["cost"], 3.0);
    assert_eq!(today["cost_is_at_least"], false);
    let unknown = day(&week, &day_of(now - 72 * HOUR));
    assert_eq!(unknown["cost"], Value::Null);
    assert_eq!(unknown["cost_is_at_least"], true);
    assert_eq!(week["total"]["calls"], 5);
    assert_eq!(week["total"]["cost"], 4.5);
    let shop = get("?project=shop");
    assert_eq!(rows_of(&shop).len(), 30);
    assert_eq!(shop["total"]["calls"], 2);
    // What is allowed is allowed to all projects together.
    if week["days"][6]["day"] == day_of(now) {
        let wanted = serde_json::json!({"tokens": 2_209_000, "limit": 5_000_000});
        assert_eq!(week["today"], wanted);
        assert_eq!(shop["today"], wanted);
    }
}

#[test]
fn what_is_kept_is_never_older_than_the_last_commit() {
    let now = Timestamp::now().as_millisecond();
    let sandbox = of_some_days(now);
    let server = Server::start(&sandbox, &[]);
    let mut writer = Writer::open(&sandbox.locations(), "test").unwrap();
    let today = day_of(now);
    let row_title = |round: i64| format!("news of round {round}");
    let search = |server: &Server| {
        let found = server.client.get("/api/search?query=news&project=billing");
        found.ok()["content"].to_string()
    };
    for round in 1..=20 {
        let mut row = observation("change", now);
        row.title = row_title(round);
        remember(&mut writer, "news", "billing", now + round, vec![row]);
        // The second answer is the one that was kept.
        for _ in 0..2 {
            let told = server.client.get("/api/context/inject?project=billing");
            assert!(told.text().contains(&row_title(round)));
            let days = server.client.get("/api/stats/daily?project=billing").ok();
            assert_eq!(day(&days, &today)["observations"], round, "{days}");
            assert!(search(&server).contains(&row_title(round)));
        }
    }
    writable(&sandbox)
        .execute("DELETE FROM observations WHERE title LIKE 'news%'", [])
        .unwrap();
    let days = server.client.get("/api/stats/daily?project=billing").ok();
    assert_eq!(day(&days, &today)["observations"], 0);
    assert!(!search(&server).contains("news of"));
}
