//! The whole picture, for `claude-mem status`.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use capture::settings::{Key, Settings};
use serde::Serialize;
use sockets_protocol::{Counters, Locations, SafeId};

use crate::agent::mode;
use crate::configuration;
use crate::embedding;
use crate::store::{Backlog, Reader, StoreError};

use super::model::Provider;
use super::spool::Spool;
use super::stall::Evidence;
use super::workers::{self, Worker};

/// The state of the memory.
#[derive(Debug, Clone, Serialize)]
pub struct Health {
    /// The conservation equation.
    #[serde(rename = "capture")]
    pub counters: Counters,
    pub skipped_by_reason: BTreeMap<String, i64>,
    pub stalled: bool,
    /// The stall's cause.
    pub stall_reason: Option<String>,
    /// What to do about it.
    pub stall_action: Option<String>,
    /// Things to mend that do not keep memory from being kept.
    pub warnings: Vec<String>,
    pub workers: Vec<Worker>,
    pub spool: Spool,
    /// Sessions with events that wait, run or failed.
    pub backlog: Vec<Backlog>,
    pub provider: Provider,
    pub database: Database,
    pub data_dir: PathBuf,
    pub version: &'static str,
}

/// The database file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Database {
    pub path: PathBuf,
    /// With what waits in its write-ahead log.
    pub bytes: u64,
    /// `None` where there is no database yet, or none that can be read.
    pub schema: Option<i64>,
}

/// Looks at everything; writes nothing and asks no other process. A missing
/// database is a memory with nothing in it.
pub fn check(
    locations: &Locations,
    settings: &Settings,
    now_ms: i64,
    reader: &Result<Option<impl Borrow<Reader>>, StoreError>,
) -> Health {
    let evidence = Evidence::gather(locations, settings, now_ms, reader);
    let stall = evidence.stall();
    let open = reader.as_ref().ok().and_then(Option::as_ref);
    let open = open.map(Borrow::borrow);
    let reasons = open.and_then(|reader| reader.counters(None).ok());
    Health {
        skipped_by_reason: reasons
            .map(|totals| totals.skipped_by_reason)
            .unwrap_or_default(),
        stalled: stall.is_some(),
        stall_reason: stall.as_ref().map(|stall| stall.cause.clone()),
        stall_action: stall.map(|stall| stall.action),
        warnings: warnings(settings, &evidence.spool),
        workers: live_workers(locations, open),
        provider: evidence.provider,
        database: database(locations, open),
        data_dir: locations.data_dir().to_owned(),
        version: env!("CARGO_PKG_VERSION"),
        counters: evidence.counters,
        spool: evidence.spool,
        backlog: evidence.backlog,
    }
}

/// The locks know sessions; the database knows what project each belongs to.
fn live_workers(locations: &Locations, reader: Option<&Reader>) -> Vec<Worker> {
    let mut workers = workers::live(locations);
    for worker in &mut workers {
        // A session's id is its own safe form, except for ids of other hosts.
        let row = reader.and_then(|reader| reader.session_by_content_id(&worker.session).ok()?);
        worker.project = row.map(|row| row.project);
        debug_assert_eq!(SafeId::new(&worker.session).as_str(), worker.session);
    }
    workers
}

fn warnings(settings: &Settings, spool: &Spool) -> Vec<String> {
    let mut warnings = settings.problems();
    if spool.bad > 0 {
        warnings.push(format!(
            "{} spooled events cannot be read and were set aside in {}",
            spool.bad,
            Locations::new(settings.data_dir()).spool_root().display()
        ));
    }
    warnings.extend(
        spool
            .unreadable
            .iter()
            .map(|problem| format!("failed to list the spool {problem}")),
    );
    let modes = configuration::modes_dir(&Locations::new(settings.data_dir()));
    if let Err(error) = mode::load(&settings.get(Key::Mode), Some(&modes)) {
        warnings.push(format!("{error}; the mode code is used"));
    }
    if let Some(directory) = settings.path(Key::EmbeddingModel)
        && let Err(error) = embedding::full::look(&directory)
    {
        warnings.push(embedding::full::without(&error));
    }
    if settings.bool(Key::Disabled) {
        warnings.push(format!(
            "capture is switched off by {}",
            Key::Disabled.name()
        ));
    }
    warnings
}

fn database(locations: &Locations, reader: Option<&Reader>) -> Database {
    let path = locations.database();
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    let mut log = path.clone().into_os_string();
    log.push("-wal");
    Database {
        bytes: size(&path) + size(Path::new(&log)),
        schema: reader.and_then(|reader| reader.schema_version().ok()),
        path,
    }
}
