//! Lock files: which one process serves a session, or a data directory. The
//! kernel lets go of a lock when its holder dies, however it dies, so nothing
//! can be left behind.

use std::fs::{File, Metadata};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::PathBuf;

use anyhow::Context as _;
use capture::settings::create_private_dir;
use sockets_protocol::Locations;

/// A lock that is held until this is dropped. Its file holds the id of the
/// process, to be shown: nothing is ever signalled by that alone.
#[derive(Debug)]
pub(crate) struct LockFile {
    file: File,
    path: PathBuf,
}

impl LockFile {
    /// Takes the lock if it is free.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(crate) fn try_take(path: PathBuf) -> anyhow::Result<Option<Self>> {
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("failed to open {}", path.display()))?;
        if file.try_lock().is_err() {
            return Ok(None);
        }
        let lock = Self { file, path };
        // A lock on a file that was deleted meanwhile excludes nobody.
        if !lock.is_current() {
            return Ok(None);
        }
        lock.clear();
        drop((&lock.file).write_all(std::process::id().to_string().as_bytes()));
        Ok(Some(lock))
    }

    /// Whether the file at the path is still the one that is held. It is not
    /// when someone has deleted it, and then its socket may be another's.
    pub(crate) fn is_current(&self) -> bool {
        let identity = |data: Metadata| (data.dev(), data.ino());
        match (self.file.metadata(), std::fs::metadata(&self.path)) {
            (Ok(held), Ok(found)) => identity(held) == identity(found),
            _ => false,
        }
    }

    /// Takes the process's id out of the file.
    pub(crate) fn clear(&self) {
        drop(self.file.set_len(0));
    }
}

/// The directories of the data, the sockets and the locks, for their owner
/// alone.
///
/// # Errors
/// When they cannot be made or protected, or belong to someone else.
pub(crate) fn prepare_directories(locations: &Locations) -> anyhow::Result<()> {
    for directory in [locations.data_dir().to_owned(), locations.sockets_dir()] {
        let failed = |what| format!("failed to {what} {}", directory.display());
        create_private_dir(&directory).with_context(|| failed("create"))?;
        let found = std::fs::metadata(&directory).with_context(|| failed("inspect"))?;
        anyhow::ensure!(
            found.uid() == nix::unistd::geteuid().as_raw(),
            "{} belongs to another user: set CLAUDE_MEM_DATA_DIR to a directory of your own",
            directory.display()
        );
        if found.mode() & 0o777 != 0o700 {
            let private = std::fs::Permissions::from_mode(0o700);
            std::fs::set_permissions(&directory, private).with_context(|| failed("protect"))?;
        }
    }
    Ok(())
}
