//! What a session was last told: one small file a session, so that a resumed
//! session hears only what is new.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use capture::settings::create_private_dir;
use serde::{Deserialize, Serialize};
use sockets_protocol::{Locations, SafeId};

/// Highest ids of the rows that the session has been told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Told {
    pub(super) observation: i64,
    pub(super) summary: i64,
}

/// `None` if nothing is known: never told, or the file cannot be understood.
pub(super) fn read(locations: &Locations, session: &str) -> Option<Told> {
    let text = fs::read(locations.told(&SafeId::new(session))).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Writes to a temporary name and renames, so that a reader never sees half a
/// file. Two starts of one session at once may each win; both have been told.
pub(super) fn write(locations: &Locations, session: &str, told: Told) -> io::Result<()> {
    let path = locations.told(&SafeId::new(session));
    let directory = locations.told_dir();
    create_private_dir(&directory)?;
    let partial = directory.join(format!(".{}.partial", std::process::id()));
    let written = write_private(&partial, told).and_then(|()| fs::rename(&partial, &path));
    if written.is_err() {
        drop(fs::remove_file(&partial));
    }
    written
}

fn write_private(path: &Path, told: Told) -> io::Result<()> {
    // A file left by a killed process of the same id may be anything.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(serde_json::to_string(&told)?.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn what_was_told_is_kept_privately() {
        let dir = tempfile::tempdir().unwrap();
        let locations = Locations::new(dir.path().join("data"));
        assert_eq!(read(&locations, "s"), None);
        for told in [
            Told {
                observation: 3,
                summary: 1,
            },
            Told {
                observation: 9,
                summary: 2,
            },
        ] {
            write(&locations, "s", told).unwrap();
            assert_eq!(read(&locations, "s"), Some(told));
        }
        assert_eq!(read(&locations, "../s"), None);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&locations.told_dir()), 0o700);
        assert_eq!(mode(&locations.told(&SafeId::new("s"))), 0o600);
        let names = fs::read_dir(locations.told_dir()).unwrap().count();
        assert_eq!(names, 1, "nothing is left behind");
    }

    #[test]
    fn a_file_that_makes_no_sense_is_no_memory() {
        let dir = tempfile::tempdir().unwrap();
        let locations = Locations::new(dir.path());
        write(&locations, "s", Told::default()).unwrap();
        fs::write(locations.told(&SafeId::new("s")), "{\"observation\":").unwrap();
        assert_eq!(read(&locations, "s"), None);
    }
}
