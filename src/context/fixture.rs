//! Memories for tests: rows made by hand, and a database filled as a worker
//! fills it.

use jiff::tz::TimeZone;
use sockets_protocol::Locations;
use tempfile::TempDir;

use crate::store::{
    BatchLimits, GiveBack, NewEvent, NewEventKind, NewObservation, NewSummary, ObservationRow,
    Reader, SessionIdentity, SummaryRow, TurnOutcome, Writer,
};

use super::{Input, Options};

/// 2026-01-15 09:00:00 UTC.
pub(crate) const MORNING: i64 = 1_768_467_600_000;
pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const DAY: i64 = 24 * 60 * MINUTE;

const LIMITS: BatchLimits = BatchLimits {
    events: 100,
    bytes: 1 << 20,
    lease_ms: 60_000,
};

pub(crate) fn options() -> Options {
    Options {
        observations: 50,
        summaries: 10,
        full_count: 0,
        full_facts: false,
        last_summary: true,
        read_tokens: true,
        work_tokens: false,
        savings_amount: false,
        savings_percent: false,
    }
}

/// Nothing remembered of the project billing.
pub(crate) fn input() -> Input {
    Input::empty("billing", options(), TimeZone::UTC)
}

pub(crate) fn observation(id: i64, at: i64, title: &str) -> ObservationRow {
    ObservationRow {
        id,
        uid: format!("o-{id}"),
        session_db_id: Some(1),
        memory_session_id: "m".to_owned(),
        content_session_id: "s".to_owned(),
        project: "billing".to_owned(),
        kind: "bugfix".to_owned(),
        title: title.to_owned(),
        subtitle: String::new(),
        narrative: String::new(),
        facts: Vec::new(),
        concepts: Vec::new(),
        files_read: Vec::new(),
        files_modified: Vec::new(),
        prompt_number: Some(1),
        discovery_tokens: 0,
        generated_by_model: None,
        agent_id: None,
        agent_type: None,
        git_branch: None,
        git_head: None,
        superseded_by: None,
        created_at: String::new(),
        created_at_epoch: at,
    }
}

pub(crate) fn summary(id: i64, at: i64, request: &str) -> SummaryRow {
    SummaryRow {
        id,
        uid: format!("s-{id}"),
        session_db_id: Some(1),
        memory_session_id: "m".to_owned(),
        content_session_id: "s".to_owned(),
        project: "billing".to_owned(),
        request: request.to_owned(),
        investigated: String::new(),
        learned: String::new(),
        completed: String::new(),
        next_steps: String::new(),
        notes: String::new(),
        prompt_number: Some(1),
        discovery_tokens: 0,
        generated_by_model: None,
        git_branch: None,
        git_head: None,
        created_at: String::new(),
        created_at_epoch: at,
    }
}

/// A database in a directory of its own.
pub(crate) struct Memory {
    pub(crate) dir: TempDir,
    pub(crate) locations: Locations,
    writer: Writer,
    events: i64,
}

impl Memory {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let locations = Locations::new(dir.path().join("data"));
        let writer = Writer::open(&locations, "test").unwrap();
        Self {
            dir,
            locations,
            writer,
            events: 0,
        }
    }

    pub(crate) fn reader(&self) -> Reader {
        Reader::open(&self.locations.database()).unwrap().unwrap()
    }

    /// A prompt that waits in the queue.
    pub(crate) fn capture(&mut self, session: &str, project: &str, at: i64, prompt: &str) -> i64 {
        self.events += 1;
        let identity = identity(session, project);
        let event = NewEvent {
            project: Some(project.to_owned()),
            ..NewEvent::new(
                &format!("e{}", self.events),
                Some(&format!("p{}", self.events)),
                at,
                NewEventKind::prompt(prompt),
            )
        };
        self.writer.ingest(&identity, &[event]).unwrap();
        self.writer.session(&identity, at).unwrap()
    }

    /// A turn that became these memories. Returns the observations' ids.
    pub(crate) fn remember(
        &mut self,
        (session, project): (&str, &str),
        at: i64,
        observations: Vec<NewObservation>,
        summary: Option<NewSummary>,
    ) -> Vec<i64> {
        let session = self.capture(session, project, at, "a prompt");
        let turn = self
            .writer
            .claim_turn(session, LIMITS, true, at)
            .unwrap()
            .unwrap();
        let outcome = TurnOutcome {
            observations,
            summary,
            skip_reason: None,
            model: "test".to_owned(),
            fallback_reason: None,
        };
        self.writer.commit_turn(&turn, &outcome, at).unwrap()
    }

    /// Marks an observation as superseded by a later one.
    pub(crate) fn supersede(&self, id: i64) {
        let flags = rusqlite::OpenFlags::default();
        let database = self.locations.database();
        let connection = rusqlite::Connection::open_with_flags(database, flags).unwrap();
        let changed = connection.execute(
            "UPDATE observations SET superseded_by = 'later' WHERE id = ?1",
            [id],
        );
        assert_eq!(changed.unwrap(), 1);
    }

    /// Fails the waiting turn of a session until it is given up.
    pub(crate) fn fail(&mut self, session: i64, at: i64, reason: &str) {
        for _ in 0..10 {
            let Some(turn) = self.writer.claim_turn(session, LIMITS, true, at).unwrap() else {
                return;
            };
            self.writer
                .release_turn(
                    turn.turn_id,
                    GiveBack::Attempted { most_attempts: 3 },
                    reason,
                    at,
                )
                .unwrap();
        }
    }
}

fn identity(session: &str, project: &str) -> SessionIdentity {
    SessionIdentity {
        content_session_id: session.to_owned(),
        project: project.to_owned(),
        project_root: String::new(),
    }
}

pub(crate) fn new_observation(title: &str, at: i64) -> NewObservation {
    NewObservation {
        kind: "bugfix".to_owned(),
        title: title.to_owned(),
        at,
        ..NewObservation::default()
    }
}

pub(crate) fn new_summary(request: &str, at: i64) -> NewSummary {
    NewSummary {
        request: request.to_owned(),
        at,
        ..NewSummary::default()
    }
}
