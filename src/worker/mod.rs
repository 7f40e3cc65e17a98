//! The per-session process: receives events over the session's socket, commits
//! each one before it is acknowledged, hands finished turns to the agent,
//! commits what they became, and leaves.
//!
//! A worker lives only while its session has work: from a prompt to the end of
//! its turn, or until nothing came for a while. Whoever holds the session's lock
//! is the only one that processes its events.

mod abandoned;
mod agent;
mod budget;
mod connection;
mod core;
mod current;
mod detach;
mod engine;
mod extract;
mod intake;
mod lock;
mod logging;
mod remember;
mod session;
mod spool;

use std::path::Path;

use anyhow::Context as _;
use capture::project::{self, Project};
use capture::settings::{Key, Settings};
use sockets_protocol::{Locations, SafeId};

use crate::lock_file;
use crate::store::{Reader, SessionIdentity};

pub use self::detach::detach;

use self::core::Core;
use self::lock::{Acquired, SessionLock};
use self::session::End;

/// What `claude-mem worker` was asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// Claude Code's session id, or the row id of a session in the database.
    pub session: String,
    /// Started by a hook: no terminal, no one to read stderr.
    pub detached: bool,
}

/// Runs a worker until its work is done.
///
/// # Errors
/// When another worker serves the session (a detached worker then tells it to
/// look into its spool, and succeeds), when the socket cannot be made, or the
/// database cannot be used. Events wait in the spool then.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let settings = Settings::load();
    let here = current_project(&settings);
    if options.detached {
        detach::detach();
    }
    let locations = Locations::new(settings.data_dir());
    logging::start(&locations, &settings, options.detached)?;
    let outcome = serve(options, &settings, &locations, &here);
    if let Err(error) = &outcome {
        tracing::error!(session = options.session, "{error:#}");
    }
    outcome
}

fn serve(
    options: &Options,
    settings: &Settings,
    locations: &Locations,
    here: &Project,
) -> anyhow::Result<()> {
    let content_id = content_session_id(locations, &options.session);
    let id = SafeId::new(&content_id);
    lock_file::prepare_directories(locations)?;
    let lock = match lock::acquire(locations, &id)? {
        Acquired::Lock(lock) => lock,
        Acquired::Served if options.detached => return Ok(()),
        Acquired::Served => anyhow::bail!(
            "a worker for session {content_id} is already running: talk to it with nc -U {}",
            locations.socket(&id).display()
        ),
    };
    let identity = SessionIdentity {
        content_session_id: content_id,
        project: here.name.clone(),
        project_root: here.root.to_string_lossy().into_owned(),
    };
    let core = match Core::open(locations, Settings::load(), identity) {
        Ok(core) => core,
        Err(error) => {
            lock.release_as_failed();
            return Err(error);
        }
    };
    let (core, end, lock) = serve_until_done(core, locations, settings, &id, lock)?;
    leave(core, locations, settings, &id, lock, end);
    Ok(())
}

/// Serves again when the last look into the spool brought events of a turn that
/// has not ended: nobody else would wait for the rest of it.
fn serve_until_done(
    mut core: Core,
    locations: &Locations,
    settings: &Settings,
    id: &SafeId,
    mut lock: SessionLock,
) -> anyhow::Result<(Core, End, SessionLock)> {
    loop {
        let end;
        (core, end) = session::run(core, locations, settings, id, &lock)?;
        if end != End::Done {
            // What is in the spool is taken in, and worked on by another.
            core.drain_spool();
            return Ok((core, end, lock));
        }
        core.finish_spool();
        if !core.has_pending() {
            return Ok((core, end, lock));
        }
        if !lock.is_current() {
            // Someone has deleted the directory; a successor may be at work.
            lock_file::prepare_directories(locations)?;
            match lock::try_acquire(locations, id)? {
                Some(new) => lock = new,
                None => return Ok((core, end, lock)),
            }
        }
    }
}

/// Ends without forgetting an event that was spooled while the socket was going
/// away: let go of the lock, and look once more. One that is told to end leaves
/// everything else to others.
fn leave(
    mut core: Core,
    locations: &Locations,
    settings: &Settings,
    id: &SafeId,
    lock: SessionLock,
    end: End,
) {
    drop(lock);
    while spool::has_events(&locations.spool_dir(id)) {
        match lock::try_acquire(locations, id) {
            Ok(Some(lock)) => {
                let drained = match end {
                    End::Told | End::Held => core.drain_spool().1,
                    End::Done => core.finish_spool(),
                };
                drop(lock);
                if !drained {
                    break;
                }
            }
            // Someone else has it, and looks into the spool after binding.
            Ok(None) | Err(_) => break,
        }
    }
    if end == End::Done {
        abandoned::adopt(&mut core, locations, settings);
    }
    if end != End::Told {
        core.keep_house(settings);
    }
    tracing::info!(session = %id, "left");
}

/// A number that is a session's row id stands for that session.
fn content_session_id(locations: &Locations, session: &str) -> String {
    let row = session.parse::<i64>().ok().and_then(|row| {
        Reader::open(&locations.database())
            .ok()??
            .session(row)
            .ok()?
    });
    row.map_or_else(|| session.to_owned(), |row| row.content_session_id)
}

/// The project of events that do not name one.
fn current_project(settings: &Settings) -> Project {
    let dir = project::host_dir()
        .or_else(|| std::env::current_dir().ok())
        .unwrap_or_else(|| Path::new("/").to_owned());
    let name = settings.get(Key::Project);
    project::resolve(&project::Request {
        dir: &dir,
        home: settings.home(),
        temp_dir: &std::env::temp_dir(),
        data_dir: settings.data_dir(),
        name_override: Some(name.as_ref()).filter(|name| !name.is_empty()),
        claim: false,
    })
}

/// Epoch milliseconds.
fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Makes sure that what was said holds: the error names the thing and the next
/// step.
fn open_writer(locations: &Locations, owner: &str) -> anyhow::Result<crate::store::Writer> {
    crate::store::Writer::open(locations, owner)
        .context("failed to open the database; events wait in the spool until it can be opened")
}
