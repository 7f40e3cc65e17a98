//! Who serves a data directory, from when and until when.
//!
//! The process that holds `sockets/http.lock` serves. It alone binds, writes
//! `worker.pid` and takes both away again; the kernel lets go of the lock
//! however the process ends, so nothing can be left behind that keeps another
//! out.

mod control;
mod lock;
mod port;

use std::io::Write as _;
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use capture::settings::{Key, Settings};
use sockets_protocol::Locations;
use tokio::net::UnixListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::state::App;
use super::{listen, log, relay, router};
use crate::lock_file;

pub use self::control::{Running, Started, running, start, stop};
pub use self::port::default_port;

use self::lock::ServerLock;

/// Name of the socket beside the workers'.
const SOCKET_NAME: &str = "http.sock";

/// How often the server looks whether it is still wanted.
const LOOK: Duration = Duration::from_secs(15);

/// Threads for questions to the database and for handing events over. Each keeps
/// memory of its own.
const BLOCKING_THREADS: usize = 8;

/// The log of servers in the background.
pub fn log_path(locations: &Locations) -> PathBuf {
    log::path(locations)
}

/// How to serve.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Instead of the setting's; 0 for any that is free.
    pub port: Option<u16>,
    /// Take events and settings, whatever the setting says.
    pub relay: bool,
    /// No terminal: log to a file.
    pub detached: bool,
}

/// Serves until it is told to end, or nobody has wanted anything for long.
/// `ready` is called with the address once requests are answered.
///
/// # Errors
/// When another server of this version or a newer one serves the data
/// directory, or the port is taken; the message names who has it.
pub fn serve(options: &Options, ready: impl FnOnce(&Running)) -> anyhow::Result<()> {
    let settings = Settings::load();
    let locations = Locations::new(settings.data_dir());
    lock_file::prepare_directories(&locations)?;
    log::start(&locations, &settings, options.detached)?;
    let outcome = control::take_over(&locations)
        .and_then(|lock| run(options, &settings, &locations, &lock, ready));
    if let Err(error) = &outcome {
        tracing::error!("{error:#}");
    }
    outcome
}

fn run(
    options: &Options,
    settings: &Settings,
    locations: &Locations,
    lock: &ServerLock,
    ready: impl FnOnce(&Running),
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .context("failed to start the runtime")?;
    let outcome = runtime.block_on(async {
        let wanted = options.port.unwrap_or_else(|| port::of(settings));
        let tcp = port::bind(wanted).await?;
        let unix = bind_unix(locations)?;
        let port = tcp
            .local_addr()
            .context("failed to look at the port")?
            .port();
        let relays = options.relay || settings.bool(Key::HttpRelay);
        let running = Running::here(port, relays);
        // From here on a signal is a wish to end in order: whoever reads who serves
        // may send one at once.
        let signals = signals().context("failed to listen to signals")?;
        lock.publish(&running)?;
        crate::embedding::read_rare_rows_from_file();
        let app = Arc::new(App::new(locations.clone(), port, relays));
        tracing::info!(port, relays, "listening");
        ready(&running);
        let serving = listen::serve(
            tcp,
            unix,
            router::router(Arc::clone(&app)),
            app.stopping.subscribe(),
        );
        let idle = Duration::from_secs(settings.number(Key::HttpIdleSecs));
        let leaving = leave_when_told_or_idle(Arc::clone(&app), signals, idle, lock);
        let reaping = tokio::spawn(relay::reap());
        tokio::join!(serving, leaving);
        reaping.abort();
        anyhow::Ok(())
    });
    // The socket and the file go while the lock is held; a question that still
    // runs is not waited for.
    lock.withdraw();
    runtime.shutdown_timeout(Duration::from_millis(500));
    tracing::info!("left");
    outcome
}

async fn leave_when_told_or_idle(
    app: Arc<App>,
    signals: [Signal; 3],
    idle: Duration,
    lock: &ServerLock,
) {
    let why = tokio::select! {
        () = told_to_end(signals) => "was told to",
        () = unwanted(&app, idle, lock) => "nobody needs it",
    };
    tracing::info!(why, "leaving");
    app.stopping.send_replace(true);
}

/// The signals that tell a server to end.
fn signals() -> std::io::Result<[Signal; 3]> {
    Ok([
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
        signal(SignalKind::hangup())?,
    ])
}

async fn told_to_end([mut terminate, mut interrupt, mut hangup]: [Signal; 3]) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = hangup.recv() => {}
    }
}

/// Waits until nobody has asked anything for `idle`, or the data directory is
/// gone and with it all that there was to serve.
async fn unwanted(app: &App, idle: Duration, lock: &ServerLock) {
    loop {
        let left = idle.saturating_sub(app.idle());
        if left.is_zero() || !lock.is_current() {
            return;
        }
        tokio::time::sleep(left.min(LOOK)).await;
    }
}

/// Binds the Unix socket; one that is there is of a server that died, for its
/// lock is ours.
fn bind_unix(locations: &Locations) -> anyhow::Result<UnixListener> {
    let directory = locations.sockets_dir();
    let path = directory.join(SOCKET_NAME);
    let failed = || format!("failed to listen on {}", path.display());
    drop(std::fs::remove_file(&path));
    let (short, _held) =
        capture::deliver::short_path(&directory, SOCKET_NAME).with_context(failed)?;
    let listener = StdUnixListener::bind(short).with_context(failed)?;
    protect(&path).with_context(failed)?;
    listener.set_nonblocking(true).with_context(failed)?;
    UnixListener::from_std(listener).with_context(failed)
}

fn protect(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

/// Tells whoever started this process in the background that it serves, or why
/// not, and lets go of them: stdout is a pipe that they read to its end.
pub fn tell_starter(what: &Result<&Running, String>) {
    let line = match what {
        Ok(running) => running.to_json(),
        Err(reason) => serde_json::json!({ "error": reason }),
    };
    let mut out = std::io::stdout();
    drop(writeln!(out, "{line}"));
    drop(out.flush());
    if let Ok(nothing) = std::fs::File::options().write(true).open("/dev/null") {
        let _ = nix::unistd::dup2_stdout(&nothing);
    }
}
