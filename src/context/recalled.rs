//! What was recalled for a session: one small file a session with the uid of
//! each memory, one a line, so that none is told twice.
//!
//! Hooks of one session run at once. Whoever wants to tell something locks the
//! file, sees what has been told, and adds its own before it lets go: of two, the
//! second knows what the first tells. A memory that could not be noted down is
//! not told.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};

use capture::settings::create_private_dir;
use sockets_protocol::{Locations, SafeId};

use crate::store::ObservationRow;

/// Longest file, in bytes: some 1,700 uids. A session that has been told so much
/// is told nothing more.
const MOST_BYTES: usize = 64 * 1024;

/// The first of these rows, `most` at most, of which the session has not been
/// told; from now on it has. Waits for others of the session.
///
/// # Errors
/// When that cannot be noted down, so that nothing may be told.
pub fn claim(
    locations: &Locations,
    session: &str,
    rows: Vec<ObservationRow>,
    most: usize,
) -> io::Result<Vec<ObservationRow>> {
    if rows.is_empty() {
        return Ok(rows);
    }
    let mut file = open(locations, session)?;
    file.lock()?;
    let mut told = String::new();
    file.read_to_string(&mut told)?;
    let known: HashSet<&str> = told.lines().collect();
    let news: Vec<ObservationRow> = rows
        .into_iter()
        .filter(|row| !known.contains(row.uid.as_str()))
        .take(most)
        .collect();
    let mut lines = String::new();
    // One that was killed, or found the disk full, may have left half a line.
    if !told.is_empty() && !told.ends_with('\n') {
        lines.push('\n');
    }
    for row in &news {
        lines.push_str(&row.uid);
        lines.push('\n');
    }
    // A file that has been taken away knows nothing of others.
    let is_gone = file.metadata()?.nlink() == 0;
    if is_gone || told.len() + lines.len() > MOST_BYTES {
        return Ok(Vec::new());
    }
    if !news.is_empty() {
        file.write_all(lines.as_bytes())?;
    }
    Ok(news)
}

/// The session's conversation begins anew: it knows nothing of what was told.
pub(super) fn forget(locations: &Locations, session: &str) {
    // Where it cannot be taken away, the session is told less.
    drop(fs::remove_file(locations.recalled(&SafeId::new(session))));
}

fn open(locations: &Locations, session: &str) -> io::Result<File> {
    create_private_dir(&locations.told_dir())?;
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(locations.recalled(&SafeId::new(session)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::fixture::observation;
    use std::os::unix::fs::PermissionsExt as _;

    fn rows(ids: std::ops::Range<i64>) -> Vec<ObservationRow> {
        ids.map(|id| observation(id, 0, "x")).collect()
    }

    fn claimed(locations: &Locations, ids: std::ops::Range<i64>, most: usize) -> Vec<i64> {
        let rows = claim(locations, "s", rows(ids), most).unwrap();
        rows.iter().map(|row| row.id).collect()
    }

    #[test]
    fn nothing_is_told_twice_until_the_conversation_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        let locations = Locations::new(dir.path().join("data"));
        assert_eq!(claimed(&locations, 1..9, 3), [1, 2, 3]);
        assert_eq!(claimed(&locations, 1..9, 3), [4, 5, 6]);
        assert!(claimed(&locations, 1..7, 3).is_empty());
        let other = claim(&locations, "other", rows(1..3), 3).unwrap();
        assert_eq!(other.len(), 2, "another session has not heard it");
        forget(&locations, "s");
        assert_eq!(claimed(&locations, 1..9, 3), [1, 2, 3]);
        let path = locations.recalled(&SafeId::new("s"));
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn of_many_at_once_each_tells_something_else() {
        let dir = tempfile::tempdir().unwrap();
        let locations = Locations::new(dir.path().join("data"));
        let mut all: Vec<i64> = std::thread::scope(|scope| {
            let claims: Vec<_> = (0..20)
                .map(|_| scope.spawn(|| claimed(&locations, 0..60, 3)))
                .collect();
            let claims = claims.into_iter().flat_map(|claim| claim.join().unwrap());
            claims.collect()
        });
        all.sort_unstable();
        assert_eq!(all, (0..60).collect::<Vec<_>>());
    }

    #[test]
    fn half_a_line_does_not_hide_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let locations = Locations::new(dir.path().join("data"));
        assert_eq!(claimed(&locations, 1..2, 3), [1]);
        let path = locations.recalled(&SafeId::new("s"));
        fs::write(&path, "o-1\no-").unwrap();
        assert_eq!(claimed(&locations, 1..3, 3), [2]);
        assert!(claimed(&locations, 1..3, 3).is_empty());
        fs::write(&path, "x\n".repeat(MOST_BYTES / 2)).unwrap();
        let full = claimed(&locations, 5..6, 3);
        assert!(full.is_empty(), "a full file tells nothing");
        fs::write(&path, [0xff]).unwrap();
        assert!(claim(&locations, "s", rows(5..6), 3).is_err());
    }

    #[test]
    fn what_cannot_be_noted_down_is_not_told() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("data"), "a file").unwrap();
        let locations = Locations::new(dir.path().join("data"));
        assert!(claim(&locations, "s", rows(1..2), 3).is_err());
        assert!(claim(&locations, "s", Vec::new(), 3).unwrap().is_empty());
    }
}
