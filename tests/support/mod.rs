//! A world of its own for each test: a home, a data directory, an environment
//! with nothing of the caller's, and a census of every process that came of it.

mod canary;
pub mod fake_claude;
pub mod fake_model;
mod hooking;
#[cfg(feature = "full-model")]
mod sentence_model;
mod wire;

pub use canary::*;
pub use hooking::*;
#[cfg(feature = "full-model")]
pub use sentence_model::*;
pub use wire::*;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use sockets_protocol::{Locations, SafeId};
use tempfile::TempDir;

/// How long a condition may take to come true on a busy machine before the
/// test fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Every process of a sandbox carries this variable with the sandbox's own
/// value, so that exactly they can be found.
const MARK: &str = "CLAUDE_MEM_TEST_SANDBOX";

/// The real Claude Code, where there is one: tests that need it are left out
/// without it, and fail where `CI` is set.
pub fn real_claude() -> Option<PathBuf> {
    let given = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let found = given("CLAUDE_MEM_TEST_CLAUDE").map(PathBuf::from);
    if found.is_none() {
        let why = "CLAUDE_MEM_TEST_CLAUDE names no Claude Code: run scripts/test, or set it";
        assert!(given("CI").is_none(), "{why}");
        eprintln!("left out: {why}");
    }
    found
}

/// A home directory, a data directory in it, and whatever runs in them.
pub struct Sandbox {
    pub root: TempDir,
    pub home: PathBuf,
    pub data: PathBuf,
    pub project: PathBuf,
    environment: BTreeMap<OsString, OsString>,
    mark: String,
}

impl Sandbox {
    /// A home and a project `billing` in it; workers leave after a second of
    /// quiet.
    pub fn new() -> Self {
        let root = tempfile::Builder::new().prefix("cm").tempdir().unwrap();
        let home = root.path().join("home");
        Self::at(root, home)
    }

    /// The same with the home at a path of the caller's choice.
    pub fn at(root: TempDir, home: PathBuf) -> Self {
        let (data, project) = (home.join(".claude-mem"), home.join("billing"));
        std::fs::create_dir_all(&project).unwrap();
        let mark = root.path().display().to_string();
        let environment = [
            ("HOME", home.as_os_str().to_owned()),
            ("PATH", "/usr/bin:/bin".into()),
            ("TZ", "UTC".into()),
            ("CLAUDE_MEM_WORKER_IDLE_SECS", "1".into()),
            ("CLAUDE_MEM_LOG_LEVEL", "debug".into()),
            ("CLAUDE_MEM_HTTP_AUTOSTART", "false".into()),
            ("CLAUDE_MEM_PROVIDER", "local".into()),
            (MARK, mark.clone().into()),
        ]
        .into_iter()
        .map(|(name, value)| (name.into(), value))
        .collect();
        Self {
            root,
            home,
            data,
            project,
            environment,
            mark,
        }
    }

    /// Sets a variable for everything that this sandbox starts from now on.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.environment.insert(name.into(), value.into());
    }

    pub fn locations(&self) -> Locations {
        Locations::new(&self.data)
    }

    /// A command with this sandbox's environment and nothing else.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .env_clear()
            .envs(&self.environment)
            .current_dir(&self.project);
        command
    }

    /// `claude-mem …`, run to its end.
    pub fn claude_mem<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Ran {
        run(self.command(binary("claude-mem")).args(args), b"")
    }

    /// A hook executable with this payload on its stdin, run to its end.
    pub fn hook(&self, name: &str, payload: &Value) -> Ran {
        self.hook_raw(name, payload.to_string().as_bytes())
    }

    /// The same with any bytes.
    pub fn hook_raw(&self, name: &str, stdin: &[u8]) -> Ran {
        run(&mut self.command(binary(name)), stdin)
    }

    /// The hook that Claude Code would run for the payload's event.
    pub fn event(&self, payload: &Value) -> Ran {
        let name = hook_for(payload["hook_event_name"].as_str().unwrap());
        let ran = self.hook(name, payload);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran
    }

    /// Live processes of this sandbox, this test's own process excepted.
    pub fn processes(&self) -> Vec<Pid> {
        let wanted = format!("{MARK}={}", self.mark);
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
            else {
                continue;
            };
            let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
            if environment
                .split(|byte| *byte == 0)
                .any(|variable| variable == wanted.as_bytes())
            {
                found.push(Pid::from_raw(pid));
            }
        }
        found
    }

    /// Live workers, by their lock.
    pub fn worker_is_alive(&self, session: &str) -> bool {
        std::fs::File::open(self.locations().lock(&SafeId::new(session)))
            .is_ok_and(|file| file.try_lock_shared().is_err())
    }

    /// Waits until nothing of this sandbox runs any more.
    pub fn wait_for_quiet(&self) {
        wait_until("every worker has left", || self.is_quiet());
    }

    /// Whether nothing of this sandbox runs. Looked at more than once: the
    /// environment of a process that is just being executed reads as empty.
    fn is_quiet(&self) -> bool {
        (0..3).all(|look| {
            if look > 0 {
                pause();
            }
            self.processes().is_empty()
        })
    }

    /// The database, for looking only.
    pub fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open_with_flags(
            self.locations().database(),
            rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
        )
        .unwrap()
    }

    /// One number from the database.
    pub fn count(&self, sql: &str) -> i64 {
        self.database()
            .query_row(sql, [], |row| row.get(0))
            .unwrap()
    }

    /// Asserts the conservation equation, and that SQLite finds nothing wrong.
    pub fn assert_sound(&self) {
        let status = self.claude_mem(["status", "--json"]).json();
        let part = |name: &str| status["capture"][name].as_i64().unwrap();
        assert_eq!(
            part("captured"),
            part("processed")
                + part("skipped")
                + part("pending")
                + part("processing")
                + part("failed"),
            "{status}"
        );
        let verdict: String = self
            .database()
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(verdict, "ok");
    }

    /// Every file below the data directory.
    pub fn files(&self) -> Vec<PathBuf> {
        fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
                let path = entry.path();
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    walk(&path, found);
                } else {
                    found.push(path);
                }
            }
        }
        let mut found = Vec::new();
        walk(&self.data, &mut found);
        found
    }

    /// Spooled events, ready ones only.
    pub fn spooled(&self) -> usize {
        self.files()
            .iter()
            .filter(|path| {
                path.starts_with(self.locations().spool_root())
                    && path
                        .extension()
                        .is_some_and(|extension| extension == "json")
            })
            .count()
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Sandbox {
    /// Nothing of a test outlives it. A test that passed and still had a
    /// process running is a test that failed.
    fn drop(&mut self) {
        let give_up = Instant::now() + PATIENCE;
        while !self.is_quiet() && Instant::now() < give_up && !std::thread::panicking() {
            pause();
        }
        let left = self.processes();
        for pid in &left {
            let _ = kill(*pid, Signal::SIGKILL);
        }
        assert!(
            left.is_empty() || std::thread::panicking(),
            "processes outlived the test: {left:?}"
        );
    }
}

/// A process that has ended.
#[derive(Debug)]
#[must_use = "look at how it ended"]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

impl Ran {
    /// Its stdout as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error} in the output of {self:?}"))
    }

    /// Its stdout, having succeeded.
    pub fn success(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }
}

/// Runs to the end with these bytes on stdin.
pub fn run(command: &mut Command, stdin: &[u8]) -> Ran {
    let began = Instant::now();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut input = child.stdin.take().unwrap();
    let stdin = stdin.to_vec();
    // A process may end without reading all of it.
    let feeding = std::thread::spawn(move || drop(input.write_all(&stdin)));
    let output = child.wait_with_output().unwrap();
    feeding.join().unwrap();
    ran(&output, began.elapsed())
}

pub fn ran(output: &Output, took: Duration) -> Ran {
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        took,
    }
}

/// One of the executables under test.
pub fn binary(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_claude-mem")).with_file_name(name);
    assert!(
        path.exists(),
        "{} is not built: run the tests with --workspace",
        path.display()
    );
    path
}

/// The executable that handles a hook event.
pub fn hook_for(event: &str) -> &'static str {
    match event {
        "SessionStart" => "context-hook",
        "UserPromptSubmit" => "new-hook",
        "Stop" | "StopFailure" => "summary-hook",
        "SessionEnd" => "cleanup-hook",
        "PreToolUse" => "recall-hook",
        _ => "save-hook",
    }
}

/// The recorded session: one payload after the other.
pub fn session_a() -> Vec<Value> {
    include_str!("../data/session-a.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Waits for a condition; fails the test when it does not come true.
#[track_caller]
pub fn wait_until(what: &str, condition: impl FnMut() -> bool) {
    wait_until_within(PATIENCE, what, condition);
}

/// The same for what may take longer than everything else.
#[track_caller]
pub fn wait_until_within(patience: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let give_up = Instant::now() + patience;
    while !condition() {
        assert!(Instant::now() < give_up, "waited in vain until {what}");
        pause();
    }
}

/// A moment between two looks at a condition.
fn pause() {
    let (_keep, never) = std::sync::mpsc::channel::<()>();
    let _ = never.recv_timeout(Duration::from_millis(5));
}

/// Whether the descriptor's other side has been closed.
pub fn is_at_end(pipe: &std::process::ChildStdout) -> bool {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let mut wanted = [PollFd::new(pipe.as_fd(), PollFlags::empty())];
    poll(&mut wanted, PollTimeout::ZERO).is_ok()
        && wanted[0]
            .revents()
            .is_some_and(|flags| flags.contains(PollFlags::POLLHUP))
}
