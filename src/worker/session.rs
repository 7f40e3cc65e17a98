//! The life of a worker that serves: listen, have turns worked on, know when to
//! leave.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use capture::settings::{Key, Settings};
use interprocess::local_socket::tokio::{Listener, prelude::*};
use interprocess::local_socket::{GenericFilePath, ListenerOptions};
use interprocess::os::unix::local_socket::ListenerOptionsExt as _;
use sockets_protocol::{Locations, SafeId};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::store::{ClaimedTurn, GiveBack};

use super::agent::{Agent, GivenBack, Worked};
use super::core::{Call, Core, Stage};
use super::current::Current;
use super::engine::{self, Engine};
use super::lock::SessionLock;

/// Clients at one time. A parallel tool call makes a handful.
const MAX_CONNECTIONS: usize = 256;

/// After the end of a turn the end of the session often follows at once; a
/// worker that stays this long saves starting another one for it.
const LINGER: Duration = Duration::from_millis(400);

/// How long a client that connected just before the socket went away may take
/// to say what it came for.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// How long a worker that is told to end waits for the agent; a turn that is
/// not done by then stays in the queue.
const END_WITHIN: Duration = Duration::from_secs(5);

/// How long a worker stays for events that wait for a model, counted from the
/// last thing that happened in the session; after that they wait for the next
/// worker, of this session or of another.
const STAY: Duration = Duration::from_mins(10);

/// The same when the session is over.
const STAY_AFTER_END: Duration = Duration::from_mins(1);

/// How often in a row the database may refuse to lease a turn before the worker
/// gives up, with an idle time between two attempts; the events stay.
const MAX_REFUSALS: u32 = 3;

/// Serves the session until there is nothing to wait for, and gives the core
/// back for the last things.
///
/// # Errors
/// When the socket cannot be made.
pub(super) fn run(
    core: Core,
    locations: &Locations,
    settings: &Settings,
    id: &SafeId,
    lock: &SessionLock,
) -> anyhow::Result<(Core, End)> {
    let (told, notices) = mpsc::unbounded_channel();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start the runtime")?;
    let idle = Duration::from_secs(settings.number(Key::WorkerIdleSecs));
    let agent = core.agent();
    let served: anyhow::Result<_> = runtime.block_on(async {
        let listener = listen(locations, id)?;
        let (engine, core) = engine::start(core, told);
        tracing::info!(session = %id, pid = std::process::id(), "listening");
        let session = Session {
            socket: Socket {
                path: locations.socket(id),
                link: None,
                lock,
            },
            locations: locations.clone(),
            engine: engine.clone(),
            agent,
            notices,
            idle,
            connections: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
        };
        let end = session.serve(listener).await;
        engine.end();
        let core = core.await.context("the database task panicked")?;
        Ok((core, end))
    });
    // Not waited for: an agent that is still at work has had its time.
    runtime.shutdown_background();
    served
}

/// The socket's file and its link.
struct Socket<'a> {
    path: PathBuf,
    link: Option<PathBuf>,
    lock: &'a SessionLock,
}

impl Socket<'_> {
    /// Only under the lock that the path belongs to: if the lock file was
    /// deleted, the socket may be a successor's.
    fn unlink(&self) {
        if self.lock.is_current() {
            drop(std::fs::remove_file(&self.path));
            if let Some(link) = &self.link
                && std::fs::read_link(link)
                    .is_ok_and(|to| Some(to.as_os_str()) == self.path.file_name())
            {
                drop(std::fs::remove_file(link));
            }
        }
    }
}

struct Session<'a> {
    socket: Socket<'a>,
    locations: Locations,
    engine: Engine,
    agent: Arc<Current>,
    notices: mpsc::UnboundedReceiver<Call>,
    idle: Duration,
    connections: Arc<Semaphore>,
}

/// An agent at work on a turn.
type Working = Option<(Arc<ClaimedTurn>, JoinHandle<Worked>)>;

/// Why the worker ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Nothing is left to wait for.
    Done,
    /// Events wait for a model that cannot be asked for longer than a worker
    /// stays: the next worker, of any session, sees to them.
    Held,
    /// By a signal, or because the database refuses: what is left stays.
    Told,
}

impl Session<'_> {
    async fn serve(mut self, listener: Listener) -> End {
        let mut working: Working = None;
        let end = self.run(&listener, &mut working).await;
        self.socket.unlink();
        self.last_words(&listener).await;
        if end == End::Told
            && let Some((turn, _)) = &working
        {
            let turn = Arc::clone(turn);
            let worked = timeout(END_WITHIN, finished(&mut working)).await;
            let worked = worked.unwrap_or_else(|_| Worked::Back(GivenBack::told_to_end()));
            self.conclude(turn, worked).await;
        }
        end
    }

    async fn run(&mut self, listener: &Listener, working: &mut Working) -> End {
        let Ok(mut signals) = Signals::new() else {
            return End::Told;
        };
        // Events of hooks that found no worker, the one that started this one
        // first of all.
        let mut call = self.engine.drain_spool().await.unwrap_or_default();
        call.process = true;
        let mut quiet_since = Instant::now();
        let mut process = true;
        let mut all = false;
        let mut refusals = 0;
        let mut hold = Hold::default();
        loop {
            if process && working.is_none() && hold.is_over(&self.agent.agent()) {
                match self.engine.claim(all).await {
                    Some(Ok(Some(turn))) => {
                        refusals = 0;
                        *working = Some(work_on(self.agent.agent(), turn));
                    }
                    Some(Ok(None)) => (process, all) = (false, false),
                    Some(Err(error)) => {
                        tracing::error!("failed to lease a turn: {error}");
                        refusals += 1;
                        if refusals == MAX_REFUSALS {
                            return End::Told;
                        }
                        (process, all) = (false, false);
                        quiet_since = Instant::now();
                    }
                    None => return End::Done,
                }
            }
            self.link().await;
            let wait = match call.stage {
                Stage::SessionOver => Duration::ZERO,
                Stage::TurnOver => LINGER,
                Stage::TurnBegan | Stage::Unknown => self.idle,
            };
            let too_long = hold.outlasts(quiet_since, call.stage);
            tokio::select! {
                connection = listener.accept() => self.accept(connection),
                Some(new) = self.notices.recv() => {
                    quiet_since = Instant::now();
                    process |= new.process;
                    hold.look_again();
                    if new.process {
                        // What the turn's hooks had to spool is part of it.
                        call = call.then(self.engine.drain_spool().await.unwrap_or_default());
                    }
                    call = call.then(new);
                }
                worked = finished(working), if working.is_some() => {
                    hold = Hold::after(&worked);
                    if hold.until.is_none() {
                        quiet_since = Instant::now();
                    }
                    if let Some((turn, _)) = working.take() {
                        self.conclude(turn, worked).await;
                    }
                }
                () = tokio::time::sleep_until(quiet_since + wait), if working.is_none() && process && too_long => {
                    return End::Held;
                }
                () = hold.end(), if working.is_none() && process => {}
                () = tokio::time::sleep_until(quiet_since + wait), if working.is_none() && !process => {
                    let pending = self.engine.has_pending().await.unwrap_or(false);
                    if !pending {
                        return End::Done;
                    }
                    if call.stage == Stage::SessionOver || quiet_since.elapsed() >= self.idle {
                        // Nothing more is coming: what is there is the turn.
                        (process, all) = (true, true);
                        call = call.then(Call {
                            process: true,
                            stage: Stage::TurnOver,
                        });
                    } else {
                        // The turn has ended, but not all that belongs to it
                        // (a background agent): wait for the rest.
                        call.stage = Stage::Unknown;
                    }
                }
                () = signals.end() => {
                    tracing::info!("told to end");
                    return End::Told;
                }
            }
        }
    }

    fn accept(&self, connection: std::io::Result<interprocess::local_socket::tokio::Stream>) {
        match connection {
            Ok(stream) => {
                // Beyond the limit a client is turned away at once; a hook
                // spools then.
                if let Ok(permit) = Arc::clone(&self.connections).try_acquire_owned() {
                    tokio::spawn(super::connection::serve(
                        stream,
                        self.engine.clone(),
                        permit,
                    ));
                }
            }
            Err(error) => tracing::warn!("failed to accept a connection: {error}"),
        }
    }

    /// After the socket is gone: whoever had connected by then is heard.
    async fn last_words(&mut self, listener: &Listener) {
        while let Ok(connection) = timeout(Duration::from_millis(1), listener.accept()).await {
            self.accept(connection);
        }
        let everyone = u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX);
        drop(timeout(LAST_WORDS, self.connections.acquire_many(everyone)).await);
    }

    async fn conclude(&self, turn: Arc<ClaimedTurn>, worked: Worked) {
        if let Some(Err(error)) = self.engine.conclude(turn, worked).await {
            tracing::error!("failed to commit a turn: {error}");
        }
    }

    /// `session-<row id>.sock`, as soon as the session has a row.
    async fn link(&mut self) {
        if self.socket.link.is_some() {
            return;
        }
        let Some(row @ 1..) = self.engine.session().await else {
            return;
        };
        let link = self.locations.database_id_link(row);
        let is_link = |path: &PathBuf| {
            std::fs::symlink_metadata(path).is_ok_and(|data| data.file_type().is_symlink())
        };
        if is_link(&link) {
            drop(std::fs::remove_file(&link));
        }
        let target = self.socket.path.file_name().unwrap_or_default();
        if let Err(error) = std::os::unix::fs::symlink(target, &link) {
            tracing::debug!("failed to link {}: {error}", link.display());
        }
        self.socket.link = Some(link);
    }
}

fn work_on(agent: Arc<Agent>, turn: ClaimedTurn) -> (Arc<ClaimedTurn>, JoinHandle<Worked>) {
    let turn = Arc::new(turn);
    let work = tokio::spawn({
        let turn = Arc::clone(&turn);
        async move { agent.work(&turn).await }
    });
    (turn, work)
}

async fn finished(working: &mut Working) -> Worked {
    match working {
        Some((_, work)) => work
            .await
            .unwrap_or_else(|error| Worked::Back(GivenBack::broken(&error.to_string()))),
        None => std::future::pending().await,
    }
}

/// Until when no turn is handed out, because the model cannot be asked.
#[derive(Debug, Clone, Copy, Default)]
struct Hold {
    until: Option<Instant>,
    /// It is this turn that waits, and not everyone who asks the model.
    own: bool,
}

impl Hold {
    fn after(worked: &Worked) -> Self {
        match worked {
            Worked::Back(GivenBack { wait, how, .. }) if !wait.is_zero() => Self {
                until: Some(Instant::now() + *wait),
                own: *how != GiveBack::Untried,
            },
            _ => Self::default(),
        }
    }

    /// Whether a turn may be handed out now, as far as this worker and all the
    /// others know.
    fn is_over(&mut self, agent: &Agent) -> bool {
        if self.until.is_some_and(|until| until > Instant::now()) {
            return false;
        }
        *self = Self {
            until: agent.held().map(|wait| Instant::now() + wait),
            own: false,
        };
        self.until.is_none()
    }

    /// Something has happened in the session: its user may have seen to what
    /// everyone waits for.
    fn look_again(&mut self) {
        if !self.own {
            self.until = None;
        }
    }

    /// Whether it lasts longer than a worker stays.
    fn outlasts(&self, quiet_since: Instant, stage: Stage) -> bool {
        let stay = match stage {
            Stage::SessionOver => STAY_AFTER_END,
            _ => STAY,
        };
        self.until.is_some_and(|until| until > quiet_since + stay)
    }

    async fn end(&self) {
        match self.until {
            Some(until) => tokio::time::sleep_until(until).await,
            None => std::future::pending().await,
        }
    }
}

/// Binds the session's socket. The caller holds the session's lock, so a socket
/// file that is there belongs to a dead worker.
fn listen(locations: &Locations, id: &SafeId) -> anyhow::Result<Listener> {
    let path = locations.socket(id);
    let failed = || format!("failed to listen on {}", path.display());
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(failed);
        }
        _ => {}
    }
    let (short, _directory) =
        capture::deliver::short_path(&locations.sockets_dir(), &Locations::socket_name(id))
            .with_context(failed)?;
    let name = short.to_fs_name::<GenericFilePath>().with_context(failed)?;
    let listener = ListenerOptions::new()
        .name(name)
        .mode(0o600)
        .reclaim_name(false)
        .create_tokio()
        .with_context(failed)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).with_context(failed)?;
    Ok(listener)
}

/// SIGTERM and SIGINT end the worker, SIGHUP is none of its business.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn end(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => {}
            }
        }
    }
}
