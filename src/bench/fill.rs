//! Storing documents: the transactions of a worker, only with more in each.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use sockets_protocol::Locations;

use crate::store::{
    BatchLimits, NewEvent, NewEventKind, NewObservation, SessionIdentity, TurnOutcome, Writer,
    checkpoint,
};

use super::data::{Data, Document, Haystack, Id};

/// Documents of one turn.
const TURN: usize = 200;

/// A turn has one event here, the one that opens it.
const LIMITS: BatchLimits = BatchLimits {
    events: 1,
    bytes: 1 << 20,
    lease_ms: 600_000,
};

/// The type of the observations, and who made them.
const KIND: &str = "discovery";
const MODEL: &str = "bench";

/// What was stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filled {
    documents: HashMap<i64, Id>,
    pub took: Duration,
}

impl Filled {
    /// The document that became this observation.
    pub fn document(&self, observation: i64) -> Option<&Id> {
        self.documents.get(&observation)
    }
}

/// Stores all documents: a session and a project for each haystack, a document
/// as an observation whose narrative is its text, in their order. `progress`
/// hears how many are stored.
///
/// # Errors
/// When the database cannot be written, or the write path takes documents for
/// doubles of others.
pub fn fill(
    locations: &Locations,
    data: &Data,
    mut progress: impl FnMut(usize),
) -> anyhow::Result<Filled> {
    let began = Instant::now();
    let mut writer = Writer::open(locations, MODEL)?;
    let mut filled = Filled::default();
    for (number, haystack) in data.haystacks.iter().enumerate() {
        let identity = SessionIdentity {
            content_session_id: format!("{MODEL}-{number}"),
            project: haystack.name.to_string(),
            project_root: String::new(),
        };
        for (number, turn) in turns(haystack).into_iter().enumerate() {
            let ids = commit(&mut writer, &identity, number, turn)?;
            ensure!(
                ids.len() == turn.len(),
                "{} of {} documents of {} were not stored: the write path takes them for doubles of others",
                turn.len() - ids.len(),
                turn.len(),
                haystack.name
            );
            let documents = turn.iter().map(|document| document.id.clone());
            filled.documents.extend(ids.into_iter().zip(documents));
            if checkpoint::is_due(locations) {
                checkpoint::run(locations)?;
            }
            progress(filled.documents.len());
        }
    }
    filled.took = began.elapsed();
    Ok(filled)
}

/// Documents in bundles. A turn that says the same thing twice has said it once,
/// so a text that repeats begins the next turn.
fn turns(haystack: &Haystack) -> Vec<&[Document]> {
    let mut turns = Vec::new();
    let mut rest = haystack.documents.as_slice();
    while !rest.is_empty() {
        let mut texts = HashSet::new();
        let length = rest
            .iter()
            .take(TURN)
            .take_while(|document| texts.insert(&document.text))
            .count();
        let (turn, later) = rest.split_at(length);
        turns.push(turn);
        rest = later;
    }
    turns
}

fn commit(
    writer: &mut Writer,
    identity: &SessionIdentity,
    number: usize,
    documents: &[Document],
) -> anyhow::Result<Vec<i64>> {
    let at = documents
        .iter()
        .map(|document| document.at)
        .min()
        .unwrap_or(0);
    writer.ingest(identity, &[event(number, at)])?;
    let session = writer.session(identity, at)?;
    let turn = writer
        .claim_turn(session, LIMITS, true, at)?
        .context("the turn that was just opened is not there")?;
    let outcome = TurnOutcome {
        observations: documents.iter().map(observation).collect(),
        model: MODEL.to_owned(),
        ..TurnOutcome::default()
    };
    Ok(writer.commit_turn(&turn, &outcome, at)?)
}

/// A tool call opens a turn as well as a prompt does, and leaves no row that
/// could be found.
fn event(number: usize, at: i64) -> NewEvent {
    NewEvent::new(
        &format!("e{number}"),
        Some(&format!("p{number}")),
        at,
        NewEventKind::Observation {
            tool_name: MODEL.to_owned(),
            input: "null".to_owned(),
            output: "null".to_owned(),
            failed: false,
        },
    )
}

fn observation(document: &Document) -> NewObservation {
    NewObservation {
        kind: KIND.to_owned(),
        narrative: document.text.clone(),
        at: document.at,
        ..NewObservation::default()
    }
}
