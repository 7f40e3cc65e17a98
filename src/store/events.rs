//! Events on their way in: from a message to a committed row of the queue.

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use uuid::Uuid;

use super::columns::Columns;
use super::error::{SqlContext as _, StoreError};
use super::outcome::NewObservation;
use super::remember::remember;
use super::writer::iso;

/// Who the events of a worker belong to, where they do not say so themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionIdentity {
    /// Claude Code's session id.
    pub content_session_id: String,
    pub project: String,
    /// Top of the project's work tree; empty where unknown.
    pub project_root: String,
}

/// An event to be committed.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// Idempotency key inside the session.
    pub event_id: String,
    /// Ties the events of one turn together; events without it belong to the
    /// newest turn.
    pub prompt_id: Option<String>,
    /// Epoch milliseconds.
    pub at: i64,
    pub cwd: Option<String>,
    pub project: Option<String>,
    pub project_root: Option<String>,
    pub agent_id: Option<String>,
    pub agent_type: Option<String>,
    /// Counted, but not kept, for this reason.
    pub skip: Option<&'static str>,
    pub kind: NewEventKind,
}

impl NewEvent {
    /// An event of the session itself, in its own project, of the turn that
    /// `prompt_id` begins.
    pub fn new(event_id: &str, prompt_id: Option<&str>, at: i64, kind: NewEventKind) -> Self {
        Self {
            event_id: event_id.to_owned(),
            prompt_id: prompt_id.map(str::to_owned),
            at,
            cwd: None,
            project: None,
            project_root: None,
            agent_id: None,
            agent_type: None,
            skip: None,
            kind,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum NewEventKind {
    Prompt {
        text: String,
        /// Nothing of this turn is kept.
        private: bool,
        git_branch: Option<String>,
        git_head: Option<String>,
    },
    Observation {
        tool_name: String,
        /// JSON.
        input: String,
        /// JSON.
        output: String,
        failed: bool,
    },
    /// Somebody's own words, to be kept as they are.
    Remember {
        tool_name: &'static str,
        /// JSON.
        input: String,
        memory: Box<NewObservation>,
    },
    Finalize {
        reason: &'static str,
        message: Option<String>,
        /// Nothing more is expected of the turn.
        closes_turn: bool,
    },
}

impl NewEventKind {
    /// A prompt of which nothing but its text is known.
    pub fn prompt(text: impl Into<String>) -> Self {
        Self::Prompt {
            text: text.into(),
            private: false,
            git_branch: None,
            git_head: None,
        }
    }
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    Queued,
    Duplicate,
    Skipped(&'static str),
}

/// The receipt for one event: it is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingested {
    pub event_id: String,
    pub queue_id: i64,
    pub arrival: Arrival,
}

struct Turn {
    id: i64,
    prompt_number: i64,
    private: bool,
}

/// The session's row id; the row is made where there is none.
pub(super) fn ensure_session(
    tx: &Transaction<'_>,
    identity: &SessionIdentity,
    at: i64,
) -> Result<i64, StoreError> {
    let find = |tx: &Transaction<'_>| {
        tx.query_row(
            "SELECT id FROM sdk_sessions WHERE content_session_id = ?1 AND platform_source = 'claude'",
            [&identity.content_session_id],
            |row| row.get(0),
        )
        .optional()
        .doing("find the session")
    };
    if let Some(id) = find(tx)? {
        return Ok(id);
    }
    tx.execute(
        "INSERT INTO sdk_sessions
            (content_session_id, memory_session_id, project, project_root, last_event_at_epoch,
             started_at, started_at_epoch)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?5)",
        params![
            identity.content_session_id,
            Uuid::now_v7().to_string(),
            identity.project,
            identity.project_root,
            at,
            iso(at)
        ],
    )
    .doing("add the session")?;
    Ok(tx.last_insert_rowid())
}

/// Commits one event as part of `tx`.
pub(super) fn ingest(
    tx: &Transaction<'_>,
    session: i64,
    identity: &SessionIdentity,
    event: &NewEvent,
) -> Result<Ingested, StoreError> {
    if let Some(queue_id) = known_event(tx, session, &event.event_id)? {
        return Ok(Ingested {
            event_id: event.event_id.clone(),
            queue_id,
            arrival: Arrival::Duplicate,
        });
    }
    let turn = turn_of(tx, session, identity, event)?;
    if let (NewEventKind::Prompt { .. }, Some(turn)) = (&event.kind, &turn) {
        close_older_turns(tx, session, turn, event.at)?;
    }
    if let (
        NewEventKind::Finalize {
            reason,
            closes_turn: true,
            ..
        },
        Some(turn),
    ) = (&event.kind, &turn)
    {
        close_turn(tx, turn.id, reason, event.at)?;
    }
    let skip = event.skip.or_else(|| {
        turn.as_ref()
            .is_some_and(|turn| turn.private)
            .then_some("private")
    });
    let queue_id = insert(tx, session, identity, event, turn.as_ref(), skip)?;
    if skip.is_none()
        && let (NewEventKind::Prompt { text, .. }, Some(turn)) = (&event.kind, &turn)
    {
        insert_prompt(tx, session, identity, event, turn, text)?;
    }
    if skip.is_none()
        && let (NewEventKind::Remember { memory, .. }, Some(turn)) = (&event.kind, &turn)
    {
        remember(tx, turn.id, &event.event_id, memory)?;
    }
    count(tx, session, event.at, skip)?;
    Ok(Ingested {
        event_id: event.event_id.clone(),
        queue_id,
        arrival: skip.map_or(Arrival::Queued, Arrival::Skipped),
    })
}

fn known_event(
    connection: &Connection,
    session: i64,
    event_id: &str,
) -> Result<Option<i64>, StoreError> {
    connection
        .prepare_cached(
            "SELECT id FROM pending_messages WHERE session_db_id = ?1 AND event_id = ?2",
        )
        .doing("look for the event")?
        .query_row(params![session, event_id], |row| row.get(0))
        .optional()
        .doing("look for the event")
}

/// The turn that the event belongs to. A prompt without an id begins a turn;
/// another event without one belongs to the newest turn. The end of a session
/// that never had a turn belongs to none.
fn turn_of(
    tx: &Transaction<'_>,
    session: i64,
    identity: &SessionIdentity,
    event: &NewEvent,
) -> Result<Option<Turn>, StoreError> {
    let is_prompt = matches!(event.kind, NewEventKind::Prompt { .. });
    let found = match &event.prompt_id {
        Some(prompt_id) => tx
            .prepare_cached(
                "SELECT id, prompt_number, private FROM turns WHERE session_db_id = ?1 AND prompt_id = ?2",
            )
            .doing("find the turn")?
            .query_row(params![session, prompt_id], turn_row)
            .optional()
            .doing("find the turn")?,
        None if is_prompt => None,
        None => tx
            .prepare_cached(
                "SELECT id, prompt_number, private FROM turns WHERE session_db_id = ?1
                 ORDER BY prompt_number DESC LIMIT 1",
            )
            .doing("find the newest turn")?
            .query_row([session], turn_row)
            .optional()
            .doing("find the newest turn")?,
    };
    match (found, &event.kind) {
        (
            Some(turn),
            NewEventKind::Prompt {
                private,
                git_branch,
                git_head,
                ..
            },
        ) => {
            tx.execute(
                "UPDATE turns SET private = ?2, git_branch = ?3, git_head = ?4 WHERE id = ?1",
                params![turn.id, private, git_branch, git_head],
            )
            .doing("complete the turn")?;
            Ok(Some(Turn {
                private: *private,
                ..turn
            }))
        }
        (Some(turn), _) => Ok(Some(turn)),
        (None, NewEventKind::Finalize { .. }) => Ok(None),
        (None, _) => open_turn(tx, session, identity, event).map(Some),
    }
}

fn turn_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Turn> {
    Ok(Turn {
        id: row.get(0)?,
        prompt_number: row.get(1)?,
        private: row.get(2)?,
    })
}

fn open_turn(
    tx: &Transaction<'_>,
    session: i64,
    identity: &SessionIdentity,
    event: &NewEvent,
) -> Result<Turn, StoreError> {
    let prompt_number: i64 = tx
        .query_row(
            "UPDATE sdk_sessions SET prompt_counter = prompt_counter + 1, status = 'active',
                    completed_at = NULL, completed_at_epoch = NULL
             WHERE id = ?1 RETURNING prompt_counter",
            [session],
            |row| row.get(0),
        )
        .doing("number the turn")?;
    let (private, branch, head) = match &event.kind {
        NewEventKind::Prompt {
            private,
            git_branch,
            git_head,
            ..
        } => (*private, git_branch.as_deref(), git_head.as_deref()),
        _ => (false, None, None),
    };
    tx.execute(
        "INSERT INTO turns (session_db_id, prompt_number, prompt_id, project, project_root, private,
                            git_branch, git_head, opened_at_epoch)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            session,
            prompt_number,
            event.prompt_id,
            event.project.as_ref().unwrap_or(&identity.project),
            event.project_root.as_ref().unwrap_or(&identity.project_root),
            private,
            branch,
            head,
            event.at
        ],
    )
    .doing("add the turn")?;
    Ok(Turn {
        id: tx.last_insert_rowid(),
        prompt_number,
        private,
    })
}

/// An interrupted turn has no end of its own: the next prompt is its end.
fn close_older_turns(
    tx: &Transaction<'_>,
    session: i64,
    turn: &Turn,
    at: i64,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE turns SET closed_at_epoch = ?3, close_reason = 'next_prompt'
         WHERE session_db_id = ?1 AND prompt_number < ?2 AND closed_at_epoch IS NULL",
        params![session, turn.prompt_number, at],
    )
    .doing("close the turn before")?;
    Ok(())
}

fn close_turn(tx: &Transaction<'_>, turn_id: i64, reason: &str, at: i64) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE turns SET closed_at_epoch = coalesce(closed_at_epoch, ?2),
                close_reason = CASE WHEN close_reason IS NULL OR close_reason IN ('idle', 'next_prompt')
                                    THEN ?3 ELSE close_reason END
         WHERE id = ?1",
        params![turn_id, at, reason],
    )
    .doing("close the turn")?;
    Ok(())
}

fn insert(
    tx: &Transaction<'_>,
    session: i64,
    identity: &SessionIdentity,
    event: &NewEvent,
    turn: Option<&Turn>,
    skip: Option<&str>,
) -> Result<i64, StoreError> {
    let columns = Columns::of(&event.kind, skip.is_none());
    // The end of a session without a turn has nothing to wait for, and a memory
    // in somebody's own words is stored with its event.
    let is_done = turn.is_none() || matches!(event.kind, NewEventKind::Remember { .. });
    let status = match skip {
        Some(_) => "skipped",
        None if is_done => "processed",
        None => "pending",
    };
    let done_at = (status != "pending").then_some(event.at);
    tx.prepare_cached(
        "INSERT INTO pending_messages
            (session_db_id, content_session_id, turn_id, event_id, message_type, tool_name, tool_input,
             tool_response, failed, cwd, last_assistant_message, reason, agent_id, agent_type,
             prompt_number, status, skip_reason, bytes, created_at_epoch, completed_at_epoch)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
    )
    .doing("add the event")?
    .execute(params![
        session,
        identity.content_session_id,
        turn.map(|turn| turn.id),
        event.event_id,
        columns.message_type,
        columns.tool_name,
        columns.input,
        columns.output,
        columns.failed,
        event.cwd,
        columns.message,
        columns.reason,
        event.agent_id,
        event.agent_type,
        turn.map(|turn| turn.prompt_number),
        status,
        skip,
        columns.bytes(),
        event.at,
        done_at
    ])
    .doing("add the event")?;
    let id = tx.last_insert_rowid();
    if status == "processed" {
        tx.execute(
            "UPDATE sdk_sessions SET processed = processed + 1 WHERE id = ?1",
            [session],
        )
        .doing("count the event")?;
        if columns.reason == Some("session_end") {
            super::outcome::complete_session(tx, session, event.at)?;
        }
    }
    Ok(id)
}

fn insert_prompt(
    tx: &Transaction<'_>,
    session: i64,
    identity: &SessionIdentity,
    event: &NewEvent,
    turn: &Turn,
    text: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO user_prompts
            (uid, session_db_id, content_session_id, project, prompt_number, prompt_text, git_branch,
             git_head, created_at, created_at_epoch)
         SELECT ?1, ?2, ?3, project, prompt_number, ?4, git_branch, git_head, ?5, ?6
         FROM turns WHERE id = ?7",
        params![
            Uuid::now_v7().to_string(),
            session,
            identity.content_session_id,
            text,
            iso(event.at),
            event.at,
            turn.id
        ],
    )
    .doing("add the prompt")?;
    Ok(())
}

fn count(
    tx: &Transaction<'_>,
    session: i64,
    at: i64,
    skip: Option<&str>,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE sdk_sessions SET captured = captured + 1, skipped = skipped + ?2,
                last_event_at_epoch = max(last_event_at_epoch, ?3)
         WHERE id = ?1",
    )
    .doing("count the event")?
    .execute(params![session, i64::from(skip.is_some()), at])
    .doing("count the event")?;
    if let Some(reason) = skip {
        count_skips(tx, session, reason, 1)?;
    }
    Ok(())
}

pub(super) fn count_skips(
    tx: &Transaction<'_>,
    session: i64,
    reason: &str,
    events: i64,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO skip_counts (session_db_id, reason, events) VALUES (?1, ?2, ?3)
         ON CONFLICT (session_db_id, reason) DO UPDATE SET events = events + excluded.events",
        params![session, reason, events],
    )
    .doing("count the skipped event")?;
    Ok(())
}
