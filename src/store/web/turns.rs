//! A whole session, turn by turn.

use rusqlite::params;

use super::super::error::StoreError;
use super::super::reader::Reader;
use super::list::number;
use super::rows::WebRow;
use super::session::WebSession;

impl Reader {
    /// The session with this id in the database or, where no session has that, with
    /// this id of Claude Code's.
    pub fn web_session_named(&self, name: &str) -> Result<Option<WebSession>, StoreError> {
        if let Ok(id) = name.parse()
            && let Some(session) = self.web_session(id)?
        {
            return Ok(Some(session));
        }
        self.web_session_by_content_id(name)
    }

    /// The ids of the first rows of a session, at most `limit`, and whether there are
    /// more: by the number of the prompt, which an index serves however long the
    /// session is.
    pub fn web_ids_of_session<T: WebRow>(
        &self,
        session: i64,
        limit: usize,
    ) -> Result<(Vec<i64>, bool), StoreError> {
        let sql = format!(
            "SELECT o.id FROM {} o WHERE o.session_db_id = ?1
             ORDER BY o.prompt_number, o.id LIMIT ?2",
            T::TABLE
        );
        let mut ids = self.web_ids(&sql, params![session, number(limit) + 1])?;
        let truncated = ids.len() > limit;
        ids.truncate(limit);
        Ok((ids, truncated))
    }
}
