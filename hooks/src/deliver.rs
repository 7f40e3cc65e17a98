//! Handing an event over: to the session's worker over its socket, and if none
//! takes it in time, to the spool, with a worker started to fetch it.
//!
//! Why a spooled event cannot be forgotten: a worker binds its socket and then
//! looks into its spool; when it leaves it unlinks the socket, looks again,
//! lets go of the lock, and looks once more. A hook writes its spool file first
//! and then looks for a worker (socket, then lock). Whichever way the two
//! interleave, either the worker sees the file or the hook sees no worker and
//! starts one.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use sockets_protocol::{
    Ack, Locations, Reply, Request, SUN_PATH_MAX, SafeId, SpoolRecord, encode, spool_file_name,
};

use crate::settings::{create_private_dir, write_beside};

/// A worker that was started this short a time ago is still on its way; one
/// that dies at once is not started again more often than this.
const START_AGAIN_AFTER: Duration = Duration::from_millis(250);

/// A worker takes an emptied spool directory away, which can happen between
/// making it and writing into it; that often in a row it cannot.
const SPOOL_ATTEMPTS: usize = 64;

/// What became of an event.
#[derive(Debug)]
pub enum Delivery {
    /// Committed by the worker.
    Acked(Ack),
    /// In the spool; the next worker of the session fetches it.
    Spooled,
    /// Neither was possible, for this reason.
    Lost(String),
}

/// Delivers `request` of `session`. `at` (epoch milliseconds) and `event_id`
/// name its spool file. The worker has until `ack_by` to answer.
pub fn deliver(
    locations: &Locations,
    session: &str,
    request: &Request,
    at: i64,
    event_id: &str,
    ack_by: Instant,
) -> Delivery {
    if let Err(reason) = check_owner(locations.data_dir()) {
        return Delivery::Lost(reason);
    }
    let id = SafeId::new(session);
    let line = encode(request);
    if let Some(ack) = send(locations, &id, &line, ack_by) {
        return Delivery::Acked(ack);
    }
    if Instant::now() >= ack_by {
        crate::patience::reserve_for_spool();
    }
    let file = match spool(locations, session, &id, request, at, event_id) {
        Ok(file) => file,
        Err(error) => {
            return Delivery::Lost(format!(
                "failed to spool an event under {}: {error}",
                locations.spool_root().display()
            ));
        }
    };
    // A worker may have begun to listen since, and already have looked into
    // its spool.
    if let Some(ack) = send(locations, &id, &line, ack_by) {
        drop(fs::remove_file(file));
        return Delivery::Acked(ack);
    }
    if let Err(reason) = start_worker(locations, session, &id) {
        crate::log::note(locations, &reason);
    }
    Delivery::Spooled
}

/// The executable that workers are started from: `claude-mem` beside the
/// running one.
pub fn worker_binary() -> std::io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name("claude-mem"))
}

/// Opens a connection to the session's socket without ever waiting: a worker
/// whose queue of connections is full counts as no worker.
///
/// # Errors
/// When nobody listens, or the path cannot be put into a socket address.
pub fn connect_to(locations: &Locations, id: &SafeId) -> std::io::Result<UnixStream> {
    let (path, _directory) = short_path(&locations.sockets_dir(), &Locations::socket_name(id))?;
    let address = UnixAddr::new(&path)?;
    let socket: OwnedFd = socket(
        AddressFamily::Unix,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
        None,
    )?;
    connect(socket.as_raw_fd(), &address)?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// A path to `name` in `directory` that fits into a socket address, which holds
/// about 100 bytes however deep a home directory lies. A longer one goes through
/// the directory's descriptor, which must stay open while the path is used.
///
/// # Errors
/// When the directory cannot be opened; on systems other than Linux also when
/// the path is too long, with the limit in the message.
pub fn short_path(directory: &Path, name: &str) -> std::io::Result<(PathBuf, Option<File>)> {
    let path = directory.join(name);
    if path.as_os_str().len() <= SUN_PATH_MAX {
        return Ok((path, None));
    }
    if cfg!(target_os = "linux") {
        let opened = File::open(directory)?;
        let short = PathBuf::from(format!("/proc/self/fd/{}/{name}", opened.as_raw_fd()));
        return Ok((short, Some(opened)));
    }
    Err(std::io::Error::new(
        ErrorKind::InvalidInput,
        format!(
            "the socket path {} has {} bytes, and a socket address holds {SUN_PATH_MAX}: set CLAUDE_MEM_DATA_DIR to a shorter path",
            path.display(),
            path.as_os_str().len()
        ),
    ))
}

fn send(locations: &Locations, id: &SafeId, line: &[u8], by: Instant) -> Option<Ack> {
    let mut stream = connect_to(locations, id).ok()?;
    stream.set_write_timeout(Some(left(by)?)).ok()?;
    stream.write_all(line).ok()?;
    let mut answer = Vec::with_capacity(256);
    let mut chunk = [0; 1024];
    while !answer.contains(&b'\n') {
        stream.set_read_timeout(Some(left(by)?)).ok()?;
        match stream.read(&mut chunk) {
            Ok(0) => return None,
            Ok(count) => answer.extend_from_slice(&chunk[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    match serde_json::from_slice(answer.split(|byte| *byte == b'\n').next()?) {
        Ok(Reply::Ack(ack)) => Some(ack),
        _ => None,
    }
}

fn left(by: Instant) -> Option<Duration> {
    by.checked_duration_since(Instant::now())
        .filter(|left| !left.is_zero())
}

/// Nothing is sent or written into a directory of someone else, who could have
/// put a socket of their own there. A directory of ours that others can enter
/// is closed to them.
pub(crate) fn check_owner(data_dir: &Path) -> Result<(), String> {
    let Ok(metadata) = fs::metadata(data_dir) else {
        return Ok(());
    };
    if !metadata.is_dir() {
        return Err(format!("{} is not a directory", data_dir.display()));
    }
    if metadata.uid() != nix::unistd::geteuid().as_raw() {
        return Err(format!("{} belongs to another user", data_dir.display()));
    }
    if metadata.mode() & 0o077 != 0 {
        drop(fs::set_permissions(
            data_dir,
            fs::Permissions::from_mode(0o700),
        ));
    }
    Ok(())
}

fn spool(
    locations: &Locations,
    session: &str,
    id: &SafeId,
    request: &Request,
    at: i64,
    event_id: &str,
) -> std::io::Result<PathBuf> {
    let directory = locations.spool_dir(id);
    create_private_dir(locations.data_dir())?;
    create_private_dir(&locations.spool_root())?;
    let record = SpoolRecord {
        session: session.to_owned(),
        message: serde_json::to_value(request)?,
    };
    let bytes = encode(&record);
    let target = directory.join(spool_file_name(at, event_id));
    let mut attempts = 0..SPOOL_ATTEMPTS;
    let (file, partial) = loop {
        match create_private_dir(&directory).and_then(|()| write_beside(&target, &bytes)) {
            Err(error) if error.kind() == ErrorKind::NotFound && attempts.next().is_some() => {}
            written => break written?,
        }
    };
    drop(file);
    fs::rename(&partial, &target).inspect_err(|_| drop(fs::remove_file(&partial)))?;
    Ok(target)
}

/// Starts a worker for the session, unless one holds its lock or was started a
/// moment ago. The worker detaches itself; here it only gets nothing of ours.
///
/// # Errors
/// When it cannot be started, with the reason in words.
pub fn start_worker(locations: &Locations, session: &str, id: &SafeId) -> Result<(), String> {
    create_private_dir(&locations.sockets_dir()).map_err(|error| {
        format!(
            "failed to create {}: {error}",
            locations.sockets_dir().display()
        )
    })?;
    let lock = locations.lock(id);
    let file = crate::settings::open_lock(&lock)
        .map_err(|error| format!("failed to open {}: {error}", lock.display()))?;
    if file.try_lock_shared().is_err() {
        return Ok(());
    }
    let now = SystemTime::now();
    let started = file.metadata().and_then(|data| data.modified()).ok();
    let just_started = file.metadata().is_ok_and(|data| data.len() > 0)
        && started.is_some_and(|at| {
            // A time to come is from before the clock was set back.
            now.duration_since(at)
                .is_ok_and(|since| since < START_AGAIN_AFTER)
        });
    if just_started {
        return Ok(());
    }
    // A first byte tells a lock file that has seen a start from a new one.
    drop((&file).write_all(b"."));
    drop(file.set_len(1));
    drop(file.set_modified(now));
    drop(file);
    let binary = worker_binary().map_err(|error| format!("failed to find claude-mem: {error}"))?;
    Command::new(&binary)
        .args([
            OsStr::new("worker"),
            OsStr::new("--detached"),
            OsStr::new("--"),
        ])
        .arg(session)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(drop)
        .map_err(|error| {
            format!(
                "failed to start {}: {error}; events stay in the spool until a worker runs",
                binary.display()
            )
        })
}
