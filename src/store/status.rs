//! What `status` and the socket's status reply are made of: counts, the queue,
//! the last check of the file.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};
use sockets_protocol::Counters;

use super::error::{SqlContext as _, StoreError};
use super::reader::Reader;

/// How many rows there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Totals {
    pub observations: i64,
    pub summaries: i64,
    pub prompts: i64,
    pub sessions: i64,
}

/// The conservation equation with its reasons.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusTotals {
    pub counters: Counters,
    pub skipped_by_reason: BTreeMap<String, i64>,
}

/// Work that waits in the queue of one session.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Backlog {
    pub session_db_id: i64,
    pub content_session_id: String,
    pub project: String,
    pub pending: i64,
    pub processing: i64,
    pub failed: i64,
    /// When the oldest waiting event was captured.
    pub oldest_at_epoch: i64,
    /// When the newest waiting event was captured.
    pub newest_at_epoch: i64,
    pub last_error: Option<String>,
}

impl Reader {
    pub fn totals(&self) -> Result<Totals, StoreError> {
        self.connection
            .query_row(
                "SELECT (SELECT count(*) FROM observations), (SELECT count(*) FROM session_summaries),
                        (SELECT count(*) FROM user_prompts), (SELECT count(*) FROM sdk_sessions)",
                [],
                |row| {
                    Ok(Totals {
                        observations: row.get(0)?,
                        summaries: row.get(1)?,
                        prompts: row.get(2)?,
                        sessions: row.get(3)?,
                    })
                },
            )
            .doing("count the rows")
    }

    /// The conservation equation of one session, or of all of them.
    pub fn counters(&self, session_db_id: Option<i64>) -> Result<StatusTotals, StoreError> {
        counters(&self.connection, session_db_id)
    }

    /// Sessions with events that wait, run or failed; the oldest first.
    pub fn backlog(&self) -> Result<Vec<Backlog>, StoreError> {
        let mut statement = self
            .connection
            .prepare(
                "SELECT p.session_db_id, s.content_session_id, s.project,
                        count(*) FILTER (WHERE p.status = 'pending'),
                        count(*) FILTER (WHERE p.status = 'processing'),
                        count(*) FILTER (WHERE p.status = 'failed'),
                        min(p.created_at_epoch), max(p.created_at_epoch), max(p.last_error)
                 FROM pending_messages p JOIN sdk_sessions s ON s.id = p.session_db_id
                 WHERE p.status IN ('pending', 'processing', 'failed')
                 GROUP BY p.session_db_id ORDER BY 7",
            )
            .doing("read the backlog")?;
        let rows = statement
            .query_map([], |row| {
                Ok(Backlog {
                    session_db_id: row.get(0)?,
                    content_session_id: row.get(1)?,
                    project: row.get(2)?,
                    pending: row.get(3)?,
                    processing: row.get(4)?,
                    failed: row.get(5)?,
                    oldest_at_epoch: row.get(6)?,
                    newest_at_epoch: row.get(7)?,
                    last_error: row.get(8)?,
                })
            })
            .doing("read the backlog")?;
        rows.collect::<Result<_, _>>().doing("read the backlog")
    }

    /// What the last check of the whole file found wrong.
    ///
    /// # Errors
    /// When the database cannot be read, and [`StoreError::Damaged`] when the
    /// check found something.
    pub fn assert_undamaged(&self) -> Result<(), StoreError> {
        let damage: Option<String> = self
            .connection
            .query_row("SELECT value FROM meta WHERE key = 'damage'", [], |row| {
                row.get(0)
            })
            .optional()
            .doing("read the last check")?;
        match damage {
            Some(detail) if !detail.is_empty() => Err(StoreError::Damaged {
                path: self.connection.path().unwrap_or_default().into(),
                detail,
            }),
            _ => Ok(()),
        }
    }
}

/// Shared with the writer, which answers `status` over its socket.
pub(super) fn counters(
    connection: &Connection,
    session_db_id: Option<i64>,
) -> Result<StatusTotals, StoreError> {
    let done: (i64, i64, i64) = connection
        .query_row(
            "SELECT coalesce(sum(captured), 0), coalesce(sum(processed), 0), coalesce(sum(skipped), 0)
             FROM sdk_sessions WHERE ?1 IS NULL OR id = ?1",
            params![session_db_id],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .doing("read the counters")?;
    let open = open_events(connection, session_db_id, 0)?;
    let mut statement = connection
        .prepare(
            "SELECT reason, sum(events) FROM skip_counts
             WHERE ?1 IS NULL OR session_db_id = ?1 GROUP BY reason",
        )
        .doing("read the reasons")?;
    let reasons = statement
        .query_map(params![session_db_id], |row| Ok((row.get(0)?, row.get(1)?)))
        .doing("read the reasons")?;
    Ok(StatusTotals {
        counters: Counters {
            captured: done.0,
            processed: done.1,
            skipped: done.2,
            pending: open.0,
            processing: open.1,
            failed: open.2,
        },
        skipped_by_reason: reasons
            .collect::<Result<_, _>>()
            .doing("read the reasons")?,
    })
}

/// Events of one session, or of all, that wait, that run, that failed, and that
/// run since before `stuck_before`.
pub(super) fn open_events(
    connection: &Connection,
    session_db_id: Option<i64>,
    stuck_before: i64,
) -> Result<(i64, i64, i64, i64), StoreError> {
    connection
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE status = 'pending'),
                    count(*) FILTER (WHERE status = 'processing'),
                    count(*) FILTER (WHERE status = 'failed'),
                    count(*) FILTER (WHERE status = 'processing'
                                       AND started_processing_at_epoch < ?2)
             FROM pending_messages
             WHERE status IN ('pending', 'processing', 'failed')
               AND (?1 IS NULL OR session_db_id = ?1)",
        )
        .and_then(|mut statement| {
            statement.query_row(params![session_db_id, stuck_before], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
        })
        .doing("count the queue")
}
