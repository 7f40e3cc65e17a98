//! Memories to be recalled, and the moments at which they are.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use claude_mem::store::{
    BatchLimits, NewEvent, NewEventKind, NewObservation, SessionIdentity, TurnOutcome, Writer,
};
use serde_json::{Value, json};

use crate::support::{Ran, Sandbox, Talk, assert_answer, hook_for, told};

const LIMITS: BatchLimits = BatchLimits {
    events: 100,
    bytes: 1_000_000,
    lease_ms: 60_000,
};

/// A hook that is late on a busy machine tells nothing, which is as it should
/// be: another session is told.
const ATTEMPTS: usize = 6;

pub(super) const PROMPT: &str = "Why does a discount code count twice in the invoice total?";
pub(super) const ERROR: &str = "Exit code 1\nTraceback (most recent call last):\n  File \"/x/tests/conftest.py\", line 3, in connect\npsycopg2.OperationalError: connect ECONNREFUSED 127.0.0.1:5432, is PostgreSQL running?";

pub(super) struct World {
    pub(super) sandbox: Sandbox,
    /// Open until the database is to be broken.
    writer: Option<Writer>,
    turns: i64,
}

/// An hour ago, in epoch milliseconds: later than the files of a test are said to
/// have been changed.
pub(super) fn an_hour_ago() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap() - 3_600_000
}

pub(super) fn row(kind: &str, title: &str, narrative: &str) -> NewObservation {
    NewObservation {
        kind: kind.to_owned(),
        title: title.to_owned(),
        narrative: narrative.to_owned(),
        at: an_hour_ago(),
        ..NewObservation::default()
    }
}

pub(super) fn about(file: &str, row: NewObservation) -> NewObservation {
    NewObservation {
        files_modified: vec![file.to_owned()],
        ..row
    }
}

impl World {
    pub(super) fn new() -> Self {
        let sandbox = Sandbox::new();
        let writer = Writer::open(&sandbox.locations(), "test").unwrap();
        Self {
            sandbox,
            writer: Some(writer),
            turns: 0,
        }
    }

    /// Three rows of the sandbox's project, one for each moment, #1 to #3.
    pub(super) fn filled() -> Self {
        let mut world = Self::new();
        let file = "src/money.py";
        world.remember(
            "old",
            "billing",
            vec![
                row(
                    "bugfix",
                    "A discount code entered twice counts once",
                    "The invoice total multiplied the rate for every entry of codes.",
                ),
                about(
                    file,
                    row(
                        "decision",
                        "Cents are rounded half-even",
                        "Sums stay unbiased.",
                    ),
                ),
                row(
                    "bugfix",
                    "ECONNREFUSED in the tests: PostgreSQL listens on a socket",
                    "psycopg2 wants host=/var/run/postgresql in DATABASE_URL.",
                ),
            ],
        );
        world.file(file);
        world
    }

    /// Rows of a turn of a session; their ids.
    pub(super) fn remember(
        &mut self,
        session: &str,
        project: &str,
        observations: Vec<NewObservation>,
    ) -> Vec<i64> {
        self.turns += 1;
        let at = an_hour_ago() + self.turns;
        let identity = SessionIdentity {
            content_session_id: session.to_owned(),
            project: project.to_owned(),
            project_root: String::new(),
        };
        let event = NewEvent::new(
            &format!("turn-{}", self.turns),
            None,
            at,
            NewEventKind::prompt("Go on."),
        );
        let writer = self.writer.as_mut().unwrap();
        writer.ingest(&identity, &[event]).unwrap();
        let row = writer.session(&identity, at).unwrap();
        let turn = writer.claim_turn(row, LIMITS, true, at).unwrap();
        let outcome = TurnOutcome {
            observations,
            model: "test-model".to_owned(),
            ..TurnOutcome::default()
        };
        writer.commit_turn(&turn.unwrap(), &outcome, at).unwrap()
    }

    /// Nobody has the database open any more.
    pub(super) fn close(&mut self) {
        self.writer = None;
    }

    /// A file of the project that was changed before anything was remembered.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        let path = self.sandbox.project.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let file = std::fs::File::create(&path).unwrap();
        let long_ago = SystemTime::now() - Duration::from_hours(48);
        file.set_modified(long_ago).unwrap();
        path
    }

    pub(super) fn talk(&self, session: &str) -> Talk {
        Talk::new(session, &self.sandbox.project)
    }

    /// The three moments in a session, each with what it is about in
    /// [`World::filled`].
    pub(super) fn moments(&self, session: &str) -> [(Value, &'static str); 3] {
        let talk = self.talk(session);
        let file = self.sandbox.project.join("src/money.py");
        [
            (talk.prompt("p", PROMPT), "#1 "),
            (talk.read("p", "r", file.to_str().unwrap()), "#2 "),
            (talk.failure("p", "f", "pytest", ERROR), "#3 "),
        ]
    }

    /// What is told at once.
    pub(super) fn told(&self, payload: &Value) -> String {
        let ran = self.sandbox.event(payload);
        text(payload, &ran)
    }

    /// What a session is told, at the first of some attempts in sessions of their
    /// own at which it was told anything.
    #[track_caller]
    pub(super) fn recalled(&self, payload: &Value) -> String {
        for attempt in 0..ATTEMPTS {
            let mut payload = payload.clone();
            let session = payload["session_id"].as_str().unwrap();
            payload["session_id"] = json!(format!("{session}-{attempt}"));
            let told = self.told(&payload);
            if !told.is_empty() {
                return told;
            }
        }
        panic!("nothing was told at {payload}");
    }
}

#[track_caller]
pub(super) fn text(payload: &Value, ran: &Ran) -> String {
    let hook = hook_for(payload["hook_event_name"].as_str().unwrap());
    assert_answer(hook, ran, "a moment to recall");
    told(&ran.json())
}

/// The ids of the memories in a text, in its order.
pub(super) fn ids(text: &str) -> Vec<i64> {
    text.lines()
        .filter_map(|line| line.strip_prefix('#')?.split(' ').next()?.parse().ok())
        .collect()
}
