//! The original's viewer: a page that asks this server as its own.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Answer, Client, Server, filled};

/// A request of a page that was loaded from this server.
fn same_origin(client: Client, path: &str, body: Option<&Value>) -> Answer {
    let host = format!("localhost:{}", client.port);
    let origin = format!("http://{host}");
    let mut headers = vec![
        ("Host", host.as_str()),
        ("Origin", origin.as_str()),
        ("Sec-Fetch-Site", "same-origin"),
        ("Sec-Fetch-Mode", "cors"),
    ];
    if body.is_some() {
        headers.push(("Content-Type", "application/json"));
    }
    let text = body.map_or_else(String::new, Value::to_string);
    client.with("POST", path, &headers, &text)
}

#[test]
fn the_feed_comes_page_by_page_and_ends() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &["--relay"]);
    for (path, project, rows) in [
        ("/api/observations", "", 7),
        ("/api/summaries", "", 4),
        ("/api/prompts", "", 4),
        ("/api/observations", "&project=billing", 6),
    ] {
        let mut ids = BTreeSet::new();
        let mut offset = 0;
        loop {
            let page = server
                .client
                .reads(&format!("{path}?offset={offset}&limit=2{project}"));
            let items = page["items"].as_array().unwrap();
            offset += items.len();
            ids.extend(items.iter().map(|row| row["id"].as_i64().unwrap()));
            if page["hasMore"] == false {
                break;
            }
            assert!(!items.is_empty(), "{page}");
        }
        assert_eq!((ids.len(), offset), (rows, rows), "{path}{project}");
    }
}

#[test]
fn settings_go_back_with_the_page_s_own_defaults_among_them() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &["--relay"]);
    let client = server.client;
    let mut form = client.reads("/api/settings");
    // What the page has a default for, and no server but the original knows.
    for (name, value) in [
        ("CLAUDE_MEM_WORKER_HOST", "127.0.0.1"),
        ("CLAUDE_MEM_GEMINI_RATE_LIMITING_ENABLED", "true"),
        ("CLAUDE_MEM_OPENROUTER_SITE_URL", ""),
        ("CLAUDE_MEM_OPENROUTER_APP_NAME", "claude-mem"),
        ("CLAUDE_MEM_CONTEXT_OBSERVATION_TYPES", "bugfix,feature"),
        ("CLAUDE_MEM_CONTEXT_OBSERVATION_CONCEPTS", "gotcha"),
        ("CLAUDE_MEM_CONTEXT_SHOW_LAST_MESSAGE", "false"),
        ("CLAUDE_MEM_FOLDER_MD_EXCLUDE", "[]"),
    ] {
        assert!(form.get(name).is_none(), "{name}");
        form[name] = value.into();
    }
    form["CLAUDE_MEM_CONTEXT_OBSERVATIONS"] = "25".into();
    let saved = same_origin(client, "/api/settings", Some(&form)).ok();
    assert_eq!(saved["success"], true, "{saved}");
    assert_eq!(saved["ignored"].as_array().unwrap().len(), 8, "{saved}");
    let written = std::fs::read_to_string(sandbox.data.join("settings.json")).unwrap();
    let written: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(written, json!({"CLAUDE_MEM_CONTEXT_OBSERVATIONS": "25"}));
    form["CLAUDE_MEM_NONSENSE"] = "1".into();
    let refused = same_origin(client, "/api/settings", Some(&form)).ok();
    assert!(
        refused["error"]
            .as_str()
            .unwrap()
            .contains("CLAUDE_MEM_NONSENSE")
    );
}

#[test]
fn a_button_without_a_body_works_for_this_page_alone() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &["--relay"]);
    let client = server.client;
    let logs = sandbox.locations().logs_dir();
    std::fs::create_dir_all(&logs).unwrap();
    let log = logs.join("worker-2026-01-01.log");
    std::fs::write(&log, "a line\nanother\n").unwrap();
    assert_eq!(client.reads("/api/logs")["logs"], "a line\nanother");
    let clear = |headers: &[(&str, &str)], body: &str| {
        client.with("POST", "/api/logs/clear", headers, body)
    };
    clear(&[("Origin", "http://evil.example")], "").error(403);
    clear(&[("Sec-Fetch-Site", "cross-site")], "").error(403);
    clear(&[("Content-Type", "application/x-www-form-urlencoded")], "").error(415);
    clear(&[], "{}").error(415);
    clear(&[("Transfer-Encoding", "chunked")], "").error(415);
    assert_eq!(client.reads("/api/logs")["totalLines"], 2);
    assert_eq!(
        same_origin(client, "/api/logs/clear", None).ok()["success"],
        true
    );
    assert_eq!(client.reads("/api/logs")["logs"], "");
}

#[test]
fn sidebar_and_preview_have_what_they_show() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &["--relay"]);
    let client = server.client;
    let stats = client.reads("/api/stats");
    assert!(stats["worker"]["version"].is_string() && stats["worker"]["uptime"].is_u64());
    assert_eq!(
        (
            &stats["database"]["observations"],
            &stats["database"]["summaries"]
        ),
        (&json!(7), &json!(4))
    );
    assert!(stats["database"]["size"].as_u64() > Some(0));
    let catalogue = client.reads("/api/projects");
    assert_eq!(catalogue["projects"], json!(["billing", "shop"]));
    assert_eq!(
        catalogue["projectsBySource"]["claude"],
        catalogue["projects"]
    );
    let preview = client.fetch(
        "GET",
        "/api/context/preview?project=shop&platformSource=claude",
        None,
    );
    assert!(preview.text().contains("the zebrafish catalogue"));
    assert!(
        client
            .fetch("GET", "/api/onboarding/explainer", None)
            .text()
            .contains("/api/search")
    );
    let toggled = same_origin(client, "/api/mcp/toggle", Some(&json!({"enabled": false}))).ok();
    assert_eq!(toggled, json!({"success": true, "enabled": false}));
    let idle = same_origin(
        client,
        "/api/processing",
        Some(&json!({"isProcessing": true})),
    )
    .ok();
    assert_eq!(
        (&idle["status"], &idle["isProcessing"]),
        (&json!("ok"), &json!(false))
    );
}
