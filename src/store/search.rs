//! Full-text queries. The expression is built by the search part; here it is
//! only run.

use rusqlite::params;

use super::error::{SqlContext as _, StoreError};
use super::reader::{Reader, json_list};

/// A row that matched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    pub id: i64,
    /// bm25 turned around: higher is better.
    pub score: f64,
}

/// Which rows may match.
#[derive(Debug, Clone, Default)]
pub struct SearchFilter {
    /// `None` for all projects.
    pub projects: Option<Vec<String>>,
    /// Observation types; empty for all.
    pub kinds: Vec<String>,
    pub limit: usize,
}

impl Reader {
    /// Observations that match an FTS5 expression, best first. Weights: a word
    /// of the title says most about a row, a path named in passing least.
    pub fn match_observations(
        &self,
        expression: &str,
        filter: &SearchFilter,
    ) -> Result<Vec<Hit>, StoreError> {
        self.hits(
            "SELECT o.id, -bm25(observations_fts, 8.0, 4.0, 2.0, 4.0, 1.0, 1.0, 2.0) AS score
             FROM observations_fts JOIN observations o ON o.id = observations_fts.rowid
             WHERE observations_fts MATCH ?1
               AND (?2 IS NULL OR o.project IN (SELECT value FROM json_each(?2)))
               AND (?3 IS NULL OR o.type IN (SELECT value FROM json_each(?3)))
             ORDER BY score DESC, o.id DESC LIMIT ?4",
            expression,
            filter,
        )
    }

    /// Summaries that match, best first.
    pub fn match_summaries(
        &self,
        expression: &str,
        filter: &SearchFilter,
    ) -> Result<Vec<Hit>, StoreError> {
        self.hits(
            "SELECT o.id, -bm25(session_summaries_fts) AS score
             FROM session_summaries_fts JOIN session_summaries o ON o.id = session_summaries_fts.rowid
             WHERE session_summaries_fts MATCH ?1
               AND (?2 IS NULL OR o.project IN (SELECT value FROM json_each(?2)))
               AND ?3 IS ?3
             ORDER BY score DESC, o.id DESC LIMIT ?4",
            expression,
            filter,
        )
    }

    /// Prompts that match, best first.
    pub fn match_prompts(
        &self,
        expression: &str,
        filter: &SearchFilter,
    ) -> Result<Vec<Hit>, StoreError> {
        self.hits(
            "SELECT o.id, -bm25(user_prompts_fts) AS score
             FROM user_prompts_fts JOIN user_prompts o ON o.id = user_prompts_fts.rowid
             WHERE user_prompts_fts MATCH ?1
               AND (?2 IS NULL OR o.project IN (SELECT value FROM json_each(?2)))
               AND ?3 IS ?3
             ORDER BY score DESC, o.id DESC LIMIT ?4",
            expression,
            filter,
        )
    }

    fn hits(
        &self,
        sql: &str,
        expression: &str,
        filter: &SearchFilter,
    ) -> Result<Vec<Hit>, StoreError> {
        let projects = filter.projects.as_deref().map(json_list);
        let kinds = (!filter.kinds.is_empty()).then(|| json_list(&filter.kinds));
        let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
        let mut statement = self.connection.prepare(sql).doing("search")?;
        let rows = statement
            .query_map(params![expression, projects, kinds, limit], |row| {
                Ok(Hit {
                    id: row.get(0)?,
                    score: row.get(1)?,
                })
            })
            .doing("search")?;
        rows.collect::<Result<_, _>>().doing("search")
    }
}
