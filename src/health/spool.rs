//! Events that found no worker and wait in files.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sockets_protocol::{SPOOL_BAD_SUFFIX, SPOOL_SUFFIX};

/// Files that are counted; a spool of more is as bad, and counting it takes
/// time that a starting session does not have.
const MAX_FILES: usize = 5_000;

/// What lies in the spool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Spool {
    /// Sessions with events that wait.
    pub sessions: usize,
    pub events: usize,
    /// Files that a worker could not read and has set aside.
    pub bad: usize,
    /// Epoch milliseconds of the oldest event that waits.
    pub oldest: Option<i64>,
    #[serde(skip)]
    pub(super) waiting: Vec<Waiting>,
    /// A directory of the spool that cannot be listed, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
}

/// The events of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting {
    /// The session's id, made safe for a file name.
    pub(super) session: String,
    pub(super) events: usize,
    pub(super) oldest: i64,
}

/// Looks at names only: the time of an event stands in its file's name.
pub(super) fn scan(root: &Path) -> Spool {
    let mut spool = Spool::default();
    let mut left = MAX_FILES;
    for (session, directory) in directories(root, &mut spool) {
        let mut waiting = Waiting {
            session,
            events: 0,
            oldest: i64::MAX,
        };
        for name in names(&directory, &mut spool) {
            if left == 0 {
                break;
            }
            left -= 1;
            if name.ends_with(SPOOL_BAD_SUFFIX) {
                spool.bad += 1;
            } else if name.ends_with(SPOOL_SUFFIX) && !name.starts_with('.') {
                waiting.events += 1;
                waiting.oldest = waiting.oldest.min(time_of(&name));
            }
        }
        if waiting.events > 0 {
            spool.sessions += 1;
            spool.events += waiting.events;
            spool.oldest = Some(spool.oldest.unwrap_or(i64::MAX).min(waiting.oldest));
            spool.waiting.push(waiting);
        }
    }
    spool
}

fn directories(root: &Path, spool: &mut Spool) -> Vec<(String, PathBuf)> {
    names(root, spool)
        .into_iter()
        .map(|name| (name.clone(), root.join(name)))
        .filter(|(_, path)| path.is_dir())
        .collect()
}

/// In alphabetical order, so that what is said about them does not change
/// from one look to the next.
fn names(directory: &Path, spool: &mut Spool) -> Vec<String> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => {
            if error.kind() != std::io::ErrorKind::NotFound {
                spool.unreadable = Some(format!("{}: {error}", directory.display()));
            }
            return Vec::new();
        }
    };
    let mut names: Vec<String> = entries
        .take(2 * MAX_FILES)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort_unstable();
    names
}

/// A name that does not begin with a time belongs to nobody knows when, so it
/// counts as old.
fn time_of(name: &str) -> i64 {
    let digits = name.split('-').next().unwrap_or_default();
    digits.parse().unwrap_or(0)
}
