//! The one most fundamental reason why nothing is being remembered.

use std::borrow::Borrow;
use std::path::PathBuf;

use capture::settings::{Key, Settings};
use serde::Serialize;
use sockets_protocol::{Counters, Locations};

use crate::store::{Backlog, ProviderStall, Reader, StoreError};

use super::model::{self, Provider};
use super::spool::{self, Spool};
use super::{directory, workers};

/// Why capture stands still, and what the user can do. Neither tells a time,
/// so both stay the same for as long as the reason does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stall {
    pub cause: String,
    pub action: String,
}

impl Stall {
    pub(super) fn new(cause: impl Into<String>, action: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            action: action.into(),
        }
    }

    /// A database that cannot be used. What the store says about one that needs
    /// its user ends with the remedy.
    pub(crate) fn of_store(error: &StoreError) -> Self {
        let text = error.to_string();
        match error {
            StoreError::Newer { .. }
            | StoreError::Original { .. }
            | StoreError::Foreign { .. }
            | StoreError::NotYours { .. }
            | StoreError::Damaged { .. } => {
                if let Some((cause, action)) = text.rsplit_once(": ") {
                    return Self::new(cause, action);
                }
            }
            StoreError::Io { source, .. } => {
                return Self::new(
                    format!("{text}: {source}"),
                    "give your user access to that file, or free some space",
                );
            }
            StoreError::SqliteTooOld { .. } => {
                return Self::new(text, "build claude-mem with its own copy of SQLite");
            }
            StoreError::Sql { .. } | StoreError::LeaseLost { .. } => {}
        }
        Self::new(text, "run `claude-mem status`, and read `claude-mem logs`")
    }
}

/// What is looked at.
#[derive(Debug)]
pub(super) struct Evidence<'a> {
    pub(super) locations: &'a Locations,
    pub(super) now_ms: i64,
    pub(super) stall_ms: i64,
    pub(super) executable: Option<PathBuf>,
    pub(super) counters: Counters,
    pub(super) backlog: Vec<Backlog>,
    pub(super) unread: Option<Stall>,
    pub(super) spool: Spool,
    pub(super) provider: Provider,
    pub(super) unanswered: Option<ProviderStall>,
}

impl<'a> Evidence<'a> {
    pub(super) fn gather(
        locations: &'a Locations,
        settings: &Settings,
        now_ms: i64,
        reader: &Result<Option<impl Borrow<Reader>>, StoreError>,
    ) -> Self {
        let secs = i64::try_from(settings.number(Key::StallSecs)).unwrap_or(i64::MAX);
        let mut evidence = Self {
            locations,
            now_ms,
            stall_ms: secs.saturating_mul(1000),
            executable: std::env::current_exe().ok(),
            counters: Counters::default(),
            backlog: Vec::new(),
            unread: None,
            spool: spool::scan(&locations.spool_root()),
            provider: model::provider(settings),
            unanswered: None,
        };
        let read = match reader {
            Ok(None) => return evidence,
            Ok(Some(reader)) => evidence.read(reader.borrow()),
            Err(error) => {
                evidence.unread = Some(Stall::of_store(error));
                return evidence;
            }
        };
        match read {
            Ok((counters, backlog, unanswered)) => {
                evidence.counters = counters;
                evidence.backlog = backlog;
                evidence.unanswered = unanswered;
            }
            Err(error) => evidence.unread = Some(Stall::of_store(&error)),
        }
        evidence
    }

    fn read(
        &self,
        reader: &Reader,
    ) -> Result<(Counters, Vec<Backlog>, Option<ProviderStall>), StoreError> {
        reader.snapshot(|| {
            reader.assert_undamaged()?;
            Ok((
                reader.counters(None)?.counters,
                reader.backlog()?,
                reader.provider_stall(self.provider.name)?,
            ))
        })
    }

    /// The first of the reasons, the ones that others follow from first.
    pub(super) fn stall(&self) -> Option<Stall> {
        self.executable_gone()
            .or_else(|| directory::problem(self.locations.data_dir()))
            .or_else(|| self.unread.clone())
            .or_else(|| self.unbalanced())
            .or_else(|| self.unanswered())
            .or_else(|| self.failed())
            .or_else(|| self.abandoned_queue())
            .or_else(|| self.abandoned_spool())
    }

    fn executable_gone(&self) -> Option<Stall> {
        let path = self.executable.as_ref().filter(|path| !path.exists())?;
        let shown = path.to_string_lossy();
        // Linux says so of a file that was removed while it runs.
        let shown = shown.trim_end_matches(" (deleted)");
        Some(Stall::new(
            format!("the executable {shown} is gone, so no worker can start"),
            "install claude-mem again",
        ))
    }

    fn unbalanced(&self) -> Option<Stall> {
        (!self.counters.balanced()).then(|| {
            Stall::new(
                "captured events and what became of them do not add up",
                "run `claude-mem status`, and report what it prints as a defect",
            )
        })
    }

    fn unanswered(&self) -> Option<Stall> {
        let waiting = self.counters.pending + self.counters.processing;
        model::stall(self.unanswered.as_ref()?, waiting)
    }

    fn failed(&self) -> Option<Stall> {
        let first = self.backlog.iter().find(|session| session.failed > 0)?;
        let failed: i64 = self.backlog.iter().map(|session| session.failed).sum();
        let reason = first.last_error.as_deref().unwrap_or("no reason is known");
        Some(Stall::new(
            format!(
                "{} could not be turned into memory: {reason}",
                events(failed)
            ),
            "read `claude-mem logs`; `claude-mem queue redo --failed` tries again",
        ))
    }

    fn abandoned_queue(&self) -> Option<Stall> {
        let abandoned: Vec<&Backlog> = self
            .backlog
            .iter()
            .filter(|session| session.pending + session.processing > 0)
            .filter(|session| self.is_old(session.oldest_at_epoch))
            .filter(|session| !workers::serves(self.locations, &session.content_session_id))
            .collect();
        let first = abandoned.first()?;
        let waiting = abandoned
            .iter()
            .map(|session| session.pending + session.processing)
            .sum();
        Some(abandoned_in(
            "the queue",
            waiting,
            &first.content_session_id,
        ))
    }

    fn abandoned_spool(&self) -> Option<Stall> {
        let abandoned: Vec<&spool::Waiting> = self
            .spool
            .waiting
            .iter()
            .filter(|session| self.is_old(session.oldest))
            .filter(|session| !workers::serves(self.locations, &session.session))
            .collect();
        let first = abandoned.first()?;
        let waiting: usize = abandoned.iter().map(|session| session.events).sum();
        let waiting = i64::try_from(waiting).unwrap_or(i64::MAX);
        Some(abandoned_in("the spool", waiting, &first.session))
    }

    fn is_old(&self, at: i64) -> bool {
        self.now_ms.saturating_sub(at) > self.stall_ms
    }
}

/// Why nothing is being remembered, if that is so.
pub fn stall(
    locations: &Locations,
    settings: &Settings,
    now_ms: i64,
    reader: &Result<Option<Reader>, StoreError>,
) -> Option<Stall> {
    Evidence::gather(locations, settings, now_ms, reader).stall()
}

fn abandoned_in(place: &str, waiting: i64, session: &str) -> Stall {
    let wait = if waiting == 1 { "waits" } else { "wait" };
    Stall::new(
        format!(
            "{} {wait} in {place} and no worker takes them",
            events(waiting)
        ),
        format!("run `claude-mem worker {session}` and see what it says"),
    )
}

fn events(count: i64) -> String {
    match count {
        1 => "1 event".to_owned(),
        _ => format!("{count} events"),
    }
}
