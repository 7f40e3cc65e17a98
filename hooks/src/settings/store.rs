//! Changing `settings.json`: checked against the table, atomic, one writer at a time.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use super::{FILE_NAME, Key, Kind, Place, SETTINGS, Setting};

/// The lock file beside the settings file. It is never deleted, so that nobody can hold a lock on
/// a file that others no longer see.
const LOCK_NAME: &str = "settings.lock";

/// What a call of [`set`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub path: PathBuf,
    /// The value in the file before, as text.
    pub before: Option<String>,
    /// The value in the file now; flags and choices in their table spelling.
    pub after: Option<String>,
}

/// Why a setting was not changed. The file is then as it was.
#[derive(Debug)]
pub enum SetError {
    UnknownKey {
        name: String,
        nearest: &'static str,
    },
    EnvironmentOnly {
        name: &'static str,
    },
    BadValue {
        name: &'static str,
        reason: String,
    },
    /// The existing file cannot be understood, so nothing can be added to it without loss.
    Unusable {
        path: PathBuf,
        reason: String,
    },
    Io {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

impl fmt::Display for SetError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey { name, nearest } => {
                let shown: String = name.chars().take(80).collect();
                write!(
                    formatter,
                    "there is no setting {shown:?}; the nearest one is {nearest}"
                )
            }
            Self::EnvironmentOnly { name } => write!(
                formatter,
                "{name} can only be set in the environment, not in {FILE_NAME}"
            ),
            Self::BadValue { name, reason } => write!(formatter, "{name} is unchanged: {reason}"),
            Self::Unusable { path, reason } => write!(
                formatter,
                "{} {reason}; it was left untouched: repair it or move it away, then try again",
                path.display()
            ),
            Self::Io {
                doing,
                path,
                source,
            } => write!(formatter, "{doing} {}: {source}", path.display()),
        }
    }
}

impl std::error::Error for SetError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Writes one setting to the file in `data_dir`, or takes it out when `value` is `None`. All other
/// keys stay, known or not. Waits for another writer; the wait is as long as one small write.
pub fn set(data_dir: &Path, name: &str, value: Option<&str>) -> Result<Change, SetError> {
    let setting = super::find(name).ok_or_else(|| SetError::UnknownKey {
        name: name.to_owned(),
        nearest: nearest(name),
    })?;
    if setting.place == Place::Environment {
        return Err(SetError::EnvironmentOnly { name: setting.name });
    }
    let after = value.map(|value| normal(setting, value)).transpose()?;

    let failed = |doing, path: &Path| {
        let path = path.to_owned();
        move |source| SetError::Io {
            doing,
            path,
            source,
        }
    };
    create_private_dir(data_dir).map_err(failed("failed to create", data_dir))?;
    let lock_path = data_dir.join(LOCK_NAME);
    let lock = open_lock(&lock_path).map_err(failed("failed to open", &lock_path))?;
    lock.lock().map_err(failed("failed to lock", &lock_path))?;

    // The file behind a symbolic link is replaced, not the link: people keep settings in a
    // repository of their own and link to them.
    let link = data_dir.join(FILE_NAME);
    let path = std::fs::canonicalize(&link).unwrap_or(link);
    let mut map = super::read_file(&path)
        .map_err(|reason| SetError::Unusable {
            path: path.clone(),
            reason,
        })?
        .unwrap_or_default();
    let before = match &after {
        Some(text) => map.insert(name.to_owned(), Value::String(text.clone())),
        None => map.remove(name),
    };
    if before.as_ref().and_then(Value::as_str) != after.as_deref()
        || before.is_some() != after.is_some()
    {
        let mut text = format!("{:#}", Value::Object(map));
        text.push('\n');
        replace(&path, text.as_bytes()).map_err(failed("failed to write", &path))?;
    }
    Ok(Change {
        path,
        before: before.map(|value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        }),
        after,
    })
}

/// The spelling in which a value is stored.
fn normal(setting: &'static Setting, value: &str) -> Result<String, SetError> {
    super::check(setting, value).map_err(|reason| SetError::BadValue {
        name: setting.name,
        reason,
    })?;
    let value = value.trim();
    Ok(match setting.kind {
        Kind::Flag => super::flag(value).unwrap_or_default().to_string(),
        Kind::Choice(words) => super::choice(words, value).unwrap_or(value).to_owned(),
        _ => value.to_owned(),
    })
}

/// The name of the setting that takes the fewest changes of one letter; people leave out the
/// prefix, write lower case, and write hyphens.
fn nearest(name: &str) -> &'static str {
    let mut typed: String = name.chars().take(80).collect();
    typed.make_ascii_uppercase();
    let typed = typed.replace('-', "_");
    let typed = typed.strip_prefix("CLAUDE_MEM_").unwrap_or(&typed);
    SETTINGS
        .iter()
        .map(|setting| setting.name)
        .min_by_key(|known| {
            distance(
                typed.as_bytes(),
                known.trim_start_matches("CLAUDE_MEM_").as_bytes(),
            )
        })
        .unwrap_or(Key::DataDir.name())
}

/// Levenshtein's distance.
fn distance(left: &[u8], right: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, byte) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(byte != other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

/// Creates `path` and what is missing above it, for the owner alone whatever the umask. A directory
/// that exists is left as it is.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o700))
}

/// Opens a lock file, creating it for the owner alone.
pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

/// Writes `bytes` to a new file beside `path`, for the owner alone whatever the umask, and returns
/// it with its path. The name begins with a dot and is used by no one else.
pub(crate) fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<(File, PathBuf)> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let directory = path.parent().unwrap_or(Path::new("."));
    // A process may have died and left a file under the same process id, so the clock is in it too.
    let clock = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    let temporary = directory.join(format!(
        ".{}-{clock:x}-{}.tmp",
        std::process::id(),
        COUNTER.fetch_add(1, Ordering::Relaxed)
    ));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)?;
    let written = file
        .set_permissions(Permissions::from_mode(0o600))
        .and_then(|()| file.write_all(bytes));
    match written {
        Ok(()) => Ok((file, temporary)),
        Err(error) => {
            std::fs::remove_file(&temporary).ok();
            Err(error)
        }
    }
}

/// Replaces the file at `path` so that a reader sees all of the old or all of the new, and a crash
/// leaves one of the two.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (file, temporary) = write_beside(path, bytes)?;
    let renamed = file
        .sync_all()
        .and_then(|()| std::fs::rename(&temporary, path));
    if renamed.is_err() {
        std::fs::remove_file(&temporary).ok();
        return renamed;
    }
    // The rename is done; that it survives a loss of power is a wish some file systems refuse.
    if let Some(directory) = path.parent()
        && let Ok(directory) = File::open(directory)
    {
        directory.sync_all().ok();
    }
    Ok(())
}
