//! Embedded migrations over `PRAGMA user_version`.

use std::path::Path;
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, TransactionBehavior};

use super::error::{SqlContext as _, StoreError};
use super::open::{APPLICATION_ID, Ownership, ownership, private_dir, set_writer_pragmas};

/// Never reorder, edit or remove an entry: a database remembers how many of
/// them it has seen. Never drop or rename what an older version still writes.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001-schema.sql")];

/// Brings the database to the schema of this version. Several processes may try
/// at once: the first one takes the write lock, the others find it done.
pub(super) fn migrate(
    connection: &mut Connection,
    path: &Path,
    backups: &Path,
) -> Result<(), StoreError> {
    let known = MIGRATIONS.len();
    let version = match ownership(connection, path)? {
        Ownership::Empty => 0,
        Ownership::Ours { version } => version,
        Ownership::Original => {
            return Err(StoreError::Original {
                path: path.to_owned(),
            });
        }
        Ownership::Foreign => {
            return Err(StoreError::Foreign {
                path: path.to_owned(),
            });
        }
    };
    let Ok(version) = usize::try_from(version) else {
        return Err(StoreError::Foreign {
            path: path.to_owned(),
        });
    };
    if version > known {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found: to_version(version),
            known: to_version(known),
        });
    }
    if version == known {
        return Ok(());
    }
    if version == 0 {
        // Takes effect only before the first table, and outside a transaction.
        connection
            .execute_batch("PRAGMA auto_vacuum = INCREMENTAL;")
            .doing("set the vacuum mode")?;
        // In WAL the schema costs no disk flush: the very first prompt waits
        // for it.
        set_writer_pragmas(connection)?;
    } else {
        back_up(connection, backups, version)?;
    }
    apply(connection)
}

fn apply(connection: &mut Connection) -> Result<(), StoreError> {
    let tx = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .doing("begin a migration")?;
    let done: i64 = tx
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .doing("read the schema version")?;
    let done = usize::try_from(done).unwrap_or(0);
    for (index, sql) in MIGRATIONS.iter().enumerate().skip(done) {
        tx.execute_batch(sql).doing("migrate the database")?;
        tx.pragma_update(None, "user_version", to_version(index + 1))
            .doing("record the schema version")?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)
        .doing("mark the database")?;
    tx.commit().doing("commit a migration")
}

/// An online copy, so that a migration can always be taken back by hand.
fn back_up(connection: &Connection, backups: &Path, version: usize) -> Result<(), StoreError> {
    private_dir(backups)?;
    let target = backups.join(format!("before-schema-{}.db", version + 1));
    if target.exists() {
        return Ok(());
    }
    let partial = backups.join(format!("before-schema-{}.partial", version + 1));
    {
        let mut copy = super::open::open_for_writing(&partial)?;
        let backup = Backup::new(connection, &mut copy).doing("begin a backup")?;
        backup
            .run_to_completion(1024, Duration::ZERO, None)
            .doing("back up the database")?;
    }
    std::fs::rename(&partial, &target).map_err(|source| StoreError::Io {
        action: "keep the backup",
        path: target.clone(),
        source,
    })
}

fn to_version(count: usize) -> i64 {
    i64::try_from(count).expect("there are fewer migrations than fit into 63 bits")
}
