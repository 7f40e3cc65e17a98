//! What all requests share.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use capture::settings::{Key, Settings};
use sockets_protocol::Locations;
use tokio::sync::watch;

use crate::store::UsageRow;

use super::answer::Failure;
use super::census::Counted;
use super::kept::Kept;
use super::pool::Pool;
use super::routes::context::SessionStart;
use super::routes::health::Looked;
use super::routes::search::{Hits, Question};
use super::stream::Hub;

/// Sessions that are known under a number of the client's own choice.
const MAX_ALIASES: usize = 1024;

pub(super) type Shared = Arc<App>;

/// A project, or all, and the beginnings of days.
type DaysOf = (Option<String>, Vec<i64>);

#[derive(Debug)]
pub(super) struct App {
    pub(super) locations: Locations,
    pub(super) pool: Pool,
    pub(super) counted: Counted,
    /// What days brought, by project and the days' bounds: the answer.
    pub(super) days: Kept<DaysOf, Bytes>,
    /// Calls of models on these days, by project and the days' beginnings.
    pub(super) calls: Kept<DaysOf, Vec<Vec<UsageRow>>>,
    pub(super) starts: Kept<SessionStart, String>,
    pub(super) searches: Kept<Question, Hits>,
    pub(super) hub: Hub,
    pub(super) looked: Looked,
    pub(super) port: u16,
    /// Whether events and settings are taken.
    pub(super) relay: bool,
    started: Instant,
    /// Milliseconds after `started` of the last request.
    last_request: AtomicU64,
    aliases: Mutex<VecDeque<(i64, String)>>,
    /// Turns true when the process is to end.
    pub(super) stopping: watch::Sender<bool>,
}

impl App {
    pub(super) fn new(locations: Locations, port: u16, relay: bool) -> Self {
        let pool = Pool::new(locations.database());
        Self {
            hub: Hub::new(pool.clone()),
            pool,
            locations,
            counted: Counted::default(),
            days: Kept::default(),
            calls: Kept::default(),
            starts: Kept::default(),
            searches: Kept::default(),
            looked: Looked::default(),
            port,
            relay,
            started: Instant::now(),
            last_request: AtomicU64::new(0),
            aliases: Mutex::default(),
            stopping: watch::Sender::new(false),
        }
    }

    pub(super) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Notes that somebody asked something.
    pub(super) fn touch(&self) {
        let now = u64::try_from(self.uptime().as_millis()).unwrap_or(u64::MAX);
        self.last_request.store(now, Ordering::Relaxed);
    }

    /// How long nobody has asked anything, nor listened to the stream.
    pub(super) fn idle(&self) -> Duration {
        if self.hub.clients() > 0 {
            self.touch();
        }
        self.uptime().saturating_sub(Duration::from_millis(
            self.last_request.load(Ordering::Relaxed),
        ))
    }

    /// Remembers that a client calls a session by this number.
    pub(super) fn name_session(&self, number: i64, session: &str) {
        let mut aliases = self.aliases.lock().unwrap_or_else(PoisonError::into_inner);
        aliases.retain(|(known, _)| *known != number);
        aliases.push_back((number, session.to_owned()));
        if aliases.len() > MAX_ALIASES {
            aliases.pop_front();
        }
    }

    /// The session that a client calls by this number.
    pub(super) fn named_session(&self, number: i64) -> Option<String> {
        let aliases = self.aliases.lock().unwrap_or_else(PoisonError::into_inner);
        let found = aliases.iter().find(|(known, _)| *known == number);
        let session = found.map(|(_, session)| session.clone());
        drop(aliases);
        session
    }
}

/// Epoch milliseconds.
pub(super) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Why a request that changes something is refused in read-only mode.
pub(super) fn read_only() -> Failure {
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, "read-only")
        .with(
            "hint",
            format!(
                "start the server with `claude-mem serve --relay`, or set {} to true and restart it",
                Key::HttpRelay.name()
            ),
        )
        .allowing("GET, HEAD")
}

/// Proof that the request may change something: the server relays, and the
/// client has said that it sends JSON, which no cross-site form can.
#[derive(Debug)]
pub(super) struct MayWrite;

impl FromRequestParts<Shared> for MayWrite {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Failure> {
        if !app.relay {
            return Err(read_only());
        }
        says_json(parts).map(|()| Self)
    }
}

/// Refuses a body that a form of a foreign page could have sent. A request
/// without a body may go without a type: a form always names one, and scripts
/// of foreign pages name their origin.
pub(super) fn says_json(parts: &Parts) -> Result<(), Failure> {
    let kind = parts
        .headers
        .get(header::CONTENT_TYPE)
        .map(|kind| kind.to_str().unwrap_or_default());
    let is_json = kind.is_some_and(|kind| {
        let name = kind.split(';').next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case("application/json")
    });
    let is_bare = kind.is_none() && has_no_body(parts);
    if parts.method == Method::DELETE || is_json || is_bare {
        return Ok(());
    }
    Err(Failure::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "send Content-Type: application/json",
    ))
}

fn has_no_body(parts: &Parts) -> bool {
    let length = parts.headers.get(header::CONTENT_LENGTH);
    !parts.headers.contains_key(header::TRANSFER_ENCODING)
        && length.is_none_or(|length| length.as_bytes() == b"0")
}

/// The settings as they are now.
pub(super) fn settings() -> Settings {
    Settings::load()
}
