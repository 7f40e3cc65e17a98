//! Memories to be asked about.

use claude_mem::store::{
    BatchLimits, NewEvent, NewEventKind, NewObservation, NewSummary, SessionIdentity, TurnOutcome,
    Writer,
};

use crate::support::Sandbox;

pub(super) struct World {
    pub(super) sandbox: Sandbox,
    writer: Writer,
}

/// When the memories of [`filled`] begin: 2026-01-01, midnight in UTC.
const BEGIN: i64 = 1_767_225_600_000;

const LIMITS: BatchLimits = BatchLimits {
    events: 100,
    bytes: 1_000_000,
    lease_ms: 60_000,
};

pub(super) fn observation(kind: &str, title: &str, read: &str, modified: &str) -> NewObservation {
    let list = |path: &str| match path {
        "" => Vec::new(),
        path => vec![path.to_owned()],
    };
    NewObservation {
        kind: kind.to_owned(),
        title: title.to_owned(),
        narrative: format!("It was found that {title}."),
        facts: vec![format!("a fact of {title}")],
        files_read: list(read),
        files_modified: list(modified),
        ..NewObservation::default()
    }
}

impl World {
    pub(super) fn new() -> Self {
        let sandbox = Sandbox::new();
        let writer = Writer::open(&sandbox.locations(), "test").unwrap();
        Self { sandbox, writer }
    }

    /// One turn, `minute` minutes after the beginning: its prompt, and what
    /// became of it.
    pub(super) fn turn(
        &mut self,
        session: &str,
        project: &str,
        minute: i64,
        observations: Vec<NewObservation>,
    ) {
        let at = BEGIN + minute * 60_000;
        let identity = SessionIdentity {
            content_session_id: session.to_owned(),
            project: project.to_owned(),
            project_root: String::new(),
        };
        let event = NewEvent::new(
            &format!("p{at}"),
            None,
            at,
            NewEventKind::Prompt {
                text: format!("What of {project} in minute {minute}?"),
                private: false,
                git_branch: Some("main".to_owned()),
                git_head: None,
            },
        );
        self.writer.ingest(&identity, &[event]).unwrap();
        let row = self.writer.session(&identity, at).unwrap();
        let turn = self.writer.claim_turn(row, LIMITS, true, at + 1).unwrap();
        let outcome = TurnOutcome {
            observations: observations
                .into_iter()
                .zip(1..)
                .map(|(row, place)| NewObservation {
                    at: at + place,
                    ..row
                })
                .collect(),
            summary: Some(NewSummary {
                request: format!("Understand {project}"),
                learned: "The ledger is kept in euros".to_owned(),
                at: at + 50,
                ..NewSummary::default()
            }),
            model: "test-model".to_owned(),
            ..TurnOutcome::default()
        };
        let turn = turn.unwrap();
        self.writer.commit_turn(&turn, &outcome, at + 51).unwrap();
    }
}

/// `billing`, the sandbox's project, has #1 to #4 in two turns, `shop` has #5.
pub(super) fn filled() -> World {
    let mut world = World::new();
    let billing = [
        observation("decision", "prices are kept in cents", "src/price.rs", ""),
        observation("bugfix", "the rounding was wrong", "", "src/money/round.rs"),
    ];
    world.turn("one", "billing", 0, billing.into());
    let billing = [
        observation(
            "discovery",
            "rounding is half-even",
            "src/money/round.rs",
            "",
        ),
        observation("change", "an old module is gone", "", "lib/old/round.rs"),
    ];
    world.turn("two", "billing", 10, billing.into());
    let shop = [observation(
        "discovery",
        "the zebrafish catalogue",
        "",
        "src/fish.rs",
    )];
    world.turn("three", "shop", 20, shop.into());
    world
}
