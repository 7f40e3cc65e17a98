//! Modes decide what an observation can be and in which language it is, and the
//! cheaper model gets what only looked around.

use serde_json::json;

use crate::support::fake_model::FakeModel;
use crate::support::{Sandbox, Talk};

use super::{with_anthropic, with_openai};

/// One observation of each of these types.
fn answer_types(model: &FakeModel, types: &'static [&'static str]) {
    model.answer_with(move |_| {
        let observation = |kind: &&str| {
            format!(
                "<observation><type>{kind}</type><title>Something of the kind {kind}</title>\
                 <narrative>It was found.</narrative></observation>"
            )
        };
        types.iter().map(observation).collect::<Vec<_>>().concat()
    });
}

fn play(sandbox: &Sandbox, session: &str) {
    let talk = Talk::new(session, &sandbox.project);
    sandbox.play(&talk.decision("p1", "the ledger"));
    sandbox.wait_for_quiet();
}

/// Type of each observation, in order.
fn types(sandbox: &Sandbox) -> Vec<String> {
    let text = |row: &String| {
        row.trim_start_matches("Text(\"")
            .trim_end_matches("\")")
            .to_owned()
    };
    let rows = sandbox.dump("SELECT type FROM observations ORDER BY id");
    rows.iter().map(text).collect()
}

fn warnings(sandbox: &Sandbox) -> String {
    let status = sandbox.claude_mem(["status", "--json"]).json();
    assert_eq!(status["stalled"], false, "{status}");
    status["warnings"].to_string()
}

#[test]
fn each_mode_has_its_own_types() {
    const TYPES: &[&str] = &["bugfix", "finding", "Security-Alert", "moonshine"];
    for (mode, wanted) in [
        (
            "code",
            ["bugfix", "discovery", "security_alert", "discovery"],
        ),
        ("research", ["finding", "finding", "finding", "finding"]),
        (
            "code--de",
            ["bugfix", "discovery", "security_alert", "discovery"],
        ),
    ] {
        for (mut sandbox, model) in [with_anthropic(), with_openai()] {
            sandbox.set("CLAUDE_MEM_MODE", mode);
            answer_types(&model, TYPES);
            play(&sandbox, "s");
            assert_eq!(types(&sandbox), wanted, "{mode}");
            assert_eq!(warnings(&sandbox), "[]", "{mode}");
            let asked = &model.observed()[0];
            let system = asked.system_text();
            assert_eq!(
                system.contains("- finding: "),
                mode == "research",
                "{system}"
            );
            assert_eq!(
                system.contains("- bugfix: "),
                mode != "research",
                "{system}"
            );
            assert_eq!(
                system.contains("Write in German."),
                mode == "code--de",
                "{system}"
            );
            sandbox.assert_all_done();
        }
    }
}

#[test]
fn a_mode_of_the_users_own_is_used() {
    let (mut sandbox, model) = with_anthropic();
    sandbox.set("CLAUDE_MEM_MODE", "law");
    let modes = sandbox.data.join("modes");
    std::fs::create_dir_all(&modes).unwrap();
    let mode = json!({
        "name": "Legal review",
        "types": [{"id": "risk", "description": "a clause that can harm us"},
            {"id": "note", "description": "anything else worth knowing"}],
        "concepts": [{"id": "deadline", "description": "a date that must be kept"}],
        "guidance": "Keep risks and deadlines.",
        "language": "Bavarian"
    });
    std::fs::write(modes.join("law.json"), mode.to_string()).unwrap();
    answer_types(&model, &["risk", "bugfix"]);
    play(&sandbox, "s");
    assert_eq!(types(&sandbox), ["risk", "note"]);
    assert_eq!(warnings(&sandbox), "[]");
    let system = model.observed()[0].system_text();
    for words in [
        "- risk: a clause",
        "- deadline: a date",
        "Keep risks and deadlines.",
        "Write in Bavarian.",
    ] {
        assert!(system.contains(words), "{words}: {system}");
    }
    assert!(!system.contains("- bugfix: "), "{system}");
    // What is shown and found knows the types too.
    let listed = sandbox.claude_mem(["list", "--json"]).success();
    assert!(listed.contains("\"risk\""), "{listed}");
    let told = sandbox.told(&Talk::new("next", &sandbox.project), "startup");
    assert!(told.contains("risk: Something of the kind risk"), "{told}");
    sandbox.assert_all_done();
}

#[test]
fn a_broken_mode_is_warned_of_and_memory_goes_on() {
    for (name, content) in [
        ("broken", Some("{\"types\": [")),
        ("missing", None),
        ("code--xx", None),
        ("../up", None),
    ] {
        let (mut sandbox, model) = with_anthropic();
        sandbox.set("CLAUDE_MEM_MODE", name);
        if let Some(content) = content {
            let modes = sandbox.data.join("modes");
            std::fs::create_dir_all(&modes).unwrap();
            std::fs::write(modes.join(format!("{name}.json")), content).unwrap();
        }
        answer_types(&model, &["bugfix", "finding"]);
        play(&sandbox, "s");
        assert_eq!(types(&sandbox), ["bugfix", "discovery"], "{name}");
        let warned = warnings(&sandbox);
        assert!(
            warned.contains(name) && warned.contains("the mode code is used"),
            "{warned}"
        );
        assert!(
            sandbox.claude_mem(["status"]).success().contains("warning"),
            "{name}"
        );
        sandbox.assert_all_done();
    }
}

#[test]
fn the_cheaper_model_gets_batches_of_nothing_but_looking() {
    for (mut sandbox, model) in [with_anthropic(), with_openai()] {
        sandbox.set("CLAUDE_MEM_MODEL", "usual");
        sandbox.set("CLAUDE_MEM_OPENAI_MODEL", "usual");
        sandbox.set("CLAUDE_MEM_TIER_SIMPLE_MODEL", "simple");
        let read = |talk: &Talk, call: &str| {
            let file =
                json!({"type": "text", "file": {"filePath": "/x/a.rs", "content": "fn a() {}"}});
            talk.tool("p1", call, "Read", &json!({"file_path": "/x/a.rs"}), &file)
        };
        let search = |talk: &Talk, call: &str| {
            let found = json!({"mode": "content", "content": "a.rs:1:fn a"});
            talk.tool("p1", call, "Grep", &json!({"pattern": "fn a"}), &found)
        };
        let closing = "There is one function of that name. It is in a.rs, has no arguments and is called by nobody at all.";
        for kind in ["looks", "acts", "talks"] {
            let talk = Talk::new(kind, &sandbox.project);
            sandbox.play(&[talk.prompt("p1", "Which functions are there?")]);
            if kind != "talks" {
                sandbox.play(&[
                    read(&talk, &format!("{kind}1")),
                    search(&talk, &format!("{kind}2")),
                ]);
            }
            if kind == "acts" {
                sandbox.play(&[talk.bash("p1", "acts3", "make", "made")]);
            }
            sandbox.play(&[talk.stop("p1", closing), talk.end("p1")]);
            sandbox.wait_for_quiet();
        }
        let models: Vec<_> = model
            .observed()
            .iter()
            .map(|asked| asked.body["model"].clone())
            .collect();
        assert_eq!(models, ["simple", "usual", "usual"]);
        sandbox.assert_all_done();
    }
}
