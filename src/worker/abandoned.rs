//! Events that nobody works on any more: a session whose worker died and whose
//! user has gone, or whose hooks never found a worker. A worker that is done
//! with its own session takes a few of these along before it ends.

use std::time::{Duration, Instant, SystemTime};

use capture::settings::{Key, Settings};
use sockets_protocol::{Locations, SafeId};

use crate::store::SessionIdentity;

use super::core::Core;
use super::{lock, now, spool};

/// Sessions, and time, that one worker spends on others: the rest is left for
/// the next one.
const MAX_SESSIONS: usize = 8;
const MAX_TIME: Duration = Duration::from_secs(20);

/// Finishes what other sessions left behind. A session counts as left when
/// nothing came for as long as a worker would have waited; each is worked on
/// under its own lock, as its own worker would.
pub(super) fn adopt(core: &mut Core, locations: &Locations, settings: &Settings) {
    let quiet = Duration::from_secs(settings.number(Key::WorkerIdleSecs));
    let began = Instant::now();
    let own = core.id();
    for identity in candidates(core, locations, quiet) {
        let id = SafeId::new(&identity.content_session_id);
        if id == own || began.elapsed() > MAX_TIME {
            continue;
        }
        let Ok(Some(mut held)) = lock::try_acquire(locations, &id) else {
            continue;
        };
        tracing::info!(session = %id, "finishing what this session left behind");
        if let Err(error) = core.switch_to(identity) {
            tracing::error!("failed to take over session {id}: {error}");
            continue;
        }
        loop {
            let (_, drained) = core.drain_spool();
            core.process_turns(true);
            // A hook that sees the lock held starts no worker, so the last look
            // comes after letting go of it.
            drop(held);
            if !drained || !spool::has_events(&locations.spool_dir(&id)) {
                break;
            }
            match lock::try_acquire(locations, &id) {
                Ok(Some(again)) => held = again,
                Ok(None) | Err(_) => break,
            }
        }
    }
}

fn candidates(core: &Core, locations: &Locations, quiet: Duration) -> Vec<SessionIdentity> {
    let quiet_ms = i64::try_from(quiet.as_millis()).unwrap_or(i64::MAX);
    let mut found = core.abandoned(now().saturating_sub(quiet_ms), MAX_SESSIONS);
    for entry in std::fs::read_dir(locations.spool_root())
        .into_iter()
        .flatten()
        .flatten()
    {
        if found.len() >= 2 * MAX_SESSIONS {
            break;
        }
        let directory = entry.path();
        if was_quiet(&directory, quiet)
            && let Some(first) = spool::read_batch(&directory).into_iter().next()
            && !found
                .iter()
                .any(|known| known.content_session_id == first.session)
        {
            found.push(SessionIdentity {
                content_session_id: first.session,
                project: capture::project::UNFILED.to_owned(),
                project_root: String::new(),
            });
        }
    }
    found
}

/// A directory's time is that of the last file put into it.
fn was_quiet(directory: &std::path::Path, quiet: Duration) -> bool {
    std::fs::metadata(directory)
        .and_then(|data| data.modified())
        .is_ok_and(|at| {
            SystemTime::now()
                .duration_since(at)
                .is_ok_and(|since| since >= quiet)
        })
}
