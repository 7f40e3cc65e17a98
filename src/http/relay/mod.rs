//! Relay mode: an event that a client hands in goes the way of a hook's, to the
//! session's worker over its socket. Nothing is written here; the answer comes
//! from what the worker has committed.

pub(super) mod by_name;
pub(super) mod by_number;
pub(super) mod memory;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use capture::deliver::Delivery;
use capture::relay::{NamedProject, Relayed};
use serde_json::{Map, Value, json};
use sockets_protocol::{AckStatus, Locations, SafeId};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;

use crate::store::SessionRow;
use crate::store::web::Receipt;

use super::answer::Failure;
use super::ask::JsonBody;
use super::state::{Shared, settings};

/// How long a worker may take to acknowledge an event.
const ACK: Duration = Duration::from_secs(2);

/// How long a worker that had to be started may take to commit it.
const COMMIT: Duration = Duration::from_secs(8);

const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Events that are handed over at a time; each waits on a thread.
static TURNS: Semaphore = Semaphore::const_new(8);

/// Longest names of sessions and projects.
const NAME_BYTES: usize = 400;

/// What clients call Claude Code's session id.
pub(super) const SESSION: [&str; 5] = [
    "contentSessionId",
    "claudeSessionId",
    "content_session_id",
    "claude_session_id",
    "session_id",
];

/// Fields that go on as they are: Claude Code's name first, then those that
/// clients have for it.
const FIELDS: [&[&str]; 5] = [
    &["cwd"],
    &["tool_use_id", "toolUseId"],
    &["prompt_id", "promptId"],
    &["agent_id", "agentId"],
    &["agent_type", "agentType"],
];

/// What became of an event.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It was not taken, for this reason.
    NotCaptured(&'static str),
    Committed {
        event_id: String,
        receipt: Receipt,
        duplicate: bool,
    },
}

/// Fields of Claude Code's payload for an event of this session.
pub(super) fn payload(session: &str, event: &str, body: &JsonBody) -> Map<String, Value> {
    let mut payload = Map::new();
    payload.insert("session_id".to_owned(), session.into());
    payload.insert("hook_event_name".to_owned(), event.into());
    for names in FIELDS {
        if let Some(value) = body.value(names) {
            payload.insert(names[0].to_owned(), value.clone());
        }
    }
    payload
}

/// Whose event a body is: Claude Code's session id, or the number that `init`
/// has answered.
pub(super) async fn session_name(app: &Shared, body: &JsonBody) -> Result<String, Failure> {
    if let Some(name) = body.text(&SESSION) {
        return checked(name, "contentSessionId");
    }
    match body.value(&["sessionDbId"]).and_then(Value::as_i64) {
        Some(number) => by_number::name_of(app, number).await,
        None => Err(Failure::bad(
            "contentSessionId (or claudeSessionId) is required",
        )),
    }
}

/// A name that can stand in a database and a log.
fn checked(name: &str, what: &str) -> Result<String, Failure> {
    let name = name.trim();
    if name.is_empty() || name.len() > NAME_BYTES || name.contains(char::is_control) {
        return Err(Failure::bad(format!(
            "{what} must be one line of at most {NAME_BYTES} bytes"
        )));
    }
    Ok(name.to_owned())
}

/// The session's row, where there is one.
pub(super) async fn session(app: &Shared, name: &str) -> Result<Option<SessionRow>, Failure> {
    let name = name.to_owned();
    app.pool
        .read(move |reader| {
            let row = reader.map(|reader| reader.session_by_content_id(&name));
            Ok(row.transpose()?.flatten())
        })
        .await
}

/// Hands an event over, and waits until it is committed. It belongs to the
/// project that the body names, else to its session's.
pub(super) async fn hand_over(
    app: &Shared,
    session: &str,
    payload: Map<String, Value>,
    body: &JsonBody,
) -> Result<Outcome, Failure> {
    let project = project(app, session, body).await?;
    hand_over_with(app, session, move || {
        let by = Instant::now() + ACK;
        Ok(capture::relay::relay(&settings(), payload, project, by))
    })
    .await
}

/// As [`hand_over`], by whatever way `relay` takes.
async fn hand_over_with(
    app: &Shared,
    session: &str,
    relay: impl FnOnce() -> Result<Relayed, Failure> + Send + 'static,
) -> Result<Outcome, Failure> {
    let turn = TURNS
        .acquire()
        .await
        .map_err(|_| Failure::unavailable("the server is ending"))?;
    let relayed = tokio::task::spawn_blocking(relay)
        .await
        .map_err(|_| Failure::unavailable("the event could not be handed over; see the log"))?;
    drop(turn);
    match relayed? {
        Relayed::Skipped("no_event") => Err(Failure::bad("there is nothing to capture in this")),
        Relayed::Skipped(reason) => Ok(Outcome::NotCaptured(reason)),
        Relayed::Handed {
            delivery: Delivery::Lost(reason),
            ..
        } => Err(Failure::unavailable(reason)),
        Relayed::Handed { event_id, delivery } => {
            let duplicate = matches!(&delivery, Delivery::Acked(ack)
                if ack.status == AckStatus::Duplicate);
            let receipt = committed(app, session, &event_id).await?;
            Ok(Outcome::Committed {
                event_id,
                receipt,
                duplicate,
            })
        }
    }
}

async fn project(
    app: &Shared,
    name: &str,
    body: &JsonBody,
) -> Result<Option<NamedProject>, Failure> {
    let row = session(app, name).await?;
    let root = |row: Option<&SessionRow>| {
        row.map_or_else(PathBuf::new, |row| PathBuf::from(&row.project_root))
    };
    if let Some(named) = body.text(&["project"]) {
        let name = checked(named, "project")?;
        let root = root(row.as_ref().filter(|row| row.project == name));
        return Ok(Some(NamedProject { name, root }));
    }
    Ok(row.map(|row| NamedProject {
        root: root(Some(&row)),
        name: row.project,
    }))
}

/// Waits for the event's row. An acknowledged one is there; a worker that was
/// just started is about to fetch it from the spool.
async fn committed(app: &Shared, session: &str, event: &str) -> Result<Receipt, Failure> {
    let give_up = Instant::now() + COMMIT;
    loop {
        let (name, event) = (session.to_owned(), event.to_owned());
        let found = app
            .pool
            .read(move |reader| {
                let receipt = reader.map(|reader| reader.receipt(&name, &event));
                Ok(receipt.transpose()?.flatten())
            })
            .await?;
        if let Some(receipt) = found {
            return Ok(receipt);
        }
        if Instant::now() > give_up {
            return Err(Failure::new(
                StatusCode::GATEWAY_TIMEOUT,
                "the event is safe in the spool, but no worker has fetched it yet: see `claude-mem status`",
            ));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Starts the session's worker, unless it has one.
pub(super) async fn start_worker(locations: &Locations, session: &str) -> Result<(), Failure> {
    let (locations, session) = (locations.clone(), session.to_owned());
    tokio::task::spawn_blocking(move || {
        let id = SafeId::new(&session);
        capture::deliver::start_worker(&locations, &session, &id).map_err(Failure::unavailable)
    })
    .await
    .unwrap_or_else(|_| Err(Failure::unavailable("no worker could be started")))
}

/// `{status}` with the reason why an event was skipped.
pub(super) fn status(outcome: &Outcome) -> Value {
    let skipped = |reason: &str| json!({ "status": "skipped", "reason": reason });
    match outcome {
        Outcome::NotCaptured(reason) => skipped(reason),
        Outcome::Committed {
            duplicate: true, ..
        } => skipped("duplicate"),
        Outcome::Committed { receipt, .. } => match &receipt.skip_reason {
            Some(reason) => skipped(reason),
            None => json!({ "status": "queued" }),
        },
    }
}

/// Held while a child of ours is waited for by its own number.
static CHILDREN: Mutex<()> = Mutex::new(());

/// Runs a child process to its end.
pub(super) fn children<T>(run: impl FnOnce() -> T) -> T {
    let _alone = CHILDREN.lock().unwrap_or_else(PoisonError::into_inner);
    run()
}

/// Lets workers that were started here go when they end: they are processes of
/// their own, but the kernel keeps their last word for whoever started them.
pub(super) async fn reap() {
    use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
    let Ok(mut ended) = signal(SignalKind::child()) else {
        return;
    };
    while ended.recv().await.is_some() {
        let reaped = tokio::task::spawn_blocking(|| {
            children(|| {
                while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                    if status == WaitStatus::StillAlive {
                        break;
                    }
                }
            });
        })
        .await;
        if reaped.is_err() {
            return;
        }
    }
}
