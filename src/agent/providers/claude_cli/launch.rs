//! Starting Claude Code so that nothing of the user's reaches it but the login,
//! and ending it.

use std::fs::DirBuilder;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::net::unix::pipe;

use crate::agent::model::Request;
use crate::agent::providers::ClaudeCli;

/// The supervisor has until then to end everything before it is ended itself:
/// twice the time that it gives its own child.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often a process that is about to end is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// How much later than the call's own deadline the supervisor's is: it counts
/// only where the caller is no more able to act on its own.
const MARGIN: Duration = Duration::from_secs(15);

/// Answers, no tools, nothing of the user's settings (and so no hooks and no
/// plugins), no servers, no record of a session, no commands.
const ARGUMENTS: [&str; 13] = [
    "-p",
    "--input-format",
    "stream-json",
    "--output-format",
    "stream-json",
    "--verbose",
    "--tools",
    "",
    "--setting-sources",
    "",
    "--strict-mcp-config",
    "--no-session-persistence",
    "--disable-slash-commands",
];

/// The settings of this call. Without the user's own, a Claude Code that tidies
/// up must not do so by a default and delete sessions that the user keeps.
const SETTINGS: &str = r#"{"cleanupPeriodDays":36500,"disableAllHooks":true}"#;

/// What is always set: nothing that thinks, tries again, or talks to anyone but
/// the model, and the mark that ends every hook of ours.
const VARIABLES: [(&str, &str); 10] = [
    ("CLAUDE_MEM_INTERNAL", "1"),
    ("MAX_THINKING_TOKENS", "0"),
    ("CLAUDE_CODE_MAX_RETRIES", "0"),
    ("CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK", "1"),
    ("CLAUDE_CODE_DISABLE_AUTO_MEMORY", "1"),
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ("DISABLE_AUTOUPDATER", "1"),
    ("DISABLE_TELEMETRY", "1"),
    ("DISABLE_ERROR_REPORTING", "1"),
    ("DISABLE_BUG_COMMAND", "1"),
];

/// A supervisor and, in its process group, Claude Code. Dropping it ends them.
pub(super) struct Running {
    /// `None` when it has been waited for.
    child: Option<Child>,
    group: Pid,
    status: Option<ExitStatus>,
}

/// The three ends that are ours.
pub(super) struct Pipes {
    pub(super) stdin: pipe::Sender,
    pub(super) stdout: pipe::Receiver,
    pub(super) stderr: pipe::Receiver,
}

/// Starts `claude`. To be called within a tokio runtime.
pub(super) fn start(
    claude: &Path,
    config: &ClaudeCli,
    request: &Request,
    timeout: Duration,
) -> io::Result<(Running, Pipes)> {
    prepare(&config.directory)?;
    let mut child = command(claude, config, request, timeout).spawn()?;
    let pipes = pipes(&mut child);
    // Whatever the pipes came to, from here on it is ended.
    let group = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
    let running = Running {
        child: Some(child),
        group,
        status: None,
    };
    Ok((running, pipes?))
}

fn command(claude: &Path, config: &ClaudeCli, request: &Request, timeout: Duration) -> Command {
    let mut command = Command::new(&config.supervisor);
    command
        .env_clear()
        .envs(&config.environment)
        .envs(VARIABLES)
        .env(
            "CLAUDE_CODE_MAX_OUTPUT_TOKENS",
            request.max_output_tokens.to_string(),
        )
        .env("API_TIMEOUT_MS", timeout.as_millis().to_string())
        .arg("supervise")
        .args(["--parent", &std::process::id().to_string()])
        .args(["--deadline", &(timeout + MARGIN).as_secs().to_string()])
        .arg("--")
        .arg(claude)
        .args(ARGUMENTS)
        .args(["--settings", SETTINGS])
        .args(["--model", &request.model])
        .arg("--system-prompt")
        .arg(request.system.replace('\0', " "))
        .current_dir(&config.directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    command
}

/// Makes the directory if it is not there, for nobody else to look into.
fn prepare(directory: &Path) -> io::Result<()> {
    let named = |error: io::Error| {
        io::Error::new(error.kind(), format!("{}: {error}", directory.display()))
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(named)?;
    let metadata = std::fs::metadata(directory).map_err(named)?;
    if metadata.permissions().mode() & 0o077 != 0 {
        let private = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(directory, private).map_err(named)?;
    }
    Ok(())
}

fn pipes(child: &mut Child) -> io::Result<Pipes> {
    let missing = || io::Error::other("a pipe is missing");
    let stdin = child.stdin.take().ok_or_else(missing)?;
    let stdout = child.stdout.take().ok_or_else(missing)?;
    let stderr = child.stderr.take().ok_or_else(missing)?;
    Ok(Pipes {
        stdin: pipe::Sender::from_owned_fd(OwnedFd::from(stdin))?,
        stdout: pipe::Receiver::from_owned_fd(OwnedFd::from(stdout))?,
        stderr: pipe::Receiver::from_owned_fd(OwnedFd::from(stderr))?,
    })
}

impl Running {
    /// Waits for the end, but not longer than this. `None` if it has not come, or
    /// nobody knows how.
    pub(super) async fn wait(&mut self, at_most: Duration) -> Option<ExitStatus> {
        let give_up = Instant::now() + at_most;
        while !self.has_ended() && Instant::now() < give_up {
            tokio::time::sleep(LOOK).await;
        }
        self.status
    }

    /// Ends everything, and returns when it has ended.
    pub(super) async fn end(mut self) {
        if !self.has_ended() {
            signal(self.group, Signal::SIGTERM);
            // If that was not enough, the drop goes on.
            self.wait(PATIENCE).await;
        }
    }

    /// Whether the supervisor has ended; what is left of its group then ends too.
    pub(super) fn has_ended(&mut self) -> bool {
        let Some(child) = &mut self.child else {
            return true;
        };
        match child.try_wait() {
            Ok(None) => return false,
            Ok(Some(status)) => self.status = Some(status),
            // Where nobody is told of the end of children, it has been.
            Err(_) => {}
        }
        self.child = None;
        // A supervisor that was killed could not look after its group, which
        // keeps its number as long as anyone is in it.
        if self.status.is_none_or(|status| status.signal().is_some()) {
            signal(self.group, Signal::SIGKILL);
        }
        true
    }
}

impl Drop for Running {
    /// Asks first, so that Claude Code can tidy up after itself, and makes sure
    /// on a thread of its own, since nobody waits here.
    fn drop(&mut self) {
        if self.has_ended() {
            return;
        }
        let Some(child) = self.child.take() else {
            return;
        };
        let group = self.group;
        signal(group, Signal::SIGTERM);
        let name = "claude-cli-end".to_owned();
        let ending = std::thread::Builder::new()
            .name(name)
            .spawn(move || make_sure(child, group));
        if ending.is_err() {
            signal(group, Signal::SIGKILL);
        }
    }
}

/// Waits for a supervisor that was asked to end, and ends it if it does not.
fn make_sure(mut child: Child, group: Pid) {
    let give_up = Instant::now() + PATIENCE;
    while Instant::now() < give_up {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::park_timeout(LOOK);
    }
    signal(group, Signal::SIGKILL);
    drop(child.wait());
}

/// To the whole group.
fn signal(group: Pid, signal: Signal) {
    let _ = killpg(group, signal);
    // A process that has been stopped hears nothing.
    let _ = killpg(group, Signal::SIGCONT);
}
