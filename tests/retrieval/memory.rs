//! A database that rows are put into as a worker does it.

use claude_mem::search::{Request, Results, SearchError, run};
use claude_mem::store::{
    BatchLimits, NewEvent, NewEventKind, NewObservation, NewSummary, Reader, SessionIdentity,
    TurnOutcome, Writer,
};
use sockets_protocol::Locations;

/// How far down a row may stand that was asked for by its own words.
pub(super) const TOP: usize = 5;

/// 2026-01-01.
pub(super) const BEGIN: i64 = 1_767_225_600_000;

const LIMITS: BatchLimits = BatchLimits {
    events: 10,
    bytes: 1 << 20,
    lease_ms: 60_000,
};

pub(super) fn observation(title: &str) -> NewObservation {
    NewObservation {
        kind: "discovery".to_owned(),
        title: title.to_owned(),
        at: BEGIN,
        ..NewObservation::default()
    }
}

/// A turn with a prompt, committed in the three transactions of a worker.
/// Returns the ids of its observations.
pub(super) fn remember(
    writer: &mut Writer,
    (session, project): (&str, &str),
    number: usize,
    observations: Vec<NewObservation>,
) -> Vec<i64> {
    let identity = SessionIdentity {
        content_session_id: session.to_owned(),
        project: project.to_owned(),
        project_root: String::new(),
    };
    let prompt = NewEvent::new(
        &format!("prompt-{number}"),
        Some(&format!("p{number}")),
        BEGIN,
        NewEventKind::prompt(format!("prompt {number} of {session}")),
    );
    writer.ingest(&identity, &[prompt]).unwrap();
    let session_db_id = writer.session(&identity, BEGIN).unwrap();
    let turn = writer
        .claim_turn(session_db_id, LIMITS, true, BEGIN)
        .unwrap()
        .unwrap();
    let outcome = TurnOutcome {
        observations,
        summary: Some(NewSummary {
            request: format!("request {number} of {session}"),
            at: BEGIN,
            ..NewSummary::default()
        }),
        model: "test".to_owned(),
        ..TurnOutcome::default()
    };
    writer.commit_turn(&turn, &outcome, BEGIN).unwrap()
}

pub(super) fn reader(locations: &Locations) -> Reader {
    Reader::open(&locations.database()).unwrap().unwrap()
}

/// The first rows that a text finds, in one project or in all.
pub(super) fn ask(
    reader: &Reader,
    text: &str,
    project: Option<&str>,
) -> Result<Results, SearchError> {
    let request = Request {
        text: text.to_owned(),
        projects: project.map(|project| vec![project.to_owned()]),
        limit: TOP,
        ..Request::default()
    };
    run(reader, &request)
}

/// Ids of the observations that a text finds, best first.
pub(super) fn found(reader: &Reader, text: &str, project: Option<&str>) -> Vec<i64> {
    let results = ask(reader, text, project).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    results
        .observations
        .iter()
        .map(|found| found.row.id)
        .collect()
}
