//! Plugins of other hosts, which hand their sessions in and search.

use serde_json::{Value, json};

use super::super::client::Event;
use super::{Server, filled, words};
use crate::support::{Sandbox, wait_until};
use crate::viewer::browser::Browser;

const TOOL: &str = "/api/sessions/observations";
const STOP: &str = "/api/sessions/summarize";

fn edit(session: &str) -> Value {
    json!({"claudeSessionId": session, "tool_name": "Edit", "cwd": "/w/shop",
        "tool_input": {"file_path": "/w/shop/total.rs", "old_string": "floor", "new_string": "round"},
        "tool_response": {"filePath": "/w/shop/total.rs"}})
}

fn end(session: &str, message: &str) -> Value {
    json!({"claudeSessionId": session, "last_user_message": "Mend the rounding",
        "last_assistant_message": message})
}

#[test]
fn a_session_without_a_beginning_is_remembered_found_and_heard_of() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox, &["--relay"]);
    let client = server.client;
    assert_eq!(client.reads("/api/health")["status"], "ok");
    let mut stream = client.events(None);
    assert_eq!(
        client.sends(TOOL, &edit("s-1")),
        json!({"status": "queued"})
    );
    let message = "Fixed the rounding: total() rounds half to even.";
    assert_eq!(
        client.sends(STOP, &end("s-1", message)),
        json!({"status": "queued"})
    );
    // An EventSource with `onmessage` alone hears what has no name.
    let unnamed = |event: &Event| event.name.is_none();
    let heard = stream.until(|event| unnamed(event) && event.data["type"] == "new_summary");
    let heard: Vec<&Value> = heard
        .iter()
        .filter(|event| unnamed(event))
        .map(|event| &event.data)
        .collect();
    let row = |kind: &str, field: &str| {
        let told = heard.iter().find(|data| data["type"] == kind);
        told.unwrap_or_else(|| panic!("no {kind} in {heard:?}"))[field].clone()
    };
    assert_eq!(row("initial_load", "projects"), json!([]));
    assert_eq!(row("new_summary", "summary")["claude_session_id"], "s-1");
    let told = row("new_observation", "observation");
    for field in ["title", "subtitle", "narrative", "type", "project"] {
        assert!(told[field].is_string(), "{field} in {told}");
    }
    let facts: Vec<String> = serde_json::from_str(told["facts"].as_str().unwrap()).unwrap();
    assert!(!facts.is_empty());

    let found = client.reads("/api/search?query=rounding&type=observations&format=index&limit=5");
    assert_eq!(found["observations"][0]["id"], told["id"]);
    assert!(words(&found).contains(told["title"].as_str().unwrap()));
    let ids = json!({"ids": [told["id"]], "orderBy": "date_desc", "limit": 5});
    let rows = client.sends("/api/observations/batch", &ids);
    assert_eq!(rows[0]["narrative"], told["narrative"]);
    let recent = client.reads("/api/context/recent?limit=3");
    assert_eq!(recent["session_summaries"][0]["claude_session_id"], "s-1");
    sandbox.assert_conserved();
}

#[test]
fn what_was_asked_is_kept_even_if_it_is_told_last() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox, &["--relay"]);
    let client = server.client;
    let turns = || {
        let turns = client.reads("/api/sessions/1/turns");
        let texts = |list: &str, field: &str| -> Vec<String> {
            let rows = turns[list].as_array().unwrap().iter();
            rows.map(|row| format!("{}: {}", row["prompt_number"], row[field].as_str().unwrap()))
                .collect()
        };
        (
            texts("prompts", "prompt_text"),
            texts("observations", "title").len(),
        )
    };
    // The calls of tools come first, and belong to it.
    client.sends(TOOL, &edit("s-3"));
    client.sends(TOOL, &edit("s-3"));
    client.sends(STOP, &end("s-3", "The rounding is mended."));
    assert_eq!(turns().0, ["1: Mend the rounding"]);
    // Told twice, it is the same; and a client that has told it before does not
    // say it anew.
    client.sends(STOP, &end("s-3", "The rounding is mended, really."));
    client.sends(
        "/api/sessions/init",
        &json!({"contentSessionId": "s-3", "prompt": "And the discounts"}),
    );
    let other = json!({"claudeSessionId": "s-3", "last_user_message": "and the  discounts (shown)",
        "last_assistant_message": "Mended too."});
    client.sends(STOP, &other);
    assert_eq!(turns().0, ["1: Mend the rounding", "2: And the discounts"]);
    // The next one without a beginning is a turn of its own.
    client.sends(
        STOP,
        &json!({"claudeSessionId": "s-3", "last_user_message": "Thank you"}),
    );
    assert_eq!(turns().0.last().unwrap(), "3: Thank you");
    // What a host writes into the conversation is not the user's.
    let of_host = json!({"claudeSessionId": "s-3",
        "last_user_message": "<task-notification>done</task-notification>"});
    client.sends(STOP, &of_host);
    assert_eq!(turns().0.len(), 3);
    wait_until("the tools' turn is remembered", || turns().1 > 0);
    let tools =
        "SELECT count(DISTINCT prompt_number) FROM pending_messages WHERE tool_name IS NOT NULL";
    assert_eq!(sandbox.count(tools), 1);
    sandbox.assert_conserved();
}

#[test]
fn sessions_are_known_by_the_number_that_init_has_answered() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox, &["--relay"]);
    let client = server.client;
    assert!(client.fetch("GET", "/api/readiness", None).ok()["status"] == "ready");
    let begun = client.sends(
        "/api/sessions/init",
        &json!({"contentSessionId": "ses_1", "project": "shop", "prompt": "List the prices",
            "platformSource": "opencode"}),
    );
    let number = begun["sessionDbId"].as_i64().expect("a number");
    let call = json!({"sessionDbId": number, "promptNumber": begun["promptNumber"], "toolName": "Bash",
        "toolInput": {"command": "cat prices"}, "toolOutput": "1 2 3", "cwd": "/w/shop",
        "timestamp": 1_767_225_600_000_i64, "agentId": "a-7", "agentType": "helper"});
    assert_eq!(client.sends(TOOL, &call), json!({"status": "queued"}));
    let stored: (String, String, String) = sandbox
        .database()
        .query_row(
            "SELECT tool_name, tool_response, agent_type FROM pending_messages WHERE tool_name IS NOT NULL",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    assert_eq!(stored.0, "Bash");
    assert!(stored.1.contains("1 2 3"), "{stored:?}");
    assert_eq!(stored.2, "helper");
    // No body, and so no type of one.
    let path = format!("/sessions/{number}/complete");
    assert_eq!(
        client.fetch("POST", &path, None).ok(),
        json!({"success": true})
    );
    wait_until("the session is over", || {
        client.reads(&format!("/sessions/{number}/status"))["status"] == "completed"
    });
    let unknown = json!({"sessionDbId": 99, "toolName": "Bash"});
    client.fetch("POST", TOOL, Some(&unknown)).error(404);
}

#[test]
fn lists_stand_under_every_name_that_plugins_read() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &["--relay"]);
    let client = server.client;
    let found = client.reads("/api/search/observations?query=discount%20code&limit=10");
    assert_eq!(found["items"][0]["title"], "a discount code");
    assert_eq!(found["items"][0]["project"], "billing");
    let all = client.reads("/api/search?q=billing&project=billing");
    let count = |name: &str| all[name].as_array().unwrap().len();
    assert_eq!(
        count("items"),
        count("observations") + count("sessions") + count("prompts")
    );
    let recent = client.reads("/api/context/recent?limit=2&project=billing");
    assert_eq!(recent["session_summaries"], recent["summaries"]);
    assert_eq!(recent["recent_observations"], recent["observations"]);
    assert_eq!(recent["session_summaries"].as_array().unwrap().len(), 2);
    let around = client
        .reads("/api/timeline/by-query?query=discount&mode=auto&depth_before=5&depth_after=5");
    assert_eq!(
        (&around["timeline"], &around["anchor"]),
        (&around["items"], &json!(4))
    );
    let around = client.reads("/api/timeline?session=1&observation=4&window=1");
    assert_eq!(
        (
            &around["anchor"],
            around["timeline"].as_array().unwrap().len()
        ),
        (&json!(4), 3)
    );
    // Settings are text, also those that count.
    let told = client.sends(
        "/api/context/semantic",
        &json!({"q": "discount", "limit": "1", "platformSource": "claude"}),
    );
    assert_eq!(told["count"], 1);
    let inject = client.fetch("GET", "/api/context/inject?project=shop", None);
    assert!(
        inject
            .header("content-type")
            .unwrap()
            .starts_with("text/plain")
    );
    assert!(inject.text().contains("the zebrafish catalogue"));
}

#[test]
fn an_event_source_in_a_browser_hears_of_what_is_handed_in() {
    let sandbox = Sandbox::new();
    let Some(browser) = Browser::start(&sandbox) else {
        return;
    };
    let server = Server::start(&sandbox, &["--relay"]);
    let client = server.client;
    browser.load(&format!("http://127.0.0.1:{}/healthz", client.port));
    browser.run(
        "window.heard = []; window.source = new EventSource('/stream');
         source.onmessage = (event) => heard.push(JSON.parse(event.data));",
    );
    browser.wait("heard.some((data) => data.type === 'initial_load')");
    client.sends(TOOL, &edit("s-2"));
    client.sends(STOP, &end("s-2", "The rounding is mended."));
    for (kind, row) in [
        ("new_observation", "observation"),
        ("new_summary", "summary"),
    ] {
        browser.wait(&format!(
            "heard.some((data) => data.type === '{kind}' && data.{row}.id > 0)"
        ));
    }
}
