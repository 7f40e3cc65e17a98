//! What was remembered on each of some days.

use std::collections::BTreeMap;

use rusqlite::params;
use serde::Serialize;

use super::super::error::{SqlContext as _, StoreError};
use super::super::reader::Reader;

/// Characters that make a token, on average.
const CHARS_PER_TOKEN: i64 = 4;

/// Rows of one day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DayCounts {
    pub observations: i64,
    /// Observations by their type.
    #[serde(rename = "byType")]
    pub by_kind: BTreeMap<String, i64>,
    pub summaries: i64,
    pub prompts: i64,
    /// Estimate of the tokens that the work behind the observations took.
    pub discovery_tokens: i64,
    /// Estimate of the tokens that reading the observations takes.
    pub read_tokens: i64,
}

pub(super) const OBSERVATIONS: &str = "SELECT created_at_epoch, type, discovery_tokens,
         length(title) + length(subtitle) + length(narrative) + length(facts) + length(concepts)
         + length(files_read) + length(files_modified)
     FROM observations INDEXED BY observations_day
     WHERE created_at_epoch >= ?1 AND created_at_epoch < ?2 AND (?3 IS NULL OR project = ?3)
     ORDER BY created_at_epoch";

impl DayCounts {
    fn add(&mut self, kind: &str, discovery_tokens: i64, read_chars: i64) {
        self.observations += 1;
        match self.by_kind.get_mut(kind) {
            Some(count) => *count += 1,
            None => drop(self.by_kind.insert(kind.to_owned(), 1)),
        }
        self.discovery_tokens += discovery_tokens;
        self.read_tokens += (read_chars + CHARS_PER_TOKEN - 1) / CHARS_PER_TOKEN;
    }
}

impl Reader {
    /// Counts the rows of a project, or of all, on days that follow each other.
    /// `bounds` are their beginnings in epoch milliseconds, ascending, and the
    /// end of the last.
    pub fn web_days(
        &self,
        project: Option<&str>,
        bounds: &[i64],
    ) -> Result<Vec<DayCounts>, StoreError> {
        let mut days = vec![DayCounts::default(); bounds.len().saturating_sub(1)];
        self.snapshot(|| {
            self.observations_of_days(project, bounds, &mut days)?;
            for (day, span) in days.iter_mut().zip(bounds.windows(2)) {
                day.summaries = self.rows_between("session_summaries", project, span)?;
                day.prompts = self.rows_between("user_prompts", project, span)?;
            }
            Ok(())
        })?;
        Ok(days)
    }

    /// In one go through an index that has all that is asked. Rows of a project
    /// stand there among the others: fetching them one by one takes longer.
    fn observations_of_days(
        &self,
        project: Option<&str>,
        bounds: &[i64],
        days: &mut [DayCounts],
    ) -> Result<(), StoreError> {
        let (Some(from), Some(until)) = (bounds.first(), bounds.last()) else {
            return Ok(());
        };
        let mut statement = self
            .connection
            .prepare_cached(OBSERVATIONS)
            .doing("count the days' rows")?;
        let mut rows = statement
            .query(params![from, until, project])
            .doing("count the days' rows")?;
        let mut day = 0;
        while let Some(row) = rows.next().doing("count the days' rows")? {
            let mut count = || -> rusqlite::Result<()> {
                let at: i64 = row.get(0)?;
                while day + 1 < days.len() && at >= bounds[day + 1] {
                    day += 1;
                }
                let kind = row.get_ref(1)?.as_str()?;
                days[day].add(kind, row.get(2)?, row.get(3)?);
                Ok(())
            };
            count().doing("count the days' rows")?;
        }
        Ok(())
    }

    fn rows_between(
        &self,
        table: &str,
        project: Option<&str>,
        span: &[i64],
    ) -> Result<i64, StoreError> {
        // Two statements rather than one with an OR, which no index serves.
        let of_project = if project.is_some() {
            "project = ?3"
        } else {
            "?3 IS NULL"
        };
        let sql = format!(
            "SELECT count(*) FROM {table}
             WHERE created_at_epoch >= ?1 AND created_at_epoch < ?2 AND {of_project}"
        );
        self.connection
            .prepare_cached(&sql)
            .and_then(|mut statement| {
                statement.query_row(params![span[0], span[1], project], |row| row.get(0))
            })
            .doing("count the days' rows")
    }
}
