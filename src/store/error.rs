//! What can be wrong with the database, in words for its user.

use std::path::PathBuf;

/// Why the database could not be opened or used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "the database {} was written by a newer claude-mem (schema {found}, this one knows {known}): update claude-mem",
        path.display()
    )]
    Newer {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    #[error(
        "{} is a database of the original claude-mem and is left untouched: move it to another name, and new memories go to a fresh database",
        path.display()
    )]
    Original { path: PathBuf },
    #[error(
        "{} belongs to another user: set CLAUDE_MEM_DATA_DIR to a directory of your own",
        path.display()
    )]
    NotYours { path: PathBuf },
    #[error(
        "{} is not a claude-mem database: move it to another name, and new memories go to a fresh database",
        path.display()
    )]
    Foreign { path: PathBuf },
    #[error(
        "the database {} is damaged ({detail}): move it away, or put back a copy from the folder backups beside it",
        path.display()
    )]
    Damaged { path: PathBuf, detail: String },
    #[error(
        "SQLite {found} has a WAL defect that can corrupt this database: 3.51.3 or newer is needed"
    )]
    SqliteTooOld { found: &'static str },
    #[error("failed to {action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("failed to {action}: {source}")]
    Sql {
        /// What the statement does, as "failed to …" would go on.
        action: &'static str,
        source: rusqlite::Error,
    },
    /// The lease on a turn was lost to another worker; nothing was written.
    #[error("the lease on turn {turn_id} is gone: another worker has taken it")]
    LeaseLost { turn_id: i64 },
}

impl StoreError {
    /// Whether another process was in the way.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self, Self::Sql { source, .. }
            if source.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy))
    }
}

/// Names what a statement was for, so that the log says which one failed.
pub(super) trait SqlContext<T> {
    fn doing(self, action: &'static str) -> Result<T, StoreError>;
}

impl<T> SqlContext<T> for rusqlite::Result<T> {
    fn doing(self, action: &'static str) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Sql { action, source })
    }
}
