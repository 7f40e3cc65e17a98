//! What the index knows: which rows hold a term. How well they fit is for the
//! search part to say.

use rusqlite::{OptionalExtension as _, params};

use super::error::{SqlContext as _, StoreError};
use super::index::Table;
use super::reader::Reader;

/// Rows that hold what was asked for, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Postings {
    pub ids: Vec<i64>,
    /// There are no more than these.
    pub complete: bool,
}

/// Between which ids rows are looked for, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    first: i64,
    last: i64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            first: 0,
            last: i64::MAX,
        }
    }
}

impl Bounds {
    /// The same, but only below this id.
    #[must_use]
    pub fn before(self, id: i64) -> Self {
        Self {
            last: self.last.min(id - 1),
            ..self
        }
    }

    /// The same, but from this id on.
    #[must_use]
    pub fn from(self, first: i64) -> Self {
        Self {
            first: self.first.max(first),
            ..self
        }
    }
}

/// Ids follow time but for rows that arrived late: so many rows beside a moment
/// are looked at to find the id that begins a time.
const LATE_ROWS: i64 = 256;

impl Reader {
    /// The newest `at_most` rows that an FTS5 expression of terms fits. The
    /// time it takes grows with `at_most` and not with the table, unless the
    /// expression joins terms that are frequent but never in the same row.
    pub fn postings(
        &self,
        table: Table,
        expression: &str,
        bounds: Bounds,
        at_most: usize,
    ) -> Result<Postings, StoreError> {
        let terms = table.terms();
        let limit = i64::try_from(at_most).unwrap_or(i64::MAX);
        // Not bound: SQLite would plan anew for every value.
        let sql = format!(
            "SELECT rowid FROM {terms} WHERE {terms} MATCH ?1 AND rowid BETWEEN ?2 AND ?3
             ORDER BY rowid DESC LIMIT {limit}"
        );
        let mut statement = self.connection.prepare_cached(&sql).doing("search")?;
        let rows = statement
            .query_map(params![expression, bounds.first, bounds.last], |row| {
                row.get(0)
            })
            .doing("search")?;
        let ids: Vec<i64> = rows.collect::<Result<_, _>>().doing("search")?;
        let complete = ids.len() < at_most;
        Ok(Postings { ids, complete })
    }

    /// The ids between which the rows of a time lie. Rows outside the time may
    /// be among them.
    pub fn bounds(
        &self,
        table: Table,
        from: Option<i64>,
        until: Option<i64>,
    ) -> Result<Bounds, StoreError> {
        let mut bounds = Bounds::default();
        let rows = table.rows();
        let edge = |sql: &str, at: i64| -> Result<Option<i64>, StoreError> {
            self.connection
                .prepare_cached(sql)
                .and_then(|mut statement| statement.query_row([at, LATE_ROWS], |row| row.get(0)))
                .doing("search")
        };
        if let Some(from) = from {
            let first = edge(
                &format!(
                    "SELECT min(id) FROM (SELECT id FROM {rows} WHERE created_at_epoch >= ?1
                     ORDER BY created_at_epoch LIMIT ?2)"
                ),
                from,
            )?;
            bounds.first = first.unwrap_or(i64::MAX);
        }
        if let Some(until) = until {
            let last = edge(
                &format!(
                    "SELECT max(id) FROM (SELECT id FROM {rows} WHERE created_at_epoch <= ?1
                     ORDER BY created_at_epoch DESC LIMIT ?2)"
                ),
                until,
            )?;
            bounds.last = last.unwrap_or(0);
        }
        Ok(bounds)
    }

    /// The highest id, which is about the number of rows.
    pub fn newest_id(&self, table: Table) -> Result<i64, StoreError> {
        self.connection
            .prepare_cached(&format!(
                "SELECT coalesce(max(id), 0) FROM {}",
                table.rows()
            ))
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .doing("search")
    }

    /// The newest rows of a time.
    pub fn newest_in(
        &self,
        table: Table,
        from: Option<i64>,
        until: Option<i64>,
        at_most: usize,
    ) -> Result<Vec<i64>, StoreError> {
        let limit = i64::try_from(at_most).unwrap_or(i64::MAX);
        let (from, until) = (from.unwrap_or(i64::MIN), until.unwrap_or(i64::MAX));
        let mut statement = self
            .connection
            .prepare_cached(&format!(
                "SELECT id FROM {} WHERE created_at_epoch BETWEEN ?1 AND ?2
                 ORDER BY created_at_epoch DESC, id DESC LIMIT ?3",
                table.rows()
            ))
            .doing("search")?;
        let rows = statement
            .query_map([from, until, limit], |row| row.get(0))
            .doing("search")?;
        rows.collect::<Result<_, _>>().doing("search")
    }

    /// Terms of the index that begin so and go on, in alphabetical order.
    pub fn completions(
        &self,
        table: Table,
        prefix: &str,
        at_most: usize,
    ) -> Result<Vec<String>, StoreError> {
        // What follows every term that begins so.
        let end = format!("{prefix}\u{10FFFF}");
        let sql = format!(
            "SELECT term FROM {}_terms WHERE term >= ?1 AND term < ?2 LIMIT 1",
            table.rows()
        );
        let mut statement = self.connection.prepare_cached(&sql).doing("search")?;
        let mut found: Vec<String> = Vec::new();
        while found.len() < at_most {
            // The first of what comes after the last one: a step through the rows
            // of a frequent term would take as many steps as it has rows.
            let after = format!("{}\u{1}", found.last().map_or(prefix, String::as_str));
            let next = statement
                .query_row([&after, &end], |row| row.get(0))
                .optional()
                .doing("search")?;
            match next {
                Some(term) => found.push(term),
                None => break,
            }
        }
        Ok(found)
    }

    /// The texts of a row, with ASCII letters in lower case; empty where there is no
    /// such row.
    pub fn text(&self, table: Table, id: i64) -> Result<Vec<u8>, StoreError> {
        let columns: &[&str] = match table {
            Table::Observations => &[
                "title",
                "subtitle",
                "narrative",
                "facts",
                "concepts",
                "files_modified",
                "files_read",
            ],
            Table::Summaries => &[
                "request",
                "completed",
                "learned",
                "investigated",
                "next_steps",
                "notes",
            ],
            Table::Prompts => &["prompt_text"],
        };
        let columns_of = columns.join(", ");
        let sql = format!("SELECT {columns_of} FROM {} WHERE id = ?1", table.rows());
        let mut statement = self.connection.prepare_cached(&sql).doing("search")?;
        let mut rows = statement.query([id]).doing("search")?;
        let mut text = Vec::new();
        if let Some(row) = rows.next().doing("search")? {
            for column in 0..columns.len() {
                let value = row.get_ref(column).doing("search")?;
                text.extend_from_slice(value.as_bytes().unwrap_or_default());
                text.push(b'\n');
            }
        }
        text.make_ascii_lowercase();
        Ok(text)
    }

    /// Rows that the search cannot find yet: another program wrote them, or the
    /// index is being made anew.
    pub fn unindexed(&self) -> Result<i64, StoreError> {
        self.connection
            .prepare_cached("SELECT count(*) FROM unindexed")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .doing("search")
    }
}
