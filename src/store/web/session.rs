//! Sessions under the names that clients know.

use rusqlite::{OptionalExtension as _, Row};
use serde::Serialize;

use super::super::error::{SqlContext as _, StoreError};
use super::super::reader::Reader;

/// A session.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WebSession {
    pub id: i64,
    pub content_session_id: String,
    claude_session_id: String,
    pub memory_session_id: String,
    sdk_session_id: String,
    pub platform_source: String,
    pub project: String,
    pub project_root: String,
    pub custom_title: Option<String>,
    /// The first prompt.
    pub user_prompt: Option<String>,
    pub status: String,
    pub prompt_counter: i64,
    pub started_at: String,
    pub started_at_epoch: i64,
    pub completed_at: Option<String>,
    pub completed_at_epoch: Option<i64>,
}

impl Reader {
    /// Sessions by our own ids of them.
    pub fn web_sessions(
        &self,
        memory_session_ids: &[String],
    ) -> Result<Vec<WebSession>, StoreError> {
        let sql = format!("{SESSION} WHERE s.memory_session_id = ?1");
        let mut found = Vec::new();
        for id in memory_session_ids {
            found.extend(self.web_session_where(&sql, id)?);
        }
        Ok(found)
    }

    pub fn web_session(&self, id: i64) -> Result<Option<WebSession>, StoreError> {
        self.web_session_where(&format!("{SESSION} WHERE s.id = ?1"), id)
    }

    /// The newest session that Claude Code calls so.
    pub fn web_session_by_content_id(&self, id: &str) -> Result<Option<WebSession>, StoreError> {
        let sql = format!("{SESSION} WHERE s.content_session_id = ?1 ORDER BY s.id DESC LIMIT 1");
        self.web_session_where(&sql, id)
    }

    fn web_session_where(
        &self,
        sql: &str,
        value: impl rusqlite::ToSql,
    ) -> Result<Option<WebSession>, StoreError> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row([value], session).optional())
            .doing("read a session")
    }
}

const SESSION: &str = "SELECT s.id, s.content_session_id, s.memory_session_id, s.platform_source,
    s.project, s.project_root, s.custom_title, s.status, s.prompt_counter, s.started_at,
    s.started_at_epoch, s.completed_at, s.completed_at_epoch,
    (SELECT prompt_text FROM user_prompts WHERE session_db_id = s.id
     ORDER BY prompt_number LIMIT 1)
    FROM sdk_sessions s";

fn session(row: &Row<'_>) -> rusqlite::Result<WebSession> {
    let content: String = row.get(1)?;
    let memory: String = row.get(2)?;
    Ok(WebSession {
        id: row.get(0)?,
        claude_session_id: content.clone(),
        content_session_id: content,
        sdk_session_id: memory.clone(),
        memory_session_id: memory,
        platform_source: row.get(3)?,
        project: row.get(4)?,
        project_root: row.get(5)?,
        custom_title: row.get(6)?,
        status: row.get(7)?,
        prompt_counter: row.get(8)?,
        started_at: row.get(9)?,
        started_at_epoch: row.get(10)?,
        completed_at: row.get(11)?,
        completed_at_epoch: row.get(12)?,
        user_prompt: row.get(13)?,
    })
}
