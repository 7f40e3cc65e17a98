//! The MCP bridge: a tool's arguments become a query, and the answer is the
//! tool's result as it is.

use serde_json::{Value, json};

use super::{Server, filled, words};
use crate::support::wait_until;

#[test]
fn every_tool_has_an_answer_for_a_model() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &["--relay"]);
    let client = server.client;
    let told = |path: &str| words(&client.reads(path)).to_owned();
    for (path, expected) in [
        (
            "/api/search?query=discount&limit=5&project=billing&orderBy=date_desc",
            "#4",
        ),
        (
            "/api/search?query=euros&type=observations&obs_type=bugfix%2Cdecision",
            "#5",
        ),
        ("/api/search?query=rounding&format=index", "#2"),
        (
            "/api/search?query=zebrafish&platformSource=claude&type=discovery",
            "#7",
        ),
        ("/api/search?query=qwxzv+plmbktr", "Nothing found"),
        ("/api/search/observations?query=parser&limit=2", "#6"),
        ("/api/search/sessions?query=ledger&limit=2", "S"),
        ("/api/search/prompts?query=shop&limit=2", "P"),
        ("/api/search/by-concept?concepts=how-it-works&limit=2", "#7"),
        ("/api/search/by-file?files=ledger.rs&limit=2", "#7"),
        ("/api/search/by-type?type=bugfix&limit=2", "#2"),
        ("/api/decisions?limit=2", "#5"),
        ("/api/changes?limit=2", "#6"),
        ("/api/how-it-works?limit=1", "#7"),
        (
            "/api/timeline?anchor=3&depth_before=1&depth_after=1",
            "→ #3",
        ),
        ("/api/timeline?anchor_id=3&before=1&after=1", "→ #3"),
        (
            "/api/timeline?query=rounding&depth_before=1&depth_after=1",
            "→ #2",
        ),
        (
            "/api/timeline/by-query?query=rounding&before=1&after=1",
            "→ #2",
        ),
        (
            "/api/context/timeline?anchor=S2&depth_before=1&depth_after=1",
            "→ S2",
        ),
        (
            "/api/context/recent?project=shop&limit=1",
            "the zebrafish catalogue",
        ),
        ("/api/instructions?topic=all", "/api/timeline"),
        ("/api/corpus?", "[]"),
    ] {
        let text = told(path);
        assert!(text.contains(expected), "{path}: {text}");
    }
    let lines = |path: &str| told(path).lines().count();
    assert_eq!(lines("/api/timeline?anchor_id=3&before=1&after=1"), 4);
    assert_eq!(
        lines("/api/timeline?anchor=3&depth_before=2&depth_after=1"),
        5
    );
}

#[test]
fn full_results_tell_all_that_is_known() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &["--relay"]);
    let search = |format: &str| {
        let path = format!("/api/search?query=discount&limit=1&format={format}");
        words(&server.client.reads(&path)).to_owned()
    };
    let full = search("full");
    for part in [
        "It was found that a discount code.",
        "Facts: fact of a discount code",
        "Concepts: how-it-works",
        "Read: src/read.rs",
        "Modified: src/ledger.rs",
    ] {
        assert!(full.contains(part), "{part} in {full}");
        assert!(!search("index").contains(part));
    }
    let sessions = server
        .client
        .reads("/api/search/sessions?query=ledger&format=full&limit=1");
    assert!(words(&sessions).contains("Learned: The ledger is kept in euros"));
}

#[test]
fn what_is_to_be_remembered_can_be_found() {
    let sandbox = filled();
    let server = Server::start(&sandbox, &["--relay"]);
    let client = server.client;
    let memory = json!({"text": "The staging host is called quokka\n  and listens on 8443 <private>key 4711</private>",
        "title": "Staging host", "project": "shop", "type": "decision", "concepts": ["gotcha"]});
    let saved = client.sends("/api/memory/save", &memory);
    assert_eq!(
        (&saved["success"], &saved["title"], &saved["project"]),
        (&json!(true), &json!("Staging host"), &json!("shop"))
    );
    // Word for word, at once, and without a model.
    let row = client.reads(&format!("/api/observation/{}", saved["id"]));
    let kept = row["narrative"].as_str().unwrap();
    assert!(
        kept.starts_with("The staging host is called quokka\n  and listens on 8443")
            && !kept.contains("4711"),
        "{kept:?}"
    );
    assert_eq!(
        (&row["type"], &row["concepts"], &row["generated_by_model"]),
        (&json!("decision"), &json!("[\"gotcha\"]"), &json!(null))
    );
    let look = || client.reads("/api/search?query=quokka&project=shop&type=observations");
    wait_until("it is found", || look()["totalResults"] == 1);
    assert!(words(&look()).contains("Staging host"));
    let second = json!({"text": "The test host is called numbat", "project": "shop"});
    let saved = client.sends("/api/memory/save", &second);
    assert_eq!(saved["title"], "The test host is called numbat");
    let again = client.sends("/api/memory/save", &second);
    assert_eq!(
        (&again["success"], &again["id"], &again["message"]),
        (
            &json!(true),
            &json!(null),
            &json!("This was remembered before")
        )
    );
    wait_until("the second is found too", || {
        client.reads("/api/search?query=numbat")["totalResults"] == 1
    });
    assert_eq!(look()["totalResults"], 1, "the first is still there");
    assert_eq!(
        sandbox.count("SELECT count(*) FROM observations WHERE narrative LIKE '%4711%'"),
        0
    );
    let refused = |body: Value| client.fetch("POST", "/api/memory/save", Some(&body));
    let nothing = json!({"text": " "});
    assert_eq!(refused(nothing).error(400), "text is required");
    let private = json!({"text": "<private>key 4711</private>"});
    assert_eq!(
        refused(private).error(400),
        "text is empty, or wholly private"
    );
    let long = json!({"text": "word ".repeat(200_000)});
    let why = refused(long).error(400);
    assert!(why.ends_with("are kept word for word"), "{why}");
    let odd = json!({"text": "x", "concepts": "gotcha"});
    assert_eq!(
        refused(odd).error(400),
        "concepts must be an array of at most 20 texts"
    );
}
