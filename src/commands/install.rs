//! Adds claude-mem's hooks to Claude Code's user settings and its MCP server to the user's servers,
//! and takes exactly them out again.
//!
//! The settings file belongs to the user. Only our entries change; every other byte of it stays,
//! and a file that cannot be understood is left alone. An entry is ours if it runs one of our
//! executables with the single argument `claude-mem`, wherever they are installed.

mod document;
mod file;
mod ours;
mod render;
mod server;
#[cfg(test)]
mod tests;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};

pub use server::{install_server, servers_path, uninstall_server};

use file::{Snapshot, Write};
use ours::{Executable, Installed};

/// Some editors put it at the beginning of every file.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// What is to be installed, and where.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The file that is edited: see [`settings_path`] and [`servers_path`].
    pub settings_path: PathBuf,
    /// The directory that holds the six hook executables.
    pub hooks_dir: PathBuf,
}

/// One hook in the settings file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Claude Code's name of the event.
    pub event: String,
    /// The path of the executable.
    pub command: String,
}

/// What became of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Everything was as it should be.
    Unchanged,
    /// There was no file.
    Created,
    Updated,
}

/// What was done, or would be done by a dry run.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The file behind the path, where that is a symbolic link.
    pub settings_path: PathBuf,
    pub change: Change,
    pub added: Vec<Entry>,
    pub removed: Vec<Entry>,
    /// Sentences for the user about what will keep the hooks from working.
    pub warnings: Vec<String>,
    /// The text before; empty where there was no file.
    pub before: String,
    pub after: String,
}

/// Where Claude Code keeps the user's settings: in `CLAUDE_CONFIG_DIR`, else in `.claude` in the
/// home directory. `None` where neither is known.
pub fn settings_path(config_dir: Option<&Path>, home: Option<&Path>) -> Option<PathBuf> {
    let given = config_dir.filter(|dir| !dir.as_os_str().is_empty());
    let directory =
        given.map_or_else(|| Some(home?.join(".claude")), |dir| Some(dir.to_owned()))?;
    Some(directory.join("settings.json"))
}

/// Adds the hooks, replacing those of an earlier installation. Installing twice changes nothing.
pub fn install(plan: &Plan, dry_run: bool) -> Result<Outcome> {
    let hooks_dir = executables(&plan.hooks_dir)?;
    run(
        plan,
        dry_run,
        "install",
        || (),
        |text| ours::install(text, &hooks_dir),
    )
}

/// Removes the hooks. A file that only we have written to keeps an empty object.
pub fn uninstall(plan: &Plan, dry_run: bool) -> Result<Outcome> {
    run(plan, dry_run, "uninstall", || (), ours::uninstall)
}

/// Reads the file, has it transformed and writes it back, once more from the beginning if someone
/// else wrote to it meanwhile. `before_write` lets a test be that someone.
fn run(
    plan: &Plan,
    dry_run: bool,
    command: &str,
    mut before_write: impl FnMut(),
    transform: impl Fn(&str) -> Result<Installed>,
) -> Result<Outcome> {
    let path = &plan.settings_path;
    for _ in 0..2 {
        let snapshot = Snapshot::read(path)?;
        let (before, installed) = snapshot
            .text()
            .and_then(|before| Ok((before, transform_marked(before, &transform)?)))
            .map_err(|error| {
                anyhow!(
                    "{}, {error:#}: the file was left untouched; repair it, then run \
                     `claude-mem {command}` again",
                    snapshot.path.display()
                )
            })?;
        let outcome = Outcome {
            settings_path: snapshot.path.clone(),
            change: match snapshot.bytes {
                _ if installed.text == before => Change::Unchanged,
                None => Change::Created,
                Some(_) => Change::Updated,
            },
            added: installed.added,
            removed: installed.removed,
            warnings: installed.warnings,
            before: before.to_owned(),
            after: installed.text,
        };
        if dry_run || outcome.change == Change::Unchanged {
            return Ok(outcome);
        }
        before_write();
        match snapshot.replace(outcome.after.as_bytes())? {
            Write::Done => return Ok(outcome),
            Write::ChangedMeanwhile => {}
        }
    }
    bail!(
        "{} was changed by another program twice while it was being edited, and was left as that \
         program wrote it: close Claude Code, then run `claude-mem {command}` again",
        path.display()
    )
}

/// A byte order mark stays where it is; the parser knows none.
fn transform_marked(
    text: &str,
    transform: impl Fn(&str) -> Result<Installed>,
) -> Result<Installed> {
    let Some(rest) = text.strip_prefix(BYTE_ORDER_MARK) else {
        return transform(text);
    };
    let installed = transform(rest)?;
    Ok(Installed {
        text: format!("{BYTE_ORDER_MARK}{}", installed.text),
        ..installed
    })
}

/// The absolute directory of the executables, after seeing that they are all there.
fn executables(hooks_dir: &Path) -> Result<String> {
    let hooks_dir = std::path::absolute(hooks_dir)
        .with_context(|| format!("failed to find {}", hooks_dir.display()))?;
    let missing: Vec<&str> = Executable::ALL
        .iter()
        .map(|executable| executable.file_name())
        .filter(|name| {
            !std::fs::metadata(hooks_dir.join(name)).is_ok_and(|metadata| {
                metadata.is_file() && metadata.permissions().mode() & 0o111 != 0
            })
        })
        .collect();
    if !missing.is_empty() {
        bail!(
            "{} has no executable {}: build or unpack claude-mem completely, then install again",
            hooks_dir.display(),
            missing.join(", ")
        );
    }
    match hooks_dir.to_str() {
        Some(text) => Ok(text.to_owned()),
        None => bail!(
            "{} is not UTF-8, and Claude Code's settings can hold nothing else: install from \
             another directory",
            hooks_dir.display()
        ),
    }
}
