//! When memory is asked at all, and about what: an executable in its place notes
//! down what it is asked.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::world::{ERROR, PROMPT, World};

struct Asked {
    world: World,
    hooks: PathBuf,
    noted: PathBuf,
}

impl Asked {
    fn new(world: World) -> Self {
        let hooks = world.sandbox.copy_of_binaries(false);
        let noted = world.sandbox.root.path().join("asked");
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = recall ] && cat >>'{}'\necho '{{}}'\n",
            noted.display()
        );
        let path = hooks.join("claude-mem");
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self {
            world,
            hooks,
            noted,
        }
    }

    /// What memory is asked at this event.
    fn about(&self, payload: &Value) -> String {
        drop(std::fs::remove_file(&self.noted));
        drop(self.world.sandbox.event_by(&self.hooks, payload));
        std::fs::read_to_string(&self.noted).unwrap_or_default()
    }
}

#[test]
fn it_is_asked_at_three_moments_and_at_no_other_event() {
    let asked = Asked::new(World::filled());
    for (payload, _) in asked.world.moments("s") {
        let question: Value = serde_json::from_str(&asked.about(&payload)).unwrap();
        assert_eq!(question["hook_event_name"], payload["hook_event_name"]);
        assert_eq!(question["session_id"], "s");
    }
    let talk = asked.world.talk("s");
    let mut write = asked.world.moments("s")[1].0.clone();
    write["tool_name"] = json!("Write");
    let mut interrupted = talk.failure("p", "i", "pytest", ERROR);
    interrupted["is_interrupt"] = json!(true);
    for payload in [
        talk.bash("p", "b", "pytest", ERROR),
        talk.stop("p", PROMPT),
        talk.end("p"),
        talk.prompt("q", "yes"),
        talk.prompt("q", "/review the discount code of the invoice"),
        talk.prompt(
            "q",
            "<task-notification>discount code of the invoice</task-notification>",
        ),
        talk.read("p", "r", "/no/such/file.py"),
        write,
        interrupted,
    ] {
        assert_eq!(asked.about(&payload), "", "{payload}");
    }
}

#[test]
fn it_is_not_asked_where_it_is_switched_off() {
    for (name, value, off) in [
        ("CLAUDE_MEM_RECALL_PROMPT", "false", &[0][..]),
        ("CLAUDE_MEM_RECALL_READ", "off", &[1]),
        ("CLAUDE_MEM_RECALL_FAILURE", "0", &[2]),
        ("CLAUDE_MEM_DISABLED", "true", &[0, 1, 2]),
        ("CLAUDE_MEM_INTERNAL", "1", &[0, 1, 2]),
        ("CLAUDE_MEM_EXCLUDED_PROJECTS", "bill*", &[0, 1, 2]),
        ("CLAUDE_MEM_SKIP_TOOLS", "Read,Bash", &[1, 2]),
    ] {
        let mut world = World::filled();
        world.sandbox.set(name, value);
        let asked = Asked::new(world);
        for (index, (payload, _)) in asked.world.moments("s").iter().enumerate() {
            let question = asked.about(payload);
            assert_eq!(
                question.is_empty(),
                off.contains(&index),
                "{name}: {question}"
            );
        }
    }
    let asked = Asked::new(World::filled());
    for file in ["claude-mem.db", "claude-mem.db-wal"] {
        drop(std::fs::remove_file(asked.world.sandbox.data.join(file)));
    }
    for (payload, _) in asked.world.moments("s") {
        assert_eq!(asked.about(&payload), "", "nothing is stored");
    }
}

#[test]
fn what_is_private_is_not_asked_about() {
    const SECRET: &str = "periwinkle-4711";
    const KEY: &str = "sk-ant-api03-AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHHIIIIJJJJKKKKLLLLMMMM-NNNNOOOO";
    let asked = Asked::new(World::filled());
    let talk = asked.world.talk("s");
    let prompt = format!("<private>{SECRET}</private> {PROMPT} {KEY}");
    let question = asked.about(&talk.prompt("p", &prompt));
    assert!(question.contains("discount code"), "{question}");
    let error = format!("{ERROR}\n<private>{SECRET}</private> ANTHROPIC_API_KEY={KEY}");
    let question = format!(
        "{question}{}",
        asked.about(&talk.failure("p", "f", "x", &error))
    );
    assert!(question.contains("ECONNREFUSED"), "{question}");
    assert!(
        !question.contains(SECRET) && !question.contains(KEY),
        "{question}"
    );

    let silent = format!("<private>{SECRET} {PROMPT}</private>");
    assert_eq!(asked.about(&talk.prompt("silent", &silent)), "");
    for (mut payload, _) in asked.world.moments("s").into_iter().skip(1) {
        payload["prompt_id"] = json!("silent");
        assert_eq!(asked.about(&payload), "", "its turn is silent");
    }
    assert_eq!(
        asked.world.sandbox.files_with(SECRET.as_bytes()),
        Vec::<PathBuf>::new()
    );
}
