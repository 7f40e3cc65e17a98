//! Opening the database: file modes, pragmas, whose file it is.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::{SqlContext as _, StoreError};

/// "CLMM": marks the file as ours (`PRAGMA application_id`).
pub(super) const APPLICATION_ID: i64 = 0x434c_4d4d;

/// The schema that this version writes, `PRAGMA user_version`: the number of
/// migrations.
pub const SCHEMA_VERSION: i64 = 1;

/// Oldest SQLite without the WAL-reset race, which hits exactly our shape: many
/// processes that write and checkpoint one file.
const SQLITE_AT_LEAST: i32 = 3_051_003;

/// Writers queue up behind each other; with 50 of them the slowest commit was
/// measured at about a second, so ten leaves room for a slow disk.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// What the file at our path turns out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ownership {
    Empty,
    Ours { version: i64 },
    Original,
    Foreign,
}

pub(super) fn assert_sqlite_version() -> Result<(), StoreError> {
    if rusqlite::version_number() < SQLITE_AT_LEAST {
        return Err(StoreError::SqliteTooOld {
            found: rusqlite::version(),
        });
    }
    Ok(())
}

/// Makes a directory that only its owner can enter, whatever the umask, and
/// takes foreign permissions away from one that exists.
pub(super) fn private_dir(path: &Path) -> Result<(), StoreError> {
    let io = |action| {
        move |source| StoreError::Io {
            action,
            path: path.to_owned(),
            source,
        }
    };
    if !path.is_dir() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(io("create directory"))?;
    }
    let mode = fs::metadata(path)
        .map_err(io("inspect directory"))?
        .permissions()
        .mode();
    if mode & 0o777 != 0o700 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))
            .map_err(io("protect directory"))?;
    }
    Ok(())
}

/// Opens for reading and writing. The file is made with mode 0600 first, and
/// SQLite gives its -wal and -shm the mode of the file.
pub(super) fn open_for_writing(path: &Path) -> Result<Connection, StoreError> {
    let io = |source| StoreError::Io {
        action: "create database",
        path: path.to_owned(),
        source,
    };
    create_private(path).map_err(io)?;
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .doing("open the database")?;
    connection
        .busy_handler(Some(wait_for_writer))
        .doing("set the busy handler")?;
    Ok(connection)
}

/// Called by SQLite while another process writes. SQLite's own handler backs
/// off the longer it has waited, so that in a crowd of writers the unlucky stay
/// so for seconds. A transaction here takes a fraction of a millisecond, so
/// everyone looks every millisecond, for half a second; then something holds the
/// lock for long, and looking costs more than it brings. Gives up after about
/// [`BUSY_TIMEOUT`].
pub(super) fn wait_for_writer(attempt: i32) -> bool {
    let attempt = u64::try_from(attempt).unwrap_or(0);
    let pause = match attempt {
        0..500 => 1_000,
        500..2_400 => 5_000,
        _ => return false,
    };
    // Two processes that collide once must not collide in step for ever.
    let uneven = (u64::from(std::process::id()) * 7_919 + attempt * 104_729) % (pause / 2);
    std::thread::park_timeout(Duration::from_micros(pause * 3 / 4 + uneven));
    true
}

/// synchronous=NORMAL: an acknowledged event survives the death of any process
/// at any moment; only a loss of power can take back the last commits. FULL
/// would put a disk flush into every hook. For the same reason no commit runs a
/// checkpoint, which flushes twice: see [`checkpoint`](super::checkpoint).
pub(super) fn set_writer_pragmas(connection: &Connection) -> Result<(), StoreError> {
    plan_once(connection).doing("set up the connection")?;
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = NORMAL;
             PRAGMA foreign_keys = ON;
             PRAGMA cache_size = -1024;
             PRAGMA journal_size_limit = 4194304;
             PRAGMA wal_autocheckpoint = 0;",
        )
        .doing("set up the connection")
}

/// Keeps SQLite from planning a statement anew for each value that is bound to
/// it, which takes longer than to look up a row.
fn plan_once(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Opens read-only. Where not even the -shm file can be written (a read-only
/// mount, a sandbox) SQLite cannot take part in WAL, so the file is then read
/// as it stands, which is right as long as nobody can write there.
pub(super) fn open_for_reading(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let open = |uri: &str| -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(uri, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        plan_once(&connection)?;
        connection.execute_batch(&format!(
            "PRAGMA query_only = ON; PRAGMA cache_size = -{}; PRAGMA mmap_size = {};",
            std::env::var("CS").unwrap_or("4096".into()),
            std::env::var("MM").unwrap_or("0".into())
        ))?;
        connection.pragma_query_value(None, "schema_version", |_| Ok(()))?;
        Ok(connection)
    };
    let uri = file_uri(path);
    open(&uri)
        .or_else(|first| match first.sqlite_error_code() {
            Some(rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::ReadOnly) => {
                open(&format!("{uri}?immutable=1")).map_err(|_| first)
            }
            _ => Err(first),
        })
        .map_err(|source| damaged_or_sql(path, "open the database for reading", source))
}

pub(super) fn ownership(connection: &Connection, path: &Path) -> Result<Ownership, StoreError> {
    // One statement, so one moment: another process may be making the tables.
    let read = || -> rusqlite::Result<Ownership> {
        let (application, version, tables, original): (i64, i64, i64, i64) = connection.query_row(
            "SELECT (SELECT application_id FROM pragma_application_id),
                    (SELECT user_version FROM pragma_user_version),
                    count(*), count(*) FILTER (WHERE name IN ('sdk_sessions', 'schema_versions'))
             FROM sqlite_schema",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )?;
        Ok(match (application, tables, original) {
            (APPLICATION_ID, ..) => Ownership::Ours { version },
            (_, 0, _) => Ownership::Empty,
            (_, _, 2) => Ownership::Original,
            _ => Ownership::Foreign,
        })
    };
    read().map_err(|source| damaged_or_sql(path, "look at the database", source))
}

/// A file that SQLite calls no database or malformed needs its user; anything
/// else may pass.
pub(super) fn damaged_or_sql(
    path: &Path,
    action: &'static str,
    source: rusqlite::Error,
) -> StoreError {
    match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
            StoreError::Damaged {
                path: path.to_owned(),
                detail: source.to_string(),
            }
        }
        _ => StoreError::Sql { action, source },
    }
}

/// Whether this user owns the file and the directory that it lies in. What
/// someone else wrote is not told to this user's sessions, and even reading
/// leaves files beside a database, which would then lock its owner out.
pub(super) fn is_ours(path: &Path, file: &fs::Metadata) -> bool {
    let me = nix::unistd::geteuid().as_raw();
    let directory = path.parent().map(fs::metadata);
    file.uid() == me && directory.is_none_or(|data| data.is_ok_and(|data| data.uid() == me))
}

fn create_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)?;
    if file.metadata()?.permissions().mode() & 0o777 != 0o600 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// `?` and `#` end a path inside a URI, `%` starts an escape.
fn file_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for c in path.to_string_lossy().chars() {
        match c {
            '%' => uri.push_str("%25"),
            '?' => uri.push_str("%3f"),
            '#' => uri.push_str("%23"),
            other => uri.push(other),
        }
    }
    uri
}
