//! Turns that are to be done again: those that the offline extractor did in a
//! model's place, and events that failed.

use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::error::{SqlContext as _, StoreError};
use super::reader::Reader;
use super::writer::{Writer, write_tx};

/// A turn that can be done again, or could if its events were still there.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Redoable {
    pub turn_id: i64,
    pub session_db_id: i64,
    pub content_session_id: String,
    pub project: String,
    pub prompt_number: i64,
    /// Events that would go back into the queue.
    pub events: i64,
    /// Those of them that failed.
    pub failed: i64,
    /// Bytes of what they hold.
    pub bytes: i64,
    /// Events that wait or run: the turn is being done as it is.
    pub waiting: i64,
    /// The offline extractor did it, or a part of it, in a model's place.
    pub offline: bool,
    /// Events have been deleted, as old ones are: what is left is not the turn.
    pub incomplete: bool,
    /// Why a model did not do it, or why its events failed.
    pub reason: String,
}

impl Redoable {
    /// Whether [`Writer::redo`] would take it.
    pub fn is_ready(&self) -> bool {
        self.events > 0 && self.waiting == 0
    }

    /// Whether all of its events would go back, and not only the failed ones.
    fn whole(&self) -> bool {
        (self.offline || self.failed == 0) && !self.incomplete
    }
}

/// What was put back into the queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Redone {
    pub turns: usize,
    pub events: usize,
}

/// An event that can be worked on again. One that was skipped on its arrival
/// never had a lease, and nothing is kept of it. Prompts stay as they are,
/// unless they failed.
const AGAIN: &str = "(p.status = 'failed' OR (p.message_type <> 'prompt'
    AND (p.status = 'processed' OR (p.status = 'skipped' AND p.started_processing_at_epoch > 0))))";

/// The beginning of a turn goes first when old events are deleted.
const INCOMPLETE: &str = "(EXISTS (SELECT 1 FROM user_prompts u
        WHERE u.session_db_id = t.session_db_id AND u.prompt_number = t.prompt_number)
    AND NOT EXISTS (SELECT 1 FROM pending_messages k
        WHERE k.turn_id = t.id AND k.message_type = 'prompt'))";

/// A turn is done again as a whole, or not: its new memories take the place of
/// the old ones. Where a model did it and events failed, only these go back.
const WHOLE: &str = "(t.fallback_reason IS NOT NULL OR NOT EXISTS (
    SELECT 1 FROM pending_messages f WHERE f.turn_id = t.id AND f.status = 'failed'))";

impl Reader {
    /// Turns that the offline extractor did in a model's place, or with events
    /// that failed: the oldest first. Private turns are never among them.
    pub fn redoable(&self) -> Result<Vec<Redoable>, StoreError> {
        let wanted = "t.fallback_reason IS NOT NULL
            OR t.id IN (SELECT turn_id FROM pending_messages WHERE status = 'failed')";
        let mut statement = self
            .connection
            .prepare(&select(wanted))
            .doing("look for turns to do again")?;
        let rows = statement
            .query_map([], redoable)
            .doing("look for turns to do again")?;
        rows.collect::<Result<_, _>>()
            .doing("look for turns to do again")
    }

    /// One turn, whoever did it. `None` where there is none, or it is private.
    pub fn redoable_turn(&self, turn: i64) -> Result<Option<Redoable>, StoreError> {
        self.connection
            .query_row(&select("t.id = ?1"), [turn], redoable)
            .optional()
            .doing("look for a turn to do again")
    }

    /// Which model made the newest that is current of a turn.
    pub fn made_by(&self, turn: i64) -> Result<Option<String>, StoreError> {
        self.connection
            .query_row(
                "SELECT made.model FROM turns t JOIN (
                     SELECT session_db_id, prompt_number, generated_by_model AS model, 1 AS place, id
                     FROM observations WHERE superseded_by IS NULL
                     UNION ALL
                     SELECT session_db_id, prompt_number, generated_by_model, 0, id
                     FROM session_summaries) made
                 ON made.session_db_id = t.session_db_id AND made.prompt_number = t.prompt_number
                 WHERE t.id = ?1 AND made.model IS NOT NULL
                 ORDER BY made.place DESC, made.id DESC LIMIT 1",
                [turn],
                |row| row.get(0),
            )
            .optional()
            .doing("look who did a turn")
    }
}

fn select(wanted: &str) -> String {
    let back = format!("{AGAIN} AND (p.status = 'failed' OR ({WHOLE} AND NOT {INCOMPLETE}))");
    format!(
        "SELECT t.id, t.session_db_id, s.content_session_id, t.project, t.prompt_number,
                count(p.id) FILTER (WHERE {back}),
                count(p.id) FILTER (WHERE p.status = 'failed'),
                coalesce(sum(p.bytes) FILTER (WHERE {back}), 0),
                count(p.id) FILTER (WHERE p.status IN ('pending', 'processing')),
                t.fallback_reason IS NOT NULL, {INCOMPLETE},
                coalesce(t.fallback_reason, max(p.last_error), '')
         FROM turns t JOIN sdk_sessions s ON s.id = t.session_db_id
              LEFT JOIN pending_messages p ON p.turn_id = t.id
         WHERE t.private = 0 AND ({wanted})
         GROUP BY t.id ORDER BY t.id"
    )
}

fn redoable(row: &Row<'_>) -> rusqlite::Result<Redoable> {
    Ok(Redoable {
        turn_id: row.get(0)?,
        session_db_id: row.get(1)?,
        content_session_id: row.get(2)?,
        project: row.get(3)?,
        prompt_number: row.get(4)?,
        events: row.get(5)?,
        failed: row.get(6)?,
        bytes: row.get(7)?,
        waiting: row.get(8)?,
        offline: row.get(9)?,
        incomplete: row.get(10)?,
        reason: row.get(11)?,
    })
}

impl Writer {
    /// Puts the events of these turns back into the queue, as if they had just
    /// come: all of them, or only the failed ones where a model did the rest.
    /// What became of them stays until something takes its place. A turn that
    /// is not [ready](Redoable::is_ready) is left as it is.
    pub fn redo(&mut self, turns: &[i64]) -> Result<Redone, StoreError> {
        let tx = write_tx(&mut self.connection)?;
        let mut redone = Redone::default();
        for turn in turns {
            let found = tx
                .query_row(&select("t.id = ?1"), [turn], redoable)
                .optional()
                .doing("look at the turn")?;
            let Some(found) = found.filter(Redoable::is_ready) else {
                continue;
            };
            redone.turns += 1;
            redone.events += put_back(&tx, &found)?;
        }
        tx.commit().doing("commit the turns to do again")?;
        Ok(redone)
    }
}

fn put_back(tx: &Transaction<'_>, turn: &Redoable) -> Result<usize, StoreError> {
    let whole = turn.whole();
    if whole {
        // Failed events are in no count that outlives them.
        uncount(tx, turn)?;
    }
    let events = tx
        .execute(
            &format!(
                "UPDATE pending_messages AS p
                 SET status = 'pending', retry_count = 0, skip_reason = NULL, last_error = NULL,
                     completed_at_epoch = NULL
                 WHERE turn_id = ?1 AND {AGAIN} AND (?2 OR status = 'failed')"
            ),
            params![turn.turn_id, whole],
        )
        .doing("put the events back")?;
    if whole {
        tx.execute(
            "UPDATE turns SET redo = 1, fallback_reason = NULL WHERE id = ?1",
            [turn.turn_id],
        )
        .doing("mark the turn")?;
    }
    Ok(events)
}

/// Takes the turn's events out of the counts of what is done.
fn uncount(tx: &Transaction<'_>, turn: &Redoable) -> Result<(), StoreError> {
    for status in ["processed", "skipped"] {
        tx.execute(
            &format!(
                "UPDATE sdk_sessions SET {status} = {status} - (
                     SELECT count(*) FROM pending_messages p
                     WHERE p.turn_id = ?1 AND p.status = ?2 AND {AGAIN})
                 WHERE id = ?3"
            ),
            params![turn.turn_id, status, turn.session_db_id],
        )
        .doing("take the events out of the counts")?;
    }
    tx.execute(
        &format!(
            "UPDATE skip_counts SET events = events - (
                 SELECT count(*) FROM pending_messages p
                 WHERE p.turn_id = ?1 AND p.status = 'skipped' AND {AGAIN}
                   AND p.skip_reason = skip_counts.reason)
             WHERE session_db_id = ?2"
        ),
        params![turn.turn_id, turn.session_db_id],
    )
    .doing("take the events out of the counts")?;
    tx.execute(
        "DELETE FROM skip_counts WHERE session_db_id = ?1 AND events = 0",
        [turn.session_db_id],
    )
    .doing("drop reasons that count nothing")?;
    Ok(())
}

#[cfg(test)]
mod tests;
