//! A worker of one session, run to its end and watched.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use capture::settings::Key;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};
use tokio::time::{Instant, sleep};

/// Pause between two looks at what the worker has done.
const LOOK: Duration = Duration::from_millis(100);

/// A worker that is told to end takes five seconds at most.
const END_WITHIN: Duration = Duration::from_secs(10);

/// Bytes of one line of the worker's log that are read, at most.
const LINE_BYTES: u64 = 4096;

/// What is to happen after a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    GoOn,
    /// Nothing more comes of it for now.
    Stop,
}

/// How a worker ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    Done,
    /// It was stopped after a look.
    Stopped,
    /// The user wants no more.
    Interrupted,
    /// It could not do its work; the last line of its log.
    Failed(String),
}

/// Starts workers, and hears the user's Ctrl-C meanwhile.
pub(super) struct Workers {
    runtime: tokio::runtime::Runtime,
    interrupt: Signals,
    terminate: Signals,
}

impl Workers {
    /// From here on Ctrl-C does not end this process by itself: the worker hears
    /// it too, and gives back what it has not done.
    pub(super) fn new() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("failed to start the runtime")?;
        let (interrupt, terminate) = {
            let _entered = runtime.enter();
            let hear = |kind| signal(kind).context("failed to listen for Ctrl-C");
            (
                hear(SignalKind::interrupt())?,
                hear(SignalKind::terminate())?,
            )
        };
        Ok(Self {
            runtime,
            interrupt,
            terminate,
        })
    }

    /// Runs the worker of a session until it leaves, and looks on.
    pub(super) fn run(
        &mut self,
        session_db_id: i64,
        mut look: impl FnMut() -> Next,
    ) -> anyhow::Result<Ended> {
        let mut worker = Worker::start(session_db_id)?;
        look();
        let (interrupt, terminate) = (&mut self.interrupt, &mut self.terminate);
        self.runtime.block_on(async {
            let why = loop {
                if let Some(status) = worker
                    .child
                    .try_wait()
                    .context("failed to watch the worker")?
                {
                    look();
                    return Ok(if status.success() {
                        Ended::Done
                    } else {
                        Ended::Failed(worker.last_words())
                    });
                }
                tokio::select! {
                    _ = interrupt.recv() => break Ended::Interrupted,
                    _ = terminate.recv() => break Ended::Interrupted,
                    () = sleep(LOOK) => if look() == Next::Stop {
                        break Ended::Stopped;
                    },
                }
            };
            worker.end().await?;
            look();
            Ok(why)
        })
    }
}

struct Worker {
    child: Child,
    log: Option<JoinHandle<String>>,
}

impl Worker {
    fn start(session_db_id: i64) -> anyhow::Result<Self> {
        let executable =
            std::env::current_exe().context("failed to find the executable of this process")?;
        let mut child = Command::new(&executable)
            .arg("worker")
            .arg(session_db_id.to_string())
            // It has nothing to wait for: the turns are over.
            .env(Key::WorkerIdleSecs.name(), "1")
            .env(Key::LogLevel.name(), "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("failed to start {}", executable.display()))?;
        let stderr = child.stderr.take();
        let log = stderr.map(|stderr| std::thread::spawn(move || last_line(stderr)));
        Ok(Self { child, log })
    }

    /// Has the worker give back what it has not done, and leave.
    async fn end(&mut self) -> anyhow::Result<()> {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            // It may have gone by itself.
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let give_up = Instant::now() + END_WITHIN;
        while Instant::now() < give_up {
            let ended = self
                .child
                .try_wait()
                .context("failed to watch the worker")?;
            if ended.is_some() {
                return Ok(());
            }
            sleep(LOOK).await;
        }
        // Its leases are taken back by the next worker of the session.
        self.child.kill().context("failed to end the worker")
    }

    fn last_words(&mut self) -> String {
        let words = self.log.take().and_then(|log| log.join().ok());
        words
            .filter(|words| !words.is_empty())
            .unwrap_or_else(|| "the worker failed: see `claude-mem logs`".to_owned())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.child.wait());
    }
}

/// Reads everything, so that the worker never waits for a reader, and keeps the
/// last line.
fn last_line(stderr: ChildStderr) -> String {
    let mut reader = BufReader::new(stderr);
    let mut last = String::new();
    loop {
        let mut bytes = Vec::new();
        let read = reader
            .by_ref()
            .take(LINE_BYTES)
            .read_until(b'\n', &mut bytes);
        if !matches!(read, Ok(1..)) {
            return last;
        }
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim();
        if !text.is_empty() {
            text.trim_start_matches("error:")
                .trim()
                .clone_into(&mut last);
        }
    }
}
