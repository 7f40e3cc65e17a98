//! Whatever is broken, a hook that asks memory ends as any other: `{}`, exit code
//! 0, within its deadline, and its event is kept.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::support::{Ran, assert_answer, deadline, hook_for, run};

use super::world::World;

/// A run within the deadline. A machine that does other things may delay one
/// run; a hook that waits for something is late each time.
fn punctual(hook: &str, what: &str, attempt: impl Fn() -> Ran) -> Ran {
    let mut late = Vec::new();
    for _ in 0..3 {
        let before = deadline(hook);
        let ran = attempt();
        if ran.took <= before.max(deadline(hook)) {
            return ran;
        }
        late.push(ran.took);
    }
    panic!("{hook}, {what}: {late:?}")
}

/// Asserts that all three moments are answered with nothing, and in time.
fn says_nothing(world: &World, what: &str, hooks: Option<&std::path::Path>) {
    for (payload, _) in world.moments("s") {
        let hook = hook_for(payload["hook_event_name"].as_str().unwrap());
        let ran = punctual(hook, what, || {
            let program = hooks.map_or_else(
                || crate::support::binary(hook),
                |directory| directory.join(hook),
            );
            run(
                &mut world.sandbox.command(program),
                payload.to_string().as_bytes(),
            )
        });
        assert_answer(hook, &ran, what);
        assert_eq!(ran.json(), json!({}), "{hook}, {what}");
    }
}

#[test]
fn an_answer_that_does_not_come_or_makes_no_sense() {
    for (what, script) in [
        ("stopped", "kill -STOP $$"),
        ("never ends", "exec sleep 60"),
        ("closes its output and stays", "exec >&-; exec sleep 60"),
        ("says nothing", "exit 3"),
        ("killed", "echo '{'; kill -KILL $$"),
        ("no JSON", "echo From memory: do this"),
        ("no object", "echo '[1]'"),
        (
            "blocks",
            "echo '{\"decision\":\"block\",\"continue\":false}'",
        ),
        (
            "denies",
            "echo '{\"hookSpecificOutput\":{\"permissionDecision\":\"deny\"}}'",
        ),
        (
            "no text",
            "echo '{\"hookSpecificOutput\":{\"additionalContext\":7}}'",
        ),
        ("floods", "exec cat /dev/zero"),
        ("shouts", "echo '{}'; exec cat /dev/zero >&2"),
    ] {
        let world = World::filled();
        let hooks = world.sandbox.copy_of_binaries(false);
        let path = hooks.join("claude-mem");
        let text = format!("#!/bin/sh\n[ \"$1\" = recall ] || exit 0\n{script}\n");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        says_nothing(&world, what, Some(&hooks));
        // Prompt and failure; that the hook was late would not lose one.
        assert_eq!(world.sandbox.spooled(), 2, "{what}");
        assert!(world.sandbox.processes().is_empty(), "{what}: one is left");
    }
}

#[test]
fn an_answer_can_only_tell() {
    let world = World::filled();
    let hooks = world.sandbox.copy_of_binaries(false);
    let path = hooks.join("claude-mem");
    let answer = json!({"continue": false, "decision": "block", "hookSpecificOutput": {
        "hookEventName": "Stop", "permissionDecision": "deny", "updatedInput": {},
        "additionalContext": "hello"}});
    std::fs::write(&path, format!("#!/bin/sh\necho '{answer}'\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    for (payload, _) in world.moments("s") {
        let answers = (0..6).map(|_| world.sandbox.event_by(&hooks, &payload).json());
        let answer = answers
            .into_iter()
            .find(|answer| *answer != json!({}))
            .unwrap();
        let event = &payload["hook_event_name"];
        assert_eq!(
            answer,
            json!({"hookSpecificOutput": {"hookEventName": event, "additionalContext": "hello"}})
        );
    }
}

#[test]
fn a_database_that_cannot_be_read() {
    for what in [
        "garbage",
        "a directory",
        "cut",
        "locked",
        "notes cannot be kept",
    ] {
        let mut world = World::filled();
        world.close();
        let database = world.sandbox.locations().database();
        let mut holder = None;
        match what {
            "garbage" => std::fs::write(&database, [7; 8192]).unwrap(),
            "a directory" => {
                std::fs::remove_file(&database).unwrap();
                std::fs::create_dir(&database).unwrap();
            }
            "cut" => {
                let file = std::fs::File::options().write(true).open(&database);
                file.unwrap().set_len(5000).unwrap();
            }
            "locked" => {
                let flags = rusqlite::OpenFlags::default();
                let connection = rusqlite::Connection::open_with_flags(&database, flags).unwrap();
                connection
                    .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")
                    .unwrap();
                holder = Some(connection);
            }
            _ => std::fs::write(world.sandbox.locations().told_dir(), "").unwrap(),
        }
        says_nothing(&world, what, None);
        drop(holder);
    }
}
