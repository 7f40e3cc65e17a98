//! Where sockets, locks and spool lie.

use std::fmt;
use std::path::{Path, PathBuf};

/// Longest path that fits into a socket address on every Unix, its closing NUL
/// excluded (104 bytes with it on the BSDs and macOS, 108 on Linux).
pub const SUN_PATH_MAX: usize = 103;

/// Longest [`SafeId`]. `session-<id>.lock` and a spool file's name with a time
/// in front of it stay far below the 255 bytes of a file name, and
/// `session-<id>.sock` below the 103 of a socket address.
const SAFE_ID_MAX: usize = 72;

/// An id made safe for a file name: letters, digits, `.`, `_` and `-` stay as
/// they are (so every UUID does), and an id with anything else in it, a leading
/// dot or more than 72 bytes is replaced by its readable part and a hash of the
/// whole, so that two ids never meet in one file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SafeId(String);

impl SafeId {
    pub fn new(id: &str) -> Self {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if !id.is_empty()
            && id.len() <= SAFE_ID_MAX
            && !id.starts_with('.')
            && id.chars().all(plain)
        {
            return Self(id.to_owned());
        }
        let readable: String = id
            .chars()
            .map(|c| if plain(c) { c } else { '_' })
            .skip_while(|c| *c == '.')
            .take(SAFE_ID_MAX - 19)
            .collect();
        Self(format!("{readable}-x{:016x}", fnv1a(id.as_bytes())))
    }

    /// The id as it stands in file names.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SafeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// FNV-1a, 64 bits: stable over versions and machines, which the standard
/// library's hasher is not.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Everything that lies under the data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locations {
    data_dir: PathBuf,
}

impl Locations {
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
        }
    }

    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    pub fn database(&self) -> PathBuf {
        self.data_dir.join("claude-mem.db")
    }

    /// SQLite's write-ahead log, which is there while somebody writes.
    pub fn database_log(&self) -> PathBuf {
        self.data_dir.join("claude-mem.db-wal")
    }

    pub fn sockets_dir(&self) -> PathBuf {
        self.data_dir.join("sockets")
    }

    /// The socket's name inside [`sockets_dir`](Self::sockets_dir).
    pub fn socket_name(id: &SafeId) -> String {
        format!("session-{id}.sock")
    }

    pub fn socket(&self, id: &SafeId) -> PathBuf {
        self.sockets_dir().join(Self::socket_name(id))
    }

    /// Held by the session's worker for its whole life. Never deleted while
    /// anyone could hold it.
    pub fn lock(&self, id: &SafeId) -> PathBuf {
        self.sockets_dir().join(format!("session-{id}.lock"))
    }

    /// Exists while the session's current turn is wholly private; holds the
    /// turn's `prompt_id`.
    pub fn private_marker(&self, id: &SafeId) -> PathBuf {
        self.sockets_dir().join(format!("session-{id}.private"))
    }

    /// Symbolic link to the socket for clients that know only the database id.
    pub fn database_id_link(&self, session_db_id: i64) -> PathBuf {
        self.sockets_dir()
            .join(format!("session-{session_db_id}.sock"))
    }

    pub fn spool_root(&self) -> PathBuf {
        self.data_dir.join("spool")
    }

    pub fn spool_dir(&self, id: &SafeId) -> PathBuf {
        self.spool_root().join(id.as_str())
    }

    /// What a session was last told at its start, one small file a session.
    pub fn told_dir(&self) -> PathBuf {
        self.data_dir.join("told")
    }

    pub fn told(&self, id: &SafeId) -> PathBuf {
        self.told_dir().join(format!("{id}.json"))
    }

    /// The uids of what was recalled for a session, one a line.
    pub fn recalled(&self, id: &SafeId) -> PathBuf {
        self.told_dir().join(format!("{id}.recalled"))
    }

    /// Held by the HTTP server for its whole life.
    pub fn http_lock(&self) -> PathBuf {
        self.sockets_dir().join("http.lock")
    }

    /// What the HTTP server tells others about itself: `{pid, port, version}`.
    pub fn http_server(&self) -> PathBuf {
        self.data_dir.join("worker.pid")
    }

    pub fn logs_dir(&self) -> PathBuf {
        self.data_dir.join("logs")
    }

    pub fn backups_dir(&self) -> PathBuf {
        self.data_dir.join("backups")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_uuid_stays_as_it_is_and_everything_else_becomes_a_file_name() {
        let uuid = "74c1e209-5ef6-4547-8a38-79ef71c9dc35";
        assert_eq!(SafeId::new(uuid).as_str(), uuid);
        let long = "x".repeat(4000);
        let odd = [
            "",
            ".",
            "..",
            "../../etc/passwd",
            "a/b",
            "a_b",
            "a b",
            "a\0b",
            "ÄÖ",
            "日本",
            &long,
            &long[1..],
            "a\nb",
            ".hidden",
            "-rf",
        ];
        let safe: HashSet<_> = odd.iter().map(|id| SafeId::new(id)).collect();
        assert_eq!(safe.len(), odd.len(), "two ids met in one name: {safe:?}");
        for id in safe {
            let name = id.as_str();
            assert!(!name.is_empty() && name.len() <= SAFE_ID_MAX, "{name}");
            assert!(
                !name.starts_with('.') && !name.contains(['/', '\0', '\n']),
                "{name}"
            );
            assert!(Locations::socket_name(&id).len() <= SUN_PATH_MAX, "{name}");
        }
    }

    #[test]
    fn spool_names_sort_by_time() {
        let early = crate::spool_file_name(999, "b");
        let late = crate::spool_file_name(1_700_000_000_000, "a");
        assert!(early < late);
        assert_eq!(late, "1700000000000-a.json");
    }
}
