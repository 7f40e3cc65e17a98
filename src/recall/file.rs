//! What is known about a file that is about to be read.

use std::cmp::Reverse;
use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::search::{FileRequest, KnownOfFile, Nearness, about_file, path_in};
use crate::store::{ObservationRow, Reader, StoreError};

use super::Listener;

/// Rows about a file that are looked at: it may have many of which only few are
/// newer than the file.
const LOOKED_AT: usize = 48;

/// A row about more files than this is about none of them.
const MOST_FILES: usize = 8;

/// Kinds of rows that say what the file itself does not.
const TELLING: [&str; 4] = ["bugfix", "decision", "security_alert", "security_note"];

/// Concepts of such rows.
const TELLING_CONCEPTS: [&str; 4] = ["gotcha", "trade-off", "why-it-exists", "problem-solution"];

/// Rows about this file that are newer than the file, the most telling first.
/// What is older may have been true of what the file was then.
pub(super) fn known(
    reader: &Reader,
    path: &str,
    listener: &Listener,
) -> Result<Vec<ObservationRow>, StoreError> {
    let Some(changed) = changed_at(&listener.root.join(path)) else {
        return Ok(Vec::new());
    };
    let request = FileRequest {
        paths: vec![path_in(path, &listener.root)],
        projects: Some(listener.projects.clone()),
        limit: LOOKED_AT,
    };
    let mut known = about_file(reader, &request)?;
    known.retain(|known| is_about(known) && known.row.created_at_epoch > changed);
    known.sort_by_key(|known| Reverse((is_telling(&known.row), known.fits.modified)));
    Ok(known.into_iter().map(|known| known.row).collect())
}

/// Epoch milliseconds; `None` where there is no such file.
fn changed_at(path: &Path) -> Option<i64> {
    let file = std::fs::metadata(path)
        .ok()
        .filter(std::fs::Metadata::is_file)?;
    let since = file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

/// A file of the same name in another directory is another file.
fn is_about(known: &KnownOfFile) -> bool {
    let files = known.row.files_read.len() + known.row.files_modified.len();
    known.fits.nearness >= Nearness::SameEnd && files <= MOST_FILES
}

fn is_telling(row: &ObservationRow) -> bool {
    TELLING.contains(&&*row.kind)
        || row
            .concepts
            .iter()
            .any(|concept| TELLING_CONCEPTS.contains(&&**concept))
}
