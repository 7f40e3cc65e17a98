use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Map;
use sockets_protocol::SafeId;

use crate::context::fixture::{MORNING, Memory, new_observation, new_summary};

use super::*;

/// A project directory beside the data, and a session that starts in it.
struct Start<'a> {
    memory: &'a Memory,
    environment: Vec<(&'static str, &'static str)>,
}

impl<'a> Start<'a> {
    fn of(memory: &'a Memory) -> Self {
        Self {
            memory,
            environment: Vec::new(),
        }
    }

    fn session(&self, id: &str, source: &str) -> Session {
        let dir = self.memory.dir.path().join("work/billing");
        fs::create_dir_all(&dir).unwrap();
        let payload = json!({"session_id": id, "source": source, "cwd": dir});
        let environment = |name: &str| {
            let found = self.environment.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Session {
            settings: Settings::from_parts(environment, self.memory.locations.data_dir()),
            payload: Payload::from(payload.as_object().unwrap()),
            dir,
            now_ms: MORNING,
            zone: TimeZone::UTC,
        }
    }

    fn tell(&self, id: &str, source: &str) -> Option<String> {
        self.session(id, source).tell()
    }
}

fn remember(memory: &mut Memory, session: &str, title: &str) {
    memory.remember(
        (session, "billing"),
        MORNING,
        vec![new_observation(title, MORNING)],
        Some(new_summary(&format!("request of {title}"), MORNING)),
    );
}

#[test]
fn a_session_is_told_once_and_then_only_of_news() {
    let mut memory = Memory::new();
    remember(&mut memory, "old", "First");
    let tell = |memory: &Memory, source| Start::of(memory).tell("s", source);
    for source in ["startup", "clear", "compact", "something new"] {
        assert!(
            tell(&memory, source).unwrap().contains("bugfix: First"),
            "{source}"
        );
    }
    assert_eq!(tell(&memory, "resume"), None, "nothing is new");
    remember(&mut memory, "s", "Own");
    assert_eq!(
        tell(&memory, "resume"),
        None,
        "its own work is no news to it"
    );
    remember(&mut memory, "other", "Second");
    let news = tell(&memory, "resume").unwrap();
    assert!(
        news.contains("bugfix: Second") && news.contains("request of Second"),
        "{news}"
    );
    assert!(!news.contains("First") && !news.contains("Own"), "{news}");
    assert_eq!(tell(&memory, "resume"), None, "it has been told");
    let compacted = tell(&memory, "compact").unwrap();
    for title in ["First", "Own", "Second"] {
        assert!(
            compacted.contains(title),
            "all is forgotten after a compaction: {compacted}"
        );
    }
}

#[test]
fn a_resumed_session_that_was_never_told_hears_all_of_others() {
    let mut memory = Memory::new();
    remember(&mut memory, "s", "Own");
    assert_eq!(Start::of(&memory).tell("s", "resume"), None);
    remember(&mut memory, "other", "Other");
    let text = Start::of(&memory).tell("s", "resume").unwrap();
    assert!(text.contains("Other") && !text.contains("Own"), "{text}");
}

#[test]
fn a_first_session_is_greeted_and_a_resumed_one_is_not() {
    let memory = Memory::new();
    let text = Start::of(&memory).tell("s", "startup").unwrap();
    assert!(text.contains("no memory of billing yet"), "{text}");
    assert_eq!(Start::of(&memory).tell("s", "resume"), None);
}

#[test]
fn who_switched_it_off_is_told_nothing() {
    let mut memory = Memory::new();
    remember(&mut memory, "old", "First");
    for (name, value) in [
        ("CLAUDE_MEM_DISABLED", "true"),
        ("CLAUDE_MEM_EXCLUDED_PROJECTS", "bill*"),
    ] {
        let start = Start {
            memory: &memory,
            environment: vec![(name, value)],
        };
        assert_eq!(start.tell("s", "startup"), None, "{name}");
    }
    let session = Start::of(&memory).session("s", "startup");
    fs::write(session.dir.join(skip::IGNORE_FILE), "").unwrap();
    assert_eq!(session.tell(), None);
}

#[test]
fn another_project_is_not_told_of() {
    let mut memory = Memory::new();
    memory.remember(
        ("old", "secret"),
        MORNING,
        vec![new_observation("Canary", MORNING)],
        None,
    );
    let text = Start::of(&memory).tell("s", "startup").unwrap();
    assert!(!text.contains("Canary"), "{text}");
}

#[test]
fn a_damaged_database_is_named_with_its_remedy() {
    let memory = Memory::new();
    let data = memory.dir.path().join("elsewhere");
    fs::create_dir(&data).unwrap();
    fs::write(
        data.join("claude-mem.db"),
        "no database at all, and long enough to be read".repeat(30),
    )
    .unwrap();
    let mut session = Start::of(&memory).session("s", "startup");
    session.settings = Settings::from_parts(|_| None, &data);
    let text = session.tell().unwrap();
    assert!(text.contains("not keeping memory: the database"), "{text}");
    assert!(text.contains("To do: move it away"), "{text}");
}

#[test]
fn a_note_that_cannot_be_written_is_a_stall() {
    let mut memory = Memory::new();
    remember(&mut memory, "old", "First");
    let told = memory.locations.told_dir();
    fs::write(&told, "a file in the place of the directory").unwrap();
    let text = Start::of(&memory).tell("s", "startup").unwrap();
    let wanted = format!("cannot write to {}: ", told.display());
    assert!(
        text.contains(&wanted) && text.contains("bugfix: First"),
        "{text}"
    );
}

#[test]
fn without_a_session_id_everything_is_told_and_nothing_noted() {
    let mut memory = Memory::new();
    remember(&mut memory, "old", "First");
    let mut session = Start::of(&memory).session("", "resume");
    assert_eq!(session.payload.session, None);
    assert!(session.tell().unwrap().contains("First"));
    assert!(!memory.locations.told_dir().exists());
    session.payload.session = Some("../../x".to_owned());
    assert!(session.tell().is_some());
    assert!(memory.locations.told(&SafeId::new("../../x")).exists());
    let mode = fs::metadata(memory.locations.told_dir())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn the_answer_is_an_object_that_adds_context_or_does_nothing() {
    assert_eq!(envelope(None), json!({}));
    assert_eq!(envelope(Some("")), json!({}));
    let answer = envelope(Some("memory \"quoted\"\n"));
    assert_eq!(
        answer["hookSpecificOutput"]["hookEventName"],
        "SessionStart"
    );
    assert_eq!(
        answer["hookSpecificOutput"]["additionalContext"],
        "memory \"quoted\"\n"
    );
    assert_eq!(answer.as_object().unwrap().len(), 1);
}

#[test]
fn the_host_knows_the_project_better_than_the_payload() {
    let payload = |value: Value| Payload::from(value.as_object().unwrap_or(&Map::new()));
    let moved = payload(json!({"cwd": "/work/app/src", "source": 7}));
    let host = Some(PathBuf::from("/work/app"));
    assert_eq!(directory(host.clone(), &moved), host);
    assert_eq!(
        directory(None, &moved),
        Some(PathBuf::from("/work/app/src"))
    );
    assert_eq!(directory(None, &payload(json!([]))), None);
}
