//! Relay mode: what clients hand in goes to a real worker.

use serde_json::{Value, json};

use super::contract::WRITES;
use super::schema::Description;
use super::{Client, Server};
use crate::support::{Sandbox, wait_until};

fn post(client: Client, path: &str, body: &Value) -> Value {
    client.post(path, body).ok()
}

#[test]
fn a_session_that_is_handed_in_becomes_memory() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox, &["--relay"]);
    let client = server.client;
    let document = Description::of(client);
    let call = |path: &str, body: Value| -> Value {
        let answer = client.post(path, &body);
        document.hold("POST", path, &answer);
        answer.ok()
    };
    let begun = call(
        "/api/sessions/init",
        json!({"contentSessionId": "abc", "project": "shop",
        "prompt": "Fix the rounding of invoices"}),
    );
    assert_eq!(
        begun,
        json!({"sessionDbId": 1, "promptNumber": 1, "skipped": false, "status": "initialized"})
    );
    let edit = json!({"claudeSessionId": "abc", "tool_name": "Edit", "tool_use_id": "t1", "cwd": "/w/shop",
        "tool_input": {"file_path": "/w/shop/total.rs", "old_string": "floor", "new_string": "round"},
        "tool_response": {"filePath": "/w/shop/total.rs"}});
    let seen = call("/api/sessions/observations", edit.clone());
    assert_eq!(seen, json!({"status": "queued"}));
    let again = call("/api/sessions/observations", edit);
    assert_eq!(again, json!({"status": "skipped", "reason": "duplicate"}));
    let todo = json!({"claudeSessionId": "abc", "tool_name": "TodoWrite", "tool_input": {}});
    assert_eq!(
        call("/api/sessions/observations", todo)["reason"],
        "tool_excluded"
    );
    let end = json!({"contentSessionId": "abc", "last_user_message": "x",
        "last_assistant_message": "Fixed the rounding: total() rounds half to even."});
    assert_eq!(
        call("/api/sessions/summarize", end),
        json!({"status": "queued"})
    );
    wait_until("the turn is remembered", || {
        client.get("/api/summaries?project=shop").ok()["total"] == 1
    });
    let found = client
        .get("/api/search?query=rounding&type=observations&format=full&limit=5")
        .ok();
    assert_eq!(found["observations"][0]["project"], "shop", "{found}");
    let complete = call("/api/sessions/complete", json!({"contentSessionId": "abc"}));
    assert_eq!(complete, json!({"success": true}));
    wait_until("the session is over", || {
        client.get("/sessions/1/status").ok()["status"] == "completed"
    });
    sandbox.assert_conserved();
    // The worker that was started leaves nothing behind in the server.
    wait_until("its worker has gone", || sandbox.workers().is_empty());
}

#[test]
fn private_prompts_silence_their_turn() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox, &["--relay"]);
    let begun = post(
        server.client,
        "/api/sessions/init",
        &json!({"contentSessionId": "p",
        "project": "shop", "prompt": "<private>the zebrafish plan</private>"}),
    );
    assert_eq!(
        (&begun["skipped"], &begun["reason"]),
        (&json!(true), &json!("private"))
    );
    assert_eq!(begun["sessionDbId"], 1);
    let seen = post(
        server.client,
        "/api/sessions/observations",
        &json!({"contentSessionId": "p",
        "tool_name": "Bash", "tool_input": {"command": "cat zebrafish"}}),
    );
    assert_eq!(seen, json!({"status": "skipped", "reason": "private"}));
    let secret = format!("ghp_{}", "abcdefghijklmnopqrstuvwxyz0123456789");
    let begun = post(
        server.client,
        "/api/sessions/init",
        &json!({"contentSessionId": "p",
        "project": "shop", "prompt": format!("Use {secret} for it")}),
    );
    assert_eq!(begun["skipped"], false);
    for file in sandbox.files() {
        let bytes = std::fs::read(&file).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            !text.contains("zebrafish") && !text.contains(&secret),
            "{}",
            file.display()
        );
    }
}

#[test]
fn clients_that_count_sessions_are_understood() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox, &["--relay"]);
    let client = server.client;
    let document = Description::of(client);
    let call = |route: &str, id: i64, body: Value| -> Value {
        let answer = client.post(&route.replace("{id}", &id.to_string()), &body);
        document.hold("POST", route, &answer);
        answer.ok()
    };
    // A number of the client's own.
    let begun = call(
        "/sessions/{id}/init",
        4711,
        json!({"sdk_session_id": "s-1", "project": "shop",
        "userPrompt": "List the prices", "promptNumber": 1}),
    );
    assert_eq!(
        begun,
        json!({"success": true, "session_id": "s-1", "sessionDbId": 1, "status": "initialized"})
    );
    for id in [4711, 1] {
        let seen = call(
            "/sessions/{id}/observations",
            id,
            json!({"tool_name": "Bash",
            "tool_input": {"command": format!("cat prices-{id}")}, "tool_result": "1 2 3"}),
        );
        assert_eq!(
            (&seen["success"], &seen["status"]),
            (&json!(true), &json!("queued"))
        );
        assert!(seen["observation_id"].as_i64().unwrap() > 0);
    }
    let ended = call("/sessions/{id}/summarize", 4711, json!({}));
    assert!(ended["summary_id"].as_i64().unwrap() > 0, "{ended}");
    assert_eq!(client.get("/sessions/4711/status").ok()["sessionDbId"], 1);
    assert_eq!(
        sandbox.count("SELECT count(*) FROM sdk_sessions WHERE project = 'shop'"),
        1
    );
    let deleted = client.with("DELETE", "/sessions/4711", &[], "");
    document.hold("DELETE", "/sessions/{id}", &deleted);
    assert_eq!(deleted.ok(), json!({"success": true}));
    wait_until("the session is over", || {
        client.get("/sessions/1/status").ok()["status"] == "completed"
    });
    assert_eq!(client.get("/api/prompts").ok()["total"], 1, "memories stay");
    client
        .post("/sessions/99/observations", &json!({"tool_name": "Bash"}))
        .error(404);
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox, &["--relay"]);
    let client = server.client;
    let error = |path: &str, body: Value| client.post(path, &body).error(400);
    assert!(error("/api/sessions/init", json!({"prompt": "x"})).contains("contentSessionId"));
    assert!(
        error(
            "/api/sessions/init",
            json!({"contentSessionId": "a\nb", "prompt": "x"})
        )
        .contains("one line")
    );
    assert!(
        error(
            "/api/sessions/init",
            json!({"contentSessionId": "a", "prompt": " "})
        )
        .contains("nothing to capture")
    );
    assert!(
        error(
            "/api/sessions/observations",
            json!({"contentSessionId": "a"})
        )
        .contains("tool_name")
    );
    assert!(error("/api/mcp/toggle", json!({"enabled": "yes"})).contains("enabled"));
    assert!(
        error("/api/branch/switch", json!({"branch": "--upload-pack=x"}))
            .contains("not the name of a branch")
    );
    for (method, route) in WRITES {
        let answer = client.with(
            method,
            &route.replace("{id}", "x"),
            &[("Content-Type", "application/json")],
            "{",
        );
        assert!(
            matches!(answer.status, 400 | 404),
            "{route}: {}",
            answer.status
        );
    }
    assert!(!sandbox.locations().database().exists());
}

#[test]
fn settings_are_checked_and_written_whole_or_not_at_all() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox, &["--relay"]);
    let change = |body: Value| server.client.post("/api/settings", &body).ok();
    let refused = change(json!({"theme": "dark", "CLAUDE_MEM_LOG_LEVEL": "shouting"}));
    assert_eq!(refused["success"], false);
    assert!(
        refused["error"]
            .as_str()
            .unwrap()
            .contains("CLAUDE_MEM_LOG_LEVEL"),
        "{refused}"
    );
    let unknown = change(json!({"CLAUDE_MEM_NONSENSE": "1"}));
    assert!(
        unknown["error"]
            .as_str()
            .unwrap()
            .contains("CLAUDE_MEM_NONSENSE"),
        "{unknown}"
    );
    assert!(!sandbox.data.join("settings.json").exists());
    let changed = change(json!({"theme": "dark", "sidebarOpen": false,
        "CLAUDE_MEM_CONTEXT_OBSERVATIONS": 25, "CLAUDE_MEM_GEMINI_API_KEY": "not-a-real-key"}));
    assert_eq!(changed["success"], true, "{changed}");
    // What was shown can be sent back: it changes nothing.
    let shown = server.client.get("/api/settings").ok();
    assert_eq!(shown["CLAUDE_MEM_GEMINI_API_KEY"], "***");
    assert_eq!(
        (&shown["theme"], &shown["sidebarOpen"]),
        (&json!("dark"), &json!(false))
    );
    let before = std::fs::read_to_string(sandbox.data.join("settings.json")).unwrap();
    assert!(before.contains("not-a-real-key"));
    assert_eq!(change(shown)["success"], true);
    let after = std::fs::read_to_string(sandbox.data.join("settings.json")).unwrap();
    assert_eq!(before, after);
    assert_eq!(
        server
            .client
            .post("/api/mcp/toggle", &json!({"enabled": false}))
            .ok()["enabled"],
        false
    );
    assert_eq!(
        server.client.get("/api/mcp/status").ok(),
        json!({"enabled": false})
    );
}

#[test]
fn waiting_events_get_workers_and_logs_are_cleared() {
    let sandbox = super::filled();
    let mut writer = claude_mem::store::Writer::open(&sandbox.locations(), "test").unwrap();
    let identity = claude_mem::store::SessionIdentity {
        content_session_id: "left".to_owned(),
        project: "shop".to_owned(),
        project_root: String::new(),
    };
    writer
        .ingest(
            &identity,
            &[super::world::prompt("late", super::world::BEGIN)],
        )
        .unwrap();
    drop(writer);
    let server = Server::start(&sandbox, &["--relay"]);
    let client = server.client;
    let waiting = client.get("/api/pending-queue").ok();
    assert_eq!(waiting["queue"]["totalPending"], 1);
    assert_eq!(waiting["queue"]["messages"][0]["claude_session_id"], "left");
    assert_eq!(waiting["sessionsWithPendingWork"], json!([4]));
    let started = client
        .post("/api/pending-queue/process", &json!({"sessionLimit": 5}))
        .ok();
    assert_eq!(started["startedSessionIds"], json!([4]), "{started}");
    wait_until("nothing waits", || {
        client.get("/api/processing-status").ok()["queueDepth"] == 0
    });
    sandbox.assert_conserved();
    wait_until("its worker has gone", || sandbox.workers().is_empty());
    let logs = client.get("/api/logs?lines=2").ok();
    assert_eq!(
        (&logs["exists"], &logs["returnedLines"]),
        (&json!(true), &json!(2)),
        "{logs}"
    );
    assert_eq!(
        client.post("/api/logs/clear", &json!({})).ok()["success"],
        true
    );
    assert_eq!(client.get("/api/logs").ok()["totalLines"], 0);
}

#[test]
fn the_plugin_s_own_checkout_is_told_and_switched() {
    let sandbox = Sandbox::new();
    let checkout = sandbox.copy_of_binaries(true);
    std::fs::create_dir_all(checkout.join("sockets-protocol")).unwrap();
    let git = |arguments: &[&str]| {
        let ran = crate::support::run(
            sandbox
                .command("/usr/bin/git")
                .arg("-C")
                .arg(&checkout)
                .args(arguments),
            b"",
        );
        assert_eq!(ran.code, Some(0), "{ran:?}");
    };
    git(&["init", "-q", "-b", "main"]);
    git(&[
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@t",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "x",
    ]);
    git(&["branch", "beta"]);
    let mut command = sandbox.command(checkout.join("claude-mem"));
    command.args(["serve", "--foreground", "--port", "0", "--relay"]);
    let server = Server::spawn(&mut command);
    let client = server.client;
    let document = Description::of(client);
    let status = client.get("/api/branch/status");
    document.hold("GET", "/api/branch/status", &status);
    assert_eq!(
        (&status.ok()["current"], &status.ok()["remote"]),
        (&json!("main"), &Value::Null)
    );
    let switched = client
        .post("/api/branch/switch", &json!({"branch": "beta"}))
        .ok();
    assert_eq!(switched, json!({"success": true, "branch": "beta"}));
    assert_eq!(client.get("/api/branch/status").ok()["current"], "beta");
    client
        .post("/api/branch/switch", &json!({"branch": "gamma"}))
        .error(409);
    assert!(
        client
            .post("/api/branch/update", &json!({}))
            .error(409)
            .starts_with("git: ")
    );
}
