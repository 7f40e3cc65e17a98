//! A database with turns that want to be done again.

use std::time::{SystemTime, UNIX_EPOCH};

use claude_mem::store::{
    BatchLimits, GiveBack, NewEvent, NewEventKind, NewObservation, SessionIdentity, TurnOutcome,
    Writer,
};
use serde_json::{Value, json};

use crate::support::Sandbox;
use crate::support::fake_model::FakeModel;

const LIMITS: BatchLimits = BatchLimits {
    events: 100,
    bytes: 1 << 20,
    lease_ms: 1000,
};

/// Within the time for which events are kept.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

pub(super) const WHY: &str = "timeout: no answer within 120 s";

fn event(turn: &str, what: &str, kind: NewEventKind) -> NewEvent {
    NewEvent::new(&format!("{turn}-{what}"), Some(turn), now(), kind)
}

/// A turn in which a decision is written down.
fn decision(turn: &str, about: &str) -> Vec<NewEvent> {
    let path = format!("docs/decisions/{turn}.md");
    let content =
        format!("# {about} is kept in SQLite\n\nStatus: accepted\n\nIt must survive a restart.\n");
    vec![
        event(
            turn,
            "prompt",
            NewEventKind::Prompt {
                text: format!("Where should {about} be kept? Write a decision record."),
                private: false,
                git_branch: None,
                git_head: None,
            },
        ),
        event(
            turn,
            "write",
            NewEventKind::Observation {
                tool_name: "Write".to_owned(),
                input: json!({"file_path": path, "content": content}).to_string(),
                output: json!({"type": "create", "filePath": path, "content": content}).to_string(),
                failed: false,
            },
        ),
        event(
            turn,
            "stop",
            NewEventKind::Finalize {
                reason: "stop",
                message: Some(format!(
                    "Decision: keep {about} in SQLite, because one process reads it and it must survive a restart."
                )),
                closes_turn: true,
            },
        ),
    ]
}

/// What becomes of a turn.
pub(super) enum Fate {
    Offline,
    Failed,
}

/// A database with turns in it, each in a session of its own.
pub(super) struct Past {
    pub(super) sandbox: Sandbox,
    pub(super) writer: Writer,
}

impl Past {
    pub(super) fn new() -> Self {
        let mut sandbox = Sandbox::new();
        sandbox.set("CLAUDE_MEM_PROVIDER", "local");
        let writer = Writer::open(&sandbox.locations(), "test").unwrap();
        Self { sandbox, writer }
    }

    /// The id of the turn.
    pub(super) fn turn(&mut self, session: &str, name: &str, fate: &Fate) -> i64 {
        let identity = SessionIdentity {
            content_session_id: session.to_owned(),
            project: "billing".to_owned(),
            project_root: String::new(),
        };
        self.writer
            .ingest(&identity, &decision(name, name))
            .unwrap();
        let row = self.writer.session(&identity, now()).unwrap();
        let claimed = self.writer.claim_turn(row, LIMITS, false, now());
        let claimed = claimed.unwrap().unwrap();
        let id = claimed.turn_id;
        match fate {
            Fate::Offline => {
                let outcome = TurnOutcome {
                    observations: vec![NewObservation {
                        kind: "discovery".to_owned(),
                        title: format!("A guess at {name}"),
                        at: now(),
                        ..NewObservation::default()
                    }],
                    model: "local".to_owned(),
                    fallback_reason: Some(WHY.to_owned()),
                    ..TurnOutcome::default()
                };
                self.writer.commit_turn(&claimed, &outcome, now()).unwrap();
            }
            Fate::Failed => {
                let how = GiveBack::Attempted { most_attempts: 1 };
                self.writer.release_turn(id, how, "no luck", now()).unwrap();
            }
        }
        id
    }

    /// From here on a model is asked.
    pub(super) fn ask(&mut self, model: &FakeModel) {
        for (name, value) in [
            ("CLAUDE_MEM_PROVIDER", "anthropic"),
            ("CLAUDE_MEM_ANTHROPIC_API_KEY", "sk-test"),
            ("CLAUDE_MEM_ANTHROPIC_BASE_URL", &model.url()),
        ] {
            self.sandbox.set(name, value);
        }
    }

    pub(super) fn queue(&self, args: &[&str]) -> Value {
        let all = ["queue", "--json"].into_iter().chain(args.iter().copied());
        let ran = self.sandbox.claude_mem(all);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran.json()
    }

    /// Titles that are current and titles that are not.
    pub(super) fn titles(&self, session: &str) -> (Vec<String>, Vec<String>) {
        let ask = |superseded: &str| {
            self.sandbox.dump(&format!(
                "SELECT title FROM observations WHERE superseded_by IS {superseded}
                     AND session_db_id = (SELECT id FROM sdk_sessions
                                          WHERE content_session_id = '{session}') ORDER BY id"
            ))
        };
        (ask("NULL"), ask("NOT NULL"))
    }

    pub(super) fn pending(&self) -> i64 {
        self.sandbox
            .count("SELECT count(*) FROM pending_messages WHERE status = 'pending'")
    }
}
