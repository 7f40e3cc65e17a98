//! The store on its own: real files, real SQLite, several handles at once.

use sockets_protocol::Locations;
use tempfile::TempDir;

use super::*;

mod files;
mod rows;
mod turns;

pub(super) const LIMITS: BatchLimits = BatchLimits {
    events: 100,
    bytes: 1 << 20,
    lease_ms: 1000,
};

pub(super) struct World {
    _directory: TempDir,
    pub(super) locations: Locations,
}

impl World {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self {
            locations: Locations::new(directory.path().join("data")),
            _directory: directory,
        }
    }

    pub(super) fn writer(&self, owner: &str) -> Writer {
        Writer::open(&self.locations, owner).unwrap()
    }

    pub(super) fn reader(&self) -> Reader {
        Reader::open(&self.locations.database()).unwrap().unwrap()
    }
}

pub(super) fn session(id: &str) -> SessionIdentity {
    SessionIdentity {
        content_session_id: id.to_owned(),
        project: "billing".to_owned(),
        project_root: "/home/demo/billing".to_owned(),
    }
}

pub(super) fn event(id: &str, prompt: Option<&str>, at: i64, kind: NewEventKind) -> NewEvent {
    NewEvent::new(id, prompt, at, kind)
}

pub(super) fn prompt(id: &str, text: &str, at: i64) -> NewEvent {
    event(
        id,
        Some(id),
        at,
        NewEventKind::Prompt {
            text: text.to_owned(),
            private: false,
            git_branch: Some("main".to_owned()),
            git_head: Some("abc".to_owned()),
        },
    )
}

pub(super) fn tool(id: &str, prompt: Option<&str>, at: i64) -> NewEvent {
    event(
        id,
        prompt,
        at,
        NewEventKind::Observation {
            tool_name: "Bash".to_owned(),
            input: r#"{"command":"make"}"#.to_owned(),
            output: r#""ok""#.to_owned(),
            failed: false,
        },
    )
}

pub(super) fn end(id: &str, prompt: Option<&str>, at: i64, reason: &'static str) -> NewEvent {
    event(
        id,
        prompt,
        at,
        NewEventKind::Finalize {
            reason,
            message: Some("done".to_owned()),
            closes_turn: matches!(reason, "stop" | "session_end"),
        },
    )
}

pub(super) fn outcome(titles: &[&str]) -> TurnOutcome {
    TurnOutcome {
        observations: titles
            .iter()
            .map(|title| NewObservation {
                kind: "bugfix".to_owned(),
                title: (*title).to_owned(),
                facts: vec!["a fact".to_owned()],
                at: 5,
                ..NewObservation::default()
            })
            .collect(),
        summary: Some(NewSummary {
            request: "make it work".to_owned(),
            at: 6,
            ..NewSummary::default()
        }),
        skip_reason: None,
        model: "local".to_owned(),
        fallback_reason: None,
    }
}

pub(super) fn assert_balanced(reader: &Reader) {
    let totals = reader.counters(None).unwrap();
    assert!(totals.counters.balanced(), "{totals:?}");
}
