//! Starting, finding and ending the server from another process.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use sockets_protocol::Locations;

use super::Options;
use super::lock::{self, ServerLock};

/// How long a server may take to end when it is asked to.
const END: Duration = Duration::from_secs(5);

/// How long a server in the background may take until it answers.
const START: Duration = Duration::from_secs(10);

const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A server that serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    pub pid: i32,
    pub port: u16,
    pub version: String,
    pub relay: bool,
}

/// What a start came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Started {
    New(Running),
    /// It served already.
    Already(Running),
}

impl Running {
    pub(super) fn here(port: u16, relay: bool) -> Self {
        Self {
            pid: i32::try_from(std::process::id()).unwrap_or_default(),
            port,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            relay,
        }
    }

    /// Where its viewer is.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn to_json(&self) -> Value {
        json!({ "pid": self.pid, "port": self.port, "version": self.version, "relay": self.relay })
    }

    fn from_json(value: &Value) -> Option<Self> {
        Some(Self {
            pid: i32::try_from(value["pid"].as_i64()?).ok()?,
            port: u16::try_from(value["port"].as_u64()?).ok()?,
            version: value["version"].as_str()?.to_owned(),
            relay: value["relay"].as_bool().unwrap_or_default(),
        })
    }

    fn is_older_than_this(&self) -> bool {
        version(&self.version) < version(env!("CARGO_PKG_VERSION"))
    }
}

/// The numbers of a version; what cannot be read is old.
fn version(text: &str) -> Vec<u64> {
    let numbers = text.split(['.', '-', '+']).take(3);
    numbers.map(|part| part.parse().unwrap_or(0)).collect()
}

/// The server of this data directory, if it lives. What stands in the file
/// counts only while somebody holds the lock.
pub fn running(locations: &Locations) -> Option<Running> {
    let pid = lock::holder(locations)?;
    let text = std::fs::read_to_string(locations.http_server()).ok()?;
    let running = Running::from_json(&serde_json::from_str(&text).ok()?)?;
    (running.pid == pid).then_some(running)
}

/// Ends the server; what it was, or `None` where there was none.
///
/// # Errors
/// When it does not end.
pub fn stop(locations: &Locations) -> anyhow::Result<Option<i32>> {
    let Some(pid) = lock::holder(locations) else {
        return Ok(None);
    };
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        // Its lock is held, so the process that wrote its number lives.
        if lock::holder(locations) != Some(pid) {
            return Ok(Some(pid));
        }
        kill(Pid::from_raw(pid), signal)
            .with_context(|| format!("failed to end the server, process {pid}"))?;
        if wait_for(END, || lock::holder(locations) != Some(pid)) {
            return Ok(Some(pid));
        }
    }
    bail!("the server, process {pid}, does not end")
}

/// Starts a server in the background, unless one serves; an older one hands
/// over.
///
/// # Errors
/// When it cannot be started, or cannot serve: with its reason.
pub fn start(locations: &Locations, options: &Options) -> anyhow::Result<Started> {
    if let Some(running) = running(locations).filter(|running| !running.is_older_than_this()) {
        return Ok(Started::Already(running));
    }
    let program = std::env::current_exe().context("failed to find claude-mem itself")?;
    let mut command = Command::new(&program);
    command.args(["serve", "--detached"]);
    if let Some(port) = options.port {
        command.args(["--port", &port.to_string()]);
    }
    if options.relay {
        command.arg("--relay");
    }
    let mut child = command
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("failed to start {}", program.display()))?;
    let told = child.stdout.take().context("the server has no stdout")?;
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        drop(BufReader::new(told).read_line(&mut line));
        drop(send.send(line));
    });
    let line = receive.recv_timeout(START).map_err(|_| {
        anyhow!("the server does not say whether it serves: see `claude-mem serve logs`")
    })?;
    let told: Value = serde_json::from_str(&line)
        .map_err(|_| anyhow!("the server ended at once: see `claude-mem serve logs`"))?;
    if let Some(new) = Running::from_json(&told) {
        return Ok(Started::New(new));
    }
    // Someone else may have been faster.
    if let Some(running) = running(locations) {
        return Ok(Started::Already(running));
    }
    bail!(
        "{}",
        told["error"].as_str().unwrap_or("the server cannot serve")
    )
}

/// The lock, for the process that is going to serve. A server of an older
/// version is asked to end, and its port is taken over.
pub(super) fn take_over(locations: &Locations) -> anyhow::Result<ServerLock> {
    let give_up = Instant::now() + END;
    loop {
        if let Some(lock) = ServerLock::try_take(locations)? {
            return Ok(lock);
        }
        match running(locations) {
            Some(old) if old.is_older_than_this() => {
                tracing::info!(pid = old.pid, version = old.version, "taking over");
                stop(locations)?;
            }
            Some(other) => bail!(
                "a server is running already at {}, process {}",
                other.address(),
                other.pid
            ),
            // It is just starting or just leaving.
            None if Instant::now() < give_up => pause(LOOK_AGAIN),
            None => bail!(
                "another process holds the server's lock and does not serve: see `claude-mem serve logs`"
            ),
        }
    }
}

fn wait_for(time: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let give_up = Instant::now() + time;
    while !condition() {
        if Instant::now() > give_up {
            return false;
        }
        pause(LOOK_AGAIN);
    }
    true
}

/// A pause before the next look: the kernel has no wait with a deadline for a
/// file lock.
fn pause(time: Duration) {
    let (_keep, never) = mpsc::channel::<()>();
    let _ = never.recv_timeout(time);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert!(version("0.9.1") < version("0.10.0"));
        assert!(version("0.1.0-beta") == version("0.1.0"));
        assert!(version("nonsense") < version("0.0.1"));
        let here = Running::here(1, false);
        assert!(!here.is_older_than_this());
        assert_eq!(Running::from_json(&here.to_json()), Some(here));
    }
}
