//! The real Claude Code against a model server of our own, with the hooks that
//! `claude-mem install` puts into a home of the test's own. The tests take the
//! command line client from the variable `CLAUDE_MEM_TEST_CLAUDE`, which
//! `scripts/test` sets, and are left out without it; where `CI` is set they fail.

mod recall;
mod tools;
mod world;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::support::fake_model::Scene;

use world::{Session, World, calls, memories};

/// The line of the project that is wrong, and what becomes of it.
const WRONG: &str = "echo $(($1 / $2))\n";
const RIGHT: &str = "[ \"$2\" -gt 0 ] || { echo none; exit 0; }\necho $(($1 / $2))\n";

fn names(directory: &Path) -> BTreeSet<String> {
    std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

const FIXED: &str = "Fixed: mean.sh 12 0 ended with a division by zero because the count was not checked. It now prints none. Next step: decide whether callers need an exit code.";

fn bug_fix(project: &Path) -> Scene {
    let script = project.join("mean.sh");
    let try_it = || {
        (
            "Bash",
            json!({"command": "sh mean.sh 12 0", "description": "Run it"}),
        )
    };
    Scene::about("mean.sh fails")
        .turn("I read it.", [("Read", json!({"file_path": script}))])
        .turn("", [try_it()])
        .turn(
            "",
            [(
                "Edit",
                json!({"file_path": script, "old_string": WRONG, "new_string": RIGHT}),
            )],
        )
        .turn("", [try_it()])
        .turn(FIXED, [])
}

#[test]
fn a_session_is_remembered_told_to_the_next_and_not_told_to_itself() {
    let Some(world) = World::new(|project| {
        let record = "# Means are whole numbers\n\nStatus: accepted\n\nThe display has no room for a fraction.\n";
        let path = project.join("docs/decisions/0001-whole-numbers.md");
        let write = json!({"file_path": path, "content": record});
        vec![
            bug_fix(project),
            Scene::about("decision record")
                .turn("", [("Write", write), ("Read", json!({"file_path": project.join("mean.sh")}))])
                .turn("Decision: means are whole numbers, because the display has no room for a fraction.", []),
        ]
    }) else {
        return;
    };
    world.install();
    let sandbox = &world.sandbox;

    let first = world.session("mean.sh fails for no readings. Please fix it.", None);
    assert_eq!(first.result()["result"], FIXED);
    assert_eq!(
        first.hooks(),
        [
            ("SessionStart", 1),
            ("UserPromptSubmit", 1),
            ("PreToolUse", 1),
            ("PostToolUse", 3),
            ("PostToolUseFailure", 1),
            ("Stop", 1),
        ]
        .into()
    );
    remembers_the_bug_fix(&world, &first);
    for request in world.model.requests() {
        let key = request.headers.get("x-api-key");
        assert!(key.is_none_or(|key| key == "dummy"), "{}", request.path);
    }
    leaves_nothing_elsewhere(&world);
    let title = world.texts("SELECT title FROM observations").remove(0);

    let second = world.session("Are means rounded? Write a decision record.", None);
    let request = world.model.bodies_about("decision record").remove(0);
    let told = memories(&request).join("\n");
    assert!(told.contains(&title), "{told}");
    world.assert_captured(
        &second.id,
        &[
            ("prompt", "", 1),
            ("observation", "Read", 1),
            ("observation", "Write", 1),
            ("summarize", "", 2),
        ],
    );
    let news = world.texts("SELECT title FROM observations WHERE type = 'decision'");
    assert_eq!(news.len(), 1, "{news:?}");

    let resumed = world.session("Thank you. And the tests?", Some(&first.id));
    assert_eq!(resumed.id, first.id);
    let request = world.model.bodies_about("And the tests?").remove(0);
    let told = memories(&request).pop().unwrap();
    assert!(told.contains(&news[0]), "{told}");
    assert!(
        !told.contains(&title),
        "its own work is no news to it: {told}"
    );
    world.assert_captured(
        &first.id,
        &[
            ("prompt", "", 2),
            ("observation", "Bash", 2),
            ("observation", "Edit", 1),
            ("observation", "Read", 1),
            ("summarize", "", 4),
        ],
    );
    sandbox.assert_sound();
}

/// Each event once, under the id that the model gave to its call, and what came
/// of them.
fn remembers_the_bug_fix(world: &World, session: &Session) {
    let sandbox = &world.sandbox;
    world.assert_captured(
        &session.id,
        &[
            ("prompt", "", 1),
            ("observation", "Bash", 2),
            ("observation", "Edit", 1),
            ("observation", "Read", 1),
            ("summarize", "", 2),
        ],
    );
    // The host prints nothing of the hooks of SessionEnd.
    let ends = "SELECT reason FROM pending_messages WHERE message_type = 'summarize' ORDER BY id";
    assert_eq!(world.texts(ends), ["stop", "session_end"]);
    let ids =
        world.texts("SELECT event_id FROM pending_messages WHERE message_type = 'observation'");
    let last = world.model.bodies_about("mean.sh fails").pop().unwrap();
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), calls(&last));
    assert_eq!(
        sandbox
            .count("SELECT count(*) FROM pending_messages WHERE failed = 1 AND tool_name = 'Bash'"),
        1
    );
    assert_eq!(
        sandbox.count("SELECT count(*) FROM pending_messages WHERE status <> 'processed'"),
        0
    );
    let observations = world.texts(
        "SELECT type || '|' || files_modified || '|' || project || '|' || title || narrative || facts FROM observations",
    );
    let [observation] = observations.as_slice() else {
        panic!("{observations:?}")
    };
    assert!(
        observation.starts_with("bugfix|[\"mean.sh\"]|billing|"),
        "{observation}"
    );
    assert!(observation.contains("division by zero"), "{observation}");
    let summaries =
        world.texts("SELECT request || '|' || learned || '|' || completed FROM session_summaries");
    let [summary] = summaries.as_slice() else {
        panic!("{summaries:?}")
    };
    for part in [
        "mean.sh fails for no readings",
        "count was not checked",
        "prints none",
    ] {
        assert!(summary.contains(part), "{part} in {summary}");
    }
    assert!(!sandbox.worker_is_alive(&session.id));
    sandbox.assert_sound();
}

/// The project has the edit and nothing more, the home what the host and we keep
/// there, and temporary places what the host leaves.
fn leaves_nothing_elsewhere(world: &World) {
    let sandbox = &world.sandbox;
    assert_eq!(world.git(&["status", "--porcelain"]), " M mean.sh\n");
    let ours_and_theirs: BTreeSet<String> = [
        ".cache",
        ".claude",
        ".claude-mem",
        ".claude.json",
        "billing",
    ]
    .map(str::to_owned)
    .into();
    assert_eq!(names(&sandbox.home), ours_and_theirs);
    let places: BTreeSet<String> = ["home", "tmp"].map(str::to_owned).into();
    assert_eq!(names(sandbox.root.path()), places);
    let user = nix::unistd::geteuid();
    let scratch: BTreeSet<String> = [format!("claude-{user}")].into();
    assert_eq!(names(&sandbox.root.path().join("tmp")), scratch);
}

#[test]
fn a_private_prompt_reaches_the_model_and_no_memory() {
    const SECRET: &str = "periwinkle-4711";
    let Some(world) = World::new(|project| {
        vec![
            Scene::about(SECRET)
                .turn("", [("Bash", json!({"command": format!("echo {SECRET}")}))])
                .turn(&format!("The word is {SECRET}."), []),
            Scene::about("first line")
                .turn(
                    "",
                    [("Read", json!({"file_path": project.join("mean.sh")}))],
                )
                .turn("It names the shell.", []),
        ]
    }) else {
        return;
    };
    world.install();
    let sandbox = &world.sandbox;

    let prompt = format!("<private>The word is {SECRET}. Say it.</private>");
    let silent = world.session(&prompt, None);
    assert_eq!(silent.hooks()["PostToolUse"], 1);
    assert!(!world.model.bodies_about(SECRET).is_empty());
    assert!(silent.result()["result"].as_str().unwrap().contains(SECRET));
    let nothing = "SELECT (SELECT count(*) FROM observations)
        + (SELECT count(*) FROM session_summaries)
        + (SELECT count(*) FROM pending_messages WHERE message_type = 'observation')";
    assert_eq!(sandbox.count(nothing), 0);
    assert!(sandbox.count("SELECT sum(captured) FROM sdk_sessions") > 0);

    let open = world.session("What does the first line of mean.sh do?", Some(&silent.id));
    assert_eq!(open.id, silent.id);
    let captured = world.captured(&open.id);
    assert_eq!(
        captured.get(&("observation".to_owned(), "Read".to_owned())),
        Some(&1),
        "the silence ended with its turn: {captured:?}"
    );
    assert_eq!(sandbox.files_with(SECRET.as_bytes()), Vec::<PathBuf>::new());
    sandbox.assert_sound();
}

#[test]
fn nothing_is_captured_where_it_is_switched_off_or_uninstalled() {
    let Some(mut world) = World::new(|project| {
        let read = || ("Read", json!({"file_path": project.join("mean.sh")}));
        vec![
            Scene::about("first line")
                .turn("", [read()])
                .turn("It names the shell.", []),
        ]
    }) else {
        return;
    };
    let settings = "{ \"includeCoAuthoredBy\": false,\n\n  \"hooks\": {\"Stop\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"true\"}]}]}}\n";
    std::fs::create_dir(world.sandbox.home.join(".claude")).unwrap();
    std::fs::write(world.settings(), settings).unwrap();
    world.install();

    world.sandbox.set("CLAUDE_MEM_DISABLED", "1");
    let off = world.session("What does the first line of mean.sh do?", None);
    assert_eq!(off.hooks()["PostToolUse"], 1);
    assert_eq!(off.hooks()["Stop"], 2, "the user's own hook runs too");
    assert_eq!(world.sandbox.files(), Vec::<PathBuf>::new());

    world.sandbox.set("CLAUDE_MEM_DISABLED", "0");
    drop(world.sandbox.claude_mem(["uninstall"]).success());
    assert_eq!(std::fs::read_to_string(world.settings()).unwrap(), settings);
    let without = world.session("What does the first line of mean.sh do?", None);
    assert_eq!(without.hooks(), [("Stop", 1)].into());
    assert_eq!(world.sandbox.files(), Vec::<PathBuf>::new());
    for request in world.model.bodies_about("first line") {
        assert_eq!(memories(&request), Vec::<String>::new());
    }
}
