//! Rows as the rest of the program and the HTTP clients see them: the field
//! names are those of the API.

use rusqlite::Row;
use serde::Serialize;

/// A table whose rows are listed: what is selected from it as `o`, with its
/// session as `s`.
pub(super) trait Stored: Sized {
    const TABLE: &str;
    const COLUMNS: &str;

    fn read(row: &Row<'_>) -> rusqlite::Result<Self>;

    /// Newest first is by this, descending.
    fn order(&self) -> (i64, i64);
}

/// A memory: something that was learned, made, mended or decided.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObservationRow {
    pub id: i64,
    pub uid: String,
    pub session_db_id: Option<i64>,
    pub memory_session_id: String,
    pub content_session_id: String,
    pub project: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub subtitle: String,
    pub narrative: String,
    pub facts: Vec<String>,
    pub concepts: Vec<String>,
    pub files_read: Vec<String>,
    pub files_modified: Vec<String>,
    pub prompt_number: Option<i64>,
    /// Estimate of the tokens that the work behind it took.
    pub discovery_tokens: i64,
    pub generated_by_model: Option<String>,
    pub agent_id: Option<String>,
    pub agent_type: Option<String>,
    pub git_branch: Option<String>,
    pub git_head: Option<String>,
    pub superseded_by: Option<String>,
    /// ISO-8601, UTC, milliseconds.
    pub created_at: String,
    pub created_at_epoch: i64,
}

/// What became of one turn.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SummaryRow {
    pub id: i64,
    pub uid: String,
    pub session_db_id: Option<i64>,
    pub memory_session_id: String,
    pub content_session_id: String,
    pub project: String,
    pub request: String,
    pub investigated: String,
    pub learned: String,
    pub completed: String,
    pub next_steps: String,
    pub notes: String,
    pub prompt_number: Option<i64>,
    pub discovery_tokens: i64,
    pub generated_by_model: Option<String>,
    pub git_branch: Option<String>,
    pub git_head: Option<String>,
    pub created_at: String,
    pub created_at_epoch: i64,
}

/// What the user asked, private parts and credentials gone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PromptRow {
    pub id: i64,
    pub uid: String,
    pub session_db_id: Option<i64>,
    pub content_session_id: String,
    pub project: String,
    pub prompt_number: i64,
    pub prompt_text: String,
    pub git_branch: Option<String>,
    pub git_head: Option<String>,
    pub created_at: String,
    pub created_at_epoch: i64,
}

/// A Claude Code session.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SessionRow {
    pub id: i64,
    pub content_session_id: String,
    pub memory_session_id: String,
    pub project: String,
    pub project_root: String,
    pub status: String,
    pub prompt_counter: i64,
    pub last_event_at_epoch: i64,
    pub started_at: String,
    pub started_at_epoch: i64,
    pub completed_at_epoch: Option<i64>,
}

/// An event in the queue, without its content.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QueueRow {
    pub id: i64,
    pub session_db_id: i64,
    pub content_session_id: String,
    pub project: String,
    pub message_type: String,
    pub tool_name: Option<String>,
    pub status: String,
    pub retry_count: i64,
    pub last_error: Option<String>,
    pub created_at_epoch: i64,
    pub started_processing_at_epoch: Option<i64>,
    pub completed_at_epoch: Option<i64>,
}

impl Stored for ObservationRow {
    const TABLE: &str = "observations";
    const COLUMNS: &str = "o.id, o.uid, o.session_db_id, o.memory_session_id,
    coalesce(s.content_session_id, ''), o.project, o.type, o.title, o.subtitle, o.narrative,
    o.facts, o.concepts, o.files_read, o.files_modified, o.prompt_number, o.discovery_tokens,
    o.generated_by_model, o.agent_id, o.agent_type, o.git_branch, o.git_head, o.superseded_by,
    o.created_at, o.created_at_epoch";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            uid: row.get(1)?,
            session_db_id: row.get(2)?,
            memory_session_id: row.get(3)?,
            content_session_id: row.get(4)?,
            project: row.get(5)?,
            kind: row.get(6)?,
            title: row.get(7)?,
            subtitle: row.get(8)?,
            narrative: row.get(9)?,
            facts: read_list(row.get(10)?),
            concepts: read_list(row.get(11)?),
            files_read: read_list(row.get(12)?),
            files_modified: read_list(row.get(13)?),
            prompt_number: row.get(14)?,
            discovery_tokens: row.get(15)?,
            generated_by_model: row.get(16)?,
            agent_id: row.get(17)?,
            agent_type: row.get(18)?,
            git_branch: row.get(19)?,
            git_head: row.get(20)?,
            superseded_by: row.get(21)?,
            created_at: row.get(22)?,
            created_at_epoch: row.get(23)?,
        })
    }

    fn order(&self) -> (i64, i64) {
        (self.created_at_epoch, self.id)
    }
}

impl Stored for SummaryRow {
    const TABLE: &str = "session_summaries";
    const COLUMNS: &str = "o.id, o.uid, o.session_db_id, o.memory_session_id,
    coalesce(s.content_session_id, ''), o.project, o.request, o.investigated, o.learned,
    o.completed, o.next_steps, o.notes, o.prompt_number, o.discovery_tokens,
    o.generated_by_model, o.git_branch, o.git_head, o.created_at, o.created_at_epoch";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            uid: row.get(1)?,
            session_db_id: row.get(2)?,
            memory_session_id: row.get(3)?,
            content_session_id: row.get(4)?,
            project: row.get(5)?,
            request: row.get(6)?,
            investigated: row.get(7)?,
            learned: row.get(8)?,
            completed: row.get(9)?,
            next_steps: row.get(10)?,
            notes: row.get(11)?,
            prompt_number: row.get(12)?,
            discovery_tokens: row.get(13)?,
            generated_by_model: row.get(14)?,
            git_branch: row.get(15)?,
            git_head: row.get(16)?,
            created_at: row.get(17)?,
            created_at_epoch: row.get(18)?,
        })
    }

    fn order(&self) -> (i64, i64) {
        (self.created_at_epoch, self.id)
    }
}

impl Stored for PromptRow {
    const TABLE: &str = "user_prompts";
    const COLUMNS: &str = "o.id, o.uid, o.session_db_id, o.content_session_id, o.project,
    o.prompt_number, o.prompt_text, o.git_branch, o.git_head, o.created_at, o.created_at_epoch";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            uid: row.get(1)?,
            session_db_id: row.get(2)?,
            content_session_id: row.get(3)?,
            project: row.get(4)?,
            prompt_number: row.get(5)?,
            prompt_text: row.get(6)?,
            git_branch: row.get(7)?,
            git_head: row.get(8)?,
            created_at: row.get(9)?,
            created_at_epoch: row.get(10)?,
        })
    }

    fn order(&self) -> (i64, i64) {
        (self.created_at_epoch, self.id)
    }
}

impl SessionRow {
    pub(super) const COLUMNS: &str =
        "id, content_session_id, memory_session_id, project, project_root,
    status, prompt_counter, last_event_at_epoch, started_at, started_at_epoch, completed_at_epoch";

    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            content_session_id: row.get(1)?,
            memory_session_id: row.get(2)?,
            project: row.get(3)?,
            project_root: row.get(4)?,
            status: row.get(5)?,
            prompt_counter: row.get(6)?,
            last_event_at_epoch: row.get(7)?,
            started_at: row.get(8)?,
            started_at_epoch: row.get(9)?,
            completed_at_epoch: row.get(10)?,
        })
    }
}

impl QueueRow {
    pub(super) const SELECT: &str = "SELECT p.id, p.session_db_id, p.content_session_id, s.project,
        p.message_type, p.tool_name, p.status, p.retry_count, p.last_error, p.created_at_epoch,
        p.started_processing_at_epoch, p.completed_at_epoch
        FROM pending_messages p JOIN sdk_sessions s ON s.id = p.session_db_id";

    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            session_db_id: row.get(1)?,
            content_session_id: row.get(2)?,
            project: row.get(3)?,
            message_type: row.get(4)?,
            tool_name: row.get(5)?,
            status: row.get(6)?,
            retry_count: row.get(7)?,
            last_error: row.get(8)?,
            created_at_epoch: row.get(9)?,
            started_processing_at_epoch: row.get(10)?,
            completed_at_epoch: row.get(11)?,
        })
    }
}

/// Lists written by other tools may be plain text: one entry then.
pub(super) fn read_list(text: String) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    serde_json::from_str(&text).unwrap_or_else(|_| vec![text])
}
