//! Whether the data directory can be written to.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::statvfs::statvfs;
use nix::unistd::{AccessFlags, access, geteuid};

use super::stall::Stall;

/// Below this a worker cannot even write its WAL: one commit takes some pages,
/// a checkpoint a few megabytes.
const MIN_FREE_BYTES: u64 = 4 * 1024 * 1024;

/// Whether files can be made in the directory, or it can be made. One that
/// belongs to someone else is not written to, whatever it allows.
pub fn is_writable(directory: &Path) -> bool {
    let ours = |place: &Path| {
        place != directory || fs::metadata(place).is_ok_and(|data| data.uid() == geteuid().as_raw())
    };
    nearest_existing(directory)
        .is_some_and(|place| place.is_dir() && ours(place) && may(place, AccessFlags::W_OK).is_ok())
}

/// What keeps workers and hooks from writing, if anything does. A directory
/// that does not exist yet is fine where it can be made.
pub(super) fn problem(directory: &Path) -> Option<Stall> {
    let shown = directory.display();
    let metadata = match fs::metadata(directory) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return cannot_be_made(directory),
        Err(error) => {
            return Some(Stall::new(
                format!("the data directory {shown} cannot be read: {error}"),
                "give your user access to it, or set CLAUDE_MEM_DATA_DIR to another directory",
            ));
        }
    };
    if !metadata.is_dir() {
        return Some(Stall::new(
            format!("the data directory {shown} is not a directory"),
            "move that file away, or set CLAUDE_MEM_DATA_DIR to another directory",
        ));
    }
    let user = geteuid().as_raw();
    if metadata.uid() != user {
        return Some(Stall::new(
            format!(
                "the data directory {shown} belongs to user {} and you are user {user}",
                metadata.uid()
            ),
            "set CLAUDE_MEM_DATA_DIR to a directory of your own",
        ));
    }
    if let Err(error) = may(directory, AccessFlags::W_OK | AccessFlags::X_OK) {
        return Some(Stall::new(
            format!(
                "the data directory {shown} cannot be written to: {}",
                error.desc()
            ),
            "give your user write access to it, or set CLAUDE_MEM_DATA_DIR to another directory",
        ));
    }
    is_full(directory).then(|| {
        Stall::new(
            format!("the disk of {shown} is full"),
            "free some space: hooks and workers go on by themselves",
        )
    })
}

fn cannot_be_made(directory: &Path) -> Option<Stall> {
    let above = nearest_existing(directory)?;
    let error = if above.is_dir() {
        may(above, AccessFlags::W_OK | AccessFlags::X_OK).err()?
    } else {
        Errno::ENOTDIR
    };
    Some(Stall::new(
        format!(
            "the data directory {} cannot be made in {}: {}",
            directory.display(),
            above.display(),
            error.desc()
        ),
        "make it yourself, or set CLAUDE_MEM_DATA_DIR to another directory",
    ))
}

fn nearest_existing(directory: &Path) -> Option<&Path> {
    directory.ancestors().find(|place| place.exists())
}

/// Asks the kernel, which knows of read-only mounts as well as of modes.
fn may(place: &Path, what: AccessFlags) -> Result<(), Errno> {
    access(place, what)
}

fn is_full(directory: &Path) -> bool {
    #[cfg_attr(
        target_os = "linux",
        expect(
            clippy::useless_conversion,
            reason = "the widths of these fields differ between systems"
        )
    )]
    statvfs(directory).is_ok_and(|disk| {
        let free =
            u64::from(disk.blocks_available()).saturating_mul(u64::from(disk.fragment_size()));
        // Some network and pseudo file systems report no size at all.
        disk.blocks() > 0 && free < MIN_FREE_BYTES
    })
}
