//! What calls of models cost, as rows that can be added up.

use rusqlite::params;

use super::error::{SqlContext as _, StoreError};
use super::reader::Reader;

/// Calls that share everything by which they could be told apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageRow {
    /// Claude Code's session id; empty for calls that were for no session.
    pub content_session_id: String,
    pub project: String,
    pub provider: String,
    pub model: String,
    /// `ok`, `running`, or why the call failed.
    pub outcome: String,
    pub calls: u64,
    pub input: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    pub output: u64,
    /// The most that the calls which still run can cost.
    pub reserved: u64,
    pub duration_ms: u64,
}

impl UsageRow {
    /// Tokens of all four kinds.
    pub fn tokens(&self) -> u64 {
        self.input + self.cache_read + self.cache_write + self.output
    }
}

/// Observations that one model made in one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    pub content_session_id: String,
    pub project: String,
    pub model: String,
    pub observations: u64,
}

impl Reader {
    /// The calls that began in `[from, until)`, in epoch milliseconds.
    pub fn usage(&self, from: i64, until: i64) -> Result<Vec<UsageRow>, StoreError> {
        self.usage_rows(
            "SELECT coalesce(s.content_session_id, ''), u.project, u.provider, u.model, u.outcome,
                    count(*), sum(u.input_tokens), sum(u.cache_read_tokens),
                    sum(u.cache_write_tokens), sum(u.output_tokens), sum(u.reserved_tokens),
                    sum(u.duration_ms)
             FROM usage u LEFT JOIN sdk_sessions s ON s.id = u.session_db_id
             WHERE u.created_at_epoch >= ?1 AND u.created_at_epoch < ?2
             GROUP BY u.session_db_id, u.project, u.provider, u.model, u.outcome
             ORDER BY min(u.id)",
            params![from, until],
        )
    }

    /// The same for one project or for all (`None`), told apart by model and
    /// outcome alone.
    pub fn usage_by_model(
        &self,
        from: i64,
        until: i64,
        project: Option<&str>,
    ) -> Result<Vec<UsageRow>, StoreError> {
        self.usage_rows(
            "SELECT '', '', provider, model, outcome, count(*), sum(input_tokens),
                    sum(cache_read_tokens), sum(cache_write_tokens), sum(output_tokens),
                    sum(reserved_tokens), sum(duration_ms)
             FROM usage
             WHERE created_at_epoch >= ?1 AND created_at_epoch < ?2 AND (?3 IS NULL OR project = ?3)
             GROUP BY provider, model, outcome",
            params![from, until, project],
        )
    }

    fn usage_rows(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Vec<UsageRow>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(sql)
            .doing("add up the usage")?;
        let rows = statement
            .query_map(parameters, |row| {
                let number = |column: usize| row.get(column).map(unsigned);
                Ok(UsageRow {
                    content_session_id: row.get(0)?,
                    project: row.get(1)?,
                    provider: row.get(2)?,
                    model: row.get(3)?,
                    outcome: row.get(4)?,
                    calls: number(5)?,
                    input: number(6)?,
                    cache_read: number(7)?,
                    cache_write: number(8)?,
                    output: number(9)?,
                    reserved: number(10)?,
                    duration_ms: number(11)?,
                })
            })
            .doing("add up the usage")?;
        rows.collect::<Result<_, _>>().doing("add up the usage")
    }

    /// What models, and not the offline extractor, made of events of
    /// `[from, until)`; what has been superseded since counts too.
    pub fn made_by_models(&self, from: i64, until: i64) -> Result<Vec<Made>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT coalesce(s.content_session_id, ''), o.project, o.generated_by_model, count(*)
                 FROM observations o LEFT JOIN sdk_sessions s ON s.id = o.session_db_id
                 WHERE o.created_at_epoch >= ?1 AND o.created_at_epoch < ?2
                   AND coalesce(o.generated_by_model, 'local') NOT IN ('local', '')
                 GROUP BY o.session_db_id, o.project, o.generated_by_model",
            )
            .doing("count what models made")?;
        let rows = statement
            .query_map(params![from, until], |row| {
                Ok(Made {
                    content_session_id: row.get(0)?,
                    project: row.get(1)?,
                    model: row.get(2)?,
                    observations: row.get(3).map(unsigned)?,
                })
            })
            .doing("count what models made")?;
        rows.collect::<Result<_, _>>()
            .doing("count what models made")
    }

    /// How many observations and summaries of these projects have higher ids.
    pub fn newer_than(
        &self,
        projects: &[String],
        observation: i64,
        summary: i64,
    ) -> Result<(usize, usize), StoreError> {
        let mut counts = (0, 0);
        for project in projects {
            let (observations, summaries) = self
                .connection
                .prepare_cached(
                    "SELECT (SELECT count(*) FROM observations WHERE project = ?1 AND id > ?2),
                            (SELECT count(*) FROM session_summaries WHERE project = ?1 AND id > ?3)",
                )
                .and_then(|mut count| {
                    count.query_row(params![project, observation, summary], |row| {
                        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
                    })
                })
                .doing("count newer rows")?;
            counts.0 += usize::try_from(observations).unwrap_or(0);
            counts.1 += usize::try_from(summaries).unwrap_or(0);
        }
        Ok(counts)
    }
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
