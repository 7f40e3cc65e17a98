//! Rows with every field that a client of the API relies on.

use rusqlite::Row;
use serde::Serialize;

use super::super::reader::json_list;
use super::super::rows::{ObservationRow, PromptRow, Stored as _, SummaryRow};

/// A kind of row that is listed, read by id and streamed.
pub trait WebRow: Serialize + Sized {
    #[doc(hidden)]
    const TABLE: &str;
    /// What is selected from the table as `o` and its session as `s`: the columns
    /// of the row as the rest of the program knows it, and what only the API
    /// tells.
    #[doc(hidden)]
    fn columns() -> String;

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
    const COLUMNS: &str = "coalesce(s.memory_session_id, '') AS session_memory,
        coalesce(s.platform_source, 'claude') AS session_platform";

    /// `content` is Claude Code's id.
    fn read(row: &Row<'_>, session_db_id: Option<i64>, content: String) -> rusqlite::Result<Self> {
        let memory: String = row.get("session_memory")?;
        Ok(Self {
            session_db_id,
            session_id: content.clone(),
            claude_session_id: content.clone(),
            content_session_id: content,
            sdk_session_id: memory.clone(),
            memory_session_id: memory,
            platform_source: row.get("session_platform")?,
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

impl WebRow for WebObservation {
    const TABLE: &str = ObservationRow::TABLE;

    fn columns() -> String {
        format!(
            "{}, {}, coalesce(o.text, o.narrative) AS whole_text",
            ObservationRow::COLUMNS,
            SessionIds::COLUMNS
        )
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let stored = ObservationRow::read(row)?;
        let list = |items: &[String]| Some(json_list(items));
        Ok(Self {
            id: stored.id,
            uid: stored.uid,
            session: SessionIds::read(row, stored.session_db_id, stored.content_session_id)?,
            project: stored.project,
            obs_type: stored.kind.clone(),
            kind: stored.kind,
            title: stored.title,
            subtitle: stored.subtitle,
            summary: stored.narrative.clone(),
            narrative: stored.narrative,
            text: row.get("whole_text")?,
            facts: list(&stored.facts),
            concepts: list(&stored.concepts),
            files_read: list(&stored.files_read),
            files_modified: list(&stored.files_modified),
            files_touched: list(&touched(stored.files_modified, stored.files_read)),
            prompt_number: stored.prompt_number,
            discovery_tokens: stored.discovery_tokens,
            generated_by_model: stored.generated_by_model,
            agent_id: stored.agent_id,
            agent_type: stored.agent_type,
            git_branch: stored.git_branch,
            git_head: stored.git_head,
            superseded_by: stored.superseded_by,
            created_at: stored.created_at,
            created_at_epoch: stored.created_at_epoch,
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
    const TABLE: &str = SummaryRow::TABLE;

    fn columns() -> String {
        format!("{}, {}", SummaryRow::COLUMNS, SessionIds::COLUMNS)
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let stored = SummaryRow::read(row)?;
        let mut summary = Self {
            id: stored.id,
            uid: stored.uid,
            session: SessionIds::read(row, stored.session_db_id, stored.content_session_id)?,
            project: stored.project,
            request: stored.request,
            investigated: stored.investigated,
            learned: stored.learned,
            completed: stored.completed,
            next_steps: stored.next_steps,
            notes: stored.notes,
            summary_text: String::new(),
            prompt_number: stored.prompt_number,
            discovery_tokens: stored.discovery_tokens,
            generated_by_model: stored.generated_by_model,
            git_branch: stored.git_branch,
            git_head: stored.git_head,
            created_at: stored.created_at,
            created_at_epoch: stored.created_at_epoch,
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
    const TABLE: &str = PromptRow::TABLE;

    fn columns() -> String {
        format!("{}, {}", PromptRow::COLUMNS, SessionIds::COLUMNS)
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let stored = PromptRow::read(row)?;
        Ok(Self {
            id: stored.id,
            uid: stored.uid,
            session: SessionIds::read(row, stored.session_db_id, stored.content_session_id)?,
            project: stored.project,
            prompt_number: stored.prompt_number,
            prompt: stored.prompt_text.clone(),
            prompt_text: stored.prompt_text,
            git_branch: stored.git_branch,
            git_head: stored.git_head,
            created_at: stored.created_at,
            created_at_epoch: stored.created_at_epoch,
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

/// The files of both lists, each once.
fn touched(modified: Vec<String>, read: Vec<String>) -> Vec<String> {
    let mut files = modified;
    for file in read {
        if !files.contains(&file) {
            files.push(file);
        }
    }
    files
}
