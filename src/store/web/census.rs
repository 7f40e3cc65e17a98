//! How many rows there are, kept up to date at the price of what is new.
//!
//! Counting a table reads all of an index; ids only grow, so rows that came
//! since the last count are found behind the highest id. Rows that went
//! (forgotten ones) are noticed by a whole count, which is made now and then
//! and only after the file has changed.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::error::{SqlContext as _, StoreError};
use super::super::reader::Reader;

/// Rows of one project, or of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ProjectCounts {
    pub observations: i64,
    pub summaries: i64,
    pub prompts: i64,
}

/// The counts, as of the last update.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    by_project: BTreeMap<String, ProjectCounts>,
    /// Projects by the platform of their sessions.
    by_source: BTreeMap<String, Vec<String>>,
    sessions: i64,
    /// Highest counted ids of observations, summaries and prompts.
    counted: [i64; 3],
    sessions_changed: Option<(i64, i64)>,
}

const TABLES: [&str; 3] = ["observations", "session_summaries", "user_prompts"];

impl ProjectCounts {
    fn of(&mut self, table: usize) -> &mut i64 {
        match table {
            0 => &mut self.observations,
            1 => &mut self.summaries,
            _ => &mut self.prompts,
        }
    }
}

impl Census {
    pub fn by_project(&self) -> &BTreeMap<String, ProjectCounts> {
        &self.by_project
    }

    /// Rows of this project, or of all.
    pub fn counts(&self, project: Option<&str>) -> ProjectCounts {
        if let Some(project) = project {
            return self.by_project.get(project).copied().unwrap_or_default();
        }
        self.by_project
            .values()
            .fold(ProjectCounts::default(), |sum, counts| ProjectCounts {
                observations: sum.observations + counts.observations,
                summaries: sum.summaries + counts.summaries,
                prompts: sum.prompts + counts.prompts,
            })
    }

    pub fn sessions(&self) -> i64 {
        self.sessions
    }

    /// Names of projects by the platform of their sessions.
    pub fn by_source(&self) -> &BTreeMap<String, Vec<String>> {
        &self.by_source
    }

    /// Every project that has a session or a row, in alphabetical order.
    pub fn projects(&self) -> Vec<String> {
        let mut names: Vec<String> = self.by_source.values().flatten().cloned().collect();
        names.extend(self.by_project.keys().cloned());
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl Reader {
    /// Adds what came since `census` was taken; with `whole`, counts anew.
    pub fn update_census(&self, census: &mut Census, whole: bool) -> Result<(), StoreError> {
        self.snapshot(|| {
            if whole {
                *census = Census::default();
            }
            for (index, table) in TABLES.into_iter().enumerate() {
                self.count_new(census, index, table)?;
            }
            self.count_sessions(census)
        })
    }

    fn count_new(&self, census: &mut Census, index: usize, table: &str) -> Result<(), StoreError> {
        let highest: i64 = self.one(&format!("SELECT coalesce(max(id), 0) FROM {table}"))?;
        let from = census.counted[index];
        if highest <= from {
            return Ok(());
        }
        // From the start, the index over (project, time) holds all that is
        // needed; behind an id, the few new rows are read as they are.
        let (condition, grouping) = if from == 0 {
            ("?1 = ?1", "project")
        } else {
            ("id > ?1", "+project")
        };
        let sql =
            format!("SELECT project, count(*) FROM {table} WHERE {condition} GROUP BY {grouping}");
        let mut statement = self
            .connection
            .prepare_cached(&sql)
            .doing("count the rows")?;
        let mut rows = statement.query([from]).doing("count the rows")?;
        while let Some(row) = rows.next().doing("count the rows")? {
            let project: String = row.get(0).doing("count the rows")?;
            let count: i64 = row.get(1).doing("count the rows")?;
            *census.by_project.entry(project).or_default().of(index) += count;
        }
        census.counted[index] = highest;
        Ok(())
    }

    fn count_sessions(&self, census: &mut Census) -> Result<(), StoreError> {
        let now: (i64, i64) = self
            .connection
            .prepare_cached(
                "SELECT coalesce(max(id), 0), (SELECT coalesce(max(id), 0) FROM turns)
                 FROM sdk_sessions",
            )
            .and_then(|mut statement| statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?))))
            .doing("count the sessions")?;
        if census.sessions_changed == Some(now) {
            return Ok(());
        }
        census.sessions = self.one("SELECT count(*) FROM sdk_sessions")?;
        census.by_source.clear();
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT platform_source, project FROM sdk_sessions
                 UNION
                 SELECT s.platform_source, t.project FROM turns t
                 JOIN sdk_sessions s ON s.id = t.session_db_id
                 ORDER BY 1, 2",
            )
            .doing("list the projects")?;
        let mut rows = statement.query([]).doing("list the projects")?;
        while let Some(row) = rows.next().doing("list the projects")? {
            let source: String = row.get(0).doing("list the projects")?;
            let project: String = row.get(1).doing("list the projects")?;
            census.by_source.entry(source).or_default().push(project);
        }
        census.sessions_changed = Some(now);
        Ok(())
    }

    /// When the oldest observation was made.
    pub fn first_observation_at(&self) -> Result<Option<i64>, StoreError> {
        self.connection
            .prepare_cached("SELECT min(created_at_epoch) FROM observations")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .doing("find the oldest observation")
    }

    pub(super) fn one(&self, sql: &str) -> Result<i64, StoreError> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .doing("count")
    }
}
