//! What is recalled in a session reaches the model: at the prompt, before a file
//! is read, after a command failed.

use serde_json::{Value, json};

use crate::support::fake_model::Scene;
use crate::support::{binary, run};

use super::world::{World, memories};

const ASKED: &str = "Why is a discount code counted twice in the invoice total?";
const RATE: &str = "A discount code entered twice counts once in the invoice total.";
const FILE: &str = "Readings without a count print none.";
const FIX: &str = "ECONNREFUSED in the tests: PostgreSQL listens on a socket alone.";

/// A hook that is late on a busy machine tells nothing: then a session of its own
/// tells more.
const ATTEMPTS: usize = 4;

fn remember(world: &World, text: &str, arguments: &[&str]) {
    let mut command = world.sandbox.command(binary("claude-mem"));
    command
        .args(["remember", text])
        .args(arguments)
        .env("CLAUDE_MEM_WORKER_IDLE_SECS", "1");
    drop(run(&mut command, b"").success());
    world.sandbox.wait_for_quiet();
}

/// What the request holds of memory, without what the session's start told.
fn recalled(request: &Value) -> Vec<String> {
    let all = memories(request).into_iter();
    all.filter(|memory| memory.contains("From memory (claude-mem)"))
        .collect()
}

#[test]
fn each_moment_reaches_the_model_once() {
    let Some(world) = World::new(|project| {
        let failing = "echo 'connect ECONNREFUSED 127.0.0.1:5432, is PostgreSQL running?'; exit 1";
        let read = || ("Read", json!({"file_path": project.join("mean.sh")}));
        let fail = || {
            (
                "Bash",
                json!({"command": failing, "description": "Run the tests"}),
            )
        };
        vec![
            Scene::about(ASKED)
                .turn("", [read()])
                .turn("", [fail()])
                .turn("", [fail()])
                .turn("Because it was entered twice.", []),
        ]
    }) else {
        return;
    };
    world.install();
    remember(&world, RATE, &["--type", "bugfix"]);
    remember(&world, FILE, &["--type", "decision", "--file", "mean.sh"]);
    remember(&world, FIX, &["--type", "bugfix"]);
    let complete = (0..ATTEMPTS).find_map(|_| {
        let before = world.model.bodies_about(ASKED).len();
        let session = world.session(ASKED, None);
        assert_eq!(session.hooks()["PreToolUse"], 1);
        assert_eq!(session.hooks()["PostToolUseFailure"], 2);
        let bodies = world.model.bodies_about(ASKED).split_off(before);
        let told = recalled(bodies.last().unwrap());
        for text in [RATE, FILE, FIX] {
            let times = told.iter().filter(|memory| memory.contains(text)).count();
            assert!(times <= 1, "{told:#?}");
        }
        assert!(session.recalls() >= told.len());
        (told.len() == 3).then_some((session, bodies))
    });
    let (session, bodies) = complete.expect("all three are told in one session");
    let told: Vec<Vec<String>> = bodies.iter().map(recalled).collect();
    assert!(told[0][0].contains(RATE) && told[0].len() == 1, "{told:#?}");
    assert!(told[1][1].contains(FILE) && told[1].len() == 2, "{told:#?}");
    assert!(told[2][2].contains(FIX) && told[2].len() == 3, "{told:#?}");

    let resumed = world.session(ASKED, Some(&session.id));
    assert_eq!(resumed.recalls(), 0, "a session is told once");
    world.sandbox.assert_sound();
}
