//! The user's own `claude` as a pure function: a text goes in, a text comes out.
//!
//! Each call is a process of its own. One that is kept would save 0.45 s and
//! 0.4 s of processor time a call, but it resends the whole conversation every
//! time (ten turns of 8 KB: 24,000 tokens of input in the tenth, instead of
//! 2,400) and keeps 220 MB between calls.
//!
//! `claude-mem supervise` stands between: with it the process cannot outlive
//! whoever asked, see there.

mod conversation;
mod launch;
mod lines;
mod message;
mod verdict;

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::agent::model::{Asking, Failure, Provider, Reason, Reply, Request};

use super::ClaudeCli;
use launch::{Pipes, Running};

/// What Claude Code 2.1.197 adds to a request: 443 bytes (its name, its billing
/// line, the date with a remark about it), our opening and lead 73. The rest is
/// room for other versions, such as the ones that tell the user's address.
const OVERHEAD: u32 = 1000;

/// Longest instructions, in bytes: one argument of a process has 128 KiB on
/// Linux, and its zero at the end counts.
const MAX_SYSTEM: usize = 120 * 1024;

/// What is kept of a child's complaints.
const MAX_STDERR: usize = 4096;

/// How often it is looked whether the supervisor is still there.
const LOOK: Duration = Duration::from_millis(200);

/// After the answer a child needs 30 ms to end; this is for a busy machine.
const FAREWELL: Duration = Duration::from_secs(2);

/// What a shell, and the supervisor, exit with when the program is not there.
const NOT_FOUND: i32 = 127;

/// See the module.
#[derive(Debug)]
pub(super) struct ClaudeCliProvider {
    config: ClaudeCli,
    timeout: Duration,
}

/// The executable that a call would run. It is looked for each time, because
/// Claude Code replaces itself.
pub(super) fn find(config: &ClaudeCli) -> Option<PathBuf> {
    if let Some(path) = &config.path {
        return is_executable(path).then(|| path.clone());
    }
    config
        .search
        .iter()
        // A relative entry of PATH would mean the child's directory.
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join("claude"))
        .find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path)
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

impl Provider for ClaudeCliProvider {
    fn name(&self) -> &'static str {
        "claude-cli"
    }

    fn overhead_tokens(&self) -> u32 {
        OVERHEAD
    }

    /// The CLI itself asks for the rest of an answer that was cut off, up to
    /// three times (observed with 2.1.197), each time with all that came before.
    fn most_tokens(&self, request: &Request) -> u64 {
        let once = request.most_tokens(self.overhead_tokens());
        let answers = u64::from(request.max_output_tokens);
        once.saturating_mul(4)
            .saturating_add(answers.saturating_mul(6))
    }

    fn ask<'a>(&'a self, request: &'a Request) -> Asking<'a> {
        Box::pin(self.ask_once(request))
    }
}

impl ClaudeCliProvider {
    /// `timeout` is for one call, from the start of its process.
    pub(super) fn new(config: &ClaudeCli, timeout: Duration) -> Self {
        Self {
            config: config.clone(),
            timeout,
        }
    }

    async fn ask_once(&self, request: &Request) -> Result<Reply, Failure> {
        let claude = find(&self.config).ok_or_else(|| self.missing())?;
        if request.system.len() > MAX_SYSTEM {
            let words = format!(
                "the instructions have {} bytes, a command line holds {MAX_SYSTEM}",
                request.system.len()
            );
            return Err(Failure::new(Reason::BadRequest, &words).untried());
        }
        let (mut running, pipes) = launch::start(&claude, &self.config, request, self.timeout)
            .map_err(|error| self.not_started(&error))?;
        let talk = tokio::time::timeout(self.timeout, talk(&mut running, pipes, request)).await;
        match talk {
            Ok(Ok(reply)) => {
                running.wait(FAREWELL).await;
                Ok(reply)
            }
            Ok(Err(failure)) => {
                running.end().await;
                Err(failure)
            }
            Err(_) => {
                running.end().await;
                let words = format!("claude has not answered within {:?}", self.timeout);
                Err(Failure::new(Reason::Timeout, &words))
            }
        }
    }

    fn missing(&self) -> Failure {
        let words = match &self.config.path {
            Some(path) => format!("{} is not an executable file", path.display()),
            None => "there is no claude in PATH or where it is usually installed".to_owned(),
        };
        Failure::new(Reason::BinaryMissing, &words).untried()
    }

    fn not_started(&self, error: &io::Error) -> Failure {
        let supervisor = &self.config.supervisor;
        let reason = if supervisor.exists() {
            Reason::ChildDied
        } else {
            Reason::BinaryMissing
        };
        let words = format!("cannot start {}: {error}", supervisor.display());
        Failure::new(reason, &words).untried()
    }
}

/// The conversation, with an ear for what the child complains about.
async fn talk(running: &mut Running, pipes: Pipes, request: &Request) -> Result<Reply, Failure> {
    let mut complaints = Vec::new();
    let status = {
        let listen = listen(pipes.stderr, &mut complaints);
        let hold = conversation::hold(pipes.stdin, pipes.stdout, request);
        tokio::pin!(listen, hold);
        let mut listening = true;
        let outcome = loop {
            tokio::select! {
                outcome = &mut hold => break outcome?,
                () = &mut listen, if listening => listening = false,
                // The end of the supervisor is the end of all that holds the
                // other side of a pipe.
                () = tokio::time::sleep(LOOK) => { running.has_ended(); }
            }
        };
        if let Some(reply) = outcome {
            return Ok(reply);
        }
        let status = running.wait(FAREWELL).await;
        // Whatever was said last is in the pipe.
        if listening {
            drop(tokio::time::timeout(LOOK, listen).await);
        }
        status
    };
    Err(died(status, &complaints))
}

/// Keeps the first words and reads on, so that nobody waits for us to.
async fn listen(mut stderr: impl AsyncRead + Unpin, complaints: &mut Vec<u8>) {
    let mut chunk = [0; 1024];
    while let Ok(read @ 1..) = stderr.read(&mut chunk).await {
        let room = MAX_STDERR.saturating_sub(complaints.len());
        complaints.extend_from_slice(chunk.get(..read.min(room)).unwrap_or_default());
    }
}

fn died(status: Option<ExitStatus>, complaints: &[u8]) -> Failure {
    let words = String::from_utf8_lossy(complaints);
    let end = match status {
        Some(status) => format!("claude ended without an answer ({status})"),
        None => "claude closed its output without an answer".to_owned(),
    };
    let reason = match status.and_then(|status| status.code()) {
        Some(NOT_FOUND) => Reason::BinaryMissing,
        _ => verdict::of_answer(&words).unwrap_or(Reason::ChildDied),
    };
    Failure::new(reason, &format!("{end}: {words}"))
}
