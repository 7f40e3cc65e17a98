//! Which workers live: the locks that somebody holds.

use std::fs::{self, File, TryLockError};
use std::io::Read as _;
use std::path::Path;

use serde::Serialize;
use sockets_protocol::{Locations, SafeId};

/// A worker that serves its session now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Worker {
    /// The session's id, made safe for a file name.
    pub session: String,
    /// As the worker wrote it into its lock file, if it did.
    pub pid: Option<u32>,
    /// Seen in the queue only: the session's project.
    pub project: Option<String>,
}

/// Every worker that lives, in order of session.
pub(super) fn live(locations: &Locations) -> Vec<Worker> {
    let Ok(entries) = fs::read_dir(locations.sockets_dir()) else {
        return Vec::new();
    };
    let mut workers: Vec<Worker> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            let session = name.strip_prefix("session-")?.strip_suffix(".lock")?;
            let path = entry.path();
            is_held(&path).then(|| Worker {
                session: session.to_owned(),
                pid: pid(&path),
                project: None,
            })
        })
        .collect();
    workers.sort_by(|left, right| left.session.cmp(&right.session));
    workers
}

/// Whether a worker serves the session now.
pub(super) fn serves(locations: &Locations, session: &str) -> bool {
    is_held(&locations.lock(&SafeId::new(session)))
}

/// A shared lock is refused exactly as long as a worker holds its own. It is
/// given back at once, for a worker that starts at this moment needs it.
fn is_held(path: &Path) -> bool {
    File::open(path)
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn pid(path: &Path) -> Option<u32> {
    let mut text = String::new();
    File::open(path)
        .ok()?
        .take(32)
        .read_to_string(&mut text)
        .ok()?;
    text.trim().parse().ok()
}
