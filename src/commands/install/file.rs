//! Reading the settings file, and replacing it only if nobody else did.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// A chain of links longer than this goes in a circle.
const MAX_LINKS: usize = 16;

/// The file as it was when it was read.
pub(super) struct Snapshot {
    /// The file itself, behind all links.
    pub(super) path: PathBuf,
    /// `None` where there is no file.
    pub(super) bytes: Option<Vec<u8>>,
    mode: u32,
}

/// How an attempt to replace the file ended.
pub(super) enum Write {
    Done,
    /// Someone wrote to the file after it was read; it is as they left it.
    ChangedMeanwhile,
}

impl Snapshot {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let path = behind_links(path)?;
        let (bytes, mode) = match std::fs::metadata(&path) {
            Ok(metadata) if !metadata.is_file() => {
                bail!("{} is not a regular file", path.display())
            }
            Ok(metadata) => {
                let bytes = std::fs::read(&path)
                    .with_context(|| format!("failed to read {}", path.display()))?;
                (Some(bytes), metadata.permissions().mode() & 0o7777)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => (None, 0o600),
            Err(error) => {
                return Err(error).with_context(|| format!("failed to read {}", path.display()));
            }
        };
        Ok(Self { path, bytes, mode })
    }

    pub(super) fn text(&self) -> Result<&str> {
        let bytes = self.bytes.as_deref().unwrap_or_default();
        std::str::from_utf8(bytes).context("the file is not UTF-8")
    }

    /// Puts `bytes` in the file's place at once: a reader sees all of the old or all of the new.
    pub(super) fn replace(&self, bytes: &[u8]) -> Result<Write> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .with_context(|| format!("failed to create {}", directory.display()))?;
        let temporary = directory.join(format!(".claude-mem-{}.tmp", std::process::id()));
        let written = self
            .write(&temporary, bytes)
            .and_then(|()| self.take_place(&temporary));
        // After a rename there is nothing left to remove.
        std::fs::remove_file(&temporary).ok();
        let write = written.with_context(|| format!("failed to write {}", self.path.display()))?;
        if let Ok(directory) = File::open(directory) {
            directory.sync_all().ok();
        }
        Ok(write)
    }

    fn write(&self, temporary: &Path, bytes: &[u8]) -> io::Result<()> {
        // One may have been left behind by a process that died under the same number.
        std::fs::remove_file(temporary).ok();
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(temporary)?;
        file.write_all(bytes)?;
        file.set_permissions(Permissions::from_mode(self.mode))?;
        file.sync_all()
    }

    fn take_place(&self, temporary: &Path) -> io::Result<Write> {
        let Some(bytes) = &self.bytes else {
            // A link cannot replace a file that has appeared meanwhile.
            return match std::fs::hard_link(temporary, &self.path) {
                Ok(()) => Ok(Write::Done),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    Ok(Write::ChangedMeanwhile)
                }
                // Not every file system has hard links.
                Err(_) => std::fs::rename(temporary, &self.path).map(|()| Write::Done),
            };
        };
        if std::fs::read(&self.path).ok().as_ref() != Some(bytes) {
            return Ok(Write::ChangedMeanwhile);
        }
        std::fs::rename(temporary, &self.path).map(|()| Write::Done)
    }
}

/// The file that a path leads to, even where it does not exist yet.
fn behind_links(path: &Path) -> Result<PathBuf> {
    let mut path =
        std::path::absolute(path).with_context(|| format!("failed to find {}", path.display()))?;
    for _ in 0..MAX_LINKS {
        let Ok(target) = std::fs::read_link(&path) else {
            return Ok(path);
        };
        path = path.parent().unwrap_or(Path::new("/")).join(target);
    }
    bail!("{} is a link that leads nowhere", path.display())
}
