//! The lock of the one server of a data directory, and the file that tells
//! others about it.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use capture::settings::create_private_dir;
use sockets_protocol::Locations;

use super::{Running, SOCKET_NAME};

/// Held by the server for its whole life.
#[derive(Debug)]
pub(super) struct ServerLock {
    file: File,
    path: PathBuf,
    locations: Locations,
}

impl ServerLock {
    /// Takes the lock if it is free.
    ///
    /// # Errors
    /// When the lock file cannot be opened.
    pub(super) fn try_take(locations: &Locations) -> anyhow::Result<Option<Self>> {
        let path = locations.http_lock();
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
        let lock = Self {
            file,
            path,
            locations: locations.clone(),
        };
        // A lock on a file that was deleted meanwhile excludes nobody.
        if !lock.is_current() {
            return Ok(None);
        }
        // Whoever finds the lock held finds its holder here.
        drop(lock.file.set_len(0));
        drop((&lock.file).write_all(std::process::id().to_string().as_bytes()));
        Ok(Some(lock))
    }

    /// Whether the lock file at the path is still the one that is held.
    pub(super) fn is_current(&self) -> bool {
        match (self.file.metadata(), std::fs::metadata(&self.path)) {
            (Ok(held), Ok(found)) => held.ino() == found.ino() && held.dev() == found.dev(),
            _ => false,
        }
    }

    /// Writes the file that tells others where the server is.
    pub(super) fn publish(&self, running: &Running) -> anyhow::Result<()> {
        let path = self.locations.http_server();
        let partial = path.with_extension("pid.new");
        let written = write_private(&partial, &running.to_json().to_string())
            .and_then(|()| std::fs::rename(&partial, &path));
        written.with_context(|| format!("failed to write {}", path.display()))
    }

    /// Takes away what told others about the server, unless it is another's.
    pub(super) fn withdraw(&self) {
        if self.is_current() {
            drop(std::fs::remove_file(self.locations.http_server()));
            drop(std::fs::remove_file(
                self.locations.sockets_dir().join(SOCKET_NAME),
            ));
        }
    }
}

/// The process that holds the lock now.
pub(super) fn holder(locations: &Locations) -> Option<i32> {
    let mut file = File::open(locations.http_lock()).ok()?;
    if !matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
        return None;
    }
    let mut text = String::new();
    (&mut file).take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    file.write_all(text.as_bytes())
}

/// The directories, for their owner alone.
pub(super) fn prepare_directory(locations: &Locations) -> anyhow::Result<()> {
    for directory in [locations.data_dir().to_owned(), locations.sockets_dir()] {
        let failed = || format!("failed to prepare {}", directory.display());
        create_private_dir(&directory).with_context(failed)?;
        let found = std::fs::metadata(&directory).with_context(failed)?;
        anyhow::ensure!(
            found.uid() == nix::unistd::geteuid().as_raw(),
            "{} belongs to another user: set CLAUDE_MEM_DATA_DIR to a directory of your own",
            directory.display()
        );
        if found.mode() & 0o077 != 0 {
            let private = std::fs::Permissions::from_mode(0o700);
            std::fs::set_permissions(&directory, private).with_context(failed)?;
        }
    }
    Ok(())
}
