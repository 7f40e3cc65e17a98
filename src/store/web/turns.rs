//! A whole session, turn by turn.

use rusqlite::params;
use serde::Serialize;

use super::super::error::StoreError;
use super::super::reader::Reader;
use super::list::number;
use super::rows::{WebObservation, WebPrompt, WebRow, WebSummary};
use super::session::WebSession;

/// Everything that is remembered of a session, each list oldest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Turns {
    pub session: WebSession,
    pub prompts: Vec<WebPrompt>,
    pub observations: Vec<WebObservation>,
    pub summaries: Vec<WebSummary>,
    /// A list was cut at its limit: there is more.
    pub truncated: bool,
}

impl Reader {
    /// The first rows of a session, at most `limit` of each kind. `name` is its
    /// id in the database or, where no session has that, Claude Code's id.
    pub fn web_turns(&self, name: &str, limit: usize) -> Result<Option<Turns>, StoreError> {
        self.snapshot(|| {
            let Some(session) = self.session_named(name)? else {
                return Ok(None);
            };
            let mut truncated = false;
            Ok(Some(Turns {
                prompts: self.rows_of_session(session.id, limit, &mut truncated)?,
                observations: self.rows_of_session(session.id, limit, &mut truncated)?,
                summaries: self.rows_of_session(session.id, limit, &mut truncated)?,
                session,
                truncated,
            }))
        })
    }

    fn session_named(&self, name: &str) -> Result<Option<WebSession>, StoreError> {
        if let Ok(id) = name.parse()
            && let Some(session) = self.web_session(id)?
        {
            return Ok(Some(session));
        }
        self.web_session_by_content_id(name)
    }

    /// By the number of the prompt, which an index serves however long the
    /// session is.
    fn rows_of_session<T: WebRow>(
        &self,
        session: i64,
        limit: usize,
        truncated: &mut bool,
    ) -> Result<Vec<T>, StoreError> {
        let sql = format!(
            "SELECT o.id FROM {} o WHERE o.session_db_id = ?1
             ORDER BY o.prompt_number, o.id LIMIT ?2",
            T::TABLE
        );
        let mut ids = self.web_ids(&sql, params![session, number(limit) + 1])?;
        *truncated |= ids.len() > limit;
        ids.truncate(limit);
        let mut rows: Vec<T> = self.web_rows_by_id(&ids)?;
        rows.sort_by_key(|row| (row.created_at_epoch(), row.id()));
        Ok(rows)
    }
}
