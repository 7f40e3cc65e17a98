//! Rows with every field that a client of the API relies on.

use rusqlite::types::Value;
use rusqlite::{OptionalExtension as _, Row, params, params_from_iter};
use serde::Serialize;

use super::super::error::{SqlContext as _, StoreError};
use super::super::reader::Reader;

/// A kind of row that is listed, read by id and streamed.
pub trait WebRow: Serialize + Sized {
    #[doc(hidden)]
    const TABLE: &str;
    /// Selected from the table as `o` and its session as `s`.
    #[doc(hidden)]
    const COLUMNS: &str;

    #[doc(hidden)]
    fn read(row: &Row<'_>) -> rusqlite::Result<Self>;

    fn id(&self) -> i64;

    fn created_at_epoch(&self) -> i64;

    fn project(&self) -> &str;
}

/// The names under which generations of clients know a row's session.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SessionIds {
    pub session_db_id: Option<i64>,
    /// Claude Code's session id, three times.
    session_id: String,
    content_session_id: String,
    claude_session_id: String,
    /// Our own id of the session, twice.
    sdk_session_id: String,
    memory_session_id: String,
    platform_source: String,
}

impl SessionIds {
    const COLUMNS: &str = "o.session_db_id, coalesce(s.content_session_id, ''),
        coalesce(s.memory_session_id, ''), coalesce(s.platform_source, 'claude')";
    const COUNT: usize = 4;

    fn read(row: &Row<'_>, at: usize) -> rusqlite::Result<Self> {
        let content: String = row.get(at + 1)?;
        let memory: String = row.get(at + 2)?;
        Ok(Self {
            session_db_id: row.get(at)?,
            session_id: content.clone(),
            claude_session_id: content.clone(),
            content_session_id: content,
            sdk_session_id: memory.clone(),
            memory_session_id: memory,
            platform_source: row.get(at + 3)?,
        })
    }
}

/// An observation. Lists are strings that hold JSON arrays.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WebObservation {
    pub id: i64,
    pub uid: String,
    #[serde(flatten)]
    pub session: SessionIds,
    pub project: String,
    #[serde(rename = "type")]
    pub kind: String,
    obs_type: String,
    pub title: String,
    pub subtitle: String,
    pub narrative: String,
    summary: String,
    text: String,
    pub facts: Option<String>,
    pub concepts: Option<String>,
    pub files_read: Option<String>,
    pub files_modified: Option<String>,
    files_touched: Option<String>,
    pub prompt_number: Option<i64>,
    pub discovery_tokens: i64,
    pub generated_by_model: Option<String>,
    pub agent_id: Option<String>,
    pub agent_type: Option<String>,
    pub git_branch: Option<String>,
    pub git_head: Option<String>,
    pub superseded_by: Option<String>,
    pub created_at: String,
    pub created_at_epoch: i64,
}

/// A summary of one turn.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WebSummary {
    pub id: i64,
    pub uid: String,
    #[serde(flatten)]
    pub session: SessionIds,
    pub project: String,
    pub request: String,
    pub investigated: String,
    pub learned: String,
    pub completed: String,
    pub next_steps: String,
    pub notes: String,
    summary_text: String,
    pub prompt_number: Option<i64>,
    pub discovery_tokens: i64,
    pub generated_by_model: Option<String>,
    pub git_branch: Option<String>,
    pub git_head: Option<String>,
    pub created_at: String,
    pub created_at_epoch: i64,
}

/// A prompt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WebPrompt {
    pub id: i64,
    pub uid: String,
    #[serde(flatten)]
    pub session: SessionIds,
    pub project: String,
    pub prompt_number: i64,
    pub prompt_text: String,
    prompt: String,
    pub git_branch: Option<String>,
    pub git_head: Option<String>,
    pub created_at: String,
    pub created_at_epoch: i64,
}

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

impl WebRow for WebObservation {
    const TABLE: &str = "observations";
    const COLUMNS: &str = "o.id, o.uid, o.project, o.type, o.title, o.subtitle, o.narrative,
        coalesce(o.text, o.narrative), o.facts, o.concepts, o.files_read, o.files_modified,
        o.prompt_number, o.discovery_tokens, o.generated_by_model, o.agent_id, o.agent_type,
        o.git_branch, o.git_head, o.superseded_by, o.created_at, o.created_at_epoch";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let at = SessionIds::COUNT;
        let kind: String = row.get(at + 3)?;
        let narrative: String = row.get(at + 6)?;
        let list = |column: usize| -> rusqlite::Result<Option<String>> {
            let text: String = row.get(at + column)?;
            Ok((!text.is_empty()).then_some(text))
        };
        let (files_read, files_modified) = (list(10)?, list(11)?);
        Ok(Self {
            id: row.get(at)?,
            uid: row.get(at + 1)?,
            session: SessionIds::read(row, 0)?,
            project: row.get(at + 2)?,
            obs_type: kind.clone(),
            kind,
            title: row.get(at + 4)?,
            subtitle: row.get(at + 5)?,
            summary: narrative.clone(),
            narrative,
            text: row.get(at + 7)?,
            facts: list(8)?,
            concepts: list(9)?,
            files_touched: touched(files_read.as_deref(), files_modified.as_deref()),
            files_read,
            files_modified,
            prompt_number: row.get(at + 12)?,
            discovery_tokens: row.get(at + 13)?,
            generated_by_model: row.get(at + 14)?,
            agent_id: row.get(at + 15)?,
            agent_type: row.get(at + 16)?,
            git_branch: row.get(at + 17)?,
            git_head: row.get(at + 18)?,
            superseded_by: row.get(at + 19)?,
            created_at: row.get(at + 20)?,
            created_at_epoch: row.get(at + 21)?,
        })
    }

    fn id(&self) -> i64 {
        self.id
    }

    fn created_at_epoch(&self) -> i64 {
        self.created_at_epoch
    }

    fn project(&self) -> &str {
        &self.project
    }
}

impl WebRow for WebSummary {
    const TABLE: &str = "session_summaries";
    const COLUMNS: &str = "o.id, o.uid, o.project, o.request, o.investigated, o.learned,
        o.completed, o.next_steps, o.notes, o.prompt_number, o.discovery_tokens,
        o.generated_by_model, o.git_branch, o.git_head, o.created_at, o.created_at_epoch";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let at = SessionIds::COUNT;
        let mut summary = Self {
            id: row.get(at)?,
            uid: row.get(at + 1)?,
            session: SessionIds::read(row, 0)?,
            project: row.get(at + 2)?,
            request: row.get(at + 3)?,
            investigated: row.get(at + 4)?,
            learned: row.get(at + 5)?,
            completed: row.get(at + 6)?,
            next_steps: row.get(at + 7)?,
            notes: row.get(at + 8)?,
            summary_text: String::new(),
            prompt_number: row.get(at + 9)?,
            discovery_tokens: row.get(at + 10)?,
            generated_by_model: row.get(at + 11)?,
            git_branch: row.get(at + 12)?,
            git_head: row.get(at + 13)?,
            created_at: row.get(at + 14)?,
            created_at_epoch: row.get(at + 15)?,
        };
        summary.summary_text = summary.in_one_text();
        Ok(summary)
    }

    fn id(&self) -> i64 {
        self.id
    }

    fn created_at_epoch(&self) -> i64 {
        self.created_at_epoch
    }

    fn project(&self) -> &str {
        &self.project
    }
}

impl WebSummary {
    fn in_one_text(&self) -> String {
        [
            ("Request", &self.request),
            ("Investigated", &self.investigated),
            ("Learned", &self.learned),
            ("Completed", &self.completed),
            ("Next steps", &self.next_steps),
            ("Notes", &self.notes),
        ]
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| format!("{name}: {text}"))
        .collect::<Vec<_>>()
        .join("\n")
    }
}

impl WebRow for WebPrompt {
    const TABLE: &str = "user_prompts";
    const COLUMNS: &str = "o.id, o.uid, o.project, o.prompt_number, o.prompt_text, o.git_branch,
        o.git_head, o.created_at, o.created_at_epoch";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let at = SessionIds::COUNT;
        let text: String = row.get(at + 4)?;
        Ok(Self {
            id: row.get(at)?,
            uid: row.get(at + 1)?,
            session: SessionIds::read(row, 0)?,
            project: row.get(at + 2)?,
            prompt_number: row.get(at + 3)?,
            prompt: text.clone(),
            prompt_text: text,
            git_branch: row.get(at + 5)?,
            git_head: row.get(at + 6)?,
            created_at: row.get(at + 7)?,
            created_at_epoch: row.get(at + 8)?,
        })
    }

    fn id(&self) -> i64 {
        self.id
    }

    fn created_at_epoch(&self) -> i64 {
        self.created_at_epoch
    }

    fn project(&self) -> &str {
        &self.project
    }
}

/// The files of both lists, each once; a list that is none counts as empty.
fn touched(read: Option<&str>, modified: Option<&str>) -> Option<String> {
    let list = |text: Option<&str>| -> Vec<String> {
        text.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    };
    match (read, modified) {
        (None, None) => None,
        (Some(one), None | Some("[]")) | (None | Some("[]"), Some(one)) => Some(one.to_owned()),
        (Some(_), Some(_)) => {
            let mut files = list(modified);
            files.extend(list(read));
            let mut seen = std::collections::HashSet::new();
            files.retain(|file| seen.insert(file.clone()));
            serde_json::to_string(&files).ok()
        }
    }
}

/// Which part of a listing is wanted, newest first.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// `None` for all projects.
    pub project: Option<String>,
    /// Rows of sessions of this platform (`claude`); `None` for all.
    pub platform: Option<String>,
    pub session_db_id: Option<i64>,
    pub limit: usize,
    pub offset: usize,
}

/// `o` with its session as `s`, behind the columns.
pub(super) fn select<T: WebRow>() -> String {
    format!(
        "SELECT {}, {} FROM {} o LEFT JOIN sdk_sessions s ON s.id = o.session_db_id",
        SessionIds::COLUMNS,
        T::COLUMNS,
        T::TABLE
    )
}

impl Reader {
    /// A part of a listing. Which rows are meant is found in an index alone, so
    /// that a far offset costs little.
    pub fn web_page<T: WebRow>(&self, page: &Page) -> Result<Vec<T>, StoreError> {
        let mut conditions = String::from("1");
        let mut values: Vec<Value> = Vec::new();
        let mut only = |condition: &str, value: Option<Value>| {
            if let Some(value) = value {
                conditions.push_str(" AND ");
                conditions.push_str(condition);
                values.push(value);
            }
        };
        only("k.project = ?", page.project.clone().map(Value::from));
        only("k.session_db_id = ?", page.session_db_id.map(Value::from));
        only(
            "k.session_db_id IN (SELECT id FROM sdk_sessions WHERE platform_source = ?)",
            page.platform.clone().map(Value::from),
        );
        values.push(number(page.limit).into());
        values.push(number(page.offset).into());
        let sql = format!(
            "{} JOIN (SELECT k.id FROM {} k WHERE {conditions}
                      ORDER BY k.created_at_epoch DESC, k.id DESC LIMIT ? OFFSET ?) page
                 ON page.id = o.id
             ORDER BY o.created_at_epoch DESC, o.id DESC",
            select::<T>(),
            T::TABLE
        );
        self.web_rows(&sql, params_from_iter(values))
    }

    pub fn web_row<T: WebRow>(&self, id: i64) -> Result<Option<T>, StoreError> {
        let sql = format!("{} WHERE o.id = ?1", select::<T>());
        self.connection
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.query_row([id], T::read).optional())
            .doing("read a row")
    }

    /// The rows of these ids that there are, in the order of the ids.
    pub fn web_rows_by_id<T: WebRow>(&self, ids: &[i64]) -> Result<Vec<T>, StoreError> {
        let mut rows = Vec::with_capacity(ids.len());
        for id in ids {
            rows.extend(self.web_row(*id)?);
        }
        Ok(rows)
    }

    /// How many rows sessions of one platform have; these are not counted
    /// beforehand.
    pub fn web_count_of_platform<T: WebRow>(&self, page: &Page) -> Result<i64, StoreError> {
        let sql = format!(
            "SELECT count(*) FROM {} o JOIN sdk_sessions s ON s.id = o.session_db_id
             WHERE s.platform_source = ?1 AND (?2 IS NULL OR o.project = ?2)",
            T::TABLE
        );
        self.connection
            .prepare_cached(&sql)
            .and_then(|mut statement| {
                statement.query_row(params![page.platform, page.project], |row| row.get(0))
            })
            .doing("count the rows")
    }

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

    pub(super) fn web_rows<T: WebRow>(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).doing("list rows")?;
        let rows = statement
            .query_map(parameters, T::read)
            .doing("list rows")?;
        rows.collect::<Result<_, _>>().doing("list rows")
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

pub(super) fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
