//! `claude-mem supervise`: runs one program that cannot outlive whoever wants it.
//!
//! The supervisor leads a process group with the program in it. It ends the
//! group when its own parent has gone (however that died), when it is told to,
//! and when the time is up. stdin, stdout and stderr are the program's alone.
//!
//! A supervisor that is killed can do none of this. So on Linux the program
//! gets a signal of death from the kernel: `supervise --exec`, which becomes the
//! program, asks for it, since it holds across the exec. The parent knows the
//! group by the supervisor's process id, and can end what else is in it.
//!
//! The same signal tells the supervisor of its parent's end; but it comes when
//! the *thread* has ended that started us, so it is a reason to look, no more.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, getpgid, getpid, getppid, setpgid};
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};

/// How often the parent is looked for.
const LOOK: Duration = Duration::from_millis(100);

/// From asking to making sure. Claude Code needs 30 ms to end.
const GRACE: Duration = Duration::from_millis(700);

/// Exit codes for a program that is not there and for one that cannot be run,
/// as shells use them.
const NOT_FOUND: u8 = 127;
const NOT_RUNNABLE: u8 = 126;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: claude-mem supervise --parent $$ --deadline 60 -- sleep 600")]
pub(super) struct Args {
    /// The process that wants the program to run; this one's parent
    #[arg(long)]
    parent: i32,
    /// Seconds that the program may run
    #[arg(long, default_value_t = 3600)]
    deadline: u64,
    /// Become the program
    #[arg(long, hide = true)]
    exec: bool,
    /// The program and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Exits with the program's status; with 128 and the signal's number where a
/// signal ended it.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.exec {
        return become_the_program(args);
    }
    // Everything stays on this thread: the program dies with the thread that
    // started it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start the supervisor")?;
    runtime.block_on(supervise(args))
}

async fn supervise(args: &Args) -> anyhow::Result<ExitCode> {
    let parent = Pid::from_raw(args.parent);
    let mut watch = Watch::new(parent).context("failed to watch for signals")?;
    if getpgid(None) != Ok(getpid()) {
        setpgid(Pid::this(), Pid::this()).context("failed to lead a process group")?;
    }
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_pdeathsig(Signal::SIGUSR1).context("failed to watch the parent")?;
    // Whoever wanted the program may have gone before we listened.
    anyhow::ensure!(
        getppid() == parent,
        "process {parent} is not the parent of this one"
    );
    let mut child = Command::new(ourselves()?)
        .args(["supervise", "--exec", "--parent"])
        .arg(getpid().to_string())
        .arg("--")
        .args(&args.command)
        .spawn()
        .context("failed to start the program")?;
    let_go_of_the_pipes();
    let ended = tokio::time::timeout(Duration::from_secs(args.deadline), watch.over(&mut child));
    let status = if let Ok(Some(status)) = ended.await {
        Some(status)
    } else {
        let _ = killpg(getpid(), Signal::SIGTERM);
        watch.grace(&mut child).await
    };
    finish(parent, child, status)
}

/// The executable that runs, even where a newer one has taken its place.
fn ourselves() -> anyhow::Result<PathBuf> {
    if cfg!(target_os = "linux") {
        return Ok("/proc/self/exe".into());
    }
    std::env::current_exe().context("failed to find the executable of this process")
}

/// Who reads from the program or writes to it must find out when it has ended.
fn let_go_of_the_pipes() {
    if let Ok(null) = std::fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/null")
    {
        let _ = nix::unistd::dup2_stdin(&null);
        let _ = nix::unistd::dup2_stdout(&null);
    }
}

/// Whatever can end the watch.
struct Watch {
    parent: Pid,
    child: Signals,
    hint: Signals,
    ends: [Signals; 3],
}

impl Watch {
    /// From here on, signals that would end this process do not.
    fn new(parent: Pid) -> io::Result<Self> {
        Ok(Self {
            parent,
            child: signal(SignalKind::child())?,
            hint: signal(SignalKind::user_defined1())?,
            ends: [
                signal(SignalKind::terminate())?,
                signal(SignalKind::interrupt())?,
                signal(SignalKind::hangup())?,
            ],
        })
    }

    /// The status of a program that has ended by itself; `None` when it is to be
    /// ended.
    async fn over(&mut self, program: &mut Child) -> Option<ExitStatus> {
        let [terminate, interrupt, hangup] = &mut self.ends;
        loop {
            if let Ok(Some(status)) = program.try_wait() {
                return Some(status);
            }
            if getppid() != self.parent {
                return None;
            }
            tokio::select! {
                _ = self.child.recv() => {}
                _ = self.hint.recv() => {}
                () = tokio::time::sleep(LOOK) => {}
                _ = terminate.recv() => return None,
                _ = interrupt.recv() => return None,
                _ = hangup.recv() => return None,
            }
        }
    }

    /// The status of a program that ends now that it has been asked to.
    async fn grace(&mut self, program: &mut Child) -> Option<ExitStatus> {
        let ending = async {
            loop {
                if let Ok(Some(status)) = program.try_wait() {
                    return status;
                }
                self.child.recv().await;
            }
        };
        tokio::time::timeout(GRACE, ending).await.ok()
    }
}

/// Ends what is left of the group, and then this process.
fn finish(parent: Pid, mut program: Child, status: Option<ExitStatus>) -> anyhow::Result<ExitCode> {
    let group = getpid();
    // Out of the group first, so as to have a status to give. It is left for the
    // parent's, which is there as long as anyone wants the status.
    let left = getppid() == parent
        && getpgid(Some(parent)).is_ok_and(|group| setpgid(Pid::this(), group).is_ok());
    if left || status.is_none() || getppid() != parent {
        let _ = killpg(group, Signal::SIGKILL);
    }
    let status = match status {
        Some(status) => status,
        None => program.wait().context("failed to wait for the program")?,
    };
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    let code = code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok(ExitCode::from(code))
}

/// Returns only if there is no such program.
fn become_the_program(args: &Args) -> anyhow::Result<ExitCode> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).context("failed to depend on the parent")?;
    anyhow::ensure!(
        getppid() == Pid::from_raw(args.parent),
        "the supervisor has gone"
    );
    let (program, rest) = args.command.split_first().context("no program is given")?;
    let error = Command::new(program).args(rest).exec();
    drop(writeln!(
        io::stderr(),
        "cannot run {}: {error}",
        program.to_string_lossy()
    ));
    Ok(ExitCode::from(if error.kind() == io::ErrorKind::NotFound {
        NOT_FOUND
    } else {
        NOT_RUNNABLE
    }))
}
