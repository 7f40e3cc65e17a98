//! Every route by name: its shape, its errors, and that both are described.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::schema::Description;
use super::{Client, Server, filled};
use crate::support::Sandbox;

/// Method, route, address and body of a request.
type Asked = (&'static str, &'static str, &'static str, Value);

fn get(route: &'static str, path: &'static str) -> Asked {
    ("GET", route, path, Value::Null)
}

/// Requests that are answered in both modes, with the route that they are of.
pub(super) fn reads() -> Vec<Asked> {
    let mut all = found();
    all.extend(rows());
    all.extend(state());
    all
}

/// What is found, and what stands around it.
fn found() -> Vec<Asked> {
    vec![
        get("/api/search", "/api/search?query=euros"),
        get("/api/search", "/api/search"),
        get(
            "/api/search/observations",
            "/api/search/observations?query=cents&format=full",
        ),
        get("/api/search/sessions", "/api/search/sessions?query=ledger"),
        get("/api/search/prompts", "/api/search/prompts?query=billing"),
        get(
            "/api/search/by-concept",
            "/api/search/by-concept?concept=how-it-works",
        ),
        get(
            "/api/search/by-file",
            "/api/search/by-file?filePath=ledger.rs",
        ),
        get("/api/search/by-type", "/api/search/by-type?type=decision"),
        get("/api/decisions", "/api/decisions"),
        get("/api/changes", "/api/changes?format=json"),
        get("/api/how-it-works", "/api/how-it-works"),
        get("/api/timeline", "/api/timeline?anchor=3"),
        get("/api/timeline", "/api/timeline?anchor=99"),
        get(
            "/api/timeline/by-query",
            "/api/timeline/by-query?query=rounding",
        ),
        get("/api/context/timeline", "/api/context/timeline?anchor_id=3"),
        get("/api/context/recent", "/api/context/recent"),
        get("/api/context/inject", "/api/context/inject?project=billing"),
        get(
            "/api/context/preview",
            "/api/context/preview?project=billing",
        ),
        (
            "POST",
            "/api/context/semantic",
            "/api/context/semantic",
            json!({"q": "rounding"}),
        ),
    ]
}

/// The page, health, rows and numbers.
fn rows() -> Vec<Asked> {
    vec![
        get("/", "/"),
        get("/assets/{name}", "/assets/main.js"),
        get("/api/openapi.json", "/api/openapi.json"),
        get("/health", "/health"),
        get("/healthz", "/healthz"),
        get("/api/health", "/api/health"),
        get("/api/readiness", "/api/readiness"),
        get("/api/version", "/api/version"),
        get("/api/observations", "/api/observations?limit=3&offset=1"),
        get("/api/observations", "/api/observations?limit=x"),
        get("/api/summaries", "/api/summaries?project=billing"),
        get("/api/prompts", "/api/prompts?platformSource=claude"),
        get("/api/observation/{id}", "/api/observation/1"),
        get("/api/observation/{id}", "/api/observation/none"),
        get("/api/session/{id}", "/api/session/1"),
        get("/api/session/{id}", "/api/session/99"),
        get("/api/prompt/{id}", "/api/prompt/1"),
        (
            "POST",
            "/api/observations/batch",
            "/api/observations/batch",
            json!({"ids": [1, 2, 99]}),
        ),
        get(
            "/api/observations/by-file",
            "/api/observations/by-file?path=ledger.rs",
        ),
        (
            "POST",
            "/api/sdk-sessions/batch",
            "/api/sdk-sessions/batch",
            json!({"memorySessionIds": []}),
        ),
        get("/api/stats", "/api/stats"),
        get(
            "/api/stats/daily",
            "/api/stats/daily?days=366&project=billing",
        ),
        get("/api/stats/daily", "/api/stats/daily?days=0"),
        get("/api/usage", "/api/usage?days=3"),
        get("/api/usage", "/api/usage?days=-1"),
        get("/api/projects", "/api/projects"),
        get("/api/processing-status", "/api/processing-status"),
    ]
}

/// Sessions, queue and settings.
fn state() -> Vec<Asked> {
    vec![
        get("/api/sessions/{id}/turns", "/api/sessions/1/turns"),
        get("/api/sessions/{id}/turns", "/api/sessions/nobody/turns"),
        get("/sessions/{id}/status", "/sessions/1/status"),
        get("/api/pending-queue", "/api/pending-queue"),
        get("/api/settings", "/api/settings"),
        get("/api/settings/schema", "/api/settings/schema"),
        (
            "POST",
            "/api/settings",
            "/api/settings",
            json!({"theme": "dark"}),
        ),
        get("/api/mcp/status", "/api/mcp/status"),
        get("/api/branch/status", "/api/branch/status"),
        get("/api/logs", "/api/logs?lines=5"),
        ("POST", "/api/processing", "/api/processing", json!({})),
        get("/api/instructions", "/api/instructions?topic=all"),
        get("/api/search/help", "/api/search/help"),
        get("/api/onboarding/explainer", "/api/onboarding/explainer"),
        get("/api/corpus", "/api/corpus"),
    ]
}

/// Routes that change something.
pub(super) const WRITES: [(&str, &str); 15] = [
    ("POST", "/api/memory/save"),
    ("POST", "/api/sessions/init"),
    ("POST", "/api/sessions/observations"),
    ("POST", "/api/sessions/summarize"),
    ("POST", "/api/sessions/complete"),
    ("POST", "/sessions/{id}/init"),
    ("POST", "/sessions/{id}/observations"),
    ("POST", "/sessions/{id}/summarize"),
    ("POST", "/sessions/{id}/complete"),
    ("DELETE", "/sessions/{id}"),
    ("POST", "/api/pending-queue/process"),
    ("POST", "/api/mcp/toggle"),
    ("POST", "/api/branch/switch"),
    ("POST", "/api/branch/update"),
    ("POST", "/api/logs/clear"),
];

/// Routes of the original that are told to be missing.
const NOT_OFFERED: [(&str, &str); 6] = [
    ("POST", "/api/corpus"),
    ("GET", "/api/corpus/{name}"),
    ("DELETE", "/api/corpus/{name}"),
    ("POST", "/api/corpus/{name}/{action}"),
    ("POST", "/api/tool-uses/batch"),
    ("POST", "/api/admin/{action}"),
];

fn ask(client: Client, method: &str, path: &str, body: &Value) -> super::Answer {
    match method {
        "GET" => client.get(path),
        "POST" => client.post(path, body),
        other => client.with(other, path, &[], ""),
    }
}

#[test]
fn every_answer_is_as_the_document_says_and_every_route_is_in_it() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &[]);
    let document = Description::of(server.client);
    let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
    for (method, route, path, body) in reads() {
        let answer = ask(server.client, method, path, &body);
        document.hold(method, route, &answer);
        seen.insert((method.to_owned(), route.to_owned()));
    }
    for (method, route) in WRITES {
        let path = route.replace("{id}", "1");
        let answer = ask(server.client, method, &path, &json!({}));
        document.hold(method, route, &answer);
        seen.insert((method.to_owned(), route.to_owned()));
    }
    for (method, route) in NOT_OFFERED {
        let answer = ask(server.client, method, route, &json!({}));
        document.hold(method, route, &answer);
        answer.error(501);
        assert!(answer.json()["hint"].is_string(), "{route}");
        seen.insert((method.to_owned(), route.to_owned()));
    }
    seen.insert(("GET".to_owned(), "/stream".to_owned()));
    let described: BTreeSet<(String, String)> = document.paths().into_iter().collect();
    assert_eq!(seen, described);
}

#[test]
fn without_a_database_answers_are_empty_and_of_the_same_shape() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox, &[]);
    let document = Description::of(server.client);
    for (method, route, path, body) in reads() {
        let answer = ask(server.client, method, path, &body);
        document.hold(method, route, &answer);
        assert!(answer.status < 500, "{path}: {}", answer.text());
    }
    assert_eq!(server.client.get("/api/observations").ok()["total"], 0);
    assert!(!sandbox.locations().database().exists());
    // It is served as soon as it is there.
    let mut writer = claude_mem::store::Writer::open(&sandbox.locations(), "test").unwrap();
    super::remember(&mut writer, "s", "late", super::world::BEGIN, Vec::new());
    assert_eq!(
        server.client.get("/api/prompts").ok()["items"][0]["project"],
        "late"
    );
}

#[test]
fn listings_have_pages_totals_and_filters() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &[]);
    let get = |path: &str| server.client.get(path).ok();
    let ids = |answer: &Value| -> Vec<i64> {
        let items = answer["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["id"].as_i64().unwrap())
            .collect()
    };
    let first = get("/api/observations?limit=3");
    assert_eq!(ids(&first), [7, 6, 5]);
    assert_eq!(
        (&first["total"], &first["hasMore"]),
        (&json!(7), &json!(true))
    );
    assert_eq!(first["items"], first["observations"]);
    let last = get("/api/observations?limit=3&offset=6");
    assert_eq!((ids(&last), &last["hasMore"]), (vec![1], &json!(false)));
    let shop = get("/api/observations?project=shop");
    assert_eq!((ids(&shop), &shop["total"]), (vec![7], &json!(1)));
    let claude = get("/api/observations?platformSource=claude&project=billing");
    assert_eq!(claude["total"], 6);
    assert_eq!(get("/api/observations?platformSource=cursor")["total"], 0);
    assert_eq!(get("/api/observations?limit=1000")["limit"], 100);
    assert_eq!(get("/api/summaries")["total"], 4);
    let prompts = get("/api/prompts?project=billing");
    assert_eq!(prompts["total"], 3);
    assert_eq!(
        prompts["items"][0]["prompt"],
        prompts["prompts"][0]["prompt_text"]
    );
    // Totals follow what is written later.
    let mut writer = claude_mem::store::Writer::open(&sandbox.locations(), "test").unwrap();
    super::remember(
        &mut writer,
        "new",
        "shop",
        super::world::BEGIN + 900_000,
        Vec::new(),
    );
    assert_eq!(get("/api/summaries")["total"], 5);
    assert_eq!(get("/api/stats")["byProject"]["shop"]["prompts"], 2);
}

#[test]
fn rows_have_every_alias_and_lists_are_json_text() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &[]);
    let row = server.client.get("/api/observation/2").ok();
    assert_eq!(row["type"], "bugfix");
    assert_eq!(row["obs_type"], "bugfix");
    assert_eq!(row["facts"], "[\"fact of the rounding was wrong\"]");
    assert_eq!(row["files_touched"], "[\"src/ledger.rs\",\"src/read.rs\"]");
    assert_eq!(row["summary"], row["narrative"]);
    for name in ["session_id", "content_session_id", "claude_session_id"] {
        assert_eq!(row[name], "one", "{name}");
    }
    assert_eq!(row["sdk_session_id"], row["memory_session_id"]);
    assert_eq!(row["created_at_epoch"], super::world::BEGIN + 11);
    let summary = server.client.get("/api/session/1").ok();
    assert_eq!(
        summary["summary_text"],
        "Request: Understand billing\nLearned: The ledger is kept in euros\nCompleted: The <b>ledger</b> was read"
    );
    let sessions = json!({"memorySessionIds": [row["memory_session_id"], "nobody"]});
    let sessions = server
        .client
        .post("/api/sdk-sessions/batch", &sessions)
        .ok();
    assert_eq!(sessions.as_array().unwrap().len(), 1);
    assert_eq!(sessions[0]["content_session_id"], "one");
    assert_eq!(
        sessions[0]["user_prompt"],
        format!("What of billing at {}?", super::world::BEGIN)
    );
}

#[test]
fn every_error_has_its_status_and_its_words() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &[]);
    let client = server.client;
    let get = |path: &str, status| client.get(path).error(status);
    assert_eq!(get("/api/observation/x", 400), "Invalid id");
    assert_eq!(get("/api/observation/0", 400), "Invalid id");
    assert_eq!(
        get("/api/observation/999", 404),
        "Observation #999 not found"
    );
    assert_eq!(get("/api/session/999", 404), "Session #999 not found");
    assert_eq!(get("/api/prompt/999", 404), "Prompt #999 not found");
    assert_eq!(get("/sessions/999/status", 404), "Session #999 not found");
    assert_eq!(get("/api/sessions/999/turns", 404), "Session 999 not found");
    assert_eq!(
        get("/api/stats/daily?days=0", 400),
        "days must be 1 or more"
    );
    assert_eq!(
        get("/api/usage?days=week", 400),
        "days must be a whole number of 0 or more"
    );
    let search = client.get("/api/search");
    assert_eq!(
        search.error(400),
        "Either query or filters required for search"
    );
    assert_eq!(search.json()["code"], "INVALID_SEARCH_REQUEST");
    assert_eq!(
        get("/api/context/preview", 400),
        "Project parameter is required"
    );
    assert_eq!(get("/api/timeline?anchor=S77", 404), "S77 not found");
    let nothing = client.get("/api/nothing?x=1");
    assert_eq!(nothing.error(404), "Not found");
    assert_eq!(nothing.json()["path"], "/api/nothing");
    let batch = |body: &str| client.post_text("/api/observations/batch", body).error(400);
    assert_eq!(batch("{}"), "ids must be an array of numbers");
    assert_eq!(
        batch("{\"ids\":[\"1\"]}"),
        "ids must be an array of numbers"
    );
    assert_eq!(batch("{\"ids\":[1.5]}"), "All ids must be integers");
    assert!(batch("{\"ids\":[1").starts_with("the body is not JSON"));
    assert_eq!(batch("[]"), "the body must be a JSON object");
    let sessions = client.post("/api/sdk-sessions/batch", &json!({"memorySessionIds": 1}));
    assert_eq!(
        sessions.error(400),
        "memorySessionIds must be an array of strings"
    );
    let wrong = client.with("PUT", "/api/settings", &[], "");
    assert_eq!(wrong.error(405), "Method not allowed");
    let allowed = wrong.header("allow").unwrap();
    assert!(
        allowed.contains("GET") && allowed.contains("POST"),
        "{allowed}"
    );
    // The tests' executable may well lie in a checkout of the project.
    let branch = client.get("/api/branch/status");
    if branch.status == 409 {
        let why = branch.error(409);
        assert!(why.contains("does not run from a git checkout"), "{why}");
    } else {
        assert!(branch.ok()["current"].is_string(), "{}", branch.text());
    }
}

#[test]
fn batches_are_ordered_limited_and_filtered() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &[]);
    let ids = |body: Value| -> Vec<i64> {
        let rows = server.client.post("/api/observations/batch", &body).ok();
        let rows = rows.as_array().unwrap().clone();
        rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
    };
    assert_eq!(ids(json!({"ids": [1, 7, 3, 3, 50]})), [7, 3, 1]);
    assert_eq!(
        ids(json!({"ids": [7, 1, 3], "orderBy": "date_asc", "limit": 2})),
        [1, 3]
    );
    assert_eq!(ids(json!({"ids": [7, 1], "project": "shop"})), [7]);
    let by_file = |path: &str| server.client.get(path).ok()["count"].clone();
    assert_eq!(
        by_file("/api/observations/by-file?path=src/ledger.rs&path=nothing"),
        7
    );
    assert_eq!(
        by_file("/api/observations/by-file?path=ledger.rs&projects=shop,none"),
        1
    );
    assert_eq!(by_file("/api/observations/by-file?path=100%25"), 0);
}

#[test]
fn settings_show_no_secret_and_the_port_in_use() {
    let mut sandbox = filled();
    let secret = format!("sk-{}", "unguessable-value-1234");
    sandbox.set("CLAUDE_MEM_OPENAI_API_KEY", &secret);
    let server = Server::start(&sandbox, &[]);
    let answer = server.client.get("/api/settings");
    assert!(!answer.text().contains("unguessable"), "{}", answer.text());
    let settings = answer.ok();
    assert_eq!(settings["CLAUDE_MEM_OPENAI_API_KEY"], "***");
    assert_eq!(settings["CLAUDE_MEM_GEMINI_API_KEY"], "");
    assert_eq!(
        settings["CLAUDE_MEM_WORKER_PORT"],
        server.client.port.to_string()
    );
    assert_eq!(settings["theme"], "system");
}

#[test]
fn every_setting_is_described_as_it_is_shown() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &[]);
    let shown = server.client.get("/api/settings").ok();
    let schema = server.client.get("/api/settings/schema").ok();
    let described = schema["settings"].as_array().unwrap();
    let one = |name: &str| {
        let mut found = described.iter().filter(|setting| setting["name"] == name);
        let setting = found.next().unwrap_or_else(|| panic!("no {name}"));
        assert!(found.next().is_none(), "{name} is described twice");
        setting
    };
    for name in shown.as_object().unwrap().keys() {
        if name.starts_with("CLAUDE_MEM_") {
            assert!(!one(name)["doc"].as_str().unwrap().is_empty(), "{name}");
        }
    }
    let idle = one("CLAUDE_MEM_WORKER_IDLE_SECS");
    assert_eq!(
        (&idle["kind"], &idle["min"], &idle["max"], &idle["default"]),
        (&json!("number"), &json!(1), &json!(86_400), &json!("60"))
    );
    let theme = one("CLAUDE_MEM_VIEWER_THEME");
    assert_eq!(theme["values"], json!(["system", "light", "dark"]));
    assert_eq!(one("CLAUDE_MEM_OPENAI_API_KEY")["kind"], "secret");
    assert_eq!(one("CLAUDE_MEM_DATA_DIR")["place"], "environment");
    assert_eq!(one("CLAUDE_MEM_MODEL")["place"], "anywhere");
}

#[test]
fn a_session_is_told_from_its_first_prompt_on_under_both_its_names() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &[]);
    let turns = server.client.get("/api/sessions/1/turns").ok();
    let ids = |name: &str| -> Vec<i64> {
        let rows = turns[name].as_array().unwrap();
        rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
    };
    assert_eq!(ids("prompts"), [1, 2]);
    assert_eq!(ids("observations"), [1, 2, 3, 4]);
    assert_eq!(ids("summaries"), [1, 2]);
    assert_eq!(turns["session"]["content_session_id"], "one");
    assert_eq!(turns["truncated"], false);
    assert_eq!(server.client.get("/api/sessions/one/turns").ok(), turns);
    let shop = server.client.get("/api/sessions/three/turns").ok();
    assert_eq!(shop["observations"][0]["id"], 7);
}

#[test]
fn a_database_that_cannot_be_used_is_an_error_with_the_way_out() {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(&sandbox.data).unwrap();
    let text = "no database at all, but long enough to be taken for one\n".repeat(100);
    std::fs::write(sandbox.locations().database(), text).unwrap();
    let server = Server::start(&sandbox, &[]);
    let error = server.client.get("/api/observations").error(503);
    assert!(error.contains("claude-mem.db is damaged"), "{error}");
    let health = server.client.get("/api/health").ok();
    assert_eq!(health["status"], "degraded");
    assert!(
        health["capture"]["stallReason"]
            .as_str()
            .unwrap()
            .contains("damaged")
    );
}
