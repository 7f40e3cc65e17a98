//! `GET /stream`: what is new, as Server-Sent Events.
//!
//! Nothing is queued for a client: it has a cursor, and takes what comes after
//! it from the database as fast as it reads. So a burst is never lost, a client
//! that was away goes on where it stopped (each event's id is the cursor behind
//! it), and one that does not read costs nothing until it is dropped. `watch`
//! says when there is something to take; `frames` are the events.

mod frames;
mod notices;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use futures_util::stream;
use tokio::sync::mpsc;

use crate::store::Reader;
use crate::store::web::{Changes, Cursor};

use super::answer::{Answer, Failure};
use super::listen::{Connection, Held};
use super::state::{App, Shared};

pub(super) use self::watch::Hub;

/// Rows of a kind that are taken at a time: a prompt may have 32 KiB, and its
/// event tells it several times.
const PAGE: usize = 64;

/// Bytes that a connection is given at a time: more would lie in its buffer, and
/// a client that does not take them would be noticed late.
const PIECE: usize = 32 * 1024;

/// A comment keeps connections open that have nothing to say.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A client that takes nothing for so long is dropped.
const SLOW: Duration = Duration::from_secs(10);

/// Clients at a time.
const MOST_CLIENTS: usize = 64;

/// Answers with everything that is new from now on, or from the client's last
/// event on.
pub(super) async fn stream(
    State(app): State<Shared>,
    Extension(connection): Extension<Arc<Connection>>,
    headers: HeaderMap,
) -> Answer {
    let client = app
        .hub
        .enter(MOST_CLIENTS)
        .ok_or_else(|| Failure::unavailable(format!("there are {MOST_CLIENTS} clients already")))?;
    let last: Option<Cursor> = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok()?.parse().ok());
    let (send, receive) = mpsc::channel::<Bytes>(1);
    let held = connection.hold();
    tokio::spawn(async move {
        let told = Teller {
            app,
            send,
            connection,
            _held: held,
        }
        .tell(last)
        .await;
        told.note();
        drop(client);
    });
    let body = stream::unfold(receive, |mut receive| async {
        let chunk = receive.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(chunk), receive))
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-store"),
    );
    Ok(response)
}

/// Why a client is told no more.
#[derive(Debug)]
enum Left {
    Gone,
    Slow,
    Stopping,
    Failed(Failure),
}

impl Left {
    fn note(&self) {
        match self {
            Self::Gone | Self::Stopping => tracing::debug!("a client of the stream has left"),
            Self::Slow => tracing::info!("a client of the stream was too slow and is dropped"),
            Self::Failed(failure) => {
                tracing::warn!("a client of the stream is dropped: {}", failure.text());
            }
        }
    }
}

/// Tells one client.
struct Teller {
    app: Shared,
    send: mpsc::Sender<Bytes>,
    connection: Arc<Connection>,
    _held: Held,
}

impl Teller {
    async fn tell(self, last: Option<Cursor>) -> Left {
        match self.run(last).await {
            Err(left) => left,
            Ok(never) => match never {},
        }
    }

    async fn run(&self, last: Option<Cursor>) -> Result<std::convert::Infallible, Left> {
        let mut changed = self.app.hub.subscribe();
        let mut stopping = self.app.stopping.subscribe();
        let (mut cursor, mut queue) = self.greet(last).await?;
        loop {
            let page = self
                .app
                .hub
                .page(cursor, PAGE)
                .await
                .map_err(Left::Failed)?;
            if !page.frames.is_empty() {
                self.give(page.frames.clone()).await?;
            }
            cursor = page.cursor;
            if page.queue != queue {
                queue = page.queue;
                self.give(frames::processing_status(&cursor, queue)).await?;
            }
            if page.more {
                continue;
            }
            let is_quiet = tokio::select! {
                changed = changed.changed() => match changed {
                    Ok(()) => false,
                    Err(_) => return Err(Left::Stopping),
                },
                () = tokio::time::sleep(HEARTBEAT) => true,
                () = self.send.closed() => return Err(Left::Gone),
                _ = stopping.wait_for(|stopping| *stopping) => return Err(Left::Stopping),
            };
            if is_quiet {
                self.give(frames::heartbeat()).await?;
            }
        }
    }

    /// What only a new client is told.
    async fn greet(&self, last: Option<Cursor>) -> Result<(Cursor, Queue), Left> {
        let app = Arc::clone(&self.app);
        let (frames, cursor, queue) = self
            .app
            .pool
            .read(move |reader| {
                let newest = reader
                    .map(Reader::newest_cursor)
                    .transpose()?
                    .unwrap_or_default();
                // A cursor of another database is none of this one.
                let cursor = last
                    .filter(|last| is_before(last, &newest))
                    .unwrap_or(newest);
                let queue = watch::queue(reader)?;
                let projects = projects(&app, reader)?;
                Ok((frames::greeting(&cursor, &projects, queue), cursor, queue))
            })
            .await
            .map_err(Left::Failed)?;
        self.give(frames).await?;
        Ok((cursor, queue))
    }

    /// Gives the client some events, and gives the client up when it does not
    /// take them.
    async fn give(&self, mut frames: Bytes) -> Result<(), Left> {
        while !frames.is_empty() {
            let piece = frames.split_to(frames.len().min(PIECE));
            match tokio::time::timeout(SLOW, self.send.send(piece)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(Left::Gone),
                Err(_) => {
                    self.connection.close();
                    return Err(Left::Slow);
                }
            }
        }
        Ok(())
    }
}

/// How much is being worked on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Queue {
    pub(super) processing: bool,
    pub(super) depth: i64,
}

fn is_before(cursor: &Cursor, newest: &Cursor) -> bool {
    cursor.observation <= newest.observation
        && cursor.summary <= newest.summary
        && cursor.prompt <= newest.prompt
        && cursor.session <= newest.session
}

/// The projects, as `/api/projects` answers them.
pub(super) fn projects(app: &App, reader: Option<&Reader>) -> Result<serde_json::Value, Failure> {
    let path = app.locations.database();
    Ok(app.counted.with(&path, reader, |census| {
        serde_json::json!({
            "projects": census.projects(),
            "sources": census.by_source().keys().collect::<Vec<_>>(),
            "projectsBySource": census.by_source(),
        })
    })?)
}

/// Events with the cursor behind them, shared by the clients that stand at the
/// same place.
#[derive(Debug, Clone)]
pub(super) struct Told {
    frames: Bytes,
    cursor: Cursor,
    queue: Queue,
    more: bool,
}

impl Told {
    fn new(from: Cursor, changes: &Changes, queue: Queue) -> Self {
        let (frames, cursor, cut) = frames::changes(from, changes);
        Self {
            frames,
            cursor,
            queue,
            more: changes.more || cut,
        }
    }
}
