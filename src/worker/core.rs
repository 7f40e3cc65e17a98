//! What a worker does with the database, one step after the other. On the
//! engine's thread while the worker serves, on the main thread when it leaves.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::settings::{Key, Settings};
use sockets_protocol::{
    Ack, AckStatus, ErrorCode, ErrorReply, Finalize, FinalizeReason, Locations, PROTOCOL_VERSION,
    Reply, Request, SafeId, StatusReply,
};
use uuid::Uuid;

use crate::store::{
    Arrival, ClaimedTurn, Ingested, NewEvent, NewEventKind, Retention, SessionIdentity, StoreError,
    Writer, checkpoint,
};

use super::agent::{Agent, Worked};
use super::current::Current;
use super::intake::Intake;
use super::{now, spool};

/// No hook writes for this long.
const LEFTOVER_AGE: Duration = Duration::from_hours(1);

/// How long a worker that leaves goes on with the index for others.
const BACKLOG_TIME: Duration = Duration::from_secs(2);

/// How long what a session was told is remembered.
const TOLD_DAYS: u64 = 60;

/// How long the lock file of a session that is over stays.
const LOCK_DAYS: u64 = 7;

/// What arrived events call for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Call {
    /// A turn may be ready for the agent.
    pub(super) process: bool,
    pub(super) stage: Stage,
}

/// Where the session stands, as far as its last events tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// They tell nothing.
    #[default]
    Unknown,
    /// A prompt: a turn has begun.
    TurnBegan,
    /// Nothing more is expected before the next prompt.
    TurnOver,
    /// Nothing more is expected at all.
    SessionOver,
}

impl Call {
    /// What holds after `next` came too. Only a prompt takes an end back.
    pub(super) fn then(self, next: Self) -> Self {
        let stage = match (self.stage, next.stage) {
            (known, Stage::Unknown) | (known @ Stage::SessionOver, Stage::TurnOver) => known,
            (_, newer) => newer,
        };
        Self {
            process: self.process || next.process,
            stage,
        }
    }
}

/// The session, its database handle and its spool.
#[derive(Debug)]
pub(super) struct Core {
    writer: Writer,
    agent: Arc<Current>,
    locations: Locations,
    identity: SessionIdentity,
    /// Row id; 0 until the first event makes the row.
    session: i64,
    intake: Intake,
    /// Events that came since a turn was last looked for.
    waiting: usize,
    /// Commits since the size of the database's log was last looked at.
    commits: u32,
}

/// Commits between two looks at the size of the log.
const LOOK_EVERY: u32 = 32;

impl Core {
    /// Opens the database and takes back what a dead worker of the session left
    /// behind. The caller holds the session's lock.
    pub(super) fn open(
        locations: &Locations,
        settings: Settings,
        identity: SessionIdentity,
    ) -> anyhow::Result<Self> {
        let agent = Arc::new(Current::new(&settings, locations));
        let owner = format!("{}-{}", std::process::id(), Uuid::now_v7());
        let writer = super::open_writer(locations, &owner)?;
        let mut core = Self {
            writer,
            agent,
            locations: locations.clone(),
            intake: Intake::new(settings),
            session: 0,
            waiting: 0,
            commits: 0,
            identity: identity.clone(),
        };
        core.switch_to(identity)?;
        Ok(core)
    }

    /// Serves another session from now on; the caller holds its lock.
    pub(super) fn switch_to(&mut self, identity: SessionIdentity) -> Result<(), StoreError> {
        let known = self
            .writer
            .identity_by_content_id(&identity.content_session_id)?;
        self.session = 0;
        if let Some(known) = known {
            self.identity = known;
            let identity = self.identity.clone();
            self.session = self.writer.session(&identity, now())?;
            let most_attempts = self.agent.agent().most_attempts();
            let taken = self.writer.reclaim(self.session, most_attempts, now())?;
            if taken > 0 {
                tracing::warn!(events = taken, "took back events of a worker that died");
            }
        } else {
            self.identity = identity;
        }
        Ok(())
    }

    pub(super) fn session(&self) -> i64 {
        self.session
    }

    pub(super) fn id(&self) -> SafeId {
        SafeId::new(&self.identity.content_session_id)
    }

    /// Commits what the messages bring, all together, and answers each one.
    pub(super) fn answer(&mut self, requests: Vec<Request>) -> (Vec<Reply>, Call) {
        let mut events = Vec::new();
        let mut call = Call::default();
        let mut slots = Vec::with_capacity(requests.len());
        for request in requests {
            slots.push(match &request {
                Request::Status => Some(Reply::Status(Box::new(self.status()))),
                Request::Ping | Request::Drain => Some(Reply::Pong),
                _ => None,
            });
            if matches!(request, Request::Drain) {
                call = call.then(self.drain_spool().0);
            }
            call = call.then(calls_for(&request));
            events.extend(self.intake.event(request));
        }
        let mut receipts = match self.commit(&events) {
            Ok(receipts) => receipts.into_iter().map(acknowledge).collect::<Vec<_>>(),
            Err(error) => {
                tracing::error!("failed to commit {} events: {error}", events.len());
                events
                    .iter()
                    .map(|event| unavailable(event, &error))
                    .collect()
            }
        }
        .into_iter();
        let replies = slots
            .into_iter()
            .filter_map(|slot| slot.or_else(|| receipts.next()))
            .collect();
        call.process |= self.waiting >= self.agent.agent().limits().events;
        (replies, call)
    }

    /// Takes the spool in. The second value is whether nothing is left there.
    pub(super) fn drain_spool(&mut self) -> (Call, bool) {
        let directory = self.locations.spool_dir(&self.id());
        let mut call = Call::default();
        loop {
            let batch = spool::read_batch(&directory);
            if batch.is_empty() {
                return (call, true);
            }
            let (mut events, mut files): (Vec<NewEvent>, Vec<PathBuf>) = (Vec::new(), Vec::new());
            for spooled in batch {
                call = call.then(calls_for(&spooled.request));
                events.extend(self.intake.event(spooled.request));
                files.push(spooled.path);
            }
            if let Err(error) = self.commit(&events) {
                tracing::error!("failed to take in {}: {error}", directory.display());
                return (call, false);
            }
            tracing::debug!(events = events.len(), "took in spooled events");
            if !spool::remove(&directory, &files) {
                return (call, false);
            }
        }
    }

    fn commit(&mut self, events: &[NewEvent]) -> Result<Vec<Ingested>, StoreError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        if self.session == 0 {
            self.learn_project(events);
        }
        let receipts = self.writer.ingest(&self.identity, events)?;
        if self.session == 0 {
            self.session = self.writer.session(&self.identity, now())?;
        }
        self.waiting += events.len();
        self.commits += 1;
        Ok(receipts)
    }

    /// The database whose log is to be brought in now, if it is.
    pub(super) fn due_checkpoint(&mut self) -> Option<Locations> {
        if self.commits < LOOK_EVERY {
            return None;
        }
        self.commits = 0;
        checkpoint::is_due(&self.locations).then(|| self.locations.clone())
    }

    /// A new session belongs to the project that its first events name.
    fn learn_project(&mut self, events: &[NewEvent]) {
        let named = events.iter().find_map(|event| {
            Some((
                event.project.clone()?,
                event.project_root.clone().unwrap_or_default(),
            ))
        });
        if let Some((project, root)) = named {
            self.identity.project = project;
            self.identity.project_root = root;
        }
    }

    /// Leases the next turn for the agent.
    pub(super) fn claim(&mut self, all: bool) -> Result<Option<ClaimedTurn>, StoreError> {
        self.waiting = 0;
        if self.session == 0 {
            return Ok(None);
        }
        self.writer
            .claim_turn(self.session, self.agent.agent().limits(), all, now())
    }

    /// Commits what a turn became, or gives it back.
    pub(super) fn conclude(
        &mut self,
        turn: &ClaimedTurn,
        worked: &Worked,
    ) -> Result<(), StoreError> {
        match worked {
            Worked::Done(outcome) => {
                let added = self.writer.commit_turn(turn, outcome, now())?;
                tracing::info!(
                    turn = turn.prompt_number,
                    events = turn.events.iter().filter(|event| !event.earlier).count(),
                    observations = added.len(),
                    model = outcome.model,
                    summary = outcome.summary.is_some(),
                    skipped = outcome.skip_reason.as_deref().unwrap_or(""),
                    "turn done"
                );
                Ok(())
            }
            Worked::Back(back) => {
                tracing::warn!(
                    turn = turn.prompt_number,
                    "turn given back: {}",
                    back.reason
                );
                self.writer
                    .release_turn(turn.turn_id, back.how, &back.reason, now())
            }
        }
    }

    pub(super) fn has_pending(&self) -> bool {
        self.session != 0 && self.writer.has_pending(self.session).unwrap_or(true)
    }

    /// The spool and then every turn that is ready, without a runtime. `false`
    /// when something is left that another attempt would not change.
    pub(super) fn finish_spool(&mut self) -> bool {
        let (_, drained) = self.drain_spool();
        self.process_turns(false);
        drained
    }

    /// Runs the agent over the session's turns, here and now; with `all` also
    /// over one that has not ended.
    pub(super) fn process_turns(&mut self, all: bool) {
        while self.agent.agent().held().is_none() {
            let turn = match self.claim(all) {
                Ok(Some(turn)) => turn,
                Ok(None) => return,
                Err(error) => {
                    tracing::error!("failed to lease a turn: {error}");
                    return;
                }
            };
            let worked = match work_here(&self.agent.agent(), &turn) {
                Ok(worked) => worked,
                Err(error) => {
                    tracing::error!("failed to start a runtime: {error}");
                    return;
                }
            };
            if let Err(error) = self.conclude(&turn, &worked) {
                tracing::error!("failed to commit a turn: {error}");
                return;
            }
            if matches!(worked, Worked::Back(_)) {
                return;
            }
        }
    }

    /// Sessions whose events nobody works on any more.
    pub(super) fn abandoned(&self, quiet_before: i64, limit: usize) -> Vec<SessionIdentity> {
        self.writer
            .abandoned(self.session, quiet_before, limit)
            .unwrap_or_default()
    }

    /// Old events, free pages, old small files, and once a day the whole file.
    pub(super) fn keep_house(&mut self, settings: &Settings) {
        let days = settings.number(Key::RetentionDays);
        let retention = Retention {
            age: Duration::from_secs(days.saturating_mul(24 * 3600)),
            bytes: settings
                .number(Key::RetentionMb)
                .saturating_mul(1024 * 1024),
        };
        if let Err(error) = self.writer.prune(retention, now()) {
            tracing::warn!("failed to delete old events: {error}");
        }
        if let Err(error) = self.writer.check_integrity(now()) {
            tracing::error!("{error}");
        }
        self.index_backlog();
        spool::put_leftovers_aside(&self.locations.spool_root(), LEFTOVER_AGE);
        super::lock::remove_old(&self.locations, Duration::from_secs(LOCK_DAYS * 24 * 3600));
        super::logging::remove_old(
            &self.locations.told_dir(),
            Duration::from_secs(TOLD_DAYS * 24 * 3600),
        );
    }

    /// Brings rows into the search's index that other programs wrote or that an
    /// older version indexed in another way. What one worker does not manage
    /// the next one goes on with.
    fn index_backlog(&mut self) {
        let begin = Instant::now();
        while begin.elapsed() < BACKLOG_TIME {
            match self.writer.index_backlog() {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!("failed to bring rows into the index: {error}");
                    return;
                }
            }
        }
    }

    fn stall_reason(&self) -> Option<String> {
        let stall = self
            .writer
            .provider_stall(self.agent.agent().name())
            .ok()??;
        Some(format!("{}: {}", stall.reason, stall.detail))
    }

    /// Who works on the turns.
    pub(super) fn agent(&self) -> Arc<Current> {
        Arc::clone(&self.agent)
    }

    fn status(&self) -> StatusReply {
        let totals = self.writer.counters(self.session).unwrap_or_default();
        StatusReply {
            session: self.identity.content_session_id.clone(),
            session_db_id: (self.session != 0).then_some(self.session),
            project: self.identity.project.clone(),
            counters: totals.counters,
            skipped_by_reason: totals.skipped_by_reason,
            stall_reason: self.stall_reason(),
            provider: self.agent.agent().name().to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: PROTOCOL_VERSION,
            pid: std::process::id(),
        }
    }
}

/// The agent over one turn, where no runtime runs.
fn work_here(agent: &Agent, turn: &ClaimedTurn) -> std::io::Result<Worked> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(agent.work(turn)))
}

fn calls_for(request: &Request) -> Call {
    let (process, stage) = match request {
        Request::Prompt(_) => (true, Stage::TurnBegan),
        Request::Finalize(Finalize { reason, .. }) => match reason {
            FinalizeReason::Stop | FinalizeReason::StopFailure => (true, Stage::TurnOver),
            FinalizeReason::SessionEnd => (true, Stage::SessionOver),
            FinalizeReason::PreCompact | FinalizeReason::SubagentStop => (false, Stage::Unknown),
        },
        _ => (false, Stage::Unknown),
    };
    Call { process, stage }
}

fn acknowledge(receipt: Ingested) -> Reply {
    let (status, reason) = match receipt.arrival {
        Arrival::Queued => (AckStatus::Queued, None),
        Arrival::Duplicate => (AckStatus::Duplicate, None),
        Arrival::Skipped(reason) => (AckStatus::Skipped, Some(reason.to_owned())),
    };
    Reply::Ack(Ack {
        id: receipt.event_id,
        status,
        queue_id: Some(receipt.queue_id),
        reason,
    })
}

fn unavailable(event: &NewEvent, error: &StoreError) -> Reply {
    let what = match event.kind {
        NewEventKind::Prompt { .. } => "prompt",
        NewEventKind::Observation { .. } => "observation",
        NewEventKind::Remember { .. } => "memory",
        NewEventKind::Finalize { .. } => "finalize",
    };
    Reply::Error(ErrorReply {
        id: Some(event.event_id.clone()),
        code: ErrorCode::Unavailable,
        message: format!("failed to commit the {what}: {error}"),
    })
}
