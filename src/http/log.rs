//! The server's own log, `logs/http.log`: one old copy is kept.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use capture::settings::{Key, Settings, create_private_dir};
use sockets_protocol::Locations;
use tracing::level_filters::LevelFilter;

/// The log starts anew when it has this size.
const MAX_BYTES: u64 = 1 << 20;

/// Where the log lies.
pub(super) fn path(locations: &Locations) -> PathBuf {
    locations.logs_dir().join("http.log")
}

/// Begins logging: to the file when nobody is there to read, else to stderr.
pub(super) fn start(
    locations: &Locations,
    settings: &Settings,
    detached: bool,
) -> anyhow::Result<()> {
    let level = settings.get(Key::LogLevel).parse();
    let base = tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(LevelFilter::INFO))
        .with_target(false);
    // A second start in one process (a test's) goes on with the first log.
    if detached {
        let directory = locations.logs_dir();
        create_private_dir(&directory)
            .with_context(|| format!("failed to create {}", directory.display()))?;
        let path = path(locations);
        let file = open(&path).with_context(|| format!("failed to open {}", path.display()))?;
        let log = Arc::new(Rotated {
            path,
            file: Mutex::new(file),
        });
        let line = move || Line(Arc::clone(&log));
        drop(base.with_ansi(false).with_writer(line).try_init());
    } else {
        let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        drop(base.with_ansi(colour).with_writer(io::stderr).try_init());
    }
    Ok(())
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}

struct Rotated {
    path: PathBuf,
    file: Mutex<File>,
}

/// One line on its way into the log.
struct Line(Arc<Rotated>);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let log = &self.0;
        let mut file = log.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.metadata()?.len() > MAX_BYTES {
            std::fs::rename(&log.path, log.path.with_extension("log.1"))?;
            *file = open(&log.path)?;
        }
        file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
