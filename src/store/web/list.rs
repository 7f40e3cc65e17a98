//! Listings and single rows.

use std::marker::PhantomData;

use rusqlite::types::Value;
use rusqlite::{CachedStatement, OptionalExtension as _, params, params_from_iter};

use super::super::error::{SqlContext as _, StoreError};
use super::super::reader::Reader;
use super::rows::WebRow;

/// Which part of a listing is wanted, newest first.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// `None` for all projects.
    pub project: Option<String>,
    /// Rows of sessions of this platform (`claude`); `None` for all.
    pub platform: Option<String>,
    pub limit: usize,
    pub offset: usize,
}

/// `o` with its session as `s`.
pub(super) fn select<T: WebRow>() -> String {
    format!(
        "SELECT {} FROM {} o LEFT JOIN sdk_sessions s ON s.id = o.session_db_id",
        T::columns(),
        T::TABLE
    )
}

/// Rows of a kind, to be looked at one by one where they lie in SQLite's memory.
pub struct WebRows<'c, T> {
    statement: CachedStatement<'c>,
    of: PhantomData<T>,
}

impl<T: WebRow> WebRows<'_, T> {
    /// What `look` makes of the row; `None` where there is none of this id.
    pub fn see<R>(
        &mut self,
        id: i64,
        look: impl FnOnce(T::Seen<'_>) -> R,
    ) -> Result<Option<R>, StoreError> {
        let mut rows = self.statement.query([id]).doing("read a row")?;
        let row = rows.next().doing("read a row")?;
        let seen = row.map(T::see).transpose().doing("read a row")?;
        Ok(seen.map(look))
    }
}

impl Reader {
    /// Rows of a kind, to be looked at one by one.
    pub fn web_rows_of<T: WebRow>(&self) -> Result<WebRows<'_, T>, StoreError> {
        let sql = format!("{} WHERE o.id = ?1", select::<T>());
        let statement = self.connection.prepare_cached(&sql).doing("read rows")?;
        let of = PhantomData;
        Ok(WebRows { statement, of })
    }

    /// The ids of the rows of a part of a listing. They are found in an index alone,
    /// so that a far offset costs little.
    pub fn web_page<T: WebRow>(&self, page: &Page) -> Result<Vec<i64>, StoreError> {
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
        only(
            "k.session_db_id IN (SELECT id FROM sdk_sessions WHERE platform_source = ?)",
            page.platform.clone().map(Value::from),
        );
        values.push(number(page.limit).into());
        values.push(number(page.offset).into());
        // Sorting whole rows, or skipping them, would cost more than reading those
        // that are meant.
        let sql = format!(
            "SELECT k.id FROM {} k WHERE {conditions}
             ORDER BY k.created_at_epoch DESC, k.id DESC LIMIT ? OFFSET ?",
            T::TABLE
        );
        self.web_ids(&sql, params_from_iter(values))
    }

    pub(super) fn web_ids(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Vec<i64>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).doing("list rows")?;
        statement
            .query_map(parameters, |row| row.get(0))
            .and_then(Iterator::collect)
            .doing("list rows")
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
        let sql = format!("{} WHERE o.id = ?1", select::<T>());
        let mut statement = self.connection.prepare_cached(&sql).doing("read rows")?;
        let mut rows = Vec::with_capacity(ids.len());
        for id in ids {
            let row = statement.query_row([id], T::read).optional();
            rows.extend(row.doing("read rows")?);
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

pub(super) fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
