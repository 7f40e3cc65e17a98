//! The lock of the one server of a data directory, and the file that tells
//! others about it.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::Context as _;
use sockets_protocol::Locations;

use super::{Running, SOCKET_NAME};
use crate::lock_file::LockFile;

/// Held by the server for its whole life.
#[derive(Debug)]
pub(super) struct ServerLock {
    held: LockFile,
    locations: Locations,
}

impl ServerLock {
    /// Takes the lock if it is free.
    ///
    /// # Errors
    /// When the lock file cannot be opened.
    pub(super) fn try_take(locations: &Locations) -> anyhow::Result<Option<Self>> {
        let held = LockFile::try_take(locations.http_lock())?;
        Ok(held.map(|held| Self {
            held,
            locations: locations.clone(),
        }))
    }

    /// Whether the lock file at the path is still the one that is held.
    pub(super) fn is_current(&self) -> bool {
        self.held.is_current()
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
