//! Turns that are to be done again: those that the offline extractor did in a
//! model's place, and events that failed.

use rusqlite::{Transaction, params};

use super::error::{SqlContext as _, StoreError};
use super::reader::Reader;
use super::writer::{Writer, write_tx};

/// A turn that a model could do again, or whose events failed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Redoable {
    pub turn_id: i64,
    pub session_db_id: i64,
    pub content_session_id: String,
    pub project: String,
    pub prompt_number: i64,
    /// Events that are still kept; without any the turn cannot be done again.
    pub events: i64,
    /// Those of them that failed.
    pub failed: i64,
    /// Why a model did not do it.
    pub reason: String,
}

/// What was put back into the queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Redone {
    pub turns: usize,
    pub events: usize,
}

impl Reader {
    /// Turns that can be done again, the oldest first.
    pub fn redoable(&self) -> Result<Vec<Redoable>, StoreError> {
        let mut statement = self
            .connection
            .prepare(
                "SELECT t.id, t.session_db_id, s.content_session_id, t.project, t.prompt_number,
                        count(p.id), count(p.id) FILTER (WHERE p.status = 'failed'),
                        coalesce(t.fallback_reason, max(p.last_error), '')
                 FROM turns t JOIN sdk_sessions s ON s.id = t.session_db_id
                      LEFT JOIN pending_messages p ON p.turn_id = t.id
                 WHERE t.fallback_reason IS NOT NULL
                    OR t.id IN (SELECT turn_id FROM pending_messages WHERE status = 'failed')
                 GROUP BY t.id ORDER BY t.id",
            )
            .doing("look for turns to do again")?;
        let rows = statement
            .query_map([], |row| {
                Ok(Redoable {
                    turn_id: row.get(0)?,
                    session_db_id: row.get(1)?,
                    content_session_id: row.get(2)?,
                    project: row.get(3)?,
                    prompt_number: row.get(4)?,
                    events: row.get(5)?,
                    failed: row.get(6)?,
                    reason: row.get(7)?,
                })
            })
            .doing("look for turns to do again")?;
        rows.collect::<Result<_, _>>()
            .doing("look for turns to do again")
    }
}

impl Writer {
    /// Puts the events of these turns back into the queue, as if they had just
    /// come. What became of them stays until something takes its place.
    pub fn redo(&mut self, turns: &[i64]) -> Result<Redone, StoreError> {
        let tx = write_tx(&mut self.connection)?;
        let mut redone = Redone::default();
        for turn in turns {
            uncount(&tx, *turn)?;
            let events = tx
                .execute(
                    "UPDATE pending_messages
                     SET status = 'pending', retry_count = 0, skip_reason = NULL, last_error = NULL,
                         completed_at_epoch = NULL
                     WHERE turn_id = ?1 AND status IN ('processed', 'skipped', 'failed')
                       AND message_type <> 'prompt'",
                    [turn],
                )
                .doing("put the events back")?;
            if events > 0 {
                tx.execute("UPDATE turns SET redo = 1 WHERE id = ?1", [turn])
                    .doing("mark the turn")?;
                redone.turns += 1;
                redone.events += events;
            }
        }
        tx.commit().doing("commit the turns to do again")?;
        Ok(redone)
    }
}

/// Takes the turn's events out of the counts of what is done.
fn uncount(tx: &Transaction<'_>, turn: i64) -> Result<(), StoreError> {
    for (column, status) in [("processed", "processed"), ("skipped", "skipped")] {
        tx.execute(
            &format!(
                "UPDATE sdk_sessions SET {column} = {column} - (
                     SELECT count(*) FROM pending_messages
                     WHERE turn_id = ?1 AND status = ?2 AND message_type <> 'prompt')
                 WHERE id = (SELECT session_db_id FROM turns WHERE id = ?1)"
            ),
            params![turn, status],
        )
        .doing("take the events out of the counts")?;
    }
    tx.execute(
        "UPDATE skip_counts SET events = events - (
             SELECT count(*) FROM pending_messages p
             WHERE p.turn_id = ?1 AND p.status = 'skipped' AND p.message_type <> 'prompt'
               AND p.skip_reason = skip_counts.reason)
         WHERE session_db_id = (SELECT session_db_id FROM turns WHERE id = ?1)",
        [turn],
    )
    .doing("take the events out of the counts")?;
    Ok(())
}
