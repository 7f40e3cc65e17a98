//! One line in `logs/hooks.log` for what a hook could not do. A hook's stderr
//! is not read by anyone, and its stdout belongs to the host.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::{SystemTime, UNIX_EPOCH};

use sockets_protocol::Locations;

/// The log starts anew, with one old copy kept, when it reaches this size.
const MAX_BYTES: u64 = 1 << 20;

/// Adds a line; failing to is of no consequence. `what` must not contain
/// anything that was captured.
pub(crate) fn note(locations: &Locations, what: &str) {
    let directory = locations.logs_dir();
    if crate::settings::create_private_dir(&directory).is_err() {
        return;
    }
    let path = directory.join("hooks.log");
    if std::fs::metadata(&path).is_ok_and(|file| file.len() > MAX_BYTES) {
        drop(std::fs::rename(&path, directory.join("hooks.log.1")));
    }
    let at = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    if let Ok(mut file) = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
    {
        drop(file.write_all(format!("{at} {what}\n").as_bytes()));
    }
}
