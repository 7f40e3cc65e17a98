//! What the HTTP process asks: rows in the shape of its API, counts that cost
//! nothing to ask again, what is new since a cursor, and the queue.

mod census;
mod changes;
mod days;
mod find;
mod json;
mod list;
mod queue;
mod rows;
mod session;
#[cfg(test)]
mod tests;
mod turns;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::{SqlContext as _, StoreError};
use super::reader::Reader;

pub use census::{Census, ProjectCounts};
pub use changes::{Changes, Cursor, QueueChange, SessionChange};
pub use days::DayCounts;
pub use find::{Criteria, Order};
pub use json::{Fields, Object};
pub use list::{Page, WebRows};
pub use queue::{LastCall, NewestTurn, QueueState, Receipt, SessionCounts, WebQueueRow};
pub use rows::{WebObservation, WebPrompt, WebRow, WebSummary};
pub use session::WebSession;

/// Kibibytes of pages that one handle of the HTTP process keeps: several
/// handles share one small process, and the system's own cache is behind them. What
/// more of them save is about what two measurements differ by; with 256, routes about
/// files, which look at more pages, took up to a seventh longer.
const CACHE_KIB: i64 = 384;

/// Instructions of SQLite's between two looks at whether a question still stands:
/// some tens of microseconds.
const STEPS: i32 = 2_000;

/// Statements that one handle keeps prepared.
const STATEMENTS: usize = 64;

impl Reader {
    /// Opens the database as [`open`](Self::open) does, to be asked many small
    /// questions for a long time.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_for_web(path: &Path) -> Result<Option<Self>, StoreError> {
        let Some(reader) = Self::open(path)? else {
            return Ok(None);
        };
        reader
            .connection
            .pragma_update(None, "cache_size", -CACHE_KIB)
            .doing("bound the cache")?;
        reader
            .connection
            .set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(Some(reader))
    }

    /// Lets statements fail for as long as `stop` is true, those that run too: for
    /// questions whose answer nobody waits for any more.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn stopped_by(mut self, stop: Arc<AtomicBool>) -> Result<Self, StoreError> {
        let is_stopped = move || stop.load(Ordering::Relaxed);
        self.connection
            .progress_handler(STEPS, Some(is_stopped))
            .doing("watch the connection")?;
        Ok(self)
    }

    /// A number that changes whenever another connection commits. Only numbers
    /// of the same handle compare.
    pub fn data_version(&self) -> Result<i64, StoreError> {
        self.connection
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .doing("look for changes")
    }
}
