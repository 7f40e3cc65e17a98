//! The workers' newest log.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use axum::extract::State;
use serde_json::json;

use super::super::answer::{Answer, Failure, ok};
use super::super::ask::{JsonBody, Params};
use super::super::state::{MayWrite, Shared};

const DEFAULT_LINES: usize = 1000;
const MOST_LINES: usize = 10_000;

/// Bytes that are read from the end at most.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

pub(in super::super) async fn show(State(app): State<Shared>, params: Params) -> Answer {
    let lines = params.count("lines", DEFAULT_LINES, MOST_LINES)?;
    let directory = app.locations.logs_dir();
    off_the_runtime(move || {
        let path = newest(&directory);
        let text = path.as_deref().map(tail).transpose();
        let text = text.map_err(|error| Failure::unavailable(format!("the log: {error}")))?;
        let all: Vec<&str> = text.as_deref().unwrap_or_default().lines().collect();
        let shown = &all[all.len().saturating_sub(lines)..];
        ok(&json!({
            "logs": shown.join("\n"),
            "path": path.as_deref().unwrap_or(&directory),
            "exists": path.is_some(),
            "totalLines": all.len(),
            "returnedLines": shown.len(),
        }))
    })
    .await
}

pub(in super::super) async fn clear(
    State(app): State<Shared>,
    _may: MayWrite,
    _body: JsonBody,
) -> Answer {
    let directory = app.locations.logs_dir();
    off_the_runtime(move || {
        // Workers append, so they go on at the new end.
        let cleared = newest(&directory)
            .map(|path| File::options().write(true).open(&path)?.set_len(0))
            .transpose();
        cleared.map_err(|error| Failure::unavailable(format!("the log: {error}")))?;
        ok(&json!({ "success": true, "message": "Log file cleared" }))
    })
    .await
}

pub(super) async fn off_the_runtime(work: impl FnOnce() -> Answer + Send + 'static) -> Answer {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Failure::unavailable("the request failed; see the log")))
}

/// The dates in the names sort by themselves.
fn newest(directory: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(directory).ok()?;
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| {
            name.strip_prefix("worker-")
                .is_some_and(|rest| rest.strip_suffix(".log").is_some())
        })
        .max()
        .map(|name| directory.join(name))
}

/// The end of the file, from the beginning of a line on.
fn tail(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let start = length.saturating_sub(MAX_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(match text.split_once('\n') {
        Some((_, rest)) if start > 0 => rest.to_owned(),
        _ => text,
    })
}
