//! What is new since a cursor. A cursor holds the highest id of each table that
//! its owner has seen; ids are given in the order of commits, since only one
//! process at a time writes, so nothing can appear behind a cursor. A summary is
//! new again when it is changed, so of summaries the revision counts.

use std::fmt;
use std::str::FromStr;

use rusqlite::params;

use super::super::error::{SqlContext as _, StoreError};
use super::super::reader::Reader;
use super::list::{number, select};
use super::rows::{WebObservation, WebPrompt, WebRow, WebSummary};

/// Sessions that are looked at for one that has ended: the newest, for old ones
/// do not end.
const ENDING_SESSIONS: i64 = 200;

/// How far a reader of changes has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Cursor {
    pub observation: i64,
    /// A revision rather than an id.
    pub summary: i64,
    pub prompt: i64,
    pub session: i64,
    pub queued: i64,
    /// When the last session ended that was told of, and its id.
    pub ended: (i64, i64),
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{}.{}.{}.{}.{}.{}",
            self.observation,
            self.summary,
            self.prompt,
            self.session,
            self.queued,
            self.ended.0,
            self.ended.1
        )
    }
}

/// The text is not a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotACursor;

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let numbers: Vec<i64> = text
            .split('.')
            .map(|part| part.parse().ok().filter(|number| *number >= 0))
            .collect::<Option<_>>()
            .ok_or(NotACursor)?;
        let [observation, summary, prompt, session, queued, at, id] = numbers[..] else {
            return Err(NotACursor);
        };
        Ok(Self {
            observation,
            summary,
            prompt,
            session,
            queued,
            ended: (at, id),
        })
    }
}

/// A session that began or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionChange {
    pub session_db_id: i64,
    pub project: String,
    pub at: i64,
}

/// An event that was captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueChange {
    pub id: i64,
    pub session_db_id: i64,
    /// `observation` or `summarize`.
    pub message_type: String,
}

/// What came after a cursor, each list in the order of commits.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    pub started: Vec<SessionChange>,
    pub prompts: Vec<WebPrompt>,
    pub queued: Vec<QueueChange>,
    pub observations: Vec<WebObservation>,
    /// As they are now, each with its revision.
    pub summaries: Vec<(i64, WebSummary)>,
    pub ended: Vec<SessionChange>,
    /// A list was cut at its limit: there is more.
    pub more: bool,
}

impl Reader {
    /// Where a reader of changes stands that has seen everything. The highest ids
    /// that were ever given: the rows may be gone, and a cursor behind them is
    /// one of this database all the same.
    pub fn newest_cursor(&self) -> Result<Cursor, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT coalesce(max(seq) FILTER (WHERE name = 'observations'), 0),
                        coalesce(max(seq) FILTER (WHERE name = 'summary_revisions'), 0),
                        coalesce(max(seq) FILTER (WHERE name = 'user_prompts'), 0),
                        coalesce(max(seq) FILTER (WHERE name = 'sdk_sessions'), 0),
                        coalesce(max(seq) FILTER (WHERE name = 'pending_messages'), 0),
                        (SELECT coalesce(max(completed_at_epoch), 0) FROM sdk_sessions)
                 FROM sqlite_sequence",
            )
            .and_then(|mut statement| {
                statement.query_row([], |row| {
                    Ok(Cursor {
                        observation: row.get(0)?,
                        summary: row.get(1)?,
                        prompt: row.get(2)?,
                        session: row.get(3)?,
                        queued: row.get(4)?,
                        ended: (row.get(5)?, i64::MAX),
                    })
                })
            })
            .doing("find the newest rows")
    }

    /// What came after `cursor`, at most `limit` rows of each kind.
    pub fn changes(&self, cursor: &Cursor, limit: usize) -> Result<Changes, StoreError> {
        self.snapshot(|| {
            let mut changes = Changes {
                started: self.sessions_started(cursor, limit)?,
                prompts: self.rows_after(cursor.prompt, limit)?,
                queued: self.queued_after(cursor.queued, limit)?,
                observations: self.rows_after(cursor.observation, limit)?,
                summaries: self.summaries_after(cursor.summary, limit)?,
                ended: Vec::new(),
                more: false,
            };
            changes.more = [
                changes.started.len(),
                changes.prompts.len(),
                changes.queued.len(),
                changes.observations.len(),
                changes.summaries.len(),
            ]
            .contains(&limit);
            if !changes.more {
                // A session ends after all that it did.
                changes.ended = self.sessions_ended(cursor)?;
            }
            Ok(changes)
        })
    }

    fn rows_after<T: WebRow>(&self, id: i64, limit: usize) -> Result<Vec<T>, StoreError> {
        let sql = format!("{} WHERE o.id > ?1 ORDER BY o.id LIMIT ?2", select::<T>());
        self.web_rows(&sql, params![id, number(limit)])
    }

    fn summaries_after(
        &self,
        revision: i64,
        limit: usize,
    ) -> Result<Vec<(i64, WebSummary)>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT r.revision, r.summary_id
                 FROM summary_revisions r JOIN session_summaries o ON o.id = r.summary_id
                 WHERE r.revision > ?1 ORDER BY r.revision LIMIT ?2",
            )
            .doing("list changed summaries")?;
        let mut rows = statement
            .query(params![revision, number(limit)])
            .doing("list changed summaries")?;
        let mut changed = Vec::new();
        while let Some(row) = rows.next().doing("list changed summaries")? {
            let id: i64 = row.get(1).doing("list changed summaries")?;
            if let Some(summary) = self.web_row(id)? {
                changed.push((row.get(0).doing("list changed summaries")?, summary));
            }
        }
        Ok(changed)
    }

    fn sessions_started(
        &self,
        cursor: &Cursor,
        limit: usize,
    ) -> Result<Vec<SessionChange>, StoreError> {
        self.session_changes(
            "SELECT id, project, started_at_epoch FROM sdk_sessions WHERE id > ?1
             ORDER BY id LIMIT ?2",
            params![cursor.session, number(limit)],
        )
    }

    fn sessions_ended(&self, cursor: &Cursor) -> Result<Vec<SessionChange>, StoreError> {
        self.session_changes(
            "SELECT id, project, completed_at_epoch FROM
                 (SELECT id, project, completed_at_epoch FROM sdk_sessions
                  ORDER BY id DESC LIMIT ?3)
             WHERE (completed_at_epoch, id) > (?1, ?2) ORDER BY completed_at_epoch, id",
            params![cursor.ended.0, cursor.ended.1, ENDING_SESSIONS],
        )
    }

    fn session_changes(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Vec<SessionChange>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).doing("list sessions")?;
        let rows = statement
            .query_map(parameters, |row| {
                Ok(SessionChange {
                    session_db_id: row.get(0)?,
                    project: row.get(1)?,
                    at: row.get(2)?,
                })
            })
            .doing("list sessions")?;
        rows.collect::<Result<_, _>>().doing("list sessions")
    }

    fn queued_after(&self, id: i64, limit: usize) -> Result<Vec<QueueChange>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT id, session_db_id, message_type FROM pending_messages
                 WHERE id > ?1 AND message_type <> 'prompt' AND status <> 'skipped'
                 ORDER BY id LIMIT ?2",
            )
            .doing("list events")?;
        let rows = statement
            .query_map(params![id, number(limit)], |row| {
                Ok(QueueChange {
                    id: row.get(0)?,
                    session_db_id: row.get(1)?,
                    message_type: row.get(2)?,
                })
            })
            .doing("list events")?;
        rows.collect::<Result<_, _>>().doing("list events")
    }
}
