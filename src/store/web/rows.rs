//! Rows with every field that a client of the API relies on.

use std::borrow::Cow;

use rusqlite::Row;
use serde::ser::{Error as _, Serialize, SerializeStruct, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::super::lists::is_list;
use super::super::reader::json_list;
use super::super::rows::{ObservationRow, PromptRow, Stored as _, SummaryRow, read_list};

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

    fn session(&self) -> &SessionIds;
}

/// The names under which generations of clients know a row's session.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionIds {
    pub session_db_id: Option<i64>,
    /// Claude Code's session id.
    content: String,
    /// Our own id of the session.
    memory: String,
    pub platform_source: String,
}

impl SessionIds {
    const COLUMNS: &str =
        "coalesce(s.memory_session_id, ''), coalesce(s.platform_source, 'claude')";

    /// `content` is Claude Code's id; the columns are the ones from `first` on.
    fn read(
        row: &Row<'_>,
        first: usize,
        session_db_id: Option<i64>,
        content: String,
    ) -> rusqlite::Result<Self> {
        Ok(Self {
            session_db_id,
            content,
            memory: row.get(first)?,
            platform_source: row.get(first + 1)?,
        })
    }

    fn write<S: SerializeStruct>(&self, out: &mut S) -> Result<(), S::Error> {
        out.serialize_field("session_db_id", &self.session_db_id)?;
        out.serialize_field("session_id", &self.content)?;
        out.serialize_field("content_session_id", &self.content)?;
        out.serialize_field("claude_session_id", &self.content)?;
        out.serialize_field("sdk_session_id", &self.memory)?;
        out.serialize_field("memory_session_id", &self.memory)?;
        out.serialize_field("platform_source", &self.platform_source)
    }
}

/// An observation. Lists are strings that hold JSON arrays.
#[derive(Debug, Clone, PartialEq)]
pub struct WebObservation {
    pub id: i64,
    pub uid: String,
    pub session: SessionIds,
    pub project: String,
    pub kind: String,
    pub title: String,
    pub subtitle: String,
    pub narrative: String,
    /// What other tools wrote instead of a narrative.
    text: Option<String>,
    pub facts: String,
    pub concepts: String,
    pub files_read: String,
    pub files_modified: String,
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
#[derive(Debug, Clone, PartialEq)]
pub struct WebSummary {
    pub id: i64,
    pub uid: String,
    pub session: SessionIds,
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

/// A prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct WebPrompt {
    pub id: i64,
    pub uid: String,
    pub session: SessionIds,
    pub project: String,
    pub prompt_number: i64,
    pub prompt_text: String,
    pub git_branch: Option<String>,
    pub git_head: Option<String>,
    pub created_at: String,
    pub created_at_epoch: i64,
}

/// Writes fields under their own names.
macro_rules! write_fields {
    ($out:ident, $row:ident: $($field:ident),+) => {
        $($out.serialize_field(stringify!($field), &$row.$field)?;)+
    };
}

impl Serialize for WebObservation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_type(&self.kind).serialize(serializer)
    }
}

/// An observation among rows of other kinds: `type` says which kind it is, and
/// its own type stands in `obs_type` alone.
#[derive(Debug, Clone, Copy)]
pub struct AsType<'a> {
    row: &'a WebObservation,
    r#type: &'a str,
}

impl WebObservation {
    pub fn as_type<'a>(&'a self, r#type: &'a str) -> AsType<'a> {
        AsType { row: self, r#type }
    }
}

/// A long text that stands under several names: its escapes are looked for once.
fn escaped<S: Serializer>(text: &str) -> Result<Box<RawValue>, S::Error> {
    to_raw_value(text).map_err(S::Error::custom)
}

impl Serialize for AsType<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let row = self.row;
        let mut out = serializer.serialize_struct("observation", 34)?;
        write_fields!(out, row: id, uid);
        row.session.write(&mut out)?;
        out.serialize_field("type", self.r#type)?;
        out.serialize_field("obs_type", &row.kind)?;
        write_fields!(out, row: project, title, subtitle);
        let narrative = escaped::<S>(&row.narrative)?;
        out.serialize_field("narrative", &narrative)?;
        out.serialize_field("summary", &narrative)?;
        match &row.text {
            Some(text) => out.serialize_field("text", text)?,
            None => out.serialize_field("text", &narrative)?,
        }
        write_fields!(out, row: facts, concepts, files_read, files_modified);
        out.serialize_field("files_touched", &row.files_touched())?;
        write_fields!(out, row: prompt_number, discovery_tokens, generated_by_model, agent_id,
            agent_type, git_branch, git_head, superseded_by, created_at, created_at_epoch);
        out.end()
    }
}

impl Serialize for WebSummary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("summary", 24)?;
        write_fields!(out, self: id, uid);
        self.session.write(&mut out)?;
        write_fields!(out, self: project, request, investigated, learned, completed, next_steps, notes);
        out.serialize_field("summary_text", &self.in_one_text())?;
        write_fields!(out, self: prompt_number, discovery_tokens, generated_by_model, git_branch,
            git_head, created_at, created_at_epoch);
        out.end()
    }
}

impl Serialize for WebPrompt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("prompt", 17)?;
        write_fields!(out, self: id, uid);
        self.session.write(&mut out)?;
        write_fields!(out, self: project, prompt_number);
        let text = escaped::<S>(&self.prompt_text)?;
        out.serialize_field("prompt_text", &text)?;
        out.serialize_field("prompt", &text)?;
        write_fields!(out, self: git_branch, git_head, created_at, created_at_epoch);
        out.end()
    }
}

/// Place of the first column that is not one of the row as the rest of the
/// program knows it.
const OBSERVATION_COLUMNS: usize = 24;
const SUMMARY_COLUMNS: usize = 19;
const PROMPT_COLUMNS: usize = 11;

impl WebRow for WebObservation {
    const TABLE: &str = ObservationRow::TABLE;

    fn columns() -> String {
        format!(
            "{}, {}, o.text",
            ObservationRow::COLUMNS,
            SessionIds::COLUMNS
        )
    }

    /// The columns of [`ObservationRow::read`], but lists stay text.
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            uid: row.get(1)?,
            session: SessionIds::read(row, OBSERVATION_COLUMNS, row.get(2)?, row.get(4)?)?,
            project: row.get(5)?,
            kind: row.get(6)?,
            title: row.get(7)?,
            subtitle: row.get(8)?,
            narrative: row.get(9)?,
            facts: list(row.get(10)?),
            concepts: list(row.get(11)?),
            files_read: list(row.get(12)?),
            files_modified: list(row.get(13)?),
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
            text: row.get(OBSERVATION_COLUMNS + 2)?,
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

    fn session(&self) -> &SessionIds {
        &self.session
    }
}

/// A list as JSON, whatever was written.
fn list(text: String) -> String {
    if text == NO_ITEMS || is_list(&text) {
        return text;
    }
    json_list(&read_list(text))
}

const NO_ITEMS: &str = "[]";

impl WebObservation {
    /// The files of both lists, each once.
    fn files_touched(&self) -> Cow<'_, str> {
        if self.files_read == NO_ITEMS {
            return Cow::Borrowed(&self.files_modified);
        }
        if self.files_modified == NO_ITEMS {
            return Cow::Borrowed(&self.files_read);
        }
        let mut files = read_list(self.files_modified.clone());
        for file in read_list(self.files_read.clone()) {
            if !files.contains(&file) {
                files.push(file);
            }
        }
        Cow::Owned(json_list(&files))
    }
}

impl WebRow for WebSummary {
    const TABLE: &str = SummaryRow::TABLE;

    fn columns() -> String {
        format!("{}, {}", SummaryRow::COLUMNS, SessionIds::COLUMNS)
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let stored = SummaryRow::read(row)?;
        Ok(Self {
            id: stored.id,
            uid: stored.uid,
            session: SessionIds::read(
                row,
                SUMMARY_COLUMNS,
                stored.session_db_id,
                stored.content_session_id,
            )?,
            project: stored.project,
            request: stored.request,
            investigated: stored.investigated,
            learned: stored.learned,
            completed: stored.completed,
            next_steps: stored.next_steps,
            notes: stored.notes,
            prompt_number: stored.prompt_number,
            discovery_tokens: stored.discovery_tokens,
            generated_by_model: stored.generated_by_model,
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

    fn session(&self) -> &SessionIds {
        &self.session
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
            session: SessionIds::read(
                row,
                PROMPT_COLUMNS,
                stored.session_db_id,
                stored.content_session_id,
            )?,
            project: stored.project,
            prompt_number: stored.prompt_number,
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

    fn session(&self) -> &SessionIds {
        &self.session
    }
}
