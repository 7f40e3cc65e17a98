//! The session's spool: events whose hook found no worker.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sockets_protocol::{
    Finalize, MAX_LINE_BYTES, Observation, Prompt, Request, SPOOL_BAD_SUFFIX, SPOOL_SUFFIX,
    SpoolRecord, parse_request,
};

/// Files taken into one transaction.
pub(super) const BATCH: usize = 64;

/// A spooled event and its file.
pub(super) struct Spooled {
    pub(super) path: PathBuf,
    pub(super) session: String,
    pub(super) request: Request,
}

/// Whether anything waits.
pub(super) fn has_events(directory: &Path) -> bool {
    fs::read_dir(directory).is_ok_and(|mut entries| {
        entries.any(|entry| entry.is_ok_and(|entry| is_event(&entry.path())))
    })
}

/// The oldest events, at most [`BATCH`]. A file that cannot be read as an event
/// is put aside under another name: it is not lost, and not in the way.
pub(super) fn read_batch(directory: &Path) -> Vec<Spooled> {
    let mut paths: Vec<PathBuf> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| is_event(path))
        .collect();
    paths.sort();
    paths
        .into_iter()
        .take(BATCH)
        .filter_map(|path| match read(&path) {
            Ok((session, request)) => Some(Spooled {
                path,
                session,
                request,
            }),
            Err(reason) => {
                put_aside(&path, &reason);
                None
            }
        })
        .collect()
}

/// Deletes the files of committed events, and the directory when it is empty.
/// `false` when one of them stays, and so would be read again.
pub(super) fn remove(directory: &Path, done: &[PathBuf]) -> bool {
    let mut all = true;
    for path in done {
        if let Err(error) = fs::remove_file(path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!("failed to delete {}: {error}", path.display());
            all = false;
        }
    }
    // Fails, as it should, while anything is in it.
    drop(fs::remove_dir(directory));
    all
}

/// Puts aside what hooks that died while they wrote left behind, in every
/// session's directory, so that it is seen and the directories can go.
pub(super) fn put_leftovers_aside(root: &Path, age: Duration) {
    let entries = |directory: &Path| fs::read_dir(directory).into_iter().flatten().flatten();
    for directory in entries(root) {
        for entry in entries(&directory.path()) {
            let name = entry.file_name();
            let is_old = entry
                .metadata()
                .and_then(|data| data.modified())
                .is_ok_and(|at| at.elapsed().is_ok_and(|since| since > age));
            if is_old && let Some(name) = name.to_str().and_then(|name| name.strip_prefix('.')) {
                let aside = directory.path().join(format!("{name}{SPOOL_BAD_SUFFIX}"));
                drop(fs::rename(entry.path(), aside));
            }
        }
    }
}

fn is_event(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| !name.starts_with('.') && name.ends_with(SPOOL_SUFFIX))
}

fn read(path: &Path) -> Result<(String, Request), String> {
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > MAX_LINE_BYTES as u64 {
        return Err(format!("{size} bytes are more than a message may have"));
    }
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let record: SpoolRecord = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    let mut request =
        parse_request(record.message.to_string().as_bytes()).map_err(|error| error.to_string())?;
    // A file can be taken in twice, when a worker dies before it deletes it, so
    // its event needs a key that is the same each time.
    if let Request::Prompt(Prompt { id, .. })
    | Request::Observation(Observation { id, .. })
    | Request::Finalize(Finalize { id, .. }) = &mut request
        && id.as_ref().is_none_or(String::is_empty)
    {
        *id = Some(
            path.file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
        );
    }
    Ok((record.session, request))
}

fn put_aside(path: &Path, reason: &str) {
    let mut aside = path.as_os_str().to_owned();
    aside.push(SPOOL_BAD_SUFFIX);
    tracing::error!(
        "{} is no event ({reason}): put aside as {SPOOL_BAD_SUFFIX}",
        path.display()
    );
    drop(fs::rename(path, aside));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_hook_left_half_written_is_put_aside_when_it_is_old() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("s");
        fs::create_dir(&directory).unwrap();
        for name in [".1-2-0.tmp", "0000000000001-e.json"] {
            fs::write(directory.join(name), "{}").unwrap();
        }
        put_leftovers_aside(root.path(), Duration::from_hours(1));
        assert!(
            directory.join(".1-2-0.tmp").exists(),
            "it may still be written"
        );
        put_leftovers_aside(root.path(), Duration::ZERO);
        assert!(directory.join("1-2-0.tmp.bad").exists());
        assert!(
            directory.join("0000000000001-e.json").exists(),
            "an event stays one"
        );
    }
}
