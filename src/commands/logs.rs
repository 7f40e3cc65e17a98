//! `claude-mem logs`.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::Context as _;

use super::place::Place;

/// How often a followed log is looked at.
const POLL: Duration = Duration::from_millis(300);

/// Bytes that are read from the end of a log at most.
const MAX_TAIL_BYTES: u64 = 8 * 1024 * 1024;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: claude-mem logs -f -n 20")]
pub(super) struct Args {
    /// Go on printing what is added, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// Lines from the end
    #[arg(short, default_value_t = 100)]
    number: usize,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<()> {
    let directory = Place::here().locations.logs_dir();
    let mut follower = Follower {
        path: newest(&directory),
        offset: 0,
    };
    match &follower.path {
        Some(path) => {
            let (text, end) = tail(path, args.number)
                .with_context(|| format!("failed to read {}", path.display()))?;
            out.write_all(&text)?;
            follower.offset = end;
        }
        None => writeln!(
            out,
            "There is no log in {} yet: workers write one when they run.",
            directory.display()
        )?,
    }
    if !args.follow {
        return Ok(());
    }
    // Ctrl-C ends the process; nothing is held that would need more.
    let (_keep, never) = mpsc::channel::<()>();
    loop {
        out.flush()?;
        let _elapsed = never.recv_timeout(POLL);
        follower.step(&directory, out)?;
    }
}

/// Where the reading of the newest log stands.
struct Follower {
    path: Option<PathBuf>,
    offset: u64,
}

impl Follower {
    /// Prints what was added, and goes over to a newer log at midnight once
    /// the old one is printed to its end.
    fn step(&mut self, directory: &Path, out: &mut dyn Write) -> anyhow::Result<()> {
        if let Some(path) = &self.path {
            self.offset = copy_from(path, self.offset, out)
                .with_context(|| format!("failed to read {}", path.display()))?;
        }
        let newest = newest(directory);
        if newest.is_some() && newest != self.path {
            self.path = newest;
            self.offset = 0;
        }
        Ok(())
    }
}

/// The dates in the names sort by themselves.
fn newest(directory: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(directory).ok()?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let is_log = |name: &String| {
        let dated = name.strip_prefix("worker-");
        dated.is_some_and(|rest| rest.strip_suffix(".log").is_some())
    };
    names.filter(is_log).max().map(|name| directory.join(name))
}

/// The last lines of a file, and where the file ends.
fn tail(path: &Path, lines: usize) -> io::Result<(Vec<u8>, u64)> {
    let mut file = File::open(path)?;
    let end = file.metadata()?.len();
    let start = end.saturating_sub(MAX_TAIL_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(end - start).read_to_end(&mut bytes)?;
    if lines == 0 {
        return Ok((Vec::new(), end));
    }
    let before_last = bytes.len().saturating_sub(1);
    let begin = bytes[..before_last]
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, byte)| **byte == b'\n')
        .nth(lines - 1)
        .map_or(0, |(offset, _)| offset + 1);
    Ok((bytes.split_off(begin), end))
}

/// Copies what stands behind `offset`; the new offset. A file that has become
/// shorter was rotated and is read from its beginning; one that is gone has
/// nothing more to say.
fn copy_from(path: &Path, offset: u64, out: &mut dyn Write) -> io::Result<u64> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    let offset = if length < offset { 0 } else { offset };
    file.seek(SeekFrom::Start(offset))?;
    let copied = io::copy(&mut file, out)?;
    Ok(offset + copied)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_last_lines_are_printed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("worker-2026-01-15.log");
        fs::write(&path, "one\ntwo\nthree\n").unwrap();
        let lines = |number| String::from_utf8(tail(&path, number).unwrap().0).unwrap();
        assert_eq!(lines(0), "");
        assert_eq!(lines(1), "three\n");
        assert_eq!(lines(2), "two\nthree\n");
        assert_eq!(lines(usize::MAX), "one\ntwo\nthree\n");
        fs::write(&path, "").unwrap();
        assert_eq!(lines(5), "");
    }

    #[test]
    fn a_followed_log_goes_on_after_midnight() {
        let dir = tempfile::tempdir().unwrap();
        let old = dir.path().join("worker-2026-01-15.log");
        fs::write(&old, "a\n").unwrap();
        fs::write(dir.path().join("hooks.log"), "not this\n").unwrap();
        let mut follower = Follower {
            path: newest(dir.path()),
            offset: 2,
        };
        let mut out = Vec::new();
        fs::write(&old, "a\nb\n").unwrap();
        follower.step(dir.path(), &mut out).unwrap();
        fs::write(&old, "a\nb\nc\n").unwrap();
        fs::write(dir.path().join("worker-2026-01-16.log"), "d\n").unwrap();
        follower.step(dir.path(), &mut out).unwrap();
        follower.step(dir.path(), &mut out).unwrap();
        follower.step(dir.path(), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "b\nc\nd\n");
    }
}
