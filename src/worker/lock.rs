//! Who serves a session: the process that holds its lock file.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use sockets_protocol::{Locations, Request, SafeId, encode};

use crate::lock_file::LockFile;

/// How long a new worker waits for one that is just leaving. Leaving includes
/// committing the last turn.
const WAIT_FOR_LEAVER: Duration = Duration::from_secs(10);

/// Pause between two attempts while another process holds the lock but does not
/// listen yet, or any more.
const RETRY_AFTER: Duration = Duration::from_millis(10);

/// The session's lock, held until this is dropped.
#[derive(Debug)]
pub(super) struct SessionLock {
    held: LockFile,
    keeps_mark: bool,
}

impl SessionLock {
    /// Whether the lock is still the session's; see [`LockFile::is_current`].
    pub(super) fn is_current(&self) -> bool {
        self.held.is_current()
    }

    /// Lets go like a worker that died: its successor would fail as well.
    pub(super) fn release_as_failed(mut self) {
        self.keeps_mark = true;
    }
}

impl Drop for SessionLock {
    /// A hook does not start a worker where one was started a moment ago, which
    /// it sees by the file's length. One that leaves on its own takes that mark
    /// away; one that died leaves it, and so cannot be started in a tight loop.
    fn drop(&mut self) {
        if !self.keeps_mark {
            self.held.clear();
        }
    }
}

/// How the struggle for the session ended.
pub(super) enum Acquired {
    Lock(SessionLock),
    /// Another worker listens, and has been told to look into its spool.
    Served,
}

/// Takes the lock, or finds the worker that has it.
///
/// # Errors
/// When the lock file cannot be opened, or its holder neither listens nor
/// leaves.
pub(super) fn acquire(locations: &Locations, id: &SafeId) -> anyhow::Result<Acquired> {
    let give_up = Instant::now() + WAIT_FOR_LEAVER;
    loop {
        if let Some(lock) = try_acquire(locations, id)? {
            return Ok(Acquired::Lock(lock));
        }
        if tell_to_drain(locations, id).is_some() {
            return Ok(Acquired::Served);
        }
        anyhow::ensure!(
            Instant::now() < give_up,
            "another process holds {} and does not listen: events wait in the spool",
            locations.lock(id).display()
        );
        pause(RETRY_AFTER);
    }
}

/// Takes the lock if it is free.
///
/// # Errors
/// When the lock file cannot be opened.
pub(super) fn try_acquire(
    locations: &Locations,
    id: &SafeId,
) -> anyhow::Result<Option<SessionLock>> {
    let held = LockFile::try_take(locations.lock(id))?;
    Ok(held.map(|held| SessionLock {
        held,
        keeps_mark: false,
    }))
}

fn tell_to_drain(locations: &Locations, id: &SafeId) -> Option<()> {
    let mut stream = capture::deliver::connect_to(locations, id).ok()?;
    stream
        .set_write_timeout(Some(Duration::from_secs(1)))
        .ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    stream.write_all(&encode(&Request::Drain)).ok()?;
    let mut answer = [0; 64];
    (stream.read(&mut answer).ok()? > 0).then_some(())
}

/// A pause before the next attempt: the kernel has no wait with a deadline for
/// a file lock.
fn pause(time: Duration) {
    let (_keep, never) = mpsc::channel::<()>();
    let _ = never.recv_timeout(time);
}

/// Deletes lock files of sessions that are long over. Each is deleted while its
/// lock is held, and whoever takes a lock checks that the file is still there,
/// so no two processes can hold the "same" lock.
pub(super) fn remove_old(locations: &Locations, age: Duration) {
    let Ok(entries) = std::fs::read_dir(locations.sockets_dir()) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_lock = path
            .extension()
            .is_some_and(|extension| extension == "lock");
        let is_old = entry
            .metadata()
            .and_then(|data| data.modified())
            .is_ok_and(|at| at.elapsed().is_ok_and(|since| since > age));
        if is_lock
            && is_old
            && let Ok(file) = File::open(&path)
            && file.try_lock().is_ok()
        {
            drop(std::fs::remove_file(path.with_extension("private")));
            drop(std::fs::remove_file(&path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> (tempfile::TempDir, Locations, SafeId) {
        let directory = tempfile::tempdir().unwrap();
        let locations = Locations::new(directory.path());
        crate::lock_file::prepare_directories(&locations).unwrap();
        (directory, locations, SafeId::new("s"))
    }

    #[test]
    fn one_at_a_time_and_free_again_at_the_end() {
        let (_directory, locations, id) = world();
        let held = try_acquire(&locations, &id).unwrap().unwrap();
        assert!(try_acquire(&locations, &id).unwrap().is_none());
        let marked = std::fs::metadata(locations.lock(&id)).unwrap().len();
        assert!(marked > 0, "the holder's pid is there to be shown");
        drop(held);
        assert_eq!(std::fs::metadata(locations.lock(&id)).unwrap().len(), 0);
        assert!(try_acquire(&locations, &id).unwrap().is_some());
    }

    #[test]
    fn a_lock_whose_file_was_deleted_is_not_current() {
        let (_directory, locations, id) = world();
        let held = try_acquire(&locations, &id).unwrap().unwrap();
        assert!(held.is_current());
        std::fs::remove_file(locations.lock(&id)).unwrap();
        assert!(!held.is_current());
        let successor = try_acquire(&locations, &id).unwrap().unwrap();
        assert!(successor.is_current() && !held.is_current());
    }

    #[test]
    fn old_lock_files_go_unless_someone_holds_them() {
        let (_directory, locations, _) = world();
        let long_ago = std::time::SystemTime::now() - Duration::from_hours(1);
        let mut held = None;
        for name in ["over", "alive", "new"] {
            let id = SafeId::new(name);
            let lock = try_acquire(&locations, &id).unwrap().unwrap();
            if name == "alive" {
                held = Some(lock);
            } else {
                // Letting go touches the file; the time is what is tested.
                drop(lock);
            }
            if name != "new" {
                let file = File::options().write(true).open(locations.lock(&id));
                file.unwrap().set_modified(long_ago).unwrap();
            }
        }
        remove_old(&locations, Duration::from_mins(1));
        let exists = |name| locations.lock(&SafeId::new(name)).exists();
        assert_eq!(
            (exists("over"), exists("alive"), exists("new")),
            (false, true, true)
        );
        drop(held);
    }
}
