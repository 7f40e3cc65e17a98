//! Is memory being kept, and by which server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use serde_json::{Value, json};

use crate::health::{self, Health};
use crate::store::Reader;

use super::super::answer::{Answer, Failure, ok};
use super::super::state::{App, Shared, now_ms, settings};

/// How long a look at the whole system counts: it reads directories and locks,
/// and clients ask often.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// The last look at the whole system.
#[derive(Debug, Default)]
pub(in super::super) struct Looked {
    last: tokio::sync::Mutex<Option<(Instant, Arc<Health>)>>,
}

/// The state of the memory, as of a moment ago.
pub(super) async fn look(app: &Shared) -> Result<Arc<Health>, Failure> {
    // Those who come meanwhile wait for the one who looks, without a thread.
    let mut last = app.looked.last.lock().await;
    if let Some((at, health)) = &*last
        && at.elapsed() < LOOK_AGAIN_AFTER
    {
        return Ok(Arc::clone(health));
    }
    let asked = Arc::clone(app);
    let health = tokio::task::spawn_blocking(move || {
        let reader = Reader::open_for_web(&asked.locations.database());
        let health = health::check(&asked.locations, &settings(), now_ms(), &reader);
        Arc::new(health)
    })
    .await
    .map_err(|_| Failure::unavailable("the state of the memory cannot be told; see the log"))?;
    *last = Some((Instant::now(), Arc::clone(&health)));
    drop(last);
    Ok(health)
}

fn basics(app: &App, health: &Health) -> Value {
    json!({
        "status": if health.stalled { "degraded" } else { "ok" },
        "uptime": app.uptime().as_secs(),
        "port": app.port,
        "timestamp": now_ms(),
        "activeSessions": health.workers.len(),
        "version": env!("CARGO_PKG_VERSION"),
    })
}

pub(in super::super) async fn short(State(app): State<Shared>) -> Answer {
    let health = look(&app).await?;
    let mut answer = basics(&app, &health);
    answer["status"] = "ok".into();
    ok(&answer)
}

pub(in super::super) async fn alive() -> Answer {
    ok(&json!({ "status": "ok" }))
}

pub(in super::super) async fn full(State(app): State<Shared>) -> Answer {
    let health = look(&app).await?;
    let last = app
        .pool
        .read(|reader| Ok(reader.map(Reader::last_call).transpose()?.flatten()))
        .await
        // A database that cannot be read is told as a stall.
        .unwrap_or_default();
    let counters = &health.counters;
    let mut answer = basics(&app, &health);
    let more = json!({
        "pid": std::process::id(),
        "platform": std::env::consts::OS,
        "initialized": true,
        "mcpReady": settings().bool(capture::settings::Key::McpEnabled),
        "runtime": "rust",
        "relay": app.relay,
        "ai": {
            "provider": health.provider.name,
            "model": health.provider.model,
            "reason": health.provider.reason,
            "lastInteraction": last.map(|call| json!({
                "timestamp": call.at,
                "success": call.outcome == "ok",
                "outcome": call.outcome,
            })),
        },
        "capture": {
            "captured": counters.captured,
            "processed": counters.processed,
            "skipped": counters.skipped,
            "pending": counters.pending,
            "processing": counters.processing,
            "failed": counters.failed,
            "stalled": health.stalled,
            "stallReason": health.stall_reason,
            "stallAction": health.stall_action,
            "skippedByReason": health.skipped_by_reason,
            "spooled": health.spool.events,
        },
        "warnings": health.warnings,
    });
    if let (Value::Object(all), Value::Object(more)) = (&mut answer, more) {
        all.extend(more);
    }
    ok(&answer)
}

pub(in super::super) async fn ready() -> Answer {
    let mcp = settings().bool(capture::settings::Key::McpEnabled);
    ok(&json!({ "status": "ready", "mcpReady": mcp }))
}

pub(in super::super) async fn version() -> Answer {
    ok(&json!({ "version": env!("CARGO_PKG_VERSION") }))
}
