//! Keeping the index in step with the rows, inside the transaction that writes
//! them. Triggers note every row that changed; here its terms are made.

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use crate::analysis::{self, Scope, Terms, scope};
use crate::embedding;

use super::error::{SqlContext as _, StoreError};
use super::rows::read_list;
use super::vectors;

/// Rows of earlier transactions that one transaction brings in beside its own,
/// so that it stays short.
pub(super) const BACKLOG: usize = 32;

/// The tables that are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    Observations,
    Summaries,
    Prompts,
}

impl Table {
    pub const ALL: [Self; 3] = [Self::Observations, Self::Summaries, Self::Prompts];

    /// As which `unindexed` and the vectors know it.
    pub(super) fn kind(self) -> i64 {
        match self {
            Self::Observations => 0,
            Self::Summaries => 1,
            Self::Prompts => 2,
        }
    }

    fn of_kind(kind: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.kind() == kind)
    }

    /// The rows' table.
    pub(super) fn rows(self) -> &'static str {
        match self {
            Self::Observations => "observations",
            Self::Summaries => "session_summaries",
            Self::Prompts => "user_prompts",
        }
    }

    /// The index of their terms.
    pub(super) fn terms(self) -> &'static str {
        match self {
            Self::Observations => "observations_fts",
            Self::Summaries => "session_summaries_fts",
            Self::Prompts => "user_prompts_fts",
        }
    }
}

/// What is indexed of a row.
struct Entry {
    project: String,
    /// Terms that are no text.
    exact: Vec<String>,
    texts: Vec<String>,
    files_read: Vec<String>,
    files_modified: Vec<String>,
}

/// Brings up to `at_most` rows into the index, those that were noted last first:
/// the transaction's own. Returns how many.
pub(super) fn catch_up(tx: &Transaction<'_>, at_most: usize) -> Result<usize, StoreError> {
    let waiting: Vec<(i64, i64)> = {
        let mut statement = tx
            .prepare_cached("SELECT kind, id FROM unindexed ORDER BY rowid DESC LIMIT ?1")
            .doing("look for rows to index")?;
        let rows = statement
            .query_map([i64::try_from(at_most).unwrap_or(i64::MAX)], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .doing("look for rows to index")?;
        rows.collect::<Result<_, _>>()
            .doing("look for rows to index")?
    };
    for &(kind, id) in &waiting {
        if let Some(table) = Table::of_kind(kind)
            && let Some(entry) = read(tx, table, id)?
        {
            write(tx, table, id, &entry)?;
        }
        tx.prepare_cached("DELETE FROM unindexed WHERE kind = ?1 AND id = ?2")
            .and_then(|mut delete| delete.execute([kind, id]))
            .doing("note that a row is indexed")?;
    }
    Ok(waiting.len())
}

fn read(tx: &Transaction<'_>, table: Table, id: i64) -> Result<Option<Entry>, StoreError> {
    let columns = match table {
        Table::Observations => {
            "project, title, subtitle, narrative, coalesce(text, ''), type, facts, concepts, files_read, files_modified"
        }
        Table::Summaries => "project, request, investigated, learned, completed, next_steps, notes",
        Table::Prompts => "project, prompt_text",
    };
    let sql = format!("SELECT {columns} FROM {} WHERE id = ?1", table.rows());
    tx.prepare_cached(&sql)
        .and_then(|mut statement| {
            statement
                .query_row([id], |row| {
                    let texts = match table {
                        Table::Observations => 1..5,
                        Table::Summaries => 1..7,
                        Table::Prompts => 1..2,
                    };
                    let mut entry = Entry {
                        project: row.get(0)?,
                        exact: Vec::new(),
                        texts: texts
                            .map(|column| row.get(column))
                            .collect::<Result<_, _>>()?,
                        files_read: Vec::new(),
                        files_modified: Vec::new(),
                    };
                    if table == Table::Observations {
                        entry
                            .exact
                            .push(scope(Scope::Type, &row.get::<_, String>(5)?));
                        entry.texts.extend(read_list(row.get(6)?));
                        for concept in read_list(row.get(7)?) {
                            entry.exact.push(scope(Scope::Concept, &concept));
                            entry.texts.push(concept);
                        }
                        entry.files_read = read_list(row.get(8)?);
                        entry.files_modified = read_list(row.get(9)?);
                    }
                    Ok(entry)
                })
                .optional()
        })
        .doing("read a row to index it")
}

fn write(tx: &Transaction<'_>, table: Table, id: i64, entry: &Entry) -> Result<(), StoreError> {
    let mut terms = Terms::of_project(&entry.project);
    terms.add(&scope(Scope::Project, &entry.project));
    for exact in &entry.exact {
        terms.add(exact);
    }
    // The first text of a row is its title, or what stands for one.
    if let Some(heading) = entry.texts.first() {
        terms.add_heading(heading);
    }
    for text in &entry.texts {
        terms.add_text(text);
    }
    for file in entry.files_read.iter().chain(&entry.files_modified) {
        terms.add_text(file);
    }
    tx.prepare_cached(&format!(
        "INSERT OR REPLACE INTO {} (rowid, terms) VALUES (?1, ?2)",
        table.terms()
    ))
    .and_then(|mut insert| insert.execute(params![id, terms.joined()]))
    .doing("index a row")?;
    let vector = embedding::embed(&entry.texts.join("\n"));
    vectors::put(tx, table, id, &entry.project, vector.as_ref())
}

/// Has every row indexed again where the index was made in another way.
pub(super) fn renew(tx: &Transaction<'_>) -> Result<(), StoreError> {
    let current = version();
    let made = made_by(tx)?;
    if made.as_deref() == Some(current.as_str()) {
        return Ok(());
    }
    for table in Table::ALL {
        let (rows, terms, kind) = (table.rows(), table.terms(), table.kind());
        tx.execute_batch(&format!(
            "INSERT INTO {terms} ({terms}) VALUES ('delete-all');
             INSERT OR IGNORE INTO unindexed SELECT {kind}, id FROM {rows};"
        ))
        .doing("begin a new index")?;
    }
    tx.execute_batch("DELETE FROM vector_signatures; DELETE FROM vectors;")
        .doing("begin a new index")?;
    tx.execute(
        "INSERT INTO meta (key, value) VALUES ('index', ?1)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [current],
    )
    .doing("note how the index is made")?;
    Ok(())
}

/// Whether [`renew`] has something to do.
pub(super) fn is_outdated(connection: &Connection) -> Result<bool, StoreError> {
    Ok(made_by(connection)?.as_deref() != Some(version().as_str()))
}

fn made_by(connection: &Connection) -> Result<Option<String>, StoreError> {
    connection
        .query_row("SELECT value FROM meta WHERE key = 'index'", [], |row| {
            row.get(0)
        })
        .optional()
        .doing("read how the index was made")
}

/// How this program makes terms and vectors.
fn version() -> String {
    format!("terms {}, {}", analysis::VERSION, embedding::MODEL_ID)
}
