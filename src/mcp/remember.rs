//! Keeping a text in somebody's own words: handed in like a hook's event, and
//! found again by its id.

use std::path::Path;
use std::time::{Duration, Instant};

use capture::deliver::Delivery;
use capture::relay::{NamedProject, Relayed};
use capture::remember::{Memory, Unfit, remember};
use capture::settings::Settings;
use capture::skip;
use sockets_protocol::{AckStatus, Locations};

use crate::context::project_at;
use crate::store::Reader;

use super::arguments::{Remember, kind};
use super::ask::{Told, directory};

/// How long a worker may take to answer.
const ACK: Duration = Duration::from_secs(2);

/// How long a worker that was just started may take to fetch the event.
const COMMIT: Duration = Duration::from_secs(3);

/// Between two looks into the database.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Concepts, and files, of one memory.
const MOST_ITEMS: usize = 20;

/// The session that runs the server, where its host says so.
const SESSION_VARIABLE: &str = "CLAUDE_CODE_SESSION_ID";

/// Where a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// In the database, as this observation.
    Stored(i64),
    /// The session's turn had the same text before.
    Already,
    /// In the spool: a worker stores it as soon as one runs.
    Spooled,
}

/// Why a text is kept nowhere, and what to do.
pub type NotKept = String;

/// Keeps a text for the project of `dir`, or for one by its name.
///
/// # Errors
/// When it cannot be kept word for word, is not to be kept, or neither a worker
/// nor the spool can take it.
pub fn keep(
    settings: &Settings,
    memory: &Memory,
    dir: &Path,
    named: Option<&str>,
) -> Result<Kept, NotKept> {
    if let Some(reason) = skip::disabled(|name| std::env::var_os(name)) {
        return Err(skipped(reason.as_str()));
    }
    let session = session(settings, dir, named);
    let project = named.map(|name| NamedProject {
        name: name.to_owned(),
        root: std::path::PathBuf::new(),
    });
    let by = Instant::now() + ACK;
    let relayed = remember(settings, memory, &session, dir, project, by).map_err(unfit)?;
    let (event, delivery) = match relayed {
        Relayed::Skipped(reason) => return Err(skipped(reason)),
        Relayed::Handed { event_id, delivery } => (event_id, delivery),
    };
    let locations = Locations::new(settings.data_dir());
    match delivery {
        Delivery::Lost(reason) => Err(format!(
            "not kept: {reason}. Tell the user; `claude-mem status` says more."
        )),
        Delivery::Acked(ack) if ack.status == AckStatus::Skipped => {
            Err(skipped(ack.reason.as_deref().unwrap_or("skipped")))
        }
        Delivery::Acked(_) => Ok(stored(&locations, &event).map_or(Kept::Already, Kept::Stored)),
        Delivery::Spooled => Ok(wait_for(&locations, &event)),
    }
}

/// The session at work, else one that collects what is remembered of a project.
fn session(settings: &Settings, dir: &Path, named: Option<&str>) -> String {
    let running = std::env::var(SESSION_VARIABLE)
        .ok()
        .filter(|id| !id.is_empty());
    match (named, running) {
        (None, Some(session)) => session,
        (Some(name), _) => format!("remember-{name}"),
        (None, None) => format!("remember-{}", project_at(settings, dir).name),
    }
}

fn unfit(why: Unfit) -> NotKept {
    match why {
        Unfit::Empty => {
            "not kept: the text is empty, or wholly private. Give the words to keep.".to_owned()
        }
        Unfit::TooLong { bytes, most } => format!(
            "not kept: with title, concepts and files it has {bytes} bytes, and {most} are kept word for word. Keep the essence, or several texts."
        ),
    }
}

fn skipped(reason: &str) -> NotKept {
    match reason {
        "private" => "not kept: the user has made this turn private.".to_owned(),
        "disabled" | "internal" => {
            "not kept: claude-mem is switched off (CLAUDE_MEM_DISABLED).".to_owned()
        }
        "project_excluded" | "project_ignored" | "data_dir" => {
            format!("not kept: the user keeps no memory of this project ({reason}).")
        }
        other => format!("not kept: {other}."),
    }
}

fn stored(locations: &Locations, event: &str) -> Option<i64> {
    let reader = Reader::open(&locations.database()).ok()??;
    reader.observation_id(event).ok()?
}

/// A worker has been started, and is about to fetch the event.
fn wait_for(locations: &Locations, event: &str) -> Kept {
    let give_up = Instant::now() + COMMIT;
    loop {
        if let Some(id) = stored(locations, event) {
            return Kept::Stored(id);
        }
        if Instant::now() > give_up {
            return Kept::Spooled;
        }
        std::thread::park_timeout(LOOK_AGAIN);
    }
}

pub(super) fn call(asked: Remember) -> Told {
    for (name, items) in [("concepts", &asked.concepts), ("files", &asked.files)] {
        if items.len() > MOST_ITEMS {
            return Err(format!("{name} may have {MOST_ITEMS} items"));
        }
    }
    let memory = Memory {
        text: asked.text,
        kind: kind(asked.kind)?,
        title: asked.title,
        concepts: asked.concepts,
        files: asked.files,
    };
    Ok(match keep(&Settings::load(), &memory, &directory()?, None)? {
        Kept::Stored(id) => format!("Remembered as {id}, word for word."),
        Kept::Already => "This was remembered before, word for word.".to_owned(),
        Kept::Spooled => "Remembered: it is in the spool, and can be searched as soon as a worker has stored it (`claude-mem status`).".to_owned(),
    })
}
