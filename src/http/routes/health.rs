//! Is memory being kept, and by which server.

use std::sync::{Arc, Mutex, PoisonError};
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

/// How long it counts for those who come while somebody looks again.
const MEANWHILE: Duration = Duration::from_secs(2);

/// The last look at the whole system.
#[derive(Debug, Default)]
pub(in super::super) struct Looked {
    last: Mutex<Option<(Instant, Arc<Health>)>>,
    looking: tokio::sync::Mutex<()>,
}

impl Looked {
    /// The last look, if it is no older than this.
    fn within(&self, age: Duration) -> Option<Arc<Health>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let young = last.as_ref().filter(|(at, _)| at.elapsed() < age);
        let health = young.map(|(_, health)| Arc::clone(health));
        drop(last);
        health
    }

    fn note(&self, health: &Arc<Health>) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some((Instant::now(), Arc::clone(health)));
    }
}

/// The state of the memory, as of a moment ago.
pub(super) async fn look(app: &Shared) -> Result<Arc<Health>, Failure> {
    let looked = &app.looked;
    if let Some(health) = looked.within(LOOK_AGAIN_AFTER) {
        return Ok(health);
    }
    let _looking = match looked.looking.try_lock() {
        Ok(looking) => looking,
        Err(_) => match looked.within(MEANWHILE) {
            Some(health) => return Ok(health),
            None => looked.looking.lock().await,
        },
    };
    // Who had to wait for the one who looked need not look again.
    if let Some(health) = looked.within(LOOK_AGAIN_AFTER) {
        return Ok(health);
    }
    let asked = Arc::clone(app);
    app.pool
        .try_read(move |reader| {
            let health = health::check(&asked.locations, &settings(), now_ms(), &reader);
            let health = Arc::new(health);
            asked.looked.note(&health);
            Ok(health)
        })
        .await
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
