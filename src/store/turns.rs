//! Turns on their way out: leased to a worker, or given back.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::error::{SqlContext as _, StoreError};

/// Prompts of earlier turns that come along with a turn.
const MAX_EARLIER_PROMPTS: i64 = 8;

/// How leased events are given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GiveBack {
    /// They have had an attempt; after this many they fail for good, and stay,
    /// visible and re-runnable.
    Attempted { most_attempts: i64 },
    /// Nobody has tried: the attempt is not counted.
    Untried,
}

/// Events of earlier batches that come along with a turn, the newest ones: what
/// failed before and passes now is seldom further apart.
const MAX_EARLIER: i64 = 300;

/// A turn with the events that this worker now holds a lease on.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedTurn {
    pub turn_id: i64,
    pub session_db_id: i64,
    pub prompt_number: i64,
    pub project: String,
    /// Empty where unknown.
    pub project_root: String,
    pub prompt: Option<String>,
    pub close_reason: Option<String>,
    /// In order of time. Those that an earlier batch of the same turn already
    /// processed come along as context.
    pub events: Vec<ClaimedEvent>,
    /// Titles of the observations that this session has so far, the newest last.
    pub earlier_titles: Vec<String>,
    /// Prompts of the turns before this one, the newest last.
    pub earlier_prompts: Vec<String>,
    /// Whether the turn has a summary from an earlier batch.
    pub has_summary: bool,
    /// Whether events of the turn wait that did not fit into this batch, other
    /// than ends without words.
    pub more_waits: bool,
    /// Which attempt at these events this is, counted from 1.
    pub attempt: i64,
    /// Why the attempt before came to nothing.
    pub last_error: Option<String>,
    /// The offline extractor did the turn before; what comes of it now takes
    /// the place of what came of it then.
    pub redo: bool,
}

/// One event of a [`ClaimedTurn`].
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedEvent {
    pub id: i64,
    pub message_type: String,
    pub tool_name: String,
    /// JSON.
    pub input: String,
    /// JSON.
    pub output: String,
    pub failed: bool,
    pub cwd: Option<String>,
    pub message: Option<String>,
    pub reason: Option<String>,
    pub agent_id: Option<String>,
    pub agent_type: Option<String>,
    pub at: i64,
    /// Processed by an earlier batch; here only as context.
    pub earlier: bool,
}

/// How much of a turn one batch may take, and how far a lease reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    pub events: usize,
    pub bytes: usize,
    pub lease_ms: i64,
}

/// Takes the oldest turn of the session that is ready: one that is over, that
/// has reached the size of a batch, or (with `all`) any with waiting events.
pub(super) fn claim(
    tx: &Transaction<'_>,
    session: i64,
    owner: &str,
    limits: BatchLimits,
    all: bool,
    now: i64,
) -> Result<Option<ClaimedTurn>, StoreError> {
    let Some(turn_id) = ready_turn(tx, session, limits, all)? else {
        return Ok(None);
    };
    if all {
        tx.execute(
            "UPDATE turns SET closed_at_epoch = ?2, close_reason = 'idle'
             WHERE id = ?1 AND closed_at_epoch IS NULL",
            params![turn_id, now],
        )
        .doing("close the turn")?;
    }
    lease(tx, turn_id, owner, limits, now)?;
    load(tx, turn_id, session, owner).map(Some)
}

fn ready_turn(
    tx: &Transaction<'_>,
    session: i64,
    limits: BatchLimits,
    all: bool,
) -> Result<Option<i64>, StoreError> {
    tx.query_row(
        "SELECT p.turn_id
         FROM pending_messages p JOIN turns t ON t.id = p.turn_id
         WHERE p.session_db_id = ?1 AND p.status = 'pending'
         GROUP BY p.turn_id
         HAVING ?2
             OR t.prompt_number < (SELECT max(prompt_number) FROM turns WHERE session_db_id = ?1)
             OR sum(p.message_type = 'summarize' AND p.reason NOT IN ('subagent_stop', 'pre_compact')) > 0
             OR count(*) >= ?3 OR sum(p.bytes) >= ?4
         ORDER BY t.prompt_number LIMIT 1",
        params![
            session,
            all,
            i64::try_from(limits.events).unwrap_or(i64::MAX),
            i64::try_from(limits.bytes).unwrap_or(i64::MAX)
        ],
        |row| row.get(0),
    )
    .optional()
    .doing("look for a turn that is ready")
}

/// Leases the oldest events of the turn, as many as fit into one batch (at
/// least one, however large).
fn lease(
    tx: &Transaction<'_>,
    turn_id: i64,
    owner: &str,
    limits: BatchLimits,
    now: i64,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE pending_messages
         SET status = 'processing', retry_count = retry_count + 1, lease_owner = ?2,
             lease_expires_at_epoch = ?3, started_processing_at_epoch = ?4
         WHERE id IN (
             SELECT id FROM (
                 SELECT id, row_number() OVER waiting AS place,
                        sum(bytes) OVER waiting - bytes AS bytes_before
                 FROM pending_messages WHERE turn_id = ?1 AND status = 'pending'
                 WINDOW waiting AS (ORDER BY created_at_epoch, id ROWS UNBOUNDED PRECEDING)
             ) WHERE place <= ?5 AND bytes_before < ?6
         )",
        params![
            turn_id,
            owner,
            now + limits.lease_ms,
            now,
            i64::try_from(limits.events).unwrap_or(i64::MAX),
            i64::try_from(limits.bytes).unwrap_or(i64::MAX)
        ],
    )
    .doing("lease the events")?;
    Ok(())
}

fn load(
    tx: &Transaction<'_>,
    turn_id: i64,
    session: i64,
    owner: &str,
) -> Result<ClaimedTurn, StoreError> {
    let mut turn = tx
        .query_row(
            "SELECT t.prompt_number, t.project, t.project_root, t.close_reason,
                    (SELECT prompt_text FROM user_prompts p
                     WHERE p.session_db_id = t.session_db_id AND p.prompt_number = t.prompt_number),
                    EXISTS (SELECT 1 FROM session_summaries s
                            WHERE s.session_db_id = t.session_db_id AND s.prompt_number = t.prompt_number),
                    t.redo,
                    (SELECT coalesce(max(retry_count), 1) FROM pending_messages p
                     WHERE p.turn_id = t.id AND p.status = 'processing' AND p.lease_owner = ?2),
                    (SELECT max(last_error) FROM pending_messages p
                     WHERE p.turn_id = t.id AND p.status = 'processing' AND p.lease_owner = ?2),
                    EXISTS (SELECT 1 FROM pending_messages p
                            WHERE p.turn_id = t.id AND p.status = 'pending'
                              AND (p.message_type <> 'summarize' OR p.last_assistant_message <> ''))
             FROM turns t WHERE t.id = ?1",
            params![turn_id, owner],
            |row| {
                Ok(ClaimedTurn {
                    turn_id,
                    session_db_id: session,
                    prompt_number: row.get(0)?,
                    project: row.get(1)?,
                    project_root: row.get(2)?,
                    close_reason: row.get(3)?,
                    prompt: row.get(4)?,
                    events: Vec::new(),
                    earlier_titles: Vec::new(),
                    earlier_prompts: Vec::new(),
                    has_summary: row.get(5)?,
                    redo: row.get(6)?,
                    attempt: row.get(7)?,
                    last_error: row.get(8)?,
                    more_waits: row.get(9)?,
                })
            },
        )
        .doing("read the turn")?;
    let mut statement = tx
        .prepare_cached(
            "SELECT id, message_type, coalesce(tool_name, ''), coalesce(tool_input, 'null'),
                    coalesce(tool_response, 'null'), failed, cwd, last_assistant_message, reason,
                    agent_id, agent_type, created_at_epoch, status <> 'processing'
             FROM pending_messages
             WHERE turn_id = ?1
               AND ((status = 'processing' AND lease_owner = ?2) OR id IN (
                   SELECT id FROM pending_messages WHERE turn_id = ?1 AND status = 'processed'
                   ORDER BY created_at_epoch DESC, id DESC LIMIT ?3))
             ORDER BY created_at_epoch, id",
        )
        .doing("read the events")?;
    let events = statement
        .query_map(params![turn_id, owner, MAX_EARLIER], |row| {
            Ok(ClaimedEvent {
                id: row.get(0)?,
                message_type: row.get(1)?,
                tool_name: row.get(2)?,
                input: row.get(3)?,
                output: row.get(4)?,
                failed: row.get(5)?,
                cwd: row.get(6)?,
                message: row.get(7)?,
                reason: row.get(8)?,
                agent_id: row.get(9)?,
                agent_type: row.get(10)?,
                at: row.get(11)?,
                earlier: row.get(12)?,
            })
        })
        .doing("read the events")?;
    turn.events = events.collect::<Result<_, _>>().doing("read the events")?;
    turn.earlier_titles = earlier_titles(tx, &turn)?;
    turn.earlier_prompts = earlier_prompts(tx, &turn)?;
    Ok(turn)
}

/// A turn that is done again is not told what it became the first time.
fn earlier_titles(tx: &Transaction<'_>, turn: &ClaimedTurn) -> Result<Vec<String>, StoreError> {
    let not_of = turn.redo.then_some(turn.prompt_number);
    let mut statement = tx
        .prepare_cached(
            "SELECT title FROM observations
             WHERE session_db_id = ?1 AND superseded_by IS NULL AND prompt_number IS NOT ?2
             ORDER BY id DESC LIMIT 50",
        )
        .doing("read the titles")?;
    let titles = statement
        .query_map(params![turn.session_db_id, not_of], |row| row.get(0))
        .doing("read the titles")?;
    let mut titles: Vec<String> = titles.collect::<Result<_, _>>().doing("read the titles")?;
    titles.reverse();
    Ok(titles)
}

fn earlier_prompts(tx: &Transaction<'_>, turn: &ClaimedTurn) -> Result<Vec<String>, StoreError> {
    let mut statement = tx
        .prepare_cached(
            "SELECT prompt_text FROM user_prompts
             WHERE session_db_id = ?1 AND prompt_number < ?2 AND prompt_text <> ''
             ORDER BY prompt_number DESC LIMIT ?3",
        )
        .doing("read the prompts")?;
    let prompts = statement
        .query_map(
            params![turn.session_db_id, turn.prompt_number, MAX_EARLIER_PROMPTS],
            |row| row.get(0),
        )
        .doing("read the prompts")?;
    let mut prompts: Vec<String> = prompts
        .collect::<Result<_, _>>()
        .doing("read the prompts")?;
    prompts.reverse();
    Ok(prompts)
}

/// Gives the events back: to wait for another attempt, or as failed when they
/// have had their last one.
pub(super) fn release(
    tx: &Transaction<'_>,
    turn_id: i64,
    owner: &str,
    how: GiveBack,
    error: &str,
    now: i64,
) -> Result<(), StoreError> {
    let (most_attempts, untried) = match how {
        GiveBack::Attempted { most_attempts } => (most_attempts, 0),
        GiveBack::Untried => (i64::MAX, 1),
    };
    tx.execute(
        "UPDATE pending_messages
         SET status = iif(retry_count >= ?3, 'failed', 'pending'), last_error = ?4,
             retry_count = retry_count - ?6,
             lease_owner = NULL, lease_expires_at_epoch = NULL,
             completed_at_epoch = iif(retry_count >= ?3, ?5, NULL)
         WHERE turn_id = ?1 AND status = 'processing' AND lease_owner = ?2",
        params![turn_id, owner, most_attempts, error, now, untried],
    )
    .doing("give the events back")?;
    Ok(())
}

/// Takes back what a dead worker of this session left in processing. Only the
/// holder of the session's lock may call this: it knows that no other worker of
/// the session lives, whatever the lease says.
pub(super) fn reclaim(
    tx: &Transaction<'_>,
    session: i64,
    most_attempts: i64,
    now: i64,
) -> Result<usize, StoreError> {
    tx.execute(
        "UPDATE pending_messages
         SET status = iif(retry_count >= ?2, 'failed', 'pending'),
             last_error = coalesce(last_error, 'the worker died while it processed this event'),
             lease_owner = NULL, lease_expires_at_epoch = NULL,
             completed_at_epoch = iif(retry_count >= ?2, ?3, NULL)
         WHERE session_db_id = ?1 AND status = 'processing'",
        params![session, most_attempts, now],
    )
    .doing("take back leased events")
}
