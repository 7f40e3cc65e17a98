//! What became of a turn: written together with the news that its events are
//! done, or not at all.

use std::collections::HashSet;

use rusqlite::{OptionalExtension as _, Transaction, params};
use uuid::Uuid;

use super::by_file::index_files;
use super::error::{SqlContext as _, StoreError};
use super::events::count_skips;
use super::reader::json_list;
use super::turns::ClaimedTurn;
use super::writer::iso;

/// What a turn became.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TurnOutcome {
    pub observations: Vec<NewObservation>,
    pub summary: Option<NewSummary>,
    /// Nothing is kept of the batch, for this reason.
    pub skip_reason: Option<String>,
    /// Which model (or extractor) made it.
    pub model: String,
    /// Why the offline extractor made it, or a part of it, although a model was
    /// asked.
    pub fallback_reason: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewObservation {
    pub kind: String,
    pub title: String,
    pub subtitle: String,
    pub narrative: String,
    pub facts: Vec<String>,
    pub concepts: Vec<String>,
    pub files_read: Vec<String>,
    pub files_modified: Vec<String>,
    pub agent_id: Option<String>,
    pub agent_type: Option<String>,
    pub discovery_tokens: i64,
    /// Epoch milliseconds.
    pub at: i64,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewSummary {
    pub request: String,
    pub investigated: String,
    pub learned: String,
    pub completed: String,
    pub next_steps: String,
    pub notes: String,
    pub discovery_tokens: i64,
    /// Epoch milliseconds.
    pub at: i64,
}

/// Writes what the turn became and takes its events out of the queue, all or
/// nothing.
pub(super) fn commit(
    tx: &Transaction<'_>,
    turn: &ClaimedTurn,
    owner: &str,
    outcome: &TurnOutcome,
    now: i64,
) -> Result<Vec<i64>, StoreError> {
    let leased = turn.events.iter().filter(|event| !event.earlier).count();
    let status = if outcome.skip_reason.is_some() {
        "skipped"
    } else {
        "processed"
    };
    let taken = tx
        .execute(
            "UPDATE pending_messages
             SET status = ?3, skip_reason = ?4, completed_at_epoch = ?5, lease_owner = NULL,
                 lease_expires_at_epoch = NULL, last_error = NULL
             WHERE turn_id = ?1 AND status = 'processing' AND lease_owner = ?2",
            params![turn.turn_id, owner, status, outcome.skip_reason, now],
        )
        .doing("finish the events")?;
    if taken != leased {
        return Err(StoreError::LeaseLost {
            turn_id: turn.turn_id,
        });
    }
    let taken = i64::try_from(taken).unwrap_or(i64::MAX);
    let column = if outcome.skip_reason.is_some() {
        "UPDATE sdk_sessions SET skipped = skipped + ?2 WHERE id = ?1"
    } else {
        "UPDATE sdk_sessions SET processed = processed + ?2 WHERE id = ?1"
    };
    tx.execute(column, params![turn.session_db_id, taken])
        .doing("count the events")?;
    if let Some(reason) = &outcome.skip_reason {
        count_skips(tx, turn.session_db_id, reason, taken)?;
    }
    let (mut ids, mut current) = (Vec::new(), Vec::new());
    let mut told: HashSet<String> = turn
        .earlier_titles
        .iter()
        .map(|title| fold(title))
        .collect();
    for observation in &outcome.observations {
        // Rows without a title are told apart by their content alone.
        let title = fold(&observation.title);
        if title.is_empty() || told.insert(title) {
            let uid = Uuid::now_v7().to_string();
            let model = Some(outcome.model.as_str());
            let new = insert_observation(tx, turn.turn_id, &uid, observation, model)?;
            ids.extend(new);
            if turn.redo {
                current.extend(match new {
                    Some(id) => Some(id),
                    None => revive(tx, turn, observation, &outcome.model)?,
                });
            }
        }
    }
    if let Some(summary) = &outcome.summary {
        upsert_summary(tx, turn, summary, &outcome.model)?;
    }
    if turn.redo {
        supersede(tx, turn, &current)?;
    }
    // A batch that went well does not take back that another one did not. What
    // is done again stays marked until a batch of it has something to say.
    tx.prepare_cached(
        "UPDATE turns SET fallback_reason = coalesce(?2, fallback_reason),
                redo = redo AND ?3 AND EXISTS (
                    SELECT 1 FROM pending_messages
                    WHERE turn_id = ?1 AND status IN ('pending', 'processing'))
         WHERE id = ?1",
    )
    .and_then(|mut update| {
        update.execute(params![
            turn.turn_id,
            outcome.fallback_reason,
            current.is_empty()
        ])
    })
    .doing("note who did the turn")?;
    if turn
        .events
        .iter()
        .any(|event| !event.earlier && event.reason.as_deref() == Some("session_end"))
    {
        complete_session_of(tx, turn, now)?;
    }
    Ok(ids)
}

/// What the turn became before gives way to the first of what it became now;
/// what no model made stays.
fn supersede(tx: &Transaction<'_>, turn: &ClaimedTurn, current: &[i64]) -> Result<(), StoreError> {
    let Some(first) = current.iter().min() else {
        return Ok(());
    };
    tx.execute(
        "UPDATE observations SET superseded_by = (SELECT uid FROM observations WHERE id = ?3)
         WHERE session_db_id = ?1 AND prompt_number = ?2 AND superseded_by IS NULL
           AND generated_by_model IS NOT NULL AND id NOT IN (SELECT value FROM json_each(?4))",
        params![
            turn.session_db_id,
            turn.prompt_number,
            first,
            serde_json::to_string(current).unwrap_or_default()
        ],
    )
    .doing("let new observations take the place of old ones")?;
    Ok(())
}

/// A turn that is done again may say what was said before: that row stays, or
/// counts again.
fn revive(
    tx: &Transaction<'_>,
    turn: &ClaimedTurn,
    new: &NewObservation,
    model: &str,
) -> Result<Option<i64>, StoreError> {
    tx.query_row(
        "UPDATE observations SET superseded_by = NULL, generated_by_model = ?4
         WHERE session_db_id = ?1 AND prompt_number = ?2 AND content_hash = ?3 RETURNING id",
        params![
            turn.session_db_id,
            turn.prompt_number,
            content_hash(new),
            model
        ],
        |row| row.get(0),
    )
    .optional()
    .doing("keep the observation")
}

fn content_hash(new: &NewObservation) -> String {
    let content = format!(
        "{}\n{}\n{}\n{}",
        new.kind,
        new.title,
        new.narrative,
        new.facts.join("\n")
    );
    format!("{:016x}", sockets_protocol::fnv1a(content.as_bytes()))
}

fn fold(title: &str) -> String {
    title.trim().to_lowercase()
}

/// The new row's id; `None` where the turn has such an observation already.
/// Without a `model` the words are somebody's own.
pub(super) fn insert_observation(
    tx: &Transaction<'_>,
    turn_id: i64,
    uid: &str,
    new: &NewObservation,
    model: Option<&str>,
) -> Result<Option<i64>, StoreError> {
    let added: Option<(i64, String)> = tx
        .query_row(
            "INSERT INTO observations
                (uid, session_db_id, memory_session_id, project, type, title, subtitle, narrative, facts,
                 concepts, files_read, files_modified, prompt_number, discovery_tokens, content_hash,
                 generated_by_model, agent_id, agent_type, git_branch, git_head, created_at, created_at_epoch)
             SELECT ?1, t.session_db_id, s.memory_session_id, t.project, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,
                    t.prompt_number, ?11, ?12, ?13, ?14, ?15, t.git_branch, t.git_head, ?16, ?17
             FROM turns t JOIN sdk_sessions s ON s.id = t.session_db_id WHERE t.id = ?2
             ON CONFLICT (session_db_id, prompt_number, content_hash) DO NOTHING
             RETURNING id, project",
            params![
                uid,
                turn_id,
                new.kind,
                new.title,
                new.subtitle,
                new.narrative,
                json_list(&new.facts),
                json_list(&new.concepts),
                json_list(&new.files_read),
                json_list(&new.files_modified),
                new.discovery_tokens,
                content_hash(new),
                model,
                new.agent_id,
                new.agent_type,
                iso(new.at),
                new.at
            ],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()
        .doing("add the observation")?;
    let Some((id, project)) = added else {
        return Ok(None);
    };
    index_files(tx, id, &project, new)?;
    Ok(Some(id))
}

/// One summary a turn: a later batch of the same turn adds to it, and what it
/// has nothing to say about stays as it was.
fn upsert_summary(
    tx: &Transaction<'_>,
    turn: &ClaimedTurn,
    new: &NewSummary,
    model: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO session_summaries
            (uid, session_db_id, memory_session_id, project, request, investigated, learned, completed,
             next_steps, notes, prompt_number, discovery_tokens, generated_by_model, git_branch, git_head,
             created_at, created_at_epoch)
         SELECT ?1, t.session_db_id, s.memory_session_id, t.project, ?3, ?4, ?5, ?6, ?7, ?8,
                t.prompt_number, ?9, ?10, t.git_branch, t.git_head, ?11, ?12
         FROM turns t JOIN sdk_sessions s ON s.id = t.session_db_id WHERE t.id = ?2
         ON CONFLICT (session_db_id, prompt_number) DO UPDATE SET
             request = iif(excluded.request <> '', excluded.request, request),
             investigated = iif(excluded.investigated <> '', excluded.investigated, investigated),
             learned = iif(excluded.learned <> '', excluded.learned, learned),
             completed = iif(excluded.completed <> '', excluded.completed, completed),
             next_steps = iif(excluded.next_steps <> '', excluded.next_steps, next_steps),
             notes = excluded.notes,
             discovery_tokens = max(discovery_tokens, excluded.discovery_tokens),
             generated_by_model = excluded.generated_by_model,
             created_at = excluded.created_at, created_at_epoch = excluded.created_at_epoch",
        params![
            Uuid::now_v7().to_string(),
            turn.turn_id,
            new.request,
            new.investigated,
            new.learned,
            new.completed,
            new.next_steps,
            new.notes,
            new.discovery_tokens,
            model,
            iso(new.at),
            new.at
        ],
    )
    .doing("add the summary")?;
    Ok(())
}

/// The end that a turn brings is the session's, unless it has gone on since or
/// has ended already.
fn complete_session_of(
    tx: &Transaction<'_>,
    turn: &ClaimedTurn,
    now: i64,
) -> Result<(), StoreError> {
    let is_open = tx
        .query_row(
            "SELECT status = 'active' AND prompt_counter <= ?2 FROM sdk_sessions WHERE id = ?1",
            params![turn.session_db_id, turn.prompt_number],
            |row| row.get(0),
        )
        .doing("look at the session")?;
    if is_open {
        complete_session(tx, turn.session_db_id, now)?;
    }
    Ok(())
}

pub(super) fn complete_session(
    tx: &Transaction<'_>,
    session: i64,
    at: i64,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE sdk_sessions SET status = 'completed', completed_at = ?2, completed_at_epoch = ?3
         WHERE id = ?1",
        params![session, iso(at), at],
    )
    .doing("complete the session")?;
    Ok(())
}
