//! Search, timeline and what a session is told.

use serde_json::Value;

use super::world::BEGIN;
use super::{Server, filled};

fn ids(rows: &Value) -> Vec<i64> {
    let rows = rows.as_array().unwrap();
    rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[test]
fn words_find_rows_of_all_kinds_and_say_why() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &[]);
    let found = server.client.get("/api/search?query=zebrafish").ok();
    assert_eq!(ids(&found["observations"]), [7]);
    let hit = &found["observations"][0];
    assert_eq!(
        (&hit["title"], &hit["type"]),
        (&"the zebrafish catalogue".into(), &"discovery".into())
    );
    assert_eq!(hit["rank"], 1);
    assert!(hit["score"].as_f64().unwrap() > 0.0);
    assert!(
        hit["why"].as_str().unwrap().contains("zebrafish in title"),
        "{hit}"
    );
    assert!(hit.get("narrative").is_none(), "an index is small: {hit}");
    let text = found["content"][0]["text"].as_str().unwrap();
    assert!(
        text.contains("#7 | 2026-01-01 00:03 | discovery | the zebrafish catalogue | shop"),
        "{text}"
    );
    let full = server
        .client
        .get("/api/search?query=zebrafish&format=full")
        .ok();
    assert_eq!(
        full["observations"][0]["narrative"],
        "It was found that the zebrafish catalogue."
    );
    let sessions = server
        .client
        .get("/api/search?query=ledger+euros&type=sessions")
        .ok();
    assert_eq!(sessions["observations"].as_array().unwrap().len(), 0);
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 4);
    assert_eq!(sessions["totalResults"], 4);
    let prompts = server.client.get("/api/search/prompts?q=shop").ok();
    assert_eq!(ids(&prompts["prompts"]), [4]);
}

#[test]
fn a_sentence_model_that_cannot_be_had_is_told() {
    let mut sandbox = filled();
    sandbox.set("CLAUDE_MEM_EMBEDDING_MODEL", "/nowhere/at/all");
    let server = Server::start(&sandbox, &[]);
    let found = server.client.get("/api/search?query=zebrafish").ok();
    assert_eq!(ids(&found["observations"]), [7]);
    let warning = found["warning"].as_str().unwrap();
    assert!(warning.contains("CLAUDE_MEM_EMBEDDING_MODEL"), "{warning}");
    let health = server.client.get("/api/health").ok();
    assert_eq!(health["warnings"][0], warning, "{health}");
}

#[test]
fn filters_choose_with_and_without_words() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &[]);
    let found = |path: &str| ids(&server.client.get(path).ok()["observations"]);
    assert_eq!(found("/api/search?obs_type=decision"), [5, 1]);
    assert_eq!(
        found("/api/search?obs_type=decision&orderBy=date_asc"),
        [1, 5]
    );
    assert_eq!(found("/api/search?obs_type=decision&query=cents"), [1]);
    assert_eq!(found("/api/decisions?project=shop"), [] as [i64; 0]);
    assert_eq!(found("/api/changes?limit=2"), [6, 4]);
    assert_eq!(found("/api/how-it-works?project=shop"), [7]);
    assert_eq!(
        found("/api/search/by-concept?concept=gotcha"),
        [] as [i64; 0]
    );
    assert_eq!(found("/api/search/by-file?filePath=read.rs&limit=1"), [7]);
    assert_eq!(found("/api/search/by-type?type=feature,bugfix"), [4, 2]);
    assert_eq!(found("/api/search?project=billing&offset=4"), [2, 1]);
    let later = BEGIN + 120_000;
    assert_eq!(found(&format!("/api/search?dateStart={later}")), [7, 6, 5]);
    assert_eq!(
        found(&format!(
            "/api/search?query=found&dateStart={later}&project=shop"
        )),
        [7]
    );
    assert_eq!(
        found("/api/search?dateStart=2026-01-01&dateEnd=2026-01-01").len(),
        7
    );
    assert_eq!(found("/api/search?dateStart=2026-01-02"), [] as [i64; 0]);
    let words = "/api/search?query=found&project=shop&platformSource";
    assert_eq!(found(&format!("{words}=claude")), [7]);
    assert_eq!(found(&format!("{words}=cursor")), [] as [i64; 0]);
    let type_of = "/api/search/by-type?type=decision&platformSource";
    assert_eq!(found(&format!("{type_of}=claude")), [5, 1]);
    assert_eq!(found(&format!("{type_of}=cursor")), [] as [i64; 0]);
    for wrong in [
        "dateStart=soon",
        "orderBy=size&query=x",
        "format=xml&query=x",
        "query=x&limit=-1",
    ] {
        server
            .client
            .get(&format!("/api/search?{wrong}"))
            .error(400);
    }
    for route in ["by-concept", "by-file", "by-type"] {
        let error = server
            .client
            .get(&format!("/api/search/{route}"))
            .error(400);
        assert!(error.ends_with("is required"), "{error}");
    }
    // Whatever is typed is a query and no syntax.
    for query in [
        "%22%22%22",
        "AND+OR+NOT",
        "%27%3B--",
        "*",
        "%E6%97%A5",
        "NEAR%28a%29",
    ] {
        server
            .client
            .get(&format!("/api/search?query={query}"))
            .ok();
    }
}

/// However rows are found and put in order, a part of them is a part of the whole.
#[test]
fn a_page_is_a_part_of_what_is_found() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &[]);
    let found = |path: &str| ids(&server.client.get(path).ok()["observations"]);
    for path in [
        "/api/search?query=found",
        "/api/search?query=found&platformSource=claude",
        "/api/search?query=found&orderBy=date_asc",
        "/api/search?query=found&orderBy=date_desc",
        "/api/search?dateStart=2026-01-01&orderBy=date_asc",
        "/api/search/by-file?filePath=read.rs",
        "/api/search/by-file?filePath=read.rs&orderBy=date_asc",
    ] {
        let whole = found(path);
        assert!(whole.len() > 3, "{path}: {whole:?}");
        assert_eq!(found(&format!("{path}&offset=1&limit=2")), whole[1..3]);
        assert_eq!(found(&format!("{path}&offset=99")), [] as [i64; 0]);
        let ascending = path.contains("date_asc");
        assert!(!ascending || whole.is_sorted(), "{path}: {whole:?}");
        let descending = path.contains("date_desc");
        assert!(!descending || whole.is_sorted_by(|a, b| a > b), "{path}");
    }
}

#[test]
fn a_timeline_goes_both_ways_from_any_anchor() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &[]);
    let items = |path: &str| -> Vec<String> {
        let answer = server.client.get(path).ok();
        let items = answer["items"].as_array().unwrap().clone();
        items
            .iter()
            .map(|item| format!("{}{}", &item["type"].as_str().unwrap()[..1], item["id"]))
            .collect()
    };
    // Which kind a row is, and of what type an observation.
    let around = server.client.get("/api/timeline?anchor=3&window=1").ok();
    let anchor = &around["items"][1];
    let stored = server.client.get("/api/observation/3").ok();
    assert_eq!(
        (&anchor["type"], &anchor["obs_type"]),
        (&serde_json::json!("observation"), &stored["type"])
    );
    assert_eq!(anchor["narrative"], stored["narrative"]);
    let path = "/api/timeline?depth_before=3&depth_after=2";
    assert_eq!(
        items(&format!("{path}&anchor=3")),
        ["o1", "o2", "s1", "p2", "o3", "o4", "s2"][1..]
    );
    assert_eq!(
        items(&format!("{path}&anchor=P3")),
        ["o3", "o4", "s2", "p3", "o5", "o6"]
    );
    assert_eq!(
        items(&format!("{path}&anchor=S4")),
        ["s3", "p4", "o7", "s4"]
    );
    assert_eq!(
        items(&format!("{path}&anchor=2026-01-01T00:03:00Z&project=shop")),
        ["p4", "o7"]
    );
    assert_eq!(
        items(&format!("{path}&query=rounding&project=billing")),
        ["p1", "o1", "o2", "s1", "p2"]
    );
    let by_query = server
        .client
        .get("/api/timeline/by-query?query=zebrafish")
        .ok();
    assert_eq!(by_query["anchor"], 7);
    let text = by_query["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("→ #7 | "), "{text}");
    server
        .client
        .get("/api/timeline?query=unheardof")
        .error(404);
    server
        .client
        .get("/api/timeline?anchor=whenever")
        .error(400);
}

#[test]
fn the_context_is_what_a_session_is_told() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &[]);
    let told = sandbox
        .claude_mem(["context", "--project", "billing"])
        .success();
    let injected = server.client.get("/api/context/inject?project=billing");
    assert_eq!(
        injected.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(injected.text(), told);
    assert!(
        told.contains("euros everywhere") && !told.contains("zebrafish"),
        "{told}"
    );
    let both = server
        .client
        .get("/api/context/inject?projects=shop,billing")
        .text();
    assert!(
        both.contains("zebrafish") && both.contains("euros everywhere"),
        "{both}"
    );
    let preview = server
        .client
        .get("/api/context/preview?project=billing")
        .text();
    assert!(preview.contains("\u{1b}["), "{preview}");
    let recent = server
        .client
        .get("/api/context/recent?project=billing&limit=1")
        .ok();
    assert_eq!(recent["summaries"].as_array().unwrap().len(), 1);
    let question = serde_json::json!({"q": "which rounding?", "limit": 1});
    let answer = server.client.post("/api/context/semantic", &question).ok();
    assert_eq!(answer["count"], 1);
    assert!(
        answer["context"]
            .as_str()
            .unwrap()
            .contains("It was found that the rounding was wrong.")
    );
}
