//! The queue, one session's state, and what became of one event.

use rusqlite::{OptionalExtension as _, params};
use serde::Serialize;

use super::super::error::{SqlContext as _, StoreError};
use super::super::reader::Reader;
use super::super::rows::QueueRow;
use super::super::status::open_events;
use super::list::number;

/// How much waits and runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueState {
    pub pending: i64,
    pub processing: i64,
    pub failed: i64,
    /// In processing since before the given time.
    pub stuck: i64,
}

impl QueueState {
    /// Events that will be worked on.
    pub fn depth(self) -> i64 {
        self.pending + self.processing
    }
}

/// An event of the queue under the names that clients know.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WebQueueRow {
    claude_session_id: String,
    #[serde(flatten)]
    pub row: QueueRow,
}

/// An event that is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub session_db_id: i64,
    pub queue_id: i64,
    /// Prompts of the session so far.
    pub prompt_number: i64,
    /// Why it was counted but not kept.
    pub skip_reason: Option<String>,
}

/// The last that somebody wanted in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewestTurn {
    pub number: i64,
    pub prompt_id: Option<String>,
    pub is_open: bool,
    pub private: bool,
    /// `None` where it is not known, or private.
    pub prompt: Option<String>,
}

/// What one session has come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SessionCounts {
    pub observations: i64,
    pub summaries: i64,
    pub queued: i64,
}

/// The newest call of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastCall {
    pub at: i64,
    /// `ok`, `running`, or why it failed.
    pub outcome: String,
}

impl Reader {
    /// How much waits; an event is stuck that began before `stuck_before`.
    pub fn queue_state(&self, stuck_before: i64) -> Result<QueueState, StoreError> {
        let (pending, processing, failed, stuck) =
            open_events(&self.connection, None, stuck_before)?;
        Ok(QueueState {
            pending,
            processing,
            failed,
            stuck,
        })
    }

    /// Events that wait, run or failed, the oldest first. There are few, and the
    /// sign keeps them from being looked for among all.
    pub fn web_queue(&self, limit: usize) -> Result<Vec<WebQueueRow>, StoreError> {
        self.queue_rows(
            &format!(
                "{} WHERE p.status IN ('pending', 'processing', 'failed')
                 ORDER BY +p.id LIMIT ?1",
                QueueRow::SELECT
            ),
            limit,
        )
    }

    /// Events that were processed last, the newest first.
    pub fn web_processed(&self, limit: usize) -> Result<Vec<WebQueueRow>, StoreError> {
        self.queue_rows(
            &format!(
                "{} WHERE p.status IN ('processed', 'skipped')
                 ORDER BY p.completed_at_epoch DESC LIMIT ?1",
                QueueRow::SELECT
            ),
            limit,
        )
    }

    fn queue_rows(&self, sql: &str, limit: usize) -> Result<Vec<WebQueueRow>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(sql)
            .doing("read the queue")?;
        let rows = statement
            .query_map([number(limit)], |row| {
                let row = QueueRow::read(row)?;
                Ok(WebQueueRow {
                    claude_session_id: row.content_session_id.clone(),
                    row,
                })
            })
            .doing("read the queue")?;
        rows.collect::<Result<_, _>>().doing("read the queue")
    }

    /// The event of this id in the session with this Claude Code id; `None`
    /// until it is committed.
    pub fn receipt(&self, session: &str, event: &str) -> Result<Option<Receipt>, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT p.session_db_id, p.id, coalesce(p.prompt_number, s.prompt_counter),
                        p.skip_reason
                 FROM sdk_sessions s JOIN pending_messages p ON p.session_db_id = s.id
                 WHERE s.content_session_id = ?1 AND p.event_id = ?2",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(params![session, event], |row| {
                        Ok(Receipt {
                            session_db_id: row.get(0)?,
                            queue_id: row.get(1)?,
                            prompt_number: row.get(2)?,
                            skip_reason: row.get(3)?,
                        })
                    })
                    .optional()
            })
            .doing("find an event")
    }

    /// The newest turn of the session with this Claude Code id.
    pub fn newest_turn(&self, session: &str) -> Result<Option<NewestTurn>, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT t.prompt_number, t.prompt_id, t.closed_at_epoch IS NULL, t.private,
                        p.prompt_text
                 FROM sdk_sessions s JOIN turns t ON t.session_db_id = s.id
                 LEFT JOIN user_prompts p ON p.session_db_id = s.id
                     AND p.prompt_number = t.prompt_number
                 WHERE s.content_session_id = ?1
                 ORDER BY s.id DESC, t.prompt_number DESC LIMIT 1",
            )
            .and_then(|mut statement| {
                statement
                    .query_row([session], |row| {
                        Ok(NewestTurn {
                            number: row.get(0)?,
                            prompt_id: row.get(1)?,
                            is_open: row.get(2)?,
                            private: row.get(3)?,
                            prompt: row.get(4)?,
                        })
                    })
                    .optional()
            })
            .doing("find the newest turn")
    }

    /// The newest call of any model.
    pub fn last_call(&self) -> Result<Option<LastCall>, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT created_at_epoch, outcome FROM usage ORDER BY created_at_epoch DESC LIMIT 1",
            )
            .and_then(|mut statement| {
                statement
                    .query_row([], |row| {
                        Ok(LastCall {
                            at: row.get(0)?,
                            outcome: row.get(1)?,
                        })
                    })
                    .optional()
            })
            .doing("find the newest call")
    }

    pub fn session_counts(&self, session_db_id: i64) -> Result<SessionCounts, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT (SELECT count(*) FROM observations WHERE session_db_id = ?1),
                        (SELECT count(*) FROM session_summaries WHERE session_db_id = ?1),
                        (SELECT count(*) FROM pending_messages WHERE session_db_id = ?1
                             AND status IN ('pending', 'processing'))",
            )
            .and_then(|mut statement| {
                statement.query_row([session_db_id], |row| {
                    Ok(SessionCounts {
                        observations: row.get(0)?,
                        summaries: row.get(1)?,
                        queued: row.get(2)?,
                    })
                })
            })
            .doing("count a session's rows")
    }
}
