//! Rows with every field that a client of the API relies on.

use std::borrow::Cow;

use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::super::lists::is_list;
use super::super::reader::json_list;
use super::super::rows::{ObservationRow, PromptRow, Stored as _, SummaryRow, read_list};
use super::json::Fields;

/// What holds a text of a row: `String`, or for a row that is only looked at `Cow`,
/// which borrows it from SQLite.
pub(super) trait Text<'r>: From<&'r str> + From<String> {}

impl<'r, T: From<&'r str> + From<String>> Text<'r> for T {}

/// A kind of row that is listed, read by id and streamed.
pub trait WebRow: Fields + Sized {
    /// The row while SQLite still holds it: nothing of it is copied.
    type Seen<'r>: Fields;

    #[doc(hidden)]
    const TABLE: &str;
    /// What is selected from the table as `o` and its session as `s`: the columns
    /// of the row as the rest of the program knows it, and what only the API
    /// tells.
    #[doc(hidden)]
    fn columns() -> String;

    #[doc(hidden)]
    fn read(row: &Row<'_>) -> rusqlite::Result<Self>;

    #[doc(hidden)]
    fn see<'r>(row: &'r Row<'_>) -> rusqlite::Result<Self::Seen<'r>>;

    fn id(&self) -> i64;

    fn created_at_epoch(&self) -> i64;

    fn project(&self) -> &str;

    fn session(&self) -> &SessionIds;
}

/// The names under which generations of clients know a row's session.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionIds<T = String> {
    pub session_db_id: Option<i64>,
    /// Claude Code's session id.
    pub(super) content: T,
    /// Our own id of the session.
    pub(super) memory: T,
    pub platform_source: T,
}

impl SessionIds {
    const COLUMNS: &str =
        "coalesce(s.memory_session_id, ''), coalesce(s.platform_source, 'claude')";
}

impl<T> SessionIds<T> {
    /// The columns of the session's own ids are named, the others are the ones from
    /// `first` on.
    fn read<'r>(
        row: &'r Row<'_>,
        session_db_id: usize,
        content: usize,
        first: usize,
    ) -> rusqlite::Result<Self>
    where
        T: Text<'r>,
    {
        Ok(Self {
            session_db_id: row.get(session_db_id)?,
            content: text(row, content)?,
            memory: text(row, first)?,
            platform_source: text(row, first + 1)?,
        })
    }
}

/// A text that is there.
fn text<'r, T: Text<'r>>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<T> {
    Ok(T::from(row.get_ref(column)?.as_str()?))
}

/// A text that may be NULL.
fn maybe<'r, T: Text<'r>>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        value => Ok(Some(T::from(value.as_str()?))),
    }
}

/// An observation. Lists are strings that hold JSON arrays.
#[derive(Debug, Clone, PartialEq)]
pub struct WebObservation<T = String> {
    pub id: i64,
    pub uid: T,
    pub session: SessionIds<T>,
    pub project: T,
    pub kind: T,
    pub title: T,
    pub subtitle: T,
    pub narrative: T,
    /// What other tools wrote instead of a narrative.
    pub(super) text: Option<T>,
    pub facts: T,
    pub concepts: T,
    pub files_read: T,
    pub files_modified: T,
    pub prompt_number: Option<i64>,
    pub discovery_tokens: i64,
    pub generated_by_model: Option<T>,
    pub agent_id: Option<T>,
    pub agent_type: Option<T>,
    pub git_branch: Option<T>,
    pub git_head: Option<T>,
    pub superseded_by: Option<T>,
    pub created_at: T,
    pub created_at_epoch: i64,
}

/// A summary of one turn.
#[derive(Debug, Clone, PartialEq)]
pub struct WebSummary<T = String> {
    pub id: i64,
    pub uid: T,
    pub session: SessionIds<T>,
    pub project: T,
    pub request: T,
    pub investigated: T,
    pub learned: T,
    pub completed: T,
    pub next_steps: T,
    pub notes: T,
    pub prompt_number: Option<i64>,
    pub discovery_tokens: i64,
    pub generated_by_model: Option<T>,
    pub git_branch: Option<T>,
    pub git_head: Option<T>,
    pub created_at: T,
    pub created_at_epoch: i64,
}

/// A prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct WebPrompt<T = String> {
    pub id: i64,
    pub uid: T,
    pub session: SessionIds<T>,
    pub project: T,
    pub prompt_number: i64,
    pub prompt_text: T,
    pub git_branch: Option<T>,
    pub git_head: Option<T>,
    pub created_at: T,
    pub created_at_epoch: i64,
}

/// Place of the first column that is not one of the row as the rest of the
/// program knows it.
const OBSERVATION_COLUMNS: usize = 24;
const SUMMARY_COLUMNS: usize = 19;
const PROMPT_COLUMNS: usize = 11;

impl WebRow for WebObservation {
    type Seen<'r> = WebObservation<Cow<'r, str>>;

    const TABLE: &str = ObservationRow::TABLE;

    fn columns() -> String {
        format!(
            "{}, {}, o.text",
            ObservationRow::COLUMNS,
            SessionIds::COLUMNS
        )
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Self::of(row)
    }

    fn see<'r>(row: &'r Row<'_>) -> rusqlite::Result<Self::Seen<'r>> {
        Self::Seen::of(row)
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

impl<T> WebObservation<T> {
    /// The columns of [`ObservationRow::read`], but lists stay text.
    fn of<'r>(row: &'r Row<'_>) -> rusqlite::Result<Self>
    where
        T: Text<'r>,
    {
        Ok(Self {
            id: row.get(0)?,
            uid: text(row, 1)?,
            session: SessionIds::read(row, 2, 4, OBSERVATION_COLUMNS)?,
            project: text(row, 5)?,
            kind: text(row, 6)?,
            title: text(row, 7)?,
            subtitle: text(row, 8)?,
            narrative: text(row, 9)?,
            facts: list(row, 10)?,
            concepts: list(row, 11)?,
            files_read: list(row, 12)?,
            files_modified: list(row, 13)?,
            prompt_number: row.get(14)?,
            discovery_tokens: row.get(15)?,
            generated_by_model: maybe(row, 16)?,
            agent_id: maybe(row, 17)?,
            agent_type: maybe(row, 18)?,
            git_branch: maybe(row, 19)?,
            git_head: maybe(row, 20)?,
            superseded_by: maybe(row, 21)?,
            created_at: text(row, 22)?,
            created_at_epoch: row.get(23)?,
            text: maybe(row, OBSERVATION_COLUMNS + 2)?,
        })
    }
}

/// A list as JSON, whatever was written.
fn list<'r, T: Text<'r>>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    if text == NO_ITEMS || is_list(text) {
        return Ok(T::from(text));
    }
    Ok(T::from(json_list(&read_list(text.to_owned()))))
}

pub(super) const NO_ITEMS: &str = "[]";

impl WebRow for WebSummary {
    type Seen<'r> = WebSummary<Cow<'r, str>>;

    const TABLE: &str = SummaryRow::TABLE;

    fn columns() -> String {
        format!("{}, {}", SummaryRow::COLUMNS, SessionIds::COLUMNS)
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Self::of(row)
    }

    fn see<'r>(row: &'r Row<'_>) -> rusqlite::Result<Self::Seen<'r>> {
        Self::Seen::of(row)
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

impl<T> WebSummary<T> {
    /// The columns of [`SummaryRow::read`].
    fn of<'r>(row: &'r Row<'_>) -> rusqlite::Result<Self>
    where
        T: Text<'r>,
    {
        Ok(Self {
            id: row.get(0)?,
            uid: text(row, 1)?,
            session: SessionIds::read(row, 2, 4, SUMMARY_COLUMNS)?,
            project: text(row, 5)?,
            request: text(row, 6)?,
            investigated: text(row, 7)?,
            learned: text(row, 8)?,
            completed: text(row, 9)?,
            next_steps: text(row, 10)?,
            notes: text(row, 11)?,
            prompt_number: row.get(12)?,
            discovery_tokens: row.get(13)?,
            generated_by_model: maybe(row, 14)?,
            git_branch: maybe(row, 15)?,
            git_head: maybe(row, 16)?,
            created_at: text(row, 17)?,
            created_at_epoch: row.get(18)?,
        })
    }
}

impl WebRow for WebPrompt {
    type Seen<'r> = WebPrompt<Cow<'r, str>>;

    const TABLE: &str = PromptRow::TABLE;

    fn columns() -> String {
        format!("{}, {}", PromptRow::COLUMNS, SessionIds::COLUMNS)
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Self::of(row)
    }

    fn see<'r>(row: &'r Row<'_>) -> rusqlite::Result<Self::Seen<'r>> {
        Self::Seen::of(row)
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

impl<T> WebPrompt<T> {
    /// The columns of [`PromptRow::read`].
    fn of<'r>(row: &'r Row<'_>) -> rusqlite::Result<Self>
    where
        T: Text<'r>,
    {
        Ok(Self {
            id: row.get(0)?,
            uid: text(row, 1)?,
            session: SessionIds::read(row, 2, 3, PROMPT_COLUMNS)?,
            project: text(row, 4)?,
            prompt_number: row.get(5)?,
            prompt_text: text(row, 6)?,
            git_branch: maybe(row, 7)?,
            git_head: maybe(row, 8)?,
            created_at: text(row, 9)?,
            created_at_epoch: row.get(10)?,
        })
    }
}
