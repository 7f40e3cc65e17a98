//! Claude Code and our MCP server: the model calls tools and gets what is
//! remembered.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::fake_model::Scene;
use crate::support::{binary, run};

use super::world::{World, memories};

const ASKED: &str = "Where do rates come from?";
const KNOWN: &str = "Rates come from the ECB, not from the bank.";
const LEARNED: &str = "Half a cent is rounded to the even neighbour.";

/// The model looks a memory up in three steps and keeps one of its own.
fn scene(server: &str) -> Scene {
    let tool = |name: &str| format!("mcp__{server}__{name}");
    Scene::about(ASKED)
        .turn("", [(&*tool("search"), json!({"query": "rates ECB"}))])
        .turn("", [(&*tool("timeline"), json!({"anchor": 1}))])
        .turn("", [(&*tool("get_observations"), json!({"ids": [1]}))])
        .turn("", [(&*tool("by_file"), json!({"path": "src/rates.py"}))])
        .turn(
            "",
            [(
                &*tool("remember"),
                json!({"text": LEARNED, "type": "decision"}),
            )],
        )
        .turn("From the ECB.", [])
}

/// What the tools said, in order.
fn results(request: &Value) -> Vec<String> {
    request["messages"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|message| message["content"].as_array().into_iter().flatten())
        .filter(|block| block["type"] == "tool_result")
        .map(|block| {
            assert_ne!(block["is_error"], true, "{block}");
            block["content"].to_string()
        })
        .collect()
}

fn assert_found(world: &World) {
    let last = world.model.bodies_about(ASKED).pop().unwrap();
    let [index, timeline, details, by_file, kept] = &results(&last)[..] else {
        panic!("{last}");
    };
    for found in [index, timeline, by_file] {
        assert!(found.contains("| decision | "), "{found}");
    }
    assert!(details.contains(KNOWN), "{details}");
    assert!(kept.contains("word for word"), "{kept}");
    assert!(memories(&last).join("").contains(KNOWN));
}

fn remember(world: &World) {
    let mut command = world.sandbox.command(binary("claude-mem"));
    command
        .args([
            "remember",
            KNOWN,
            "--type",
            "decision",
            "--file",
            "src/rates.py",
        ])
        .env("CLAUDE_MEM_WORKER_IDLE_SECS", "1");
    assert_eq!(run(&mut command, b"").success(), "Remembered as #1.\n");
    world.sandbox.wait_for_quiet();
}

#[test]
fn an_installed_server_is_called_and_what_it_says_is_not_captured() {
    let Some(world) = World::new(|_| vec![scene("claude-mem")]) else {
        return;
    };
    world.install();
    remember(&world);
    let session = world.session(ASKED, None);
    assert_found(&world);
    // The words, once, of this session; and of the calls themselves nothing.
    world.assert_captured(
        &session.id,
        &[
            ("prompt", "", 1),
            ("observation", "claude-mem/remember", 1),
            ("summarize", "", 2),
        ],
    );
    let kept = "SELECT narrative FROM observations WHERE type = 'decision' ORDER BY id";
    assert_eq!(world.texts(kept), [KNOWN, LEARNED]);
    world.sandbox.assert_sound();

    drop(world.sandbox.claude_mem(["uninstall"]).success());
    let servers = std::fs::read_to_string(world.sandbox.home.join(".claude.json")).unwrap();
    let servers: Value = serde_json::from_str(&servers).unwrap();
    assert!(
        servers["mcpServers"].get("claude-mem").is_none(),
        "{servers}"
    );
}

#[test]
fn the_plugin_brings_the_same_tools() {
    let Some(mut world) = World::new(|_| vec![scene("plugin_claude-mem_claude-mem")]) else {
        return;
    };
    let programs = binary("claude-mem");
    let path = format!("{}:/usr/bin:/bin", programs.parent().unwrap().display());
    world.sandbox.set("PATH", path);
    remember(&world);
    let plugin = Path::new(env!("CARGO_MANIFEST_DIR")).join("hooks");
    drop(world.session_with(ASKED, &["--plugin-dir", plugin.to_str().unwrap()]));
    assert_found(&world);
    let kept = "SELECT narrative FROM observations WHERE type = 'decision' ORDER BY id";
    assert_eq!(world.texts(kept), [KNOWN, LEARNED]);
    world.sandbox.assert_sound();
}
