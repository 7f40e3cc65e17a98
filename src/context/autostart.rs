//! The HTTP server is there when a session is.

use std::fs::{File, TryLockError};
use std::process::{Command, Stdio};

use serde_json::Value;
use sockets_protocol::Locations;

/// Starts the server of this data directory, unless one of this version serves.
/// Two that start at once are settled by the server's lock; whether an older
/// one hands over is settled by the new one. That none could be started is no
/// matter of the session's.
pub(super) fn start(locations: &Locations) {
    if is_served(locations) {
        return;
    }
    let Ok(program) = capture::deliver::worker_binary() else {
        return;
    };
    drop(
        Command::new(program)
            .args(["serve", "--detached"])
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn(),
    );
}

fn is_served(locations: &Locations) -> bool {
    let lock = File::open(locations.http_lock());
    if !lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock))) {
        return false;
    }
    let told = std::fs::read(locations.http_server()).unwrap_or_default();
    // One that is just starting has told nothing yet.
    serde_json::from_slice::<Value>(&told)
        .map_or(true, |told| told["version"] == env!("CARGO_PKG_VERSION"))
}
