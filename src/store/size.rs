//! What the file is made of, page by page.

use super::error::{SqlContext as _, StoreError};
use super::reader::Reader;

/// Tables that hold what is remembered and what is to be done. Every other table
/// is there so that things are found.
const ROWS: &str = r#"["meta", "sdk_sessions", "skip_counts", "turns", "user_prompts", "observations",
    "session_summaries", "pending_messages", "usage", "provider_stalls", "sqlite_schema",
    "sqlite_sequence", "sqlite_stat1", "sqlite_stat4"]"#;

/// Bytes of the file, free pages and those of the file's own bookkeeping left
/// out.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Sizes {
    /// The rows themselves.
    pub rows: i64,
    /// Ordinary indexes of the rows: by project, time, id.
    pub lookups: i64,
    /// What the search alone needs.
    pub search: i64,
    /// What `search` consists of, the largest first.
    pub search_tables: Vec<(String, i64)>,
}

impl Sizes {
    pub fn total(&self) -> i64 {
        self.rows + self.lookups + self.search
    }
}

impl Reader {
    /// Looks at every page of the file, so it takes as long as reading it.
    pub fn sizes(&self) -> Result<Sizes, StoreError> {
        let mut statement = self
            .connection
            .prepare(
                "SELECT d.name, d.pgsize, coalesce(s.type, 'table') = 'index',
                        coalesce(s.tbl_name, d.name) IN (SELECT value FROM json_each(?1))
                 FROM dbstat d LEFT JOIN sqlite_schema s ON s.name = d.name
                 WHERE d.aggregate = TRUE ORDER BY d.pgsize DESC",
            )
            .doing("measure the database")?;
        let objects = statement
            .query_map([ROWS], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .doing("measure the database")?;
        let mut sizes = Sizes::default();
        for object in objects {
            let (name, bytes, is_index, of_rows): (String, i64, bool, bool) =
                object.doing("measure the database")?;
            match (of_rows, is_index) {
                (true, false) => sizes.rows += bytes,
                (true, true) => sizes.lookups += bytes,
                (false, _) => {
                    sizes.search += bytes;
                    sizes.search_tables.push((name, bytes));
                }
            }
        }
        Ok(sizes)
    }
}
