//! What waits, what runs, what failed.

use std::sync::Arc;

use axum::extract::State;
use serde_json::json;
use sockets_protocol::SafeId;

use crate::store::Reader;
use crate::store::web::QueueState;

use super::super::answer::{Answer, Failure, ok};
use super::super::ask::{JsonBody, Segment};
use super::super::relay;
use super::super::state::{MayWrite, Shared, now_ms};
use super::health::look;
use super::rows::number;

/// Events that are listed.
const MOST_MESSAGES: usize = 200;

/// Processed events that are listed.
const MOST_PROCESSED: usize = 20;

/// An event that runs for longer counts as stuck.
const STUCK_MS: i64 = 5 * 60 * 1000;

/// Sessions that one request has worked on.
const MOST_SESSIONS: usize = 100;

pub(in super::super) async fn processing_status(State(app): State<Shared>) -> Answer {
    let state = state(&app).await?;
    ok(&json!({ "isProcessing": state.depth() > 0, "queueDepth": state.depth() }))
}

/// Some hooks of the original tell the server whether it works on something.
/// It knows better, and says so.
pub(in super::super) async fn processing(State(app): State<Shared>) -> Answer {
    let state = state(&app).await?;
    ok(&json!({
        "status": "ok",
        "isProcessing": state.depth() > 0,
        "queueDepth": state.depth(),
        "activeSessions": look(&app).await?.workers.len(),
    }))
}

async fn state(app: &Shared) -> Result<QueueState, Failure> {
    app.pool
        .read(|reader| {
            let state = reader.map(|reader| reader.queue_state(now_ms() - STUCK_MS));
            Ok(state.transpose()?.unwrap_or_default())
        })
        .await
}

pub(in super::super) async fn pending(State(app): State<Shared>) -> Answer {
    app.pool
        .read(|reader| {
            let Some(reader) = reader else {
                return ok(&answer(QueueState::default(), &[], &[], &[]));
            };
            let state = reader.queue_state(now_ms() - STUCK_MS)?;
            let messages = reader.web_queue(MOST_MESSAGES)?;
            let processed = reader.web_processed(MOST_PROCESSED)?;
            let waiting: Vec<i64> = reader
                .backlog()?
                .iter()
                .filter(|session| session.pending + session.processing > 0)
                .map(|session| session.session_db_id)
                .collect();
            ok(&answer(state, &messages, &processed, &waiting))
        })
        .await
}

fn answer(
    state: QueueState,
    messages: &[crate::store::web::WebQueueRow],
    processed: &[crate::store::web::WebQueueRow],
    waiting: &[i64],
) -> serde_json::Value {
    json!({
        "queue": {
            "messages": messages,
            "totalPending": state.pending,
            "totalProcessing": state.processing,
            "totalFailed": state.failed,
            "stuckCount": state.stuck,
        },
        "recentlyProcessed": processed,
        "sessionsWithPendingWork": waiting,
    })
}

/// Starts workers for sessions whose events wait.
pub(in super::super) async fn process(
    State(app): State<Shared>,
    _may: MayWrite,
    body: JsonBody,
) -> Answer {
    let limit = body.count("sessionLimit", 10, MOST_SESSIONS)?;
    let served: Vec<String> = look(&app)
        .await?
        .workers
        .iter()
        .map(|worker| worker.session.clone())
        .collect();
    let backlog = app
        .pool
        .read(|reader| {
            let backlog = reader.map(Reader::backlog).transpose()?;
            Ok(backlog.unwrap_or_default())
        })
        .await?;
    let waiting: Vec<_> = backlog
        .into_iter()
        .filter(|session| session.pending + session.processing > 0)
        .collect();
    let (total, mut started, mut skipped) = (waiting.len(), Vec::new(), 0);
    let locations = Arc::new(app.locations.clone());
    for session in waiting {
        let id = SafeId::new(&session.content_session_id);
        if served.iter().any(|served| served == id.as_str()) || started.len() >= limit {
            skipped += 1;
            continue;
        }
        relay::start_worker(&locations, &session.content_session_id).await?;
        started.push(session.session_db_id);
    }
    ok(&json!({
        "success": true,
        "totalPendingSessions": total,
        "sessionsStarted": started.len(),
        "sessionsSkipped": skipped,
        "startedSessionIds": started,
    }))
}

pub(in super::super) async fn session_status(
    State(app): State<Shared>,
    Segment(id): Segment,
) -> Answer {
    let wanted = number(&id)?;
    let named = app.named_session(wanted);
    app.pool
        .read(move |reader| {
            let missing = || Failure::not_found(format!("Session #{wanted} not found"));
            let reader = reader.ok_or_else(missing)?;
            let session = match named {
                Some(name) => reader.session_by_content_id(&name)?,
                None => reader.session(wanted)?,
            };
            let session = session.ok_or_else(missing)?;
            let counts = reader.session_counts(session.id)?;
            ok(&json!({
                "session_id": session.content_session_id,
                "sessionDbId": session.id,
                "project": session.project,
                "status": session.status,
                "observation_count": counts.observations,
                "summary_count": counts.summaries,
                "queueLength": counts.queued,
            }))
        })
        .await
}
