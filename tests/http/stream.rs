//! The stream: greeting, what is new, and going on after a break.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use claude_mem::store::{NewObservation, Writer};
use serde_json::Value;

use super::client::Event;
use super::world::{BEGIN, remember, writable};
use super::{Server, filled};
use crate::support::{Sandbox, Talk, wait_until};

fn titles(at: i64, count: usize) -> Vec<NewObservation> {
    (0..count)
        .map(|number| NewObservation {
            kind: "discovery".to_owned(),
            title: format!("burst {number} of {at}"),
            at: at + 10,
            ..NewObservation::default()
        })
        .collect()
}

/// A turn with this many observations.
fn turn(writer: &mut Writer, session: &str, project: &str, at: i64, count: usize) {
    remember(writer, session, project, at, titles(at, count));
}

#[test]
fn a_new_client_is_greeted_and_told_in_three_dialects() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &[]);
    let mut events = server.client.events(None);
    let header = |name: &str| {
        let found = events.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    assert_eq!(header("content-type"), "text/event-stream");
    assert!(header("cache-control").contains("no-cache"));
    let greeting: Vec<Event> = (0..3).map(|_| events.next()).collect();
    let kinds: Vec<&str> = greeting.iter().map(Event::kind).collect();
    assert_eq!(kinds, ["connected", "initial_load", "processing_status"]);
    assert_eq!(
        greeting[1].data["projects"],
        serde_json::json!(["billing", "shop"])
    );
    assert_eq!(greeting[1].data["projectsBySource"]["claude"][1], "shop");

    let mut writer = Writer::open(&sandbox.locations(), "test").unwrap();
    turn(&mut writer, "live", "garden", BEGIN + 600_000, 1);
    let told = events.until(|event| event.kind() == "session-summary-created");
    let one = |kind: &str| -> &Value {
        let mut found = told.iter().filter(|event| event.kind() == kind);
        let event = found
            .next()
            .unwrap_or_else(|| panic!("no {kind} in {told:?}"));
        assert!(found.next().is_none(), "{kind} was told twice");
        &event.data
    };
    for (kind, field) in [
        ("new_observation", "observation"),
        ("observation_created", "observation"),
        ("new_summary", "summary"),
        ("summary_created", "summary"),
        ("new_prompt", "prompt"),
    ] {
        assert_eq!(one(kind)[field]["project"], "garden", "{kind}");
    }
    assert_eq!(
        one("observation-created")["title"],
        format!("burst 0 of {}", BEGIN + 600_000)
    );
    assert_eq!(one("user-prompt-created")["prompt_number"], 1);
    assert_eq!(
        one("new_prompt")["prompt_text"],
        one("user-prompt-created")["prompt_text"]
    );
    assert_eq!(one("session_started")["sessionDbId"], 4);
    assert!(told.iter().all(|event| event.data["timestamp"].is_i64()));
}

#[test]
fn a_worker_s_commit_reaches_a_client() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox, &[]);
    // The client is there before the database.
    let mut events = server.client.events(None);
    assert_eq!(events.next().kind(), "connected");
    sandbox.play(&Talk::new("real", &sandbox.project).decision("turn", "the price list"));
    let told = events.until(|event| event.kind() == "observation-created");
    let last = &told.last().unwrap().data;
    assert_eq!(last["project"], "billing");
    let kinds: Vec<&str> = told.iter().map(Event::kind).collect();
    assert!(
        kinds.contains(&"observation_queued") && kinds.contains(&"processing_status"),
        "{kinds:?}"
    );
    let queue = sandbox.count("SELECT count(*) FROM sdk_sessions");
    assert_eq!(queue, 1);
}

#[test]
fn a_client_goes_on_where_it_stopped() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &[]);
    let mut writer = Writer::open(&sandbox.locations(), "test").unwrap();
    let mut events = server.client.events(None);
    drop(events.until(|event| event.kind() == "processing_status"));
    turn(&mut writer, "four", "garden", BEGIN + 600_000, 1);
    let seen = events.until(|event| event.kind() == "session-summary-created");
    drop(events);
    turn(&mut writer, "five", "garden", BEGIN + 700_000, 2);
    let last = seen.last().unwrap().id.clone();
    let mut resumed = server.client.events(Some(&last));
    let told = resumed.until(|event| event.kind() == "session-summary-created");
    let observations: Vec<&Value> = told
        .iter()
        .filter(|event| event.kind() == "observation-created")
        .map(|event| &event.data["id"])
        .collect();
    assert_eq!(observations, [9, 10]);
    // Cut off in the middle of a row's events, the whole row comes again.
    let middle = told
        .iter()
        .find(|event| event.kind() == "new_observation")
        .unwrap();
    let mut again = server.client.events(Some(&middle.id));
    let told = again.until(|event| event.kind() == "observation-created");
    assert_eq!(told.last().unwrap().data["id"], 9);
    // What is no id of ours begins at the end.
    for odd in ["x", "1.2.3", "99999999.0.0.0.0.0.0", "-1.0.0.0.0.0.0"] {
        let mut events = server.client.events(Some(odd));
        drop(events.until(|event| event.kind() == "processing_status"));
        turn(&mut writer, odd, "odd", BEGIN + 800_000, 1);
        let told = events.until(|event| event.kind() == "observation-created");
        let rows = told
            .iter()
            .filter(|event| event.kind() == "observation-created");
        assert_eq!(rows.count(), 1, "{odd}");
    }
}

#[test]
fn a_burst_of_ten_thousand_rows_is_told_in_order_and_without_loss() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &[]);
    let mut events = server.client.events(None);
    drop(events.until(|event| event.kind() == "processing_status"));
    let locations = sandbox.locations();
    let writing = std::thread::spawn(move || {
        let mut writer = Writer::open(&locations, "test").unwrap();
        for number in 0..20 {
            let at = BEGIN + 1_000_000 + number * 1000;
            turn(&mut writer, "burst", "garden", at, 500);
        }
    });
    let mut told = 0;
    let mut last = 0;
    while told < 10_000 {
        let event = events.next();
        if event.kind() == "observation-created" {
            let id = event.data["id"].as_i64().unwrap();
            assert!(id > last, "{id} after {last}");
            (told, last) = (told + 1, id);
        }
    }
    writing.join().unwrap();
    assert_eq!(last, sandbox.count("SELECT max(id) FROM observations"));
    assert!(server.resident() < 80 * 1024, "{} KiB", server.resident());
}

#[test]
fn a_client_that_does_not_read_is_dropped_and_delays_nobody() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &[]);
    let mut slow = server.client.events(None);
    let mut quick = server.client.events(None);
    drop(quick.until(|event| event.kind() == "processing_status"));
    let mut writer = Writer::open(&sandbox.locations(), "test").unwrap();
    let large = |number: i64| NewObservation {
        kind: "discovery".to_owned(),
        title: format!("large {number}"),
        narrative: "x".repeat(200_000),
        at: BEGIN + 2_000_000 + number,
        ..NewObservation::default()
    };
    let rows = (0..40).map(large).collect();
    remember(&mut writer, "large", "garden", BEGIN + 2_000_000, rows);
    let mut told: HashMap<i64, usize> = HashMap::new();
    while told.len() < 40 {
        let event = quick.next();
        if event.kind() == "observation-created" {
            *told.entry(event.data["id"].as_i64().unwrap()).or_default() += 1;
        }
    }
    let clients = || server.client.get("/api/stats").ok()["worker"]["sseClients"].clone();
    wait_until("the slow client is dropped", || clients() == 1);
    let give_up = Instant::now() + Duration::from_secs(10);
    while !slow.is_ended() {
        assert!(Instant::now() < give_up, "its connection lives on");
    }
}

#[test]
fn a_summary_that_is_changed_is_told_again() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &[]);
    let mut events = server.client.events(None);
    drop(events.until(|event| event.kind() == "processing_status"));
    let connection = writable(&sandbox);
    let change = |column: &str, id: i64, text: &str| {
        let sql = format!("UPDATE session_summaries SET {column} = ?1 WHERE id = ?2");
        connection.execute(&sql, (text, id)).unwrap()
    };
    assert_eq!(change("next_steps", 2, "Mend it"), 1);
    let told = events.until(|event| event.kind() == "session-summary-created");
    let kinds: Vec<&str> = told.iter().map(Event::kind).collect();
    assert_eq!(
        kinds,
        ["new_summary", "summary_created", "session-summary-created"]
    );
    for event in &told[..2] {
        assert_eq!(event.data["summary"]["id"], 2);
        assert_eq!(event.data["summary"]["next_steps"], "Mend it");
    }
    let id = told[2].id.clone();
    drop(events);
    // What changed meanwhile is told to a client that comes back, once and as it
    // is now; what is no part of the text changes nothing.
    change("superseded_by", 1, "another");
    change("notes", 3, "first");
    change("notes", 3, "second");
    let mut events = server.client.events(Some(&id));
    let told = events.until(|event| event.kind() == "session-summary-created");
    let named: Vec<&Event> = told
        .iter()
        .filter(|event| event.kind().contains("summary"))
        .collect();
    assert_eq!(named.len(), 3, "{named:?}");
    assert_eq!(named[2].data["id"], 3);
    assert_eq!(named[2].data["notes"], "second");
}
