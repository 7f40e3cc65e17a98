//! The read-only handle.

use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};

use super::error::{SqlContext as _, StoreError};
use super::open::{Ownership, assert_sqlite_version, is_ours, open_for_reading, ownership};
use super::rows::{ObservationRow, PromptRow, SessionRow, Stored, SummaryRow};
use super::vectors::Signatures;

/// Reads the database and cannot write it: the file is opened read-only, and
/// the connection refuses statements that write.
#[derive(Debug)]
pub struct Reader {
    pub(super) connection: Connection,
    pub(super) signatures: Signatures,
}

/// Prepared statements that are kept; a search has about thirty.
const STATEMENTS: usize = 64;

/// Which rows a listing gives, newest first.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Rows of these projects; `None` for all.
    pub projects: Option<Vec<String>>,
    pub session_db_id: Option<i64>,
    /// Rows of any session but this one.
    pub not_session_db_id: Option<i64>,
    /// Rows with a higher id.
    pub after_id: Option<i64>,
    /// Observation types; empty for all. Other tables have no types.
    pub kinds: Vec<String>,
    pub limit: usize,
    pub offset: usize,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            projects: None,
            session_db_id: None,
            not_session_db_id: None,
            after_id: None,
            kinds: Vec::new(),
            limit: 20,
            offset: 0,
        }
    }
}

impl Reader {
    /// Opens the database at `path`; `None` where there is none yet (or one
    /// that its first writer is just making).
    ///
    /// # Errors
    /// When the file is not ours, is damaged, or cannot be read. A database of
    /// a newer version is read as far as its older tables go.
    pub fn open(path: &Path) -> Result<Option<Self>, StoreError> {
        assert_sqlite_version()?;
        match std::fs::metadata(path) {
            Ok(file) if !is_ours(path, &file) => {
                return Err(StoreError::NotYours {
                    path: path.to_owned(),
                });
            }
            Ok(file) if file.len() == 0 => return Ok(None),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(StoreError::Io {
                    action: "read",
                    path: path.to_owned(),
                    source,
                });
            }
        }
        let connection = open_for_reading(path)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let owned = |path: &Path| PathBuf::from(path);
        match ownership(&connection, path)? {
            Ownership::Ours { version: 1.. } => Ok(Some(Self {
                connection,
                signatures: Signatures::default(),
            })),
            Ownership::Empty | Ownership::Ours { .. } => Ok(None),
            Ownership::Original => Err(StoreError::Original { path: owned(path) }),
            Ownership::Foreign => Err(StoreError::Foreign { path: owned(path) }),
        }
    }

    /// Observations, newest first.
    pub fn observations(&self, filter: &Filter) -> Result<Vec<ObservationRow>, StoreError> {
        self.list(filter)
    }

    /// Summaries, newest first.
    pub fn summaries(&self, filter: &Filter) -> Result<Vec<SummaryRow>, StoreError> {
        self.list(filter)
    }

    /// Prompts, newest first.
    pub fn prompts(&self, filter: &Filter) -> Result<Vec<PromptRow>, StoreError> {
        self.list(filter)
    }

    pub fn observation(&self, id: i64) -> Result<Option<ObservationRow>, StoreError> {
        self.by_id(id)
    }

    pub fn summary(&self, id: i64) -> Result<Option<SummaryRow>, StoreError> {
        self.by_id(id)
    }

    pub fn prompt(&self, id: i64) -> Result<Option<PromptRow>, StoreError> {
        self.by_id(id)
    }

    pub fn session(&self, id: i64) -> Result<Option<SessionRow>, StoreError> {
        let columns = SessionRow::COLUMNS;
        self.first(
            &format!("SELECT {columns} FROM sdk_sessions WHERE id = ?1"),
            [id],
            SessionRow::read,
        )
        .doing("read a session")
    }

    /// The session with this Claude Code session id.
    pub fn session_by_content_id(&self, id: &str) -> Result<Option<SessionRow>, StoreError> {
        let columns = SessionRow::COLUMNS;
        self.first(
            &format!(
                "SELECT {columns} FROM sdk_sessions WHERE content_session_id = ?1
                 ORDER BY id DESC LIMIT 1"
            ),
            [id],
            SessionRow::read,
        )
        .doing("read a session")
    }

    /// Every project name that has a session, in alphabetical order.
    pub fn projects(&self) -> Result<Vec<String>, StoreError> {
        self.strings(
            "SELECT project FROM sdk_sessions UNION SELECT project FROM turns ORDER BY 1",
            [],
        )
    }

    /// The projects stored as `parent/…`: worktrees and submodules of `parent`.
    pub fn children_of(&self, parent: &str) -> Result<Vec<String>, StoreError> {
        // '0' is the character after '/', so this range is every name that
        // begins with "parent/", found through the index.
        self.strings(
            "SELECT DISTINCT project FROM sdk_sessions
             WHERE project >= ?1 || '/' AND project < ?1 || '0' ORDER BY project",
            [parent],
        )
    }

    /// One query for each project, because (project, time) is an index: a
    /// listing costs what it shows, not what is stored.
    fn list<T: Stored>(&self, filter: &Filter) -> Result<Vec<T>, StoreError> {
        let wanted = filter.limit.saturating_add(filter.offset);
        let mut rows: Vec<T> = Vec::new();
        match &filter.projects {
            None => rows = self.list_one(filter, None, wanted)?,
            Some(projects) => {
                for project in projects {
                    rows.extend(self.list_one(filter, Some(project), wanted)?);
                }
            }
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.order()));
        Ok(rows
            .into_iter()
            .skip(filter.offset)
            .take(filter.limit)
            .collect())
    }

    fn list_one<T: Stored>(
        &self,
        filter: &Filter,
        project: Option<&str>,
        wanted: usize,
    ) -> Result<Vec<T>, StoreError> {
        let mut conditions = vec!["1"];
        let mut values: Vec<Value> = Vec::new();
        if let Some(project) = project {
            conditions.push("o.project = ?");
            values.push(project.to_owned().into());
        }
        if let Some(session) = filter.session_db_id {
            conditions.push("o.session_db_id = ?");
            values.push(session.into());
        }
        if let Some(session) = filter.not_session_db_id {
            conditions.push("o.session_db_id IS NOT ?");
            values.push(session.into());
        }
        if let Some(after) = filter.after_id {
            conditions.push("o.id > ?");
            values.push(after.into());
        }
        if T::TABLE == ObservationRow::TABLE && !filter.kinds.is_empty() {
            conditions.push("o.type IN (SELECT value FROM json_each(?))");
            values.push(json_list(&filter.kinds).into());
        }
        values.push(i64::try_from(wanted).unwrap_or(i64::MAX).into());
        let sql = format!(
            "SELECT {} FROM {} o LEFT JOIN sdk_sessions s ON s.id = o.session_db_id
             WHERE {} ORDER BY o.created_at_epoch DESC, o.id DESC LIMIT ?",
            T::COLUMNS,
            T::TABLE,
            conditions.join(" AND ")
        );
        let mut statement = self.connection.prepare_cached(&sql).doing("list rows")?;
        let rows = statement
            .query_map(params_from_iter(values), T::read)
            .doing("list rows")?;
        rows.collect::<Result<_, _>>().doing("list rows")
    }

    fn by_id<T: Stored>(&self, id: i64) -> Result<Option<T>, StoreError> {
        let (columns, table) = (T::COLUMNS, T::TABLE);
        self.first(
            &format!(
                "SELECT {columns} FROM {table} o
                 LEFT JOIN sdk_sessions s ON s.id = o.session_db_id WHERE o.id = ?1"
            ),
            [id],
            T::read,
        )
        .doing("read a row")
    }

    fn first<T>(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.query_row(parameters, read).optional()
    }

    fn strings(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Vec<String>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).doing("list names")?;
        let rows = statement
            .query_map(parameters, |row| row.get(0))
            .doing("list names")?;
        rows.collect::<Result<_, _>>().doing("list names")
    }

    /// What a session may be told: like [`observations`](Self::observations)
    /// (projects, limit, `after_id` and `not_session_db_id` count), but without
    /// superseded rows, and of the main agent alone or of subagents alone.
    /// Looks at the newest `RECENT_ROWS` rows of each project only, so that a
    /// project without a match costs no more than one with many.
    pub fn current_observations(
        &self,
        filter: &Filter,
        of_subagents: bool,
    ) -> Result<Vec<ObservationRow>, StoreError> {
        let agent = if of_subagents {
            "coalesce(o.agent_id, '') <> ''"
        } else {
            "coalesce(o.agent_id, '') = ''"
        };
        self.current(agent, filter)
    }

    /// The summaries that a session may be told; see
    /// [`current_observations`](Self::current_observations).
    pub fn current_summaries(&self, filter: &Filter) -> Result<Vec<SummaryRow>, StoreError> {
        self.current("1", filter)
    }

    fn current<T: Stored>(&self, condition: &str, filter: &Filter) -> Result<Vec<T>, StoreError> {
        let table = T::TABLE;
        // The rows come one by one in the order of an index, so that no more are
        // looked at than are wanted.
        let sql = format!(
            "SELECT o.id, o.superseded_by IS NULL AND {condition} AND (?2 IS NULL OR o.id > ?2)
                 AND (?3 IS NULL OR o.session_db_id IS NOT ?3)
             FROM {table} o WHERE o.project = ?1
             ORDER BY o.created_at_epoch DESC, o.id DESC LIMIT {RECENT_ROWS}"
        );
        let mut statement = self.connection.prepare_cached(&sql).doing("list rows")?;
        let mut found: Vec<T> = Vec::new();
        for project in filter.projects.iter().flatten() {
            let (after, not_of) = (filter.after_id, filter.not_session_db_id);
            let mut rows = statement
                .query(params![project, after, not_of])
                .doing("list rows")?;
            let mut left = filter.limit;
            while left > 0
                && let Some(row) = rows.next().doing("list rows")?
            {
                if row.get(1).doing("list rows")? {
                    found.extend(self.by_id(row.get(0).doing("list rows")?)?);
                    left -= 1;
                }
            }
        }
        found.sort_by_key(|row| std::cmp::Reverse(row.order()));
        found.truncate(filter.limit);
        Ok(found)
    }

    /// How many observations and summaries these projects have, counted no
    /// further than `most` each: counting all of them would cost more than
    /// reading the ones that are shown.
    pub fn stored_up_to(&self, projects: &[String], most: i64) -> Result<(i64, i64), StoreError> {
        let mut counts = (0, 0);
        for project in projects {
            let (observations, summaries): (i64, i64) = self
                .connection
                .prepare_cached(
                    "SELECT (SELECT count(*) FROM
                                (SELECT 1 FROM observations WHERE project = ?1 LIMIT ?2)),
                            (SELECT count(*) FROM
                                (SELECT 1 FROM session_summaries WHERE project = ?1 LIMIT ?2))",
                )
                .and_then(|mut count| {
                    count.query_row(params![project, most], |row| Ok((row.get(0)?, row.get(1)?)))
                })
                .doing("count the rows")?;
            counts = (counts.0 + observations, counts.1 + summaries);
        }
        Ok((counts.0.min(most), counts.1.min(most)))
    }

    /// Runs several queries against one state of the database: the conservation
    /// equation holds at any moment, but not between two. Within a snapshot, what
    /// asks for one sees that one.
    pub fn snapshot<T>(
        &self,
        read: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.in_snapshot(read)
    }

    /// The same for those who fail for other reasons too. Many queries are faster
    /// in one snapshot than each by itself, which locks the file.
    pub fn in_snapshot<T, E: From<StoreError>>(
        &self,
        read: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        if !self.connection.is_autocommit() {
            return read();
        }
        let transaction = self
            .connection
            .unchecked_transaction()
            .doing("begin a snapshot")?;
        let result = read();
        transaction.finish().doing("end a snapshot")?;
        result
    }

    /// Counts, which takes as long as one likes.
    #[cfg(test)]
    pub(crate) fn count_to(&self, most: i64) -> Result<i64, StoreError> {
        let sql =
            "WITH RECURSIVE count (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count LIMIT ?1)
                   SELECT max(n) FROM count";
        self.connection
            .query_row(sql, [most], |row| row.get(0))
            .doing("count")
    }

    /// The schema of the file; a newer claude-mem's is higher than
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub fn schema_version(&self) -> Result<i64, StoreError> {
        self.connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .doing("read the schema version")
    }
}

/// How far back [`Reader::current_observations`] looks in one project.
const RECENT_ROWS: i64 = 1000;

pub(super) fn json_list<T: AsRef<str>>(items: &[T]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    serde_json::to_string(&items).expect("a list of strings is always JSON")
}
