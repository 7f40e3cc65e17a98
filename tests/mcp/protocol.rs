//! What may come over the pipe, and what the server's life is like.

use serde_json::{Value, json};

use super::{Client, filled};
use crate::support::{Sandbox, Talk, binary};

fn names(list: &Value) -> Vec<&str> {
    let tools = list["result"]["tools"].as_array().unwrap();
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect()
}

const TOOLS: [&str; 5] = [
    "search",
    "timeline",
    "get_observations",
    "by_file",
    "remember",
];

#[test]
fn five_tools_are_listed_with_exact_schemas() {
    let sandbox = Sandbox::new();
    let mut client = Client::start(&sandbox);
    let list = client.ask("tools/list", &json!({}));
    assert_eq!(names(&list), TOOLS);
    for tool in list["result"]["tools"].as_array().unwrap() {
        let schema = &tool["inputSchema"];
        assert_eq!(schema["type"], "object", "{tool}");
        assert_eq!(schema["additionalProperties"], false, "{tool}");
        assert_eq!(
            tool["annotations"]["readOnlyHint"],
            tool["name"] != "remember",
            "{tool}"
        );
    }
    // Every session pays for it: at four characters a token at most 1,200.
    assert!(list["result"].to_string().len() < 4_800, "{list}");
    client.finish();
}

#[test]
fn without_a_database_every_answer_is_a_hint_until_there_is_one() {
    let sandbox = Sandbox::new();
    let mut client = Client::start(&sandbox);
    for (tool, arguments) in [
        ("search", json!({"query": "x"})),
        ("timeline", json!({"anchor": 1})),
        ("get_observations", json!({"ids": [1]})),
        ("by_file", json!({"path": "x.rs"})),
    ] {
        let text = client.call(tool, &arguments).ok();
        assert!(
            text.starts_with("Nothing is remembered yet."),
            "{tool}: {text}"
        );
    }
    assert_eq!(sandbox.files(), Vec::<std::path::PathBuf>::new());
    drop(
        sandbox
            .claude_mem(["remember", "The first words."])
            .success(),
    );
    let found = client.call("search", &json!({"query": "words"})).ok();
    assert!(found.contains("The first words."), "{found}");
    client.finish();
}

#[test]
fn wrong_arguments_are_tool_errors_that_say_what_is_right() {
    let world = filled();
    let mut client = Client::start(&world.sandbox);
    let long = "x".repeat(100_000);
    for (tool, arguments, hint) in [
        (
            "search",
            json!({}),
            "missing field `query`. Call it like this: search {",
        ),
        ("search", json!({"q": "x"}), "expected one of `query`"),
        ("search", json!({"query": 5}), "expected a string"),
        ("search", json!({"query": " "}), "give at least one word"),
        ("search", json!({"query": "x", "limit": 51}), "from 1 to 50"),
        ("search", json!({"query": "x", "limit": 0}), "from 1 to 50"),
        (
            "search",
            json!({"query": "x", "type": "novel"}),
            "use one of bugfix",
        ),
        ("search", json!({"query": long}), "100000 bytes"),
        ("timeline", json!({}), "give either anchor"),
        (
            "timeline",
            json!({"anchor": 1, "query": "x"}),
            "give either anchor",
        ),
        ("timeline", json!({"anchor": "whenever"}), "is no anchor"),
        (
            "timeline",
            json!({"anchor": 99}),
            "Observation #99 not found: search",
        ),
        (
            "timeline",
            json!({"anchor": "session:nope"}),
            "session:nope not found",
        ),
        ("timeline", json!({"anchor": [1]}), "an id or a text"),
        (
            "timeline",
            json!({"anchor": 1, "before": -1}),
            "invalid value",
        ),
        ("get_observations", json!({"ids": []}), "from 1 to 50"),
        (
            "get_observations",
            json!({"ids": vec![1; 51]}),
            "from 1 to 50",
        ),
        ("get_observations", json!({"ids": ["x"]}), "is no id"),
        (
            "get_observations",
            json!({"ids": [99, "S98"]}),
            "#99, S98 not found: search",
        ),
        ("by_file", json!({"path": ""}), "path is empty"),
        (
            "remember",
            json!({"text": "x", "type": "novel"}),
            "use one of bugfix",
        ),
        (
            "remember",
            json!({"text": "x", "files": vec!["f"; 21]}),
            "20 items",
        ),
        ("remember", json!({"text": ["x"]}), "expected a string"),
    ] {
        let error = client.call(tool, &arguments).error();
        assert!(error.contains(hint), "{tool} {arguments}: {error:.300}");
    }
    client.finish();
}

#[test]
fn whatever_comes_over_the_pipe_the_next_call_is_answered() {
    let world = filled();
    let mut client = Client::start(&world.sandbox);
    for noise in [
        "",
        "not json",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":",
        "[1,2",
        "\u{0}\u{1b}",
        "null",
    ] {
        client.line(noise);
    }
    // What is JSON and no message is answered as such, or not at all.
    client.line("{\"foo\":1}");
    let unknown = json!({"name": "forget", "arguments": {}});
    let id = client.request("tools/call", &unknown);
    let mut answer = client.next();
    while answer["id"] != id {
        assert!(answer["error"].is_object(), "{answer}");
        answer = client.next();
    }
    let error = answer["error"]["message"].as_str().unwrap();
    assert!(error.contains("search, timeline"), "{answer}");
    let none = client.ask("resources/list", &json!({}));
    assert!(
        none["error"].is_object() || none["result"].is_object(),
        "{none}"
    );
    // A megabyte of arguments, and twenty of a line.
    let huge = "x".repeat(1 << 20);
    let error = client.call("search", &json!({"query": huge})).error();
    assert!(error.contains("bytes"), "{error:.200}");
    client.line(&"y".repeat(20 << 20));
    let found = client.call("search", &json!({"query": "cents"})).ok();
    assert!(found.contains("\n1 | "), "{found}");
    client.finish();
}

#[test]
fn a_call_that_is_cancelled_disturbs_none_after_it() {
    let world = filled();
    let mut client = Client::start(&world.sandbox);
    let mut asked = Vec::new();
    for _ in 0..20 {
        let call = json!({"name": "search", "arguments": {"query": "rounding"}});
        let id = client.request("tools/call", &call);
        let gone = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": {"requestId": id, "reason": "no longer needed"}});
        client.line(&gone.to_string());
        asked.push(json!(id));
    }
    let id = client.request("ping", &json!({}));
    loop {
        let answer = client.next();
        if answer["id"] == id {
            break;
        }
        assert!(asked.contains(&answer["id"]), "{answer}");
    }
    // Only answers that were on their way may still come.
    let call = json!({"name": "search", "arguments": {"query": "cents"}});
    let last = client.request("tools/call", &call);
    loop {
        let answer = client.next();
        if answer["id"] == last {
            assert_eq!(answer["result"]["isError"], false, "{answer}");
            break;
        }
        assert!(asked.contains(&answer["id"]), "{answer}");
    }
    client.finish();
}

#[test]
fn switched_off_there_are_no_tools_but_a_way_to_have_them() {
    let mut sandbox = Sandbox::new();
    sandbox.set("CLAUDE_MEM_MCP_ENABLED", "false");
    let mut client = Client::spawn(sandbox.command(binary("claude-mem")).arg("mcp"));
    let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"}});
    let info = client.ask("initialize", &hello);
    let instructions = info["result"]["instructions"].as_str().unwrap();
    assert!(
        instructions.contains("CLAUDE_MEM_MCP_ENABLED true"),
        "{instructions}"
    );
    assert_eq!(
        info["result"]["serverInfo"]["version"],
        env!("CARGO_PKG_VERSION")
    );
    client.line("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
    let list = client.ask("tools/list", &json!({}));
    assert_eq!(names(&list), [""; 0]);
    let error = client.call("search", &json!({"query": "x"})).error();
    assert!(error.contains("CLAUDE_MEM_MCP_ENABLED true"), "{error}");
    client.finish();
}

#[test]
fn it_ends_with_its_client_whenever_that_goes() {
    let sandbox = Sandbox::new();
    // Before a word, in the middle of a line, and with a call under way.
    Client::spawn(sandbox.command(binary("claude-mem")).arg("mcp")).finish();
    let mut client = Client::start(&sandbox);
    client.line("{\"jsonrpc\":\"2.0\",\"id\":1");
    client.finish();
    let mut client = Client::start(&sandbox);
    let call = json!({"name": "search", "arguments": {"query": "x"}});
    client.request("tools/call", &call);
    client.finish();
    assert!(sandbox.processes().is_empty());
}

#[test]
fn no_call_waits_for_fifty_workers_that_write() {
    let world = filled();
    let sandbox = &world.sandbox;
    let mut client = Client::start(sandbox);
    std::thread::scope(|scope| {
        for number in 0..50 {
            scope.spawn(move || {
                let talk = Talk::new(&format!("busy-{number}"), &sandbox.project);
                sandbox.play(&[
                    talk.prompt("p", "Run it."),
                    talk.bash("p", "t1", "make test", "ok"),
                    talk.stop("p", "Done."),
                ]);
            });
        }
        for number in 0..30 {
            let found = client
                .call("search", &json!({"query": "cents rounding"}))
                .ok();
            assert!(
                found.contains("| prices are kept in cents\n"),
                "{number}: {found}"
            );
            let said = client.call(
                "remember",
                &json!({"text": format!("note {number} of many")}),
            );
            assert!(said.ok().starts_with("Remembered"));
        }
    });
    client.finish();
    sandbox.wait_for_quiet();
    let sql = "SELECT count(*) FROM observations WHERE narrative LIKE 'note % of many'";
    assert_eq!(sandbox.count(sql), 30);
    sandbox.assert_sound();
}
