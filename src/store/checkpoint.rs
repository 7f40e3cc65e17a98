//! Bringing the write-ahead log back into the database, beside the work.
//!
//! By default SQLite does it inside every hundredth commit or so, and that
//! commit waits for two disk flushes: the slowest hundredth of all save-hooks
//! took 7 times an empty process so, and takes 3 times since. Here a worker does
//! it on a thread of its own when the log has grown, and SQLite itself when the
//! last connection closes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use sockets_protocol::Locations;

use super::error::{SqlContext as _, StoreError};

/// The log is brought in from this size on: SQLite's own 1000 pages.
const FROM_BYTES: u64 = 4 * 1024 * 1024;

/// Writers that never pause keep the log from beginning anew. From this size on
/// they are made to wait for it.
const AT_ANY_PRICE_BYTES: u64 = 64 * 1024 * 1024;

/// How long waiting for writers and readers may take then.
const WAIT: Duration = Duration::from_secs(2);

/// Whether the log has grown so that a checkpoint is due.
pub fn is_due(locations: &Locations) -> bool {
    log_bytes(&locations.database()) >= FROM_BYTES
}

/// Brings the log into the database. Does nothing while another process is at
/// it.
///
/// # Errors
/// When the database cannot be opened or written.
pub fn run(locations: &Locations) -> Result<(), StoreError> {
    let path = locations.database();
    let connection = Connection::open_with_flags(
        &path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .doing("open the database")?;
    let (mode, wait) = if log_bytes(&path) < AT_ANY_PRICE_BYTES {
        ("PASSIVE", Duration::ZERO)
    } else {
        ("TRUNCATE", WAIT)
    };
    connection
        .busy_timeout(wait)
        .doing("set the busy timeout")?;
    connection
        .query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()))
        .doing("bring the log into the database")
}

fn log_bytes(database: &Path) -> u64 {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    std::fs::metadata(PathBuf::from(name)).map_or(0, |file| file.len())
}
