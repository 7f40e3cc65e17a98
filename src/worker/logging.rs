//! Where a worker's words go: to stderr for the person who runs it by hand, to
//! `logs/worker-YYYY-MM-DD.log` when it is detached. All workers of a day share
//! the file; each line is one write to a descriptor opened for appending, so
//! lines do not mix.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use capture::settings::{Key, Settings, create_private_dir};
use jiff::civil::Date;
use sockets_protocol::Locations;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

/// How long log files stay.
const KEEP_DAYS: u64 = 14;

/// A day's file takes no more than this; what comes after is dropped, with a
/// last line that says so.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Begins logging.
///
/// # Errors
/// When the log directory cannot be made.
pub(super) fn start(
    locations: &Locations,
    settings: &Settings,
    detached: bool,
) -> anyhow::Result<()> {
    let level = settings.get(Key::LogLevel).parse();
    let base = tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(LevelFilter::INFO))
        .with_target(false);
    if detached {
        let files = DailyFiles::new(locations.logs_dir())?;
        remove_old(
            &locations.logs_dir(),
            Duration::from_secs(KEEP_DAYS * 24 * 3600),
        );
        base.with_ansi(false).with_writer(files).init();
    } else {
        let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        base.with_ansi(colour).with_writer(io::stderr).init();
    }
    Ok(())
}

/// Deletes files of a directory that were not written for so long.
pub(super) fn remove_old(directory: &Path, age: Duration) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let is_old = entry.metadata().is_ok_and(|data| {
            data.is_file()
                && data
                    .modified()
                    .is_ok_and(|at| at.elapsed().is_ok_and(|since| since > age))
        });
        if is_old {
            drop(std::fs::remove_file(entry.path()));
        }
    }
}

/// One file a local day, readable by its owner alone.
struct DailyFiles {
    directory: PathBuf,
    open: Mutex<Option<(Date, File)>>,
}

impl DailyFiles {
    fn new(directory: PathBuf) -> anyhow::Result<Self> {
        create_private_dir(&directory)
            .with_context(|| format!("failed to create {}", directory.display()))?;
        Ok(Self {
            directory,
            open: Mutex::new(None),
        })
    }

    fn write_line(&self, line: &[u8]) -> io::Result<()> {
        let today = jiff::Zoned::now().date();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.as_ref().is_none_or(|(day, _)| *day != today) {
            let path = self.directory.join(format!("worker-{today}.log"));
            let file = OpenOptions::new()
                .create(true)
                .append(true)
                .mode(0o600)
                .open(path)?;
            *open = Some((today, file));
        }
        let Some((_, file)) = open.as_mut() else {
            return Ok(());
        };
        let size = file.metadata()?.len();
        if size < MAX_BYTES {
            file.write_all(line)?;
            if size + line.len() as u64 >= MAX_BYTES {
                file.write_all(b"this log is full; the rest of the day is not logged\n")?;
            }
        }
        drop(open);
        Ok(())
    }
}

/// Collects what is formatted, and writes it as one line when it is dropped.
struct Line<'a> {
    files: &'a DailyFiles,
    bytes: Vec<u8>,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        // A log that cannot be written must not stop the work.
        drop(self.files.write_line(&self.bytes));
    }
}

impl<'a> MakeWriter<'a> for DailyFiles {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Line {
            files: self,
            bytes: Vec::with_capacity(256),
        }
    }
}
