//! How much there is.

use std::sync::Arc;

use axum::extract::State;
use serde_json::json;

use crate::store::Reader;

use super::super::answer::{Answer, ok};
use super::super::state::Shared;
use super::super::stream;
use super::health::look;

pub(in super::super) async fn projects(State(app): State<Shared>) -> Answer {
    let asked = Arc::clone(&app);
    app.pool
        .read(move |reader| ok(&stream::projects(&asked, reader)?))
        .await
}

pub(in super::super) async fn stats(State(app): State<Shared>) -> Answer {
    let health = look(&app).await?;
    let asked = Arc::clone(&app);
    app.pool
        .read(move |reader| {
            let path = asked.locations.database();
            let (by_project, total, sessions) = asked.counted.with(&path, reader, |census| {
                (
                    census.by_project().clone(),
                    census.counts(None),
                    census.sessions(),
                )
            })?;
            let first = reader
                .map(Reader::first_observation_at)
                .transpose()?
                .flatten();
            ok(&json!({
                "worker": {
                    "version": env!("CARGO_PKG_VERSION"),
                    "uptime": asked.uptime().as_secs(),
                    "activeSessions": health.workers.len(),
                    "sseClients": asked.hub.clients(),
                    "port": asked.port,
                },
                "database": {
                    "path": health.database.path,
                    "size": health.database.bytes,
                    "observations": total.observations,
                    "sessions": sessions,
                    "summaries": total.summaries,
                    "prompts": total.prompts,
                    "firstObservationAt": first,
                },
                "byProject": by_project,
                "total": {
                    "observations": total.observations,
                    "summaries": total.summaries,
                    "prompts": total.prompts,
                    "sessions": sessions,
                },
            }))
        })
        .await
}
